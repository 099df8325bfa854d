"""Which file on this machine is the one a recording mapped."""

from __future__ import annotations

import itertools
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from goinspect._paths import exists, is_regular
from goinspect._words import counted
from goinspect.analysis.recordings.archives import Archive, is_archive
from goinspect.analysis.recordings.callsites import Agreement
from goinspect.analysis.recordings.machine import this_machine
from goinspect.analysis.recordings.places import DELETED, Places, mapped_name
from goinspect.analysis.recordings.vdso import own_vdso
from goinspect.binary import Binary
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from goinspect.analysis.recordings.machine import Machine
    from goinspect.binary import NativeSymbols
    from goinspect.model import Mapping

    Check = Callable[[Binary], Agreement]

__all__ = ["BinaryFinder", "mapped_name"]

_NO_FILE = ("[", "//", "/memfd:", "/SYSV", "anon_inode:", "/anon_hugepage", "/dev/")
_VDSO = "[vdso]"
_STRANGER = (
    "recorded on another machine without a build ID, and too little says that it is the same file here"
)


class _Candidate(NamedTuple):
    path: Path
    as_recorded: bool  # at the very path that was recorded: after " (deleted)" that is another file


class BinaryFinder:
    """Finds and opens the binaries of a recording; each only once.

    Looked at, in this order: the files given with ``--binary`` (same build ID, else same base name), the recorded
    path under ``--symfs``, the recorded path, the recording's own directory, perf's cache, the living process, the
    archives of `perf archive`. A file whose build ID is known to be another one is never used silently: given by hand
    it is used with a warning, found by itself it is not used. A file with the build ID that was told with the mapping
    is the one. A build ID in the table at the end of a recording was read when the program had run, perhaps from a file
    that took its place: return addresses in Go functions, which are sure, may speak against it. Where no build ID was
    recorded, the return addresses of the recording have to follow calls in it.

    Args:
        given: files of ``--binary``: executables and archives.
        symfs: a copy of the recorded machine's file system.
        near: the recording's own directory.
        archive: of `perf archive`; need not exist.
        same_machine: processes of this machine may be the recorded ones.
        build_ids: all that were recorded: what is taken from archives.
        same_kernel: does the recorded kernel run here?
        machine: where all this is looked for; the one that goinspect runs on unless given.
    """

    def __init__(
        self,
        given: Sequence[str] = (),
        *,
        symfs: str | None = None,
        near: str | None = None,
        archive: str | None = None,
        same_machine: bool = False,
        build_ids: Collection[str] = (),
        same_kernel: Callable[[], bool] = lambda: False,
        machine: Machine | None = None,
    ) -> None:
        archives = [path for path in given if is_archive(path)]
        self._given = [Binary(path) for path in given if path not in archives]
        self._used = dict.fromkeys((binary.path for binary in self._given), False)
        self.places = Places(machine or this_machine(), symfs, near, same_machine)
        self._build_ids = frozenset(build_ids) - {""}
        self._archives = [Archive(path, self._build_ids) for path in archives]
        self._beside = archive
        self._same_kernel = same_kernel
        self._known: dict[tuple[str, str, int], Binary | None] = {}
        self._unchecked: set[tuple[str, str, int]] = set()
        self._strangers = ""
        self._stranger_paths: dict[str, None] = {}
        self._natives: dict[str, NativeSymbols] = {}
        self.warnings: list[str] = []
        self.missing: dict[str, None] = {}  # paths of which no file was found
        self.refused: dict[
            str, None
        ] = {}  # paths of which one was found that is not, or may not be, the one that ran

    def find(self, mapping: Mapping, check: Check | None = None) -> Binary | None:
        """The binary behind `mapping`; None when there is no such file, or none to be trusted.

        Args:
            mapping: what was mapped.
            check: how far the return addresses of the recording fit a file.
        """
        path = mapped_name(mapping.path)
        if path.startswith(_NO_FILE) and not (mapping.build_id or path == _VDSO):
            return None
        key = (path, mapping.build_id, -1 if mapping.identified else 0 if mapping.build_id else mapping.inode)
        if key not in self._known or (check is not None and key in self._unchecked):
            found = self._find_vdso(mapping) if path == _VDSO else self._search(mapping, path, check)
            self._known[key] = found
            (self._unchecked.add if check is None else self._unchecked.discard)(key)
        return self._known[key]

    def unused(self) -> list[str]:
        """Files given by hand that no mapping of the recording asked for."""
        return [path for path, used in self._used.items() if not used]

    def native(self, binary: Binary) -> NativeSymbols:
        """The functions of the symbol tables of a file; of its separate symbols where it has none itself."""
        if binary.path not in self._natives:
            self._natives[binary.path] = self._symbols_of(binary)
        return self._natives[binary.path]

    def kallsyms(self, build_id: str) -> Path | None:
        """The symbols of the kernel with this build ID, as perf keeps them."""
        for path in self.places.cached(build_id, "kallsyms"):
            if is_regular(path):
                return path
        return self._archived(build_id, "kallsyms")

    def _search(self, mapping: Mapping, path: str, check: Check | None) -> Binary | None:
        given = self._from_given(path, mapping.build_id, check)
        if given is not None:
            return given
        refused = ""
        for candidate in self._candidates(mapping, path):
            try:
                binary = Binary(candidate.path)
                reason = self._doubt(binary, mapping, candidate, check)
            except GoinspectError as error:
                refused = refused or (error.message if exists(candidate.path) else "")
                continue
            if not reason:
                return binary
            refused = refused or f"{candidate.path} {reason}"
        if not path.startswith(_NO_FILE):
            (self.refused if refused else self.missing)[path] = None
        if refused.endswith(_STRANGER):
            self._tell_stranger(path)
        elif refused:
            self._warn(f"{path}: not used: {refused} (force it with --binary)")
        return None

    def _candidates(self, mapping: Mapping, path: str) -> Iterator[_Candidate]:
        for place in self.places.of_file(mapping):
            yield _Candidate(place, place == self.places.machine.path(path))
        archived = self._archived(mapping.build_id, "elf")
        if archived is not None:
            yield _Candidate(archived, as_recorded=False)

    def _doubt(self, binary: Binary, mapping: Mapping, candidate: _Candidate, check: Check | None) -> str:
        """Why the file is not the one that ran; "" when it is."""
        other = binary.image.build_id()
        if mapping.build_id and other != mapping.build_id:
            have = f"has build ID {other[:16]}…" if other else "has no build ID"
            return f"{have}, the recorded one has {mapping.build_id[:16]}…"
        if mapping.identified:
            return ""
        agreement = check(binary) if check else Agreement()
        if mapping.build_id:  # perf may have read it from a file that took the place of the one that ran
            return f"has the recorded build ID, but {agreement}" if agreement.contradicts else ""
        if not agreement.holds and (agreement.contradicts or not _is_the_same(candidate, mapping)):
            return f"is another file than the recorded one: {agreement}"
        if agreement.suggests or not candidate.as_recorded:
            return ""
        if mapping.path.endswith(DELETED):
            return "took the place of the recorded one, which was deleted"
        if not self.places.same_machine:
            return _STRANGER
        return ""

    def _from_given(self, path: str, build_id: str, check: Check | None) -> Binary | None:
        base = PurePosixPath(path).name
        same_id = [b for b in self._given if build_id and b.image.build_id() == build_id]
        same_name = [b for b in self._given if PurePosixPath(b.path).name == base]
        for binary in (*same_id, *same_name):
            self._used[binary.path] = True
            other = binary.image.build_id()
            if build_id and other == build_id:
                return binary
            agreement = check(binary) if check else Agreement()
            if build_id and other and agreement.proves:
                self._warn(
                    f"{binary.path} has another build ID than the recorded {path}, but every return address of the "
                    f"recording follows a call in it"
                )
            elif build_id and other:
                self._warn(f"{binary.path} has another build ID than the recorded {path}: names may be wrong")
            elif not agreement.holds:
                self._warn(
                    f"{binary.path} is another file than the recorded {path}: {agreement}: names may be wrong"
                )
            return binary
        return None

    def _tell_stranger(self, path: str) -> None:
        """One warning for all of them: libraries by the dozen are mapped, and few are hit."""
        if self._strangers in self.warnings:
            self.warnings.remove(self._strangers)
        self._stranger_paths[path] = None
        first, *others = self._stranger_paths
        more = f" and {counted(len(others), 'other')}" if others else ""
        self._strangers = f"{first}{more}: not used: {_STRANGER}"
        self.warnings.append(self._strangers)

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)

    def _find_vdso(self, mapping: Mapping) -> Binary | None:
        """By build ID; it belongs to a kernel, not to a path."""
        build_id = mapping.build_id
        if not build_id:
            return own_vdso(self.places.machine) if self._same_kernel() else None
        archived = self._archived(build_id, "vdso")
        for path in itertools.chain(self.places.cached(build_id, "vdso"), [archived] if archived else []):
            try:
                binary = Binary(path)
            except GoinspectError:
                continue
            if binary.image.build_id() == build_id:
                return binary
        own = own_vdso(self.places.machine)
        return own if own is not None and own.image.build_id() == build_id else None

    def _archived(self, build_id: str, name: str) -> Path | None:
        if not build_id:
            return None
        if self._beside is not None:
            beside, self._beside = self._beside, None
            if is_regular(beside):
                try:
                    self._archives.append(Archive(beside, self._build_ids))
                except GoinspectError as error:
                    self.warnings.append(f"{beside}: not used: {error.message}")
        found = (archive.file(build_id, name) for archive in self._archives)
        return next((path for path in found if path is not None), None)

    def _symbols_of(self, binary: Binary) -> NativeSymbols:
        image = binary.image
        build_id = image.build_id()
        if not build_id or any(table.name == ".symtab" for table in image.sections):
            return binary.native
        archived = self._archived(build_id, "debug")
        for path in itertools.chain(self.places.of_symbols(build_id), [archived] if archived else []):
            try:
                other = Binary(path)
                if other.image.build_id() == build_id and other.native.starts:
                    return other.native
            except GoinspectError:
                continue
        return binary.native


def _is_the_same(candidate: _Candidate, mapping: Mapping) -> bool:
    """Is it the very file that was mapped? One that is built anew has another inode, as a rule."""
    try:
        return candidate.as_recorded and mapping.inode != 0 and candidate.path.stat().st_ino == mapping.inode
    except OSError:
        return False
