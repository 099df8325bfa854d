"""Address spaces: which file is mapped where, in which process, at which time; and file offset → vaddr.

A pure model, fed with events in time order by whoever reads a recording or /proc. An *address space* is a small
number; a process has a list of *epochs*, each the time from which one space holds for it. A further mapping that
contradicts nothing is added to the current space, so that it also explains samples from before it was reported
(recorders that attach tell mappings late); only exec, fork and a mapping in place of another start an epoch.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.model import Mapping, Segment

__all__ = [
    "ANONYMOUS",
    "KERNEL_PID",
    "KERNEL_SPACE",
    "KERNEL_SYMBOL",
    "NO_SPACE",
    "AddressSpaces",
    "file_offset_to_vaddr",
    "vaddr_of",
]

KERNEL_PID = -1
KERNEL_SPACE = 0
NO_SPACE = 1  # maps nothing
KERNEL_SYMBOL = "[bpf]"  # path of code that the kernel made itself, before the name of its symbol
ANONYMOUS = ("//anon", "/anon_hugepage")  # paths of memory that is no file's

_TOP = 1 << 64
_PAGE = 1 << 12
_HUGE = 1 << 21
_COPY_BUDGET = 4_000_000  # mappings copied into new spaces before epochs are given up


class _Space:
    """Mappings that do not overlap, in address order."""

    __slots__ = ("ends", "id", "maps", "owners", "starts")

    def __init__(self, number: int, maps: Sequence[Mapping] = ()) -> None:
        self.id = number
        self.maps = list(maps)
        self.starts = [item.start for item in maps]
        self.ends = [item.end for item in maps]
        self.owners = 0

    def overlapped(self, start: int, end: int) -> slice:
        """The positions of the mappings that overlap [start, end)."""
        first = bisect_left(self.starts, start)
        if first and self.ends[first - 1] > start:
            first -= 1
        return slice(first, max(first, bisect_left(self.starts, end)))

    def insert(self, new: Mapping) -> None:
        """Map `new` over whatever was there; what sticks out on either side stays."""
        where = self.overlapped(new.start, new.end)
        pieces = [_as_text(new, self.maps[where]) if _is_huge(new) else new]
        for old in self.maps[where]:
            if old.start < new.start:
                pieces.insert(0, old._replace(end=new.start))
            if old.end > new.end:
                pieces.append(old._replace(start=new.end, pgoff=(old.pgoff + new.end - old.start) % _TOP))
        self.maps[where] = pieces
        self.starts[where] = [piece.start for piece in pieces]
        self.ends[where] = [piece.end for piece in pieces]
        for index in range(max(0, where.start - 1), min(where.start + len(pieces) + 1, len(self.maps))):
            if _is_huge(self.maps[index]):
                self.maps[index] = _between(self.maps[max(0, index - 1) : index + 2], self.maps[index])


def _is_huge(item: Mapping) -> bool:
    """Code in anonymous memory that is made of whole huge pages.

    Programs copy their own text there, to have it in huge pages, and map the copy in place of the file. No mapping
    of the file is left in that place, but what is there are still its bytes.
    """
    return item.executable and item.path.startswith(ANONYMOUS) and not (item.start | item.end) % _HUGE


def _as_text(new: Mapping, old: Sequence[Mapping]) -> Mapping:
    """Mapped over the text of one file and nothing else, `new` is that text."""
    covers = bool(old) and old[0].start <= new.start and new.end <= old[-1].end
    same = len({(item.path, item.inode, item.start - item.pgoff) for item in old}) == 1
    gaps = any(left.end != right.start for left, right in pairwise(old))
    if not covers or not same or gaps or old[0].path.startswith(ANONYMOUS) or not old[0].executable:
        return new
    return _copy_of(new, old[0])


def _between(around: Sequence[Mapping], item: Mapping) -> Mapping:
    """The text of a file when what follows is the rest of it, and what comes before is no other file's."""
    after = next((other for other in around if other.start == item.end), None)
    before = next((other for other in around if other.end == item.start), None)
    if after is None or not after.executable or after.path.startswith(("/anon_", "//", "[")):
        return item
    delta = after.start - after.pgoff
    if item.start < delta:
        return item
    if before is not None and before.path == after.path and before.start - before.pgoff != delta:
        return item
    return _copy_of(item, after)


