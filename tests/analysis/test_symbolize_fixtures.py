"""Every user address of every recording, named, against llvm-symbolizer on the build's unstripped twin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from goinspect.analysis.locate_binaries import BinaryFinder, mapped_name
from goinspect.analysis.stacks import correct_trapped
from goinspect.analysis.symbolize import Flag, SymbolizeOptions, Symbolizer
from goinspect.binary import Binary
from goinspect.maps import file_offset_to_vaddr
from goinspect.profiles import open_profile
from goinspect.profiles.base import KIND_USER
from tests.conftest import BUILDS, oracle_rows

# Looked up at the entry itself, though they stand in the chain as if they were return addresses: the kernel pushes
# the restorer of the signal handler, which nobody called.
STORED_AS_ENTRY = {"runtime.sigreturn__sigaction"}


class Place(NamedTuple):
    """A location of the workload: where it is, and what Symbolizer says."""

    vaddr: int
    exact: bool
    flags: int
    frames: tuple  # FlameFrames, outermost first


class _Watched(Symbolizer):
    """Remembers what it was asked for: rows of its table and rows of `asked` belong together."""

    def add(self, locations):
        self.__dict__.setdefault("asked", []).append(locations)
        return super().add(locations)

    def column(self, name):
        return np.concatenate([getattr(locations, name) for locations in self.asked])


@pytest.fixture
def symbolized(recording, workload):
    """(profile, Symbolizer after all corrections, locations that stacks refer to after them)."""
    profile = open_profile(recording)
    finder = BinaryFinder([str(workload)], near="/nowhere")
    symbolizer = _Watched(profile, finder, SymbolizeOptions(lines=True))
    symbolizer.add(profile.locations)
    samples = correct_trapped(profile.stack_start, profile.frames, profile.locations, symbolizer)
    used = samples.frames.copy()
    used[samples.patch_at] = samples.patch
    assert finder.warnings == []  # the very binary that was recorded
    return profile, symbolizer, used


def in_workload(profile, mapping):
    names = [mapped_name(item.path).endswith("/workload") for item in profile.mappings]
    return np.array([number >= 0 and names[number] for number in mapping.tolist()])


@pytest.fixture
def places(symbolized, workload):
    """Distinct locations in the workload that any stack refers to."""
    profile, symbolizer, used = symbolized
    table = symbolizer.table
    mapping, kind = symbolizer.column("mapping"), symbolizer.column("kind")
    rows = np.unique(used)
    rows = rows[(kind[rows] == KIND_USER) & in_workload(profile, mapping[rows])]
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
    ends = {int(vaddr, 16): (name, where) for vaddr, name, where in oracle_rows(build, "addr2line")}
    compared = inlined = 0
    unknown = []
    for place in places:
        found = tuple(f"{frame.name}|{frame.location}" for frame in reversed(place.frames))
        assert not place.frames[0].inlined
        assert all(frame.inlined for frame in place.frames[1:])
        vaddr = place.vaddr
        if place.frames[0].name in STORED_AS_ENTRY and not place.exact:
            vaddr += 1
        if vaddr not in truth:
            unknown.append((vaddr, found))
            continue
        assert found == truth[vaddr], hex(vaddr)
        compared += 1
        inlined += len(found) > 1
    # DWARF covers no padding: such addresses are in no oracle. They belong to the function before, without a line.
    for vaddr, found in unknown:
        assert len(found) == 1, (hex(vaddr), found)
        assert found[0].endswith("|"), (hex(vaddr), found)
        if vaddr in ends:
            assert (found[0].rstrip("|"), ":-1") == ends[vaddr]
    assert len(unknown) <= 2
    assert compared >= 350
    assert inlined >= 50


def test_every_answer_of_the_oracle_is_needed(places, build):
    """The oracle was asked about what the stacks need: all of it is compared, but for the two-fold entries."""
    seen = {place.vaddr for place in places}
    left = [vaddr for vaddr in oracle(build) if not {vaddr, vaddr - 1, vaddr + 1} & seen]
    assert left == []


def test_every_go_frame_is_named(symbolized):
    profile, symbolizer, used = symbolized
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
    """Nothing was called there: the frame below asyncPreempt is the interrupted instruction itself."""
    profile, symbolizer, used = symbolized
    table = symbolizer.table
    trapped = np.flatnonzero(table.flags[used] & np.uint8(Flag.TRAPPED))
    ends = profile.stack_start[1:]
    below = trapped[~np.isin(trapped + 1, ends)] + 1
    exact = symbolizer.column("exact")[used[below]]
    assert exact.all()
    address = symbolizer.column("runtime_addr")
    for at in below.tolist():
        raw = profile.frames[at]
        recorded = int(profile.locations.runtime_addr[raw]) + (not profile.locations.exact[raw])
        assert int(address[used[at]]) == recorded
