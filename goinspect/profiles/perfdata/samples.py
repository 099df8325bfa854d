"""The columns of a Profile, filled piece by piece so that little more than the result is in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.profiles.base import Locations
from goinspect.profiles.intern import AddressInterner
from goinspect.profiles.perfdata.chains import chain_blocks, flatten
from goinspect.profiles.perfdata.columns import SampleIndex, read_fields, samples_at_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.maps import AddressSpaces
    from goinspect.profiles.perfdata.container.source import Words
    from goinspect.profiles.perfdata.events import EventTable

__all__ = ["Clock", "SampleColumns", "locations"]


class Clock:
    """The time that counts for a place in the recording, for records that do not tell theirs.

    With times: that of the sample before it in the file. Without: the place itself.
    """

    def __init__(self, index: SampleIndex, has_time: bool) -> None:
        self._has_time = has_time
        self._index = index
        self._positions: NDArray[np.int64] | None = None

    def __call__(self, position: int) -> int:
        """The time that counts for the record at this word."""
        if not self._has_time:
            return position
        if self._positions is None:
            order = np.argsort(self._index.position, kind="stable")
            self._positions, self._times = self._index.position[order], self._index.time[order]
        before = int(np.searchsorted(self._positions, position))
        return int(self._times[before - 1]) if before else 0


class SampleColumns:
    """The columns of all samples, in time order.

    Attributes:
        depth: entries of each stack as recorded.
        clock: what decides which mappings and names hold for a sample: its time, or its place in the file.
        damaged: samples whose call chain claims more than its record holds.
    """

    def __init__(self, words: Words, index: SampleIndex, events: EventTable, spaces: AddressSpaces) -> None:
        count = len(index.position)
        self.pid = np.empty(count, dtype=np.int32)
        self.tid = np.empty(count, dtype=np.int32)
        self.cpu = np.empty(count, dtype=np.int32)
        self.weight = np.empty(count, dtype=np.uint64)
        self.depth = np.empty(count, dtype=np.int32)
        self.stack_start = np.zeros(count + 1, dtype=np.int64)
        self.clock = index.time if events.has_time() else index.position.astype(np.uint64)
        self.interner = AddressInterner()
        self.damaged = 0
        frames = bytearray()  # grows in place, where joining parts would need all of it twice
        at_once = samples_at_once(words, count)
        for begin in range(0, count, at_once):
            self._fill(words, index, events, spaces, slice(begin, begin + at_once), frames)
            words.release()
        np.cumsum(self.stack_start, out=self.stack_start)
        self.frames: NDArray[np.int32] = np.frombuffer(frames, dtype=np.int32)

    def _fill(
        self,
        words: Words,
        index: SampleIndex,
        events: EventTable,
        spaces: AddressSpaces,
        step: slice,
        frames: bytearray,
    ) -> None:
        fields = read_fields(words, index.position[step], index.event[step], events)
        self.damaged += fields.damaged
        self.pid[step], self.tid[step], self.cpu[step] = fields.pid, fields.tid, fields.cpu
        self.weight[step] = events.weights(index.event[step], fields.period)
        space = spaces.space_of(fields.pid, self.clock[step])
        kernel = spaces.kernel_space_of(self.clock[step])
        counts, depths = self.stack_start[1:][step], self.depth[step]
        for block in chain_blocks(fields.chains):
            flat = flatten(words, fields.chains, space, block, kernel)
            counts[block], depths[block] = flat.frames, flat.depth
            frames += (
                self.interner.intern(flat.tags, flat.addresses).astype(np.int32, copy=False).data.cast("B")
            )


def locations(interner: AddressInterner, spaces: AddressSpaces) -> Locations:
    """The distinct places, translated to mapping and file offset."""
    tags = interner.tags
    addresses = interner.addresses.copy()
    mapping, file_offset = spaces.resolve(tags >> 3, addresses)
    return Locations(
        mapping=mapping,
        file_offset=file_offset,
        runtime_addr=addresses,
        kind=(tags >> 1 & 3).astype(np.uint8),
        exact=(tags & 1).astype(np.bool_),
    )
