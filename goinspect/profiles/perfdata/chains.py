"""Call chains: from the words of SAMPLE records to frames.

Facts (``include/uapi/linux/perf_event.h``, enum perf_callchain_context): leaf first; values from 2^64 - 4095 on are
markers that tell the CPU mode of the entries after them; every entry but the first of such a part is a return address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.maps import KERNEL_SPACE, NO_SPACE
from goinspect.profiles.base import KIND_GUEST, KIND_HYPERVISOR, KIND_KERNEL, KIND_USER
from goinspect.profiles.perfdata.container.source import record_words
from goinspect.profiles.perfdata.records import CPU_MODE_MASK, CpuMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.attr import SampleLayout
    from goinspect.profiles.perfdata.container.source import Words

__all__ = ["Chains", "Flat", "chain_blocks", "flatten", "read_chains"]

_BLOCK_ENTRIES = 1 << 16  # call chain entries: what is made of them stays in the cache
_FIRST_MARKER = np.uint64(2**64 - 4095)
_MARKER_USER_DEFERRED = np.uint64(2**64 - 640)

_KIND_OF_MODE = np.zeros(CPU_MODE_MASK + 1, dtype=np.int64)
_KIND_OF_MODE[CpuMode.USER] = KIND_USER
_KIND_OF_MODE[CpuMode.KERNEL] = KIND_KERNEL
_KIND_OF_MODE[CpuMode.HYPERVISOR] = KIND_HYPERVISOR
_KIND_OF_MODE[[CpuMode.GUEST_KERNEL, CpuMode.GUEST_USER]] = KIND_GUEST

_KIND_OF_MARKER = np.full(4096, KIND_USER, dtype=np.int64)  # by 2^64 - marker
_KIND_OF_MARKER[32] = KIND_HYPERVISOR
_KIND_OF_MARKER[128] = KIND_KERNEL
_KIND_OF_MARKER[[2048, 2176, 2560]] = KIND_GUEST


@dataclass(slots=True)
class Chains:
    """Call chains of some samples: ``count`` entries from word ``first`` on, ``kind`` until a marker tells another."""

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    kind: NDArray[np.int64]


def read_chains(words: Words, position: NDArray[np.int64], layout: SampleLayout) -> tuple[Chains, int]:
    """The chains of samples of one layout, and how many claim more than their record holds.

    A sample without a chain has its IP as the only entry; so has one whose chain holds nothing but markers.
    """
    chains = Chains(position, np.zeros(len(position), dtype=np.int64), _kinds(words, position, layout))
    damaged = 0
    if layout.chain is not None:
        first, room = _chain_starts(words, position, layout)
        claimed = words.take(first - 1)
        fits = claimed <= np.maximum(room, 0).astype(np.uint64)
        fits &= room >= 0
        chains = Chains(first, np.where(fits, claimed, np.uint64(0)).astype(np.int64), chains.kind)
        damaged = len(position) - int(np.count_nonzero(fits))
        _empty_marker_chains(words, chains)
    if layout.ip is not None:
        bare = np.flatnonzero(chains.count == 0)
        chains.first = chains.first.copy() if layout.chain is None else chains.first
        chains.first[bare] = position[bare] + layout.ip
        chains.count[bare] = 1
    return chains, damaged


def _kinds(words: Words, position: NDArray[np.int64], layout: SampleLayout) -> NDArray[np.int64]:
    """KIND_* by the record's CPU mode; where that is unknown, by the upper half of the address space."""
    headers = words.take(position)
    misc = headers >> np.uint64(32 if words.byteorder == "little" else 16)
    modes = (misc & np.uint64(CPU_MODE_MASK)).astype(np.int64)
    kinds: NDArray[np.int64] = _KIND_OF_MODE[modes]
    unknown = np.flatnonzero(modes == CpuMode.UNKNOWN)
    if layout.ip is not None and len(unknown):
        kinds[unknown] = words.take(position[unknown] + layout.ip) >> np.uint64(63)  # 1 is KIND_KERNEL
    return kinds


