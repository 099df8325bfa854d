"""Registers and copies of stacks in samples (``perf record --call-graph dwarf``): where they are, nothing is copied.

Facts (``perf_output_sample()`` in kernel/events/core.c): behind the call chain come RAW (u32 size and bytes), the branch
stack (count, an index if asked for, three words each, a counter each if asked for), the user's registers (u64 abi; if
it is not 0, those of attr.sample_regs_user in ascending order) and the user's stack from SP on (u64 size; if it is not
0, that many bytes and a u64: how many of them are valid). Register numbers: arch/{x86,arm64}/include/uapi/asm/perf_regs.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect.profiles.perfdata.columns import samples_at_once
from goinspect.profiles.perfdata.container.source import record_words
from goinspect.profiles.userstacks import UserStacks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.maps import AddressSpaces
    from goinspect.profiles.perfdata.attr import DumpLayout, SampleLayout
    from goinspect.profiles.perfdata.columns import SampleIndex
    from goinspect.profiles.perfdata.container.source import Words
    from goinspect.profiles.perfdata.events import EventTable

__all__ = ["read_links", "read_user_stacks"]

_ABI_64 = 2


class _Numbers(NamedTuple):
    """perf's numbers of the registers that matter."""

    pc: int
    sp: int
    fp: int
    lr: int | None


_ARCHES: Final = {"amd64": _Numbers(8, 7, 6, None), "arm64": _Numbers(32, 31, 29, 30)}
_MACHINES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def read_user_stacks(
    words: Words, index: SampleIndex, events: EventTable, spaces: AddressSpaces, machine: str,
    pids: NDArray[np.int32], clock: NDArray[np.uint64],
) -> UserStacks | None:  # fmt: skip
    """The copies of all samples that have one; None where no event asked for them.

    Args:
        words: of the recording.
        index: its samples.
        events: what was recorded.
        spaces: who had what mapped.
        machine: as uname tells it; "" where the recording does not say.
        pids: process of each sample.
        clock: what decides which mappings hold for each sample.
    """
    dumps = [layout.dump for layout in events.layouts if layout.dump is not None and layout.dump.stack]
    arch = _arch(machine, dumps)
    if not dumps or arch not in _ARCHES:
        return None
    parts = []
    at_once = samples_at_once(words, len(index.position))
    for begin in range(0, len(index.position), at_once):
        step = slice(begin, begin + at_once)
        for layout, members in events.by_layout(index.event[step]):
            if layout.dump is not None and layout.dump.stack:
                rows = np.arange(begin, min(begin + at_once, len(index.position)))[members]
                position = index.position[rows]
                parts.append(_read_part(words, position, rows, layout, layout.dump, _ARCHES[arch]))
        words.release()
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else []
    if not columns:
        return None
    row, pc, sp, fp, lr, first, size = columns
    order = np.argsort(row, kind="stable")
    row = row[order]
    space = spaces.space_of(pids[row], clock[row])
    return UserStacks(
        arch, spaces, words, row, space, pc[order], sp[order], fp[order], lr[order], first[order], size[order]
    )


def read_links(
    words: Words, index: SampleIndex, events: EventTable, machine: str
) -> NDArray[np.uint64] | None:
    """The link register of each sample that has it, but no copy of its stack; 0 elsewhere, None where no event asked.

    On arm64 perf records it with call chains by frame pointers, since Linux 5.18: of a function without a frame of its
    own it is the return address. Arguments as of `read_user_stacks`.
    """
    dumps = [layout.dump for layout in events.layouts if layout.dump is not None and not layout.dump.stack]
    number = _ARCHES["arm64"].lr
    if not dumps or _arch(machine, dumps) != "arm64" or number is None:
        return None
    out = np.zeros(len(index.position), dtype=np.uint64)
    at_once = samples_at_once(words, len(index.position))
    for begin in range(0, len(index.position), at_once):
        step = slice(begin, begin + at_once)
        for layout, members in events.by_layout(index.event[step]):
            dump = layout.dump
            if dump is None or dump.stack or not dump.registers >> number & 1:
                continue
            rows = np.arange(begin, min(begin + at_once, len(index.position)))[members]
            walk, abi, registers = _registers(words, index.position[rows], layout, dump)
            good = walk.inside & (abi == _ABI_64)
            place = registers[good] + (dump.registers & ((1 << number) - 1)).bit_count()
            out[rows[good]] = words.take(place)
        words.release()
    return out


