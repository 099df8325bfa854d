"""Unwinding against frame pointers: real recordings of `perf record --call-graph dwarf`, sample by sample.

The frame pointers in the copies of the stacks are followed by a walker of the tests' own. Where a function has not set
its frame pointer up, or never does, that walk misses one caller: then the address that only unwinding found has to
follow a call of that very function in the binary.
"""

from __future__ import annotations

import bisect
import lzma
import re
import struct
from collections import Counter

import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.recordings.finder import BinaryFinder
from goinspect.analysis.stacks.fold import fold
from goinspect.analysis.stacks.unwinding.unwind import NO_CALLER, OTHER_STACK, unwind
from goinspect.gosym.unwinding.steps import End
from goinspect.profiles import open_profile
from tests.conftest import FIXTURES, oracle_rows
from tests.profiles.dwarf_samples import frame_pointer_walk, read
from tests.unpacked import unpack_tar

RECORDINGS = FIXTURES / "recordings"
# recording: (what ran, the same build with symbols)
RAN = {
    "dwarf-go1.24-exe": ("go1.24-exe", "go1.24-exe"),
    "dwarf-go1.27-piestripped": ("go1.27-piestripped", "go1.27-pie"),
    "dwarf-cut": ("go1.27-exe", "go1.27-exe"),
}
BASE = 0x400000  # vaddr of the first byte of a program that Go links, PIE or not
CALL = 0xE8


@pytest.fixture(params=RAN)
def name(request):
    return request.param


