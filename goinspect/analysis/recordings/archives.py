"""The tar archive that `perf archive` makes of the binaries of a recording.

Its members are those of perf's cache: ``PATH/BUILDID/elf`` (``vdso``, ``kallsyms``, ``debug``), before perf 4.2
``PATH/BUILDID``, and links ``.build-id/xx/yyyy…`` to them.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import weakref
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from goinspect._paths import is_regular
from goinspect.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Archive", "is_archive"]

_MAGICS = (b"BZh", b"\x1f\x8b", b"\xfd7zXZ")
_NAMES = ("elf", "vdso", "kallsyms", "debug")
_MOST_MEMBERS = 200_000
_MOST_BYTES = 8 << 30  # of the archive, unpacked
_PIECE = 1 << 20


def is_archive(path: str) -> bool:
    """Is this a tar archive, compressed or not?"""
    try:
        if not is_regular(path):  # a FIFO without a writer must not hang us
            return False
        with Path(path).open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return head.startswith(_MAGICS) or head[257:262] == b"ustar"


class Archive:
    """The members of an archive that belong to `build_ids`, unpacked into a directory that goes with the object.

    Raises:
        FileError: it cannot be read, or is no tar archive.
    """

    def __init__(self, path: str, build_ids: Collection[str]) -> None:
        self.path = path
        self._wanted = frozenset(build_ids)
        self._files: dict[tuple[str, str], Path] = {}
        self._directory = Path(tempfile.mkdtemp(prefix="goinspect-"))
        weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        try:
            with Path(path).open("rb") as raw, tarfile.open(fileobj=raw, mode="r|*") as tar:
                self._unpack(tar)
        except (OSError, EOFError, ValueError, tarfile.TarError) as error:
            if not self._files:
                what = getattr(error, "strerror", None) or error
                raise FileError(f"cannot be read as a tar archive: {what}", path=path) from None

    def file(self, build_id: str, name: str) -> Path | None:
        """The member of a build ID: "elf", "vdso", "kallsyms" or "debug"."""
        return self._files.get((build_id, name))

    def _unpack(self, tar: tarfile.TarFile) -> None:
        left = _MOST_BYTES
        for number, member in enumerate(tar):
            left -= max(0, member.size)
            if number >= _MOST_MEMBERS or left < 0:
                return
            key = self._key(PurePosixPath(member.name))
            if not member.isreg() or key is None or key in self._files:
                continue
            source = tar.extractfile(member)
            if source is not None:
                self._files[key] = self._copy(source)

    def _key(self, name: PurePosixPath) -> tuple[str, str] | None:
        if name.name in self._wanted:
            return name.name, "elf"
        build_id = name.parent.name
        return (build_id, name.name) if name.name in _NAMES and build_id in self._wanted else None

    def _copy(self, source: IO[bytes]) -> Path:
        """Under a name of our own: those in the archive may lead anywhere."""
        path = self._directory / str(len(self._files))
        with path.open("wb") as target:
            shutil.copyfileobj(source, target, _PIECE)
        return path