def _arch(machine: str, dumps: list[DumpLayout]) -> str:
    """GOARCH; x86 has no register 32 among those that are recorded of user code, and none is as high as LR."""
    if machine:
        return _MACHINES.get(machine, "")
    high = 32 if any(dump.stack for dump in dumps) else 30
    return "arm64" if dumps and all(dump.registers >> high & 1 for dump in dumps) else "amd64"


def _registers(
    words: Words, position: NDArray[np.int64], layout: SampleLayout, dump: DumpLayout
) -> tuple[_Walk, NDArray[np.int64], NDArray[np.int64]]:
    """Behind the registers of samples; their ABI, and the word of the first register."""
    end = position + record_words(words, position)
    walk = _Walk(words, _behind_chain(words, position, end, layout), end)
    if dump.raw:
        size = walk.half()
        walk.skip((4 + size + 7) >> 3)
    if dump.branch is not None:
        before, each = dump.branch
        walk.skip(before + each * walk.word())
    abi, registers = walk.word(), walk.at + 1
    walk.skip(1 + np.where(abi != 0, dump.registers.bit_count(), 0))
    return walk, abi, registers


def _read_part(
    words: Words,
    position: NDArray[np.int64],
    rows: NDArray[np.int64],
    layout: SampleLayout,
    dump: DumpLayout,
    numbers: _Numbers,
) -> tuple[NDArray[np.int64], ...]:
    """Of samples of one layout: row, registers, first word and bytes of the copy; without those that have none."""
    walk, abi, registers = _registers(words, position, layout, dump)
    size, first = walk.word(), walk.at + 1
    walk.skip(1 + (size >> 3))
    valid = walk.word()
    walk.skip(np.where(size > 0, 1, 0))
    good = walk.inside & (abi == _ABI_64) & (size > 0) & (size & 7 == 0)
    good &= all(dump.registers >> number & 1 for number in (numbers.pc, numbers.sp))
    rows, registers, first = rows[good], registers[good], first[good]
    found = []
    for number in (numbers.pc, numbers.sp, numbers.fp, numbers.lr):
        if number is None or not dump.registers >> number & 1:
            found.append(np.zeros(len(rows), dtype=np.uint64))
        else:
            found.append(words.take(registers + (dump.registers & ((1 << number) - 1)).bit_count()))
    return rows, *found, first, np.minimum(valid, size)[good].astype(np.int32)


def _behind_chain(
    words: Words, position: NDArray[np.int64], end: NDArray[np.int64], layout: SampleLayout
) -> NDArray[np.int64]:
    """The word behind the call chain; the end of the record where counts are wrong."""
    walk = _Walk(words, position + layout.words - (layout.chain is not None), end)
    if layout.group is not None:
        counts = _Walk(words, position + layout.group, end).word()
        walk.skip(counts * layout.entry_words)
    if layout.chain is not None:
        walk.skip(1 + walk.word())
    return walk.at


class _Walk:
    """Places in records, moved on together and never past the records' ends."""

    def __init__(self, words: Words, at: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        self._words, self._end = words, end
        self.inside: NDArray[np.bool_] = at <= end
        self.at = np.minimum(at, end)

    def word(self) -> NDArray[np.int64]:
        """The word there: a count, at most so large that it leads past any record; 0 at the end."""
        there = self.at < self._end
        values = self._words.take(np.where(there, self.at, 0))
        return np.where(there, np.minimum(values, np.uint64(1 << 20)), 0).astype(np.int64)

    def half(self) -> NDArray[np.int64]:
        """The four bytes there, as a count."""
        there = self.at < self._end
        first = self._words.halves(self._words.take(np.where(there, self.at, 0)))[0]
        return np.where(there, first.view(np.uint32).astype(np.int64), 0)

    def skip(self, count: NDArray[np.int64] | int) -> None:
        """Move on."""
        moved = self.at + count
        self.inside &= moved <= self._end
        self.at = np.minimum(moved, self._end)