def _copy_of(item: Mapping, text: Mapping) -> Mapping:
    pgoff = item.start - (text.start - text.pgoff)
    return item._replace(
        path=text.path, pgoff=pgoff, build_id=text.build_id, inode=text.inode, identified=text.identified
    )


class AddressSpaces:
    """Who had what mapped when. Call `mmap`, `exec`, `fork` and `exit` in time order, then ask.

    ``at`` is a time on any clock that does not run backwards. ``simplified`` tells that a recording with an absurd
    number of remappings was cut short: mappings late in it hold from the beginning.
    """

    def __init__(self) -> None:
        self._spaces = [_Space(KERNEL_SPACE), _Space(NO_SPACE)]
        self._epochs: dict[int, list[tuple[int, int]]] = {}
        self._execs: dict[int, int] = {}  # process → time of an exec after which it has mapped nothing yet
        self._budget = _COPY_BUDGET
        self._index: _Index | None = None

    @property
    def simplified(self) -> bool:
        """Were remappings left out of the history?"""
        return self._budget <= 0

    def mmap(self, mapping: Mapping, at: int = 0) -> None:
        """Map a file into the process ``mapping.pid`` (KERNEL_PID: the kernel, shared by all)."""
        if not 0 <= mapping.start < min(mapping.end, _TOP):
            return
        self._index = None
        if mapping.end > _TOP:
            mapping = mapping._replace(end=_TOP)
        if mapping.pid == KERNEL_PID:
            self._mmap_kernel(mapping, at)
            return
        if self._execs.pop(mapping.pid, None) is not None:
            self._begin(mapping.pid, at)
        space = self._current(mapping.pid)
        conflict = any(
            _contradicts(old, mapping) for old in space.maps[space.overlapped(mapping.start, mapping.end)]
        )
        if space.owners > 1 or (conflict and self._budget > 0):
            space = self._begin(mapping.pid, at, space.maps)
        space.insert(mapping)

    def _mmap_kernel(self, mapping: Mapping, at: int) -> None:
        """The kernel has one space, and further ones from when other code is made where such code was."""
        space = self._current(KERNEL_PID) if KERNEL_PID in self._epochs else self._spaces[KERNEL_SPACE]
        if mapping.path.startswith(KERNEL_SYMBOL) and self._budget > 0:
            there = space.maps[space.overlapped(mapping.start, mapping.end)]
            if any(old.path.startswith(KERNEL_SYMBOL) and old.path != mapping.path for old in there):
                if KERNEL_PID not in self._epochs:
                    self._enter(KERNEL_PID, 0, space)
                space = self._begin(KERNEL_PID, at, space.maps)
        space.insert(mapping)

    def exec(self, pid: int, at: int = 0) -> None:
        """The process replaces its program: nothing stays mapped.

        Until the new program is mapped, the kernel is still inside execve(2) and the user PC that it records is the
        one of that call in the old program. So the new epoch starts with the first mapping; at once if none follows.
        """
        self._settle(pid)
        self._index = None
        self._execs[pid] = at

    def fork(self, pid: int, parent: int, at: int = 0) -> None:
        """A new process shares its parent's space until either changes its own."""
        self._settle(parent)
        self._settle(pid)
        if parent not in self._epochs:
            if pid in self._epochs:  # a reused pid
                self._begin(pid, at)
            return
        self._enter(pid, at, self._current(parent))

    def exit(self, pid: int) -> None:
        """The process no longer shares its space; late samples of it still find it."""
        if pid in self._epochs:
            self._current(pid).owners -= 1

    def space_of(self, pids: NDArray[np.int32], times: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The space of each process at each time. What is known first holds from the beginning."""
        return self._indexed().space_of(pids, times)

    def kernel_space_of(self, times: NDArray[np.uint64]) -> NDArray[np.int32] | None:
        """The space of the kernel at each time; None where it is KERNEL_SPACE at all times."""
        import numpy as np

        if KERNEL_PID not in self._epochs:
            return None
        return self.space_of(np.full(len(times), KERNEL_PID, dtype=np.int32), times)

    def resolve(
        self, spaces: NDArray[np.int32], runtime_addrs: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """The row in `mappings` of each address (-1: not mapped) and its file offset there (0 where not mapped)."""
        return self._indexed().resolve(spaces, runtime_addrs)

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """Every mapping of every space, as `resolve` numbers them."""
        return self._indexed().mappings

    def _settle(self, pid: int) -> None:
        """An exec that no mapping followed takes effect."""
        at = self._execs.pop(pid, None)
        if at is not None:
            self._begin(pid, at)

    def _current(self, pid: int) -> _Space:
        epochs = self._epochs.get(pid)
        return self._spaces[epochs[-1][1]] if epochs else self._begin(pid, 0)

    def _begin(self, pid: int, at: int, maps: Sequence[Mapping] = ()) -> _Space:
        """A new space for a process, starting with these mappings."""
        space = _Space(len(self._spaces), maps)
        self._budget -= len(maps)
        self._spaces.append(space)
        self._enter(pid, at, space)
        return space

    def _enter(self, pid: int, at: int, space: _Space) -> None:
        self._index = None
        space.owners += 1
        epochs = self._epochs.setdefault(pid, [])
        if epochs:
            self._spaces[epochs[-1][1]].owners -= 1
        epochs.append((at, space.id))

    def _indexed(self) -> _Index:
        if self._index is None:
            for pid in list(self._execs):
                self._settle(pid)
            self._index = _Index(self._spaces, self._epochs)
        return self._index


def _contradicts(old: Mapping, new: Mapping) -> bool:
    """Does a code address that `old` explains mean something else under `new`?"""
    if not old.executable:
        return False
    same_file = old.path == new.path and (
        old.start - old.pgoff == new.start - new.pgoff or old.path.startswith("//")
    )
    return not same_file


class _Index:
    """The spaces as arrays, for whole columns of questions.

    A pair (process, time) or (space, address) becomes one number: the first in the upper half, the rank of the
    second among all that occur in the lower half. One binary search then answers.
    """

    def __init__(self, spaces: Sequence[_Space], epochs: dict[int, list[tuple[int, int]]]) -> None:
        import numpy as np

        from goinspect._ragged import distinct

        self._build_epochs(epochs)
        rows: dict[int, int] = {}
        mappings: list[Mapping] = []
        for space in spaces:
            for item in space.maps:
                if id(item) not in rows:  # copies of a space share their mappings
                    rows[id(item)] = len(mappings)
                    mappings.append(item)
        self.mappings = tuple(mappings)
        row_of = [rows[id(item)] for space in spaces for item in space.maps]
        owner = np.repeat(
            np.arange(len(spaces), dtype=np.int64),
            np.array([len(space.maps) for space in spaces], dtype=np.int64),
        )
        self._rows = np.array(row_of, dtype=np.int32)
        self._start = np.array([item.start for item in mappings], dtype=np.uint64)
        self._last = np.array([item.end - 1 for item in mappings], dtype=np.uint64)
        self._pgoff = np.array([item.pgoff % _TOP for item in mappings], dtype=np.uint64)
        self._ranked_starts = distinct(self._start)
        self._keys = _pair(owner, self._ranked_starts, self._start[self._rows])

    def _build_epochs(self, epochs: dict[int, list[tuple[int, int]]]) -> None:
        import numpy as np

        from goinspect._ragged import distinct

        rows = [
            (pid & 0xFFFF_FFFF, at if number else 0, space)
            for pid in sorted(epochs, key=lambda pid: pid & 0xFFFF_FFFF)
            for number, (at, space) in enumerate(epochs[pid])
        ]
        pids = np.array([row[0] for row in rows], dtype=np.int64)
        times = np.array([row[1] for row in rows], dtype=np.uint64)
        self._epoch_pid = pids
        self._epoch_space = np.array([row[2] for row in rows], dtype=np.int32)
        self._ranked_times = distinct(times)
        self._epoch_keys = _pair(pids, self._ranked_times, times)

    def space_of(self, pids: NDArray[np.int32], times: NDArray[np.uint64]) -> NDArray[np.int32]:
        import numpy as np

        if not len(self._epoch_keys):
            return np.full(len(pids), NO_SPACE, dtype=np.int32)
        owner = pids.astype(np.int64) & 0xFFFF_FFFF
        found = np.searchsorted(self._epoch_keys, _pair(owner, self._ranked_times, times), side="right") - 1
        known = (found >= 0) & (self._epoch_pid[found] == owner)
        return np.where(known, self._epoch_space[found], np.int32(NO_SPACE)).astype(np.int32)

    def resolve(
        self, spaces: NDArray[np.int32], runtime_addrs: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        import numpy as np

        if not len(self._keys):
            return np.full(len(spaces), -1, dtype=np.int32), np.zeros(len(spaces), dtype=np.uint64)
        owner = spaces.astype(np.int64)
        found = (
            np.searchsorted(self._keys, _pair(owner, self._ranked_starts, runtime_addrs), side="right") - 1
        )
        rows = self._rows[found]
        mapped = (found >= 0) & (self._keys[found] >> 32 == owner) & (runtime_addrs <= self._last[rows])
        offsets = runtime_addrs - self._start[rows] + self._pgoff[rows]
        return np.where(mapped, rows, np.int32(-1)), np.where(mapped, offsets, np.uint64(0))


def _pair(
    upper: NDArray[np.int64], ranked: NDArray[np.uint64], values: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """(upper, how many of `ranked` are not above the value) as one number that sorts like the pair."""
    import numpy as np

    return upper << 32 | np.searchsorted(ranked, values, side="right")


def vaddr_of(file_offset: int, segments: Sequence[Segment]) -> int | None:
    """The address that the file itself uses for a byte of it; None when no segment loads that byte."""
    for part in _parts(segments):
        first, end, delta = part
        if first <= file_offset < end:
            return (file_offset + delta) % _TOP
    return None


def file_offset_to_vaddr(
    segments: Sequence[Segment], file_offsets: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """`vaddr_of` for many offsets: the vaddrs (0 where there is none) and where there is one."""
    import numpy as np

    vaddrs = np.zeros(len(file_offsets), dtype=np.uint64)
    known = np.zeros(len(file_offsets), dtype=np.bool_)
    for first, end, delta in _parts(segments):
        here = ~known & (file_offsets >= np.uint64(first)) & (file_offsets <= np.uint64(end - 1))
        vaddrs[here] = file_offsets[here] + np.uint64(delta % _TOP)
        known |= here
    return vaddrs, known


def _parts(segments: Sequence[Segment]) -> list[tuple[int, int, int]]:
    """(first file offset, end, vaddr minus file offset), best first.

    Executable segments by what the file holds of them; then the others; then what is only in memory; then the rest
    of the page before a segment, which is mapped along with it.
    """
    in_file = [(seg.file_offset, seg.file_offset + seg.file_size, seg) for seg in segments]
    in_memory = [(seg.file_offset, seg.file_offset + seg.mem_size, seg) for seg in segments]
    rounded = [(seg.file_offset & -_PAGE, seg.file_offset, seg) for seg in segments if seg.file_size]
    ordered = sorted(in_file, key=lambda part: not part[2].executable) + in_memory + rounded
    return [
        (first, min(end, _TOP), seg.vaddr - seg.file_offset)
        for first, end, seg in ordered
        if 0 <= first < min(end, _TOP)
    ]