def _chain_starts(
    words: Words, position: NDArray[np.int64], layout: SampleLayout
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The word of the first entry of each chain and the words from there to the end of the record.

    Where a count before the chain is wrong there is no room: -1.
    """
    sizes = record_words(words, position)
    first = position + (layout.chain or 0) + 1
    if layout.group is not None:
        values = np.minimum(words.take(position + layout.group), sizes.astype(np.uint64)).astype(np.int64)
        first += values * layout.entry_words
    room = position + sizes - first
    lost = room < 0
    first[lost] = position[lost] + 1
    room[lost] = -1
    return first, room


def _empty_marker_chains(words: Words, chains: Chains) -> None:
    """A chain of one or two markers says nothing; only those occur, one for each CPU mode."""
    short = np.flatnonzero((chains.count == 1) | (chains.count == 2))
    if len(short):
        first = chains.first[short]
        marked = words.take(first) >= _FIRST_MARKER
        marked &= words.take(first + chains.count[short] - 1) >= _FIRST_MARKER
        chains.count[short[marked]] = 0


def chain_blocks(chains: Chains) -> Iterator[slice]:
    """Consecutive samples whose chains together are small enough to be worked on at once."""
    ends = np.cumsum(chains.count)
    begin = done = 0
    while begin < len(ends):
        end = max(begin + 1, int(np.searchsorted(ends, done + _BLOCK_ENTRIES, side="right")))
        yield slice(begin, end)
        begin, done = end, int(ends[end - 1])


class Flat(NamedTuple):
    """The frames of some samples, one after another.

    ``addresses`` are lookup positions: return addresses have 1 subtracted. A tag is space << 3 | kind << 1 | exact.
    ``depth`` counts what the recorder wrote, markers excluded, and ``frames`` what is left without null addresses.
    """

    frames: NDArray[np.int64]
    depth: NDArray[np.int64]
    tags: NDArray[np.int64]
    addresses: NDArray[np.uint64]


def flatten(
    words: Words,
    chains: Chains,
    spaces: NDArray[np.int32],
    block: slice,
    kernel: NDArray[np.int32] | None = None,
) -> Flat:
    """Gather the chains of some samples and take the markers out; `kernel` where that has several spaces."""
    first, count = chains.first[block], chains.count[block]
    starts = np.cumsum(count) - count
    entries = words.take(flat_ranges(first, count))
    marked = entries >= _FIRST_MARKER
    spaces, kernel = spaces[block], None if kernel is None else kernel[block]
    parts = _parts(entries, marked, starts, count, chains.kind[block], spaces, kernel)
    depth = count - np.bincount(parts.sample[parts.marked], minlength=len(count))
    addresses = entries[~marked]
    tags = np.repeat(parts.tags, parts.length)
    heads = (np.cumsum(parts.length) - parts.length)[parts.length > 0]
    drop = addresses == 0
    if parts.deferred.any():
        cookies = (np.cumsum(parts.length) - parts.length)[parts.deferred & (parts.length > 0)]
        drop[cookies] = True
    addresses -= np.uint64(1)
    addresses[heads] += np.uint64(1)
    tags[heads] |= 1
    if not drop.any():
        return Flat(depth, depth, tags, addresses)
    owner = np.repeat(np.arange(len(count)), depth)
    kept = depth - np.bincount(owner[drop], minlength=len(count))
    return Flat(kept, depth, tags[~drop], addresses[~drop])


class _Parts(NamedTuple):
    """Parts of chains in one CPU mode: opened by a marker or by the start of the chain; ``length`` without markers."""

    sample: NDArray[np.int64]
    marked: NDArray[np.bool_]
    deferred: NDArray[np.bool_]  # opened by PERF_CONTEXT_USER_DEFERRED: the entry is a cookie, no address
    length: NDArray[np.int64]
    tags: NDArray[np.int64]


def _parts(
    entries: NDArray[np.uint64],
    marked: NDArray[np.bool_],
    starts: NDArray[np.int64],
    count: NDArray[np.int64],
    kinds: NDArray[np.int64],
    spaces: NDArray[np.int32],
    kernel: NDArray[np.int32] | None,
) -> _Parts:
    filled = np.flatnonzero(count)
    opens = np.zeros(len(entries), dtype=np.bool_)
    opens[starts[filled]] = True
    bounds = np.flatnonzero(opens | marked)
    sample = filled[np.cumsum(opens[bounds]) - 1]
    by_marker = marked[bounds]
    openers = entries[bounds]
    codes = (np.uint64(0) - openers) & np.uint64(0xFFF)
    kind = np.where(by_marker, _KIND_OF_MARKER[codes.astype(np.int64)], kinds[sample])
    length = np.append(bounds[1:], len(entries)) - bounds - by_marker
    inside = KERNEL_SPACE if kernel is None else kernel[sample]
    space = np.where(kind == KIND_USER, spaces[sample], np.where(kind == KIND_KERNEL, inside, NO_SPACE))
    deferred = by_marker & (openers == _MARKER_USER_DEFERRED)
    return _Parts(sample, by_marker, deferred, length, space.astype(np.int64) << 3 | kind << 1)