@pytest.fixture
def recording(name, tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(lzma.decompress((RECORDINGS / name / "perf.data.xz").read_bytes()))
    return path


@pytest.fixture
def program(name, fixture_file):
    return fixture_file(RAN[name][0], "workload")


@pytest.fixture
def unwound(recording, program):
    """(runtime addresses, end) by (time, thread): exact leaf, then return addresses."""
    profile, ends = unwind(open_profile(recording), BinaryFinder([str(program)]))
    found, places = {}, profile.locations
    for row, end in enumerate(ends.tolist()):
        frames = profile.frames[profile.stack_start[row] : profile.stack_start[row + 1]].tolist()
        stack = [
            int(places.runtime_addr[frame]) + (not places.exact[frame])
            for frame in frames
            if places.kind[frame] == 0 and places.name[frame] < 0
        ]
        found[int(profile.time[row]), int(profile.tid[row])] = stack, End(end)
    return found


class Program:
    """What is where in the binary, by its bytes and by nm."""

    def __init__(self, path, symbols, maps):
        self._data = path.read_bytes()
        self._map = next(item for item in maps if item.path.endswith("/workload"))
        rows = sorted((int(row[0], 16), row[-1]) for row in oracle_rows(symbols, "nm"))
        self._starts, self._names = [row[0] for row in rows], [row[1] for row in rows]

    def vaddr(self, address):
        offset = address - self._map.start + self._map.offset
        return offset + BASE if 0 <= offset < self._map.size + self._map.offset else None

    def function(self, vaddr):
        at = bisect.bisect_right(self._starts, vaddr or 0) - 1
        return self._names[at].removesuffix(".abi0") if vaddr is not None and at >= 0 else None

    def called_before(self, address):
        """The function that the call before a return address calls; None where that is not told by its bytes."""
        vaddr = self.vaddr(address)
        if vaddr is None or self._data[vaddr - BASE - 5] != CALL:
            return None
        return self.function(vaddr + struct.unpack_from("<i", self._data, vaddr - BASE - 4)[0])


def test_stacks_are_those_of_the_frame_pointers(name, recording, program, unwound):
    copies, maps = read(recording.read_bytes())
    code = Program(program, RAN[name][1], maps)
    kinds = Counter(_compare(copy, *unwound[copy.time, copy.tid], code) for copy in copies)
    whole = sum(kinds.values()) - kinds["signal"]
    assert whole >= 150
    assert kinds["equal"] + kinds["skips its caller"] + kinds["calls indirectly"] == whole, kinds
    assert kinds["skips its caller"] >= 0.3 * whole  # the workload spends its time in leaves without frames
    assert kinds["calls indirectly"] <= 0.1 * whole, kinds
    assert kinds["signal"] <= 0.05 * whole


def _compare(copy, stack, end, code):
    """How an unwound stack differs from the frame pointers'."""
    assert stack[0] == copy.pc
    callers, walked = stack[1:], frame_pointer_walk(copy)
    if end is End.CUT:  # the walk knows nothing of what is beyond; it may have come as far or further
        walked = walked[: len(callers)]
    if callers == walked:
        return "equal"
    leaf = code.function(code.vaddr(copy.pc))
    if callers[1:] == walked[: len(callers) - 1]:
        called = code.called_before(callers[0])
        if called is None:
            return "calls indirectly"
        # Some functions of assembly jump on to a body that they share.
        return (
            "skips its caller" if called == leaf or str(leaf).endswith("body") else f"{called} is not {leaf}"
        )
    names = [code.function(code.vaddr(address)) for address in callers]
    if "runtime.sigtramp" in [leaf, *names]:  # interrupted code follows in place of the signal restorer
        return "signal"
    if leaf in ("runtime.mcall", "gogo", "runtime.gogo") and not callers:
        return "equal"
    return f"{leaf}: {len(callers)} {len(walked)} {end.name}"


def test_most_stacks_are_whole(name, unwound):
    ends = Counter(end for _, end in unwound.values())
    total = sum(ends.values())
    assert ends[End.LOST] + ends[End.OPEN] <= 0.02 * total
    if name == "dwarf-cut":
        assert ends[End.CUT] >= 50
    else:
        assert ends[End.CUT] == 0
        assert ends[End.COMPLETE] >= 0.6 * total


def test_what_flame_says(name, recording, program, unwound):
    folded = fold(open_profile(recording), FlameOptions(binaries=[str(program)], kernel=False))
    ends = Counter(end for _, end in unwound.values())
    assert folded.totals.samples == len(unwound)
    assert folded.totals.cut_by_dump == folded.totals.truncated == ends[End.CUT]
    assert folded.totals.hidden_callers == folded.totals.garbage_dropped == 0
    names = [frame.name for frame in folded.stacks.frames]
    stacks = folded.stacks
    roots = Counter()
    for row in range(len(stacks)):
        frames = stacks.frame[stacks.start[row] : stacks.start[row + 1]].tolist()
        assert frames
        roots[names[frames[0]]] += int(stacks.samples[row])
    assert roots[OTHER_STACK] == ends[End.SWITCHED]
    assert roots[NO_CALLER] == ends[End.LOST]
    assert roots["[truncated]"] == ends[End.CUT]
    assert {"main.spin", "main.inner", "main.leafA", "runtime.goexit"} <= set(names)


def test_c_code_is_left_by_its_call_frame_information(tmp_path):
    """c_inner is called by c_outer, that by what cgo makes of it, and that on the system stack."""
    path = tmp_path / "perf.data"
    path.write_bytes(lzma.decompress((RECORDINGS / "dwarf-cgo" / "perf.data.xz").read_bytes()))
    unpack_tar(RECORDINGS / "programs.tar.xz", tmp_path, "cgo")
    folded = fold(open_profile(path), FlameOptions(binaries=[str(tmp_path / "cgo")], kernel=False))
    names, stacks = [frame.name for frame in folded.stacks.frames], folded.stacks
    inner = outer = 0
    for row in range(len(stacks)):
        stack = [names[frame] for frame in stacks.frame[stacks.start[row] : stacks.start[row + 1]].tolist()]
        samples = int(stacks.samples[row])
        if "c_inner" in stack:
            assert stack[:2] == [OTHER_STACK, "runtime.asmcgocall"]
            assert re.fullmatch(r"_cgo_[0-9a-f]+_Cfunc_c_outer", stack[2])
            assert stack[3:] == ["c_outer", "c_inner"]
            inner += samples
        outer += samples * ("main.goSpin" in stack)
    assert inner >= 15
    assert outer >= 5
