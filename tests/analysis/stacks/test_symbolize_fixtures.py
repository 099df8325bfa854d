"""Every user address of every recording, named, against llvm-symbolizer on the build's unstripped twin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from goinspect._ragged import flat_ranges
from goinspect.analysis.recordings.finder import BinaryFinder, mapped_name
from goinspect.analysis.stacks.merge import correct_trapped, cut_garbage
from goinspect.analysis.stacks.symbolize import SymbolizeOptions, Symbolizer
from goinspect.analysis.stacks.symboltable import Flag
from goinspect.binary import Binary
from goinspect.maps import file_offset_to_vaddr
from goinspect.profiles import open_profile
from goinspect.profiles.base import KIND_USER
from tests.conftest import BUILDS, oracle_rows

# Looked up at the entry itself, though they stand in the chain as if they were return addresses: the kernel pushes
# the restorer of the signal handler, which nobody called.
STORED_AS_ENTRY = {"runtime.sigreturn__sigaction"}
TRAPS = {"runtime.sigpanic", "runtime.asyncPreempt"}


class Place(NamedTuple):
    """A location of the workload: where it is, and what Symbolizer says."""

    vaddr: int
    exact: bool
    flags: int
    frames: tuple  # StackFrames, outermost first


class _Watched(Symbolizer):
    """Remembers what it was asked for: rows of its table and rows of `asked` belong together."""

    def add(self, locations):
        self.__dict__.setdefault("asked", []).append(locations)
        return super().add(locations)

    def column(self, name):
        return np.concatenate([getattr(locations, name) for locations in self.asked])


@pytest.fixture
def symbolized(recording, workload):
    """(profile, Symbolizer after all corrections, locations of all frames after them, which frames are kept)."""
    profile = open_profile(recording)
    finder = BinaryFinder([str(workload)], near="/nowhere")
    symbolizer = _Watched(profile, finder, SymbolizeOptions(lines=True))
    symbolizer.add(profile.locations)
    samples = correct_trapped(profile.stack_start, profile.frames, profile.locations, symbolizer)
    used = samples.frames.copy()
    used[samples.patch_at] = samples.patch
    assert finder.warnings == []  # the very binary that was recorded
    cut = cut_garbage(samples, symbolizer.table.flags)
    kept = np.zeros(len(used), dtype=bool)
    kept[flat_ranges(samples.start[:-1], cut.stop - samples.start[:-1])] = True
    return profile, symbolizer, used, kept


def in_workload(profile, mapping):
    names = [mapped_name(item.path).endswith("/workload") for item in profile.mappings]
    return np.array([number >= 0 and names[number] for number in mapping.tolist()])


@pytest.fixture
def places(symbolized, workload):
    """Distinct locations in the code of the workload that any stack refers to."""
    profile, symbolizer, used, kept = symbolized
    table = symbolizer.table
    mapping, kind = symbolizer.column("mapping"), symbolizer.column("kind")
    rows = np.unique(used)
    rows = rows[(kind[rows] == KIND_USER) & in_workload(profile, mapping[rows])]
    code = (table.flags[rows] & np.uint8(Flag.GO)) > 0
    # Below the root of a stack there may be anything, addresses of the workload's data too: named nothing, and cut.
    assert not np.isin(rows[~code], used[kept]).any()
    assert (table.flags[rows[~code]] == Flag.BAD).all()
    rows = rows[code]
    vaddrs, known = file_offset_to_vaddr(
        Binary(workload).image.segments, symbolizer.column("file_offset")[rows]
    )
    assert known.all()
    exact = symbolizer.column("exact")
    return [
        Place(vaddr, bool(exact[row]), int(table.flags[row]),
              tuple(table.frames[i] for i in table.expansions[table.expansion[row]]))
        for row, vaddr in zip(rows.tolist(), vaddrs.tolist(), strict=True)
    ]  # fmt: skip


def oracle(build):
    """vaddr -> ("function|file:line", …), innermost first; the symbol table's ABI suffix taken off."""
    return {int(vaddr, 16): tuple(frame.replace(".abi0|", "|") for frame in frames)
            for vaddr, *frames in oracle_rows(build, "frames")}  # fmt: skip


