"""What each mapping is: by its path, by the file behind it, by the names that Go gives, else by address and size.

Go ≥ 1.25 names its memory where the kernel can (``[anon: Go: heap]``, Linux ≥ 5.17 with CONFIG_ANON_VMA_NAME). Without
names, what is concluded is marked as a guess. Sources: proc(5), src/runtime/{malloc,mpagealloc_64bit,set_vma_name_linux}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect._words import counted
from goinspect.analysis.processes.arenas import arenas_of
from goinspect.analysis.processes.images import MEMFD, holds
from goinspect.analysis.processes.procfs import DELETED
from goinspect.results.processes.maps import MappingRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goinspect.analysis.processes.images import Opened
    from goinspect.profiles.procmaps import Raw

__all__ = ["classify"]

_NAMED = {
    "[heap]": ("heap", "heap of C (brk)"),
    "[stack]": ("stack", "stack of the first thread"),
    "[vdso]": ("vdso", "code that the kernel lends to every process (vDSO)"),
    "[vsyscall]": ("vdso", "page for calls of old programs (vsyscall)"),
    "[vvar]": ("kernel data", "data that the vDSO reads"),
    "[vvar_vclock]": ("kernel data", "clocks that the vDSO reads"),
    "[uprobes]": ("kernel data", "instructions that uprobes replaced"),
    "[vectors]": ("vdso", "exception vectors"),
    "[sigpage]": ("vdso", "code that returns from signals"),
}
_GO, _ANON, _SHMEM = "[anon: Go: ", "[anon:", "[anon_shmem:"
_SHARED = ("/dev/shm/", "/dev/zero", "/SYSV", "//anon", "/i915", "/drm")  # noqa: S108  # as the kernel names mappings
_GUARD = 1 << 16  # bytes, at most
_STACK = (1 << 16, 1 << 26)  # bytes of a thread's stack


class _Is(NamedTuple):
    kind: str
    what: str
    guess: bool = False
    image: int | None = None
    segment: int | None = None
    vaddr: int | None = None


def classify(
    rows: Sequence[Raw], opened: Mapping[tuple[str, str, int], Opened], *, go: bool, stacks: Mapping[int, int]
) -> list[MappingRow]:
    """Each mapping with what it is.

    Args:
        rows: in order of address.
        opened: files with code.
        go: the program is one of Go.
        stacks: where the stacks of threads end, by TID.
    """
    numbers = {key: number for number, key in enumerate(opened)}
    files = [*opened.values()]
    libc = any(one.image.path.rpartition("/")[2].startswith(("libc.", "libc-", "ld-musl")) for one in files)
    arenas = arenas_of(rows)
    held = _held(rows, stacks)
    found: list[MappingRow] = []
    before: MappingRow | None = None
    for index, row in enumerate(rows):
        number = numbers.get((row.path, row.device, row.inode)) if row.path else None
        if number is not None:
            is_ = _of_file(row, files[number], number)
        elif row.path:
            is_ = _by_path(row)
        else:
            after = rows[index + 1] if index + 1 < len(rows) else None
            bss = _bss(row, before, files) if before is not None and before.end == row.start else None
            heap = _heap(row, go=go and index in arenas.go, malloc=libc and index in arenas.malloc)
            is_ = bss or heap or _anonymous(row, before, after, go=go, libc=libc)
        if index in held:
            is_ = _with_stacks(is_, held[index])
        before = MappingRow(*row, *is_)
        found.append(before)
    return found


def _of_file(row: Raw, file: Opened, number: int) -> _Is:
    name = row.path.removesuffix(DELETED).rpartition("/")[2]
    language = (
        f"Go, {file.image.facts.go_version}"
        if file.image.facts.go_version
        else "Go"
        if file.image.facts.go
        else ""
    )
    of = f"{name} ({language})" if language else name
    if row.permissions[:3] == "---":
        return _Is("reserved", f"gap between segments of {name}", image=number)
    kind = "code" if "x" in row.permissions else "data" if row.permissions[1] == "w" else "read-only data"
    segment = _segment(row, file)
    if segment is None:
        return _Is(kind, f"{kind} of {of}", image=number)
    part = file.segments[segment]
    vaddr = (row.offset - part.file_offset + part.vaddr) % (1 << 64)
    last = _last_segment(segment, row.offset + row.end - row.start, file)
    which = f"segment {segment}" if last == segment else f"segments {segment} to {last}"
    return _Is(kind, f"{kind} of {of}, {which}", image=number, segment=segment, vaddr=vaddr)


def _segment(row: Raw, file: Opened) -> int | None:
    """The PT_LOAD that a mapping is of: of several, the one that its address and its permissions fit."""
    wanted = [number for number, segment in enumerate(file.segments) if holds(segment, row.offset)]
    bias = file.image.bias

    def fits(number: int) -> tuple[bool, bool, bool]:
        segment = file.segments[number]
        there = row.start - row.offset - (segment.vaddr - segment.file_offset)
        return (
            bias is not None and there == bias,
            segment.executable == ("x" in row.permissions),
            segment.writable or row.permissions[1] != "w",
        )

    return max(wanted, key=fits, default=None)


def _last_segment(first: int, end: int, file: Opened) -> int:
    """The kernel joins mappings whose permissions became the same: the last segment with bytes before `end`."""
    part = file.segments[first]
    delta = part.vaddr - part.file_offset
    more = (
        number
        for number, segment in enumerate(file.segments)
        if part.file_offset < segment.file_offset < end
        and segment.vaddr - segment.file_offset == delta
        and segment.file_size
    )
    return max(more, default=first)


def _by_path(row: Raw) -> _Is:
    path = row.path
    if path in _NAMED:
        return _Is(*_NAMED[path])
    if path.startswith(_GO):
        name = path.removeprefix(_GO).removesuffix("]")
        return _Is(
            "Go heap" if name.startswith("heap") and "index" not in name else "Go runtime", f"Go: {name}"
        )
    if path.startswith("[stack:"):
        return _Is("thread stack", f"stack of thread {path[7:-1]}")
    if path.startswith("/anon_hugepage"):
        return _Is("huge pages", "memory in huge pages")
    if path.startswith((_SHMEM, *_SHARED)) or (path.startswith(MEMFD) and "x" not in row.permissions):
        return _Is("shared memory", "memory shared with other processes")
    if "x" in row.permissions:
        known = path.startswith("/")
        return _Is(
            "code" if known else "jit",
            f"code of {path.rpartition('/')[2]}" if known else "code made at run time",
        )
    if path.startswith(_ANON):
        return _Is(
            "anonymous", f"memory that the program calls {path.removeprefix(_ANON).removesuffix(']').strip()}"
        )
    if path.startswith(("/dev/", "anon_inode:")):
        return _Is("device", f"memory of {path}")
    if path.startswith("/"):
        return _Is("file", f"file {path.removesuffix(DELETED).rpartition('/')[2]}")
    return _Is("kernel data" if path.startswith("[") else "file", path)


def _heap(row: Raw, *, go: bool, malloc: bool) -> _Is | None:
    """A part of an arena."""
    used = row.permissions[1] == "w"
    if go:
        what = "Go heap arena: objects and goroutine stacks" if used else "reserved for the Go heap"
        return _Is("Go heap", what, guess=True)
    if malloc:
        return _Is("heap", f"{'' if used else 'reserved for the '}heap of C for threads (malloc)", guess=True)
    return None


def _anonymous(row: Raw, before: MappingRow | None, after: Raw | None, *, go: bool, libc: bool) -> _Is:
    reserved = row.permissions[:3] == "---"
    if "x" in row.permissions:
        return _Is("jit", "code made at run time (JIT)", guess=True)
    size = row.end - row.start
    if reserved:
        if size <= _GUARD and after is not None and after.start == row.end and after.permissions[1] == "w":
            return _Is("guard", "guard page: what runs out of the memory above it ends here", guess=True)
        return _Is(
            "reserved", "reserved by the Go runtime" if go and not libc else "reserved", guess=go and not libc
        )
    if (
        before is not None
        and before.kind == "guard"
        and before.end == row.start
        and libc
        and _STACK[0] <= size <= _STACK[1]
    ):
        return _Is("thread stack", "stack of a thread, behind a guard page", guess=True)
    if go and not libc:
        return _Is("Go runtime", "bookkeeping of the Go runtime", guess=True)
    return _Is("anonymous", "memory of the program")


def _bss(row: Raw, before: MappingRow, files: Sequence[Opened]) -> _Is | None:
    """Variables that the file has no bytes for: they lie behind its data, as far as the segment reaches."""
    if before.image is None or before.segment is None or before.vaddr is None or row.permissions[:2] != "rw":
        return None
    vaddr = before.vaddr + before.size
    segments = files[before.image].segments
    number = next((n for n, one in enumerate(segments) if one.vaddr < vaddr < one.vaddr + one.mem_size), None)
    if number is None:
        return None
    name = files[before.image].image.path.removesuffix(DELETED).rpartition("/")[2]
    return _Is("bss", f"zeroed variables (bss) of {name}", image=before.image, segment=number, vaddr=vaddr)


def _held(rows: Sequence[Raw], stacks: Mapping[int, int]) -> dict[int, list[int]]:
    """The threads whose stacks lie in each mapping."""
    from bisect import bisect_right

    starts = [row.start for row in rows]
    found: dict[int, list[int]] = {}
    for tid, pointer in stacks.items():
        index = bisect_right(starts, pointer) - 1
        if index >= 0 and pointer < rows[index].end:
            found.setdefault(index, []).append(tid)
    return found


def _with_stacks(is_: _Is, tids: Sequence[int]) -> _Is:
    if is_.kind in ("anonymous", "Go runtime", "thread stack"):
        which = ", ".join(map(str, tids[:4])) + (" …" if len(tids) > 4 else "")
        return _Is("thread stack", f"stack of thread {which}")
    if is_.kind == "stack":
        return is_
    return is_._replace(what=f"{is_.what}; {counted(len(tids), 'thread')} on stacks in it")
