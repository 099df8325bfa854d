"""Which files with code are mapped, where they are read from, and how far from their own addresses they lie."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.processes.procfs import DELETED
from goinspect.analysis.processes.programs import facts_of
from goinspect.binary import Binary
from goinspect.errors import GoinspectError
from goinspect.results.processes.maps import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goinspect.model import Segment
    from goinspect.profiles.procmaps import Raw

__all__ = ["MEMFD", "Files", "Opened", "open_images"]

MEMFD = "/memfd:"
_TOP = 1 << 64
_PAGE = 1 << 12
_MOST = 2000  # files that are opened
_ANOTHER = "another file is at its path now"
_NOT_KNOWN = "a file is at its path, and may be another one (--binary names it)"


class Opened(NamedTuple):
    """A file with code, and what is needed to place its mappings."""

    image: Image
    binary: Binary | None
    segments: Sequence[Segment]


class Files(NamedTuple):
    """Where files may be: of a process, below `directory` in /proc; given by hand; below `symfs`; at their paths."""

    directory: Path | None = None
    exe: str | None = None
    binaries: Sequence[str] = ()
    symfs: str | None = None
    first_pages: Mapping[str, bytes] = MappingProxyType({})  # that a core file holds

    def candidates(self, row: Raw, path: str) -> Iterator[tuple[str, bool]]:
        """Files that may be the one that is mapped there, and whether they are without a look at what they are."""
        name = path.rpartition("/")[2]
        yield from ((given, True) for given in self.binaries if Path(given).name == name)
        if self.directory is not None:
            if path == self.exe:
                yield str(self.directory / "exe"), True
            yield str(self.directory / "map_files" / f"{row.start:x}-{row.end:x}"), True
            yield f"{self.directory}/root{path}", False
        else:
            if self.symfs is not None:
                yield f"{self.symfs}{path}", True
            yield path, False


def open_images(rows: Sequence[Raw], files: Files, warnings: list[str]) -> dict[tuple[str, str, int], Opened]:
    """The files that have code mapped, by path, device and inode."""
    wanted: dict[tuple[str, str, int], list[Raw]] = {}
    for row in rows:
        if "x" in row.permissions and row.path.startswith("/") and not _is_anonymous(row):
            wanted.setdefault((row.path, row.device, row.inode), []).append(row)
    if len(wanted) > _MOST:
        warnings.append(f"only {_MOST:,} of {len(wanted):,} files with code are looked at")
    return {key: _open(mapped, files) for key, mapped in list(wanted.items())[:_MOST]}


def _is_anonymous(row: Raw) -> bool:
    return row.path.startswith(("//anon", "/anon_hugepage", "/dev/zero", "/SYSV"))


def _open(mapped: Sequence[Raw], files: Files) -> Opened:
    row = mapped[0]
    path = row.path.removesuffix(DELETED).replace("\\012", "\n")
    why_not = "no such file"
    for place, certain in files.candidates(row, path):
        try:
            status = Path(place).stat()
        except (OSError, ValueError) as error:
            if getattr(error, "errno", 0) not in (2, 20) and "map_files" not in place:
                why_not = getattr(error, "strerror", None) or str(error)
            continue
        page = files.first_pages.get(row.path)
        same = row.inode != 0 and status.st_ino == row.inode if page is None else _begins_with(place, page)
        if not certain and not same:
            why_not = _ANOTHER if files.directory is not None or page is not None else _NOT_KNOWN
            continue
        try:
            binary = Binary(place)
            return _described(row.path, binary, place, mapped=mapped, exe=path == files.exe)
        except (GoinspectError, OSError) as error:
            why_not = error.message if isinstance(error, GoinspectError) else error.strerror or str(error)
    return Opened(_unknown(row.path, why_not), None, ())


def _begins_with(place: str, page: bytes) -> bool:
    try:
        with Path(place).open("rb") as file:
            return file.read(len(page)) == page
    except OSError:
        return False


def _described(path: str, binary: Binary, place: str, *, mapped: Sequence[Raw], exe: bool) -> Opened:
    segments = binary.image.segments
    image = Image(path, place, "", _bias(mapped, segments), facts_of(binary, search=exe))
    return Opened(image, binary, segments)


def _unknown(path: str, why_not: str) -> Image:
    return Image(path, None, why_not, None)


def _bias(mapped: Sequence[Raw], segments: Sequence[Segment]) -> int | None:
    """How much higher the code lies than the file says."""
    for row in mapped:
        for segment in segments:
            if segment.executable and holds(segment, row.offset):
                return row.start - row.offset - (segment.vaddr - segment.file_offset)
    return None


def holds(segment: Segment, offset: int) -> bool:
    """Whether a page at `offset` of the file is mapped for this segment."""
    end = segment.file_offset + segment.file_size
    return segment.file_offset & -_PAGE <= offset < (end + _PAGE - 1) & -_PAGE
