"""Which file on this machine is the one a recording mapped."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from goinspect.binary import Binary
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.model import Mapping

__all__ = ["BinaryFinder", "mapped_name"]

_DELETED = " (deleted)"
_NO_FILE = ("[", "//", "/memfd:", "/SYSV", "anon_inode:", "/anon_hugepage", "/dev/")


def mapped_name(path: str) -> str:
    """The path a mapping names, without the kernel's " (deleted)"."""
    return path.removesuffix(_DELETED)


class BinaryFinder:
    """Finds and opens the binaries of a recording; each only once.

    Looked at, in this order: the files given with ``--binary`` (same build ID, else same base name), the recorded
    path under ``--symfs``, the recorded path, the recording's own directory. A file whose build ID is known to be
    another one is never used silently: given by hand it is used with a warning, found by itself it is not used.
    """

    def __init__(
        self, given: Sequence[str] = (), *, symfs: str | None = None, near: str | None = None
    ) -> None:
        self._given = [Binary(path) for path in given]
        self._used = dict.fromkeys(given, False)
        self._symfs = symfs
        self._near = near
        self._known: dict[tuple[str, str], Binary | None] = {}
        self.warnings: list[str] = []
        self.missing: dict[str, None] = {}

    def find(self, mapping: Mapping) -> Binary | None:
        """The binary behind `mapping`; None when there is no such file, or none to be trusted."""
        path = mapped_name(mapping.path)
        if path.startswith(_NO_FILE):
            return None
        key = (path, mapping.build_id)
        if key not in self._known:
            self._known[key] = self._search(path, mapping.build_id)
        return self._known[key]

    def unused(self) -> list[str]:
        """Files given by hand that no mapping of the recording asked for."""
        return [path for path, used in self._used.items() if not used]

    def _search(self, path: str, build_id: str) -> Binary | None:
        given = self._from_given(path, build_id)
        if given is not None:
            return given
        refused = ""
        for candidate in self._candidates(path):
            try:
                binary = Binary(candidate)
            except GoinspectError as error:
                refused = refused or (error.message if candidate.exists() else "")
                continue
            other = binary.image.build_id()
            if build_id and other and other != build_id:
                refused = f"{candidate} has build ID {other[:16]}…, the recorded one has {build_id[:16]}…"
                continue
            return binary
        self.missing[path] = None
        if refused:
            self.warnings.append(f"{path}: not used: {refused} (force it with --binary)")
        return None

    def _from_given(self, path: str, build_id: str) -> Binary | None:
        base = PurePosixPath(path).name
        same_id = [b for b in self._given if build_id and b.image.build_id() == build_id]
        same_name = [b for b in self._given if PurePosixPath(b.path).name == base]
        for binary in (*same_id, *same_name):
            self._used[binary.path] = True
            other = binary.image.build_id()
            if build_id and other and other != build_id:
                self.warnings.append(
                    f"{binary.path} has another build ID than the recorded {path}: names may be wrong"
                )
            return binary
        return None

    def _candidates(self, path: str) -> Iterator[Path]:
        if self._symfs is not None:
            yield Path(self._symfs) / path.lstrip("/")
        yield Path(path)
        if self._near is not None:
            yield Path(self._near) / PurePosixPath(path).name