def test_there_are_recordings_of_every_kind():
    kinds = {name.partition("-")[2] for name in BUILDS}
    assert kinds == {"exe", "stripped", "pie", "piestripped"}
    assert {name.partition("-")[0] for name in BUILDS} == {"go1.24", "go1.27"}


def test_function_file_line_and_inlined_calls(places, build):
    truth = oracle(build)
    compared = inlined = 0
    for place in places:
        found = tuple(f"{frame.name}|{frame.location}" for frame in reversed(place.frames))
        assert not place.frames[0].inlined
        assert all(frame.inlined for frame in place.frames[1:])
        vaddr = place.vaddr
        if vaddr not in truth and not place.exact and vaddr + 1 in truth:
            vaddr += 1  # "the exact one is right" at an entry; DWARF does not cover the padding before it
            assert place.frames[0].name in STORED_AS_ENTRY
        assert found == truth[vaddr], hex(vaddr)
        compared += 1
        inlined += len(found) > 1
    assert compared >= 350
    assert inlined >= 50


def test_every_answer_of_the_oracle_is_needed(places, build):
    """The oracle was asked about what the stacks need: all of it is compared, but for the two-fold entries."""
    seen = {place.vaddr for place in places}
    left = [vaddr for vaddr in oracle(build) if not {vaddr, vaddr - 1, vaddr + 1} & seen]
    assert left == []


def test_every_go_frame_is_named(symbolized):
    profile, symbolizer, used, kept = symbolized
    used = used[kept]
    table = symbolizer.table
    mapping, kind = symbolizer.column("mapping")[used], symbolizer.column("kind")[used]
    mine = (kind == KIND_USER) & in_workload(profile, mapping)
    named = (table.flags[used] & np.uint8(Flag.GO | Flag.NAMED)) == np.uint8(Flag.GO | Flag.NAMED)
    assert mine.sum() > 3000
    assert int((mine & ~named).sum()) == 0
    for row in np.unique(used[mine]).tolist():
        for index in table.expansions[table.expansion[row]]:
            frame = table.frames[index]
            assert frame.name
            assert not frame.name.startswith("[")
            assert frame.kind in ("user", "stdlib", "runtime", "gc")


def test_addresses_below_a_signal_are_exact(symbolized):
    """sigpanic and asyncPreempt were not called: what is below is the interrupted instruction, looked up as it is.

    Every other caller is looked up one byte before its return address.
    """
    profile, symbolizer, used, _ = symbolized
    table = symbolizer.table
    kind, address = symbolizer.column("kind"), symbolizer.column("runtime_addr")
    outermost = [table.frames[table.expansions[row][0]].name for row in table.expansion.tolist()]
    starts = set(profile.stack_start.tolist())
    callers = 0
    for at in range(1, len(used)):
        if at in starts or kind[used[at - 1]] != KIND_USER or kind[used[at]] != KIND_USER:
            continue
        raw = profile.frames[at]
        recorded = int(profile.locations.runtime_addr[raw]) + (not profile.locations.exact[raw])
        below_trap = outermost[used[at - 1]] in TRAPS
        assert int(address[used[at]]) == recorded - (not below_trap), hex(recorded)
        callers += 1
    assert callers > 3000


def test_some_recordings_hold_signals():
    """The rule above is tried: the recordings hold frames below sigpanic, asyncPreempt and the signal restorer."""
    found = set()
    for build in BUILDS:
        for row in oracle_rows(build, "frames"):
            found.add(row[-1].partition("|")[0].removesuffix(".abi0"))
    assert found >= TRAPS | STORED_AS_ENTRY
