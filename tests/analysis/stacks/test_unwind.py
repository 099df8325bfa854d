"""Unwinding of stacks that were put together frame by frame, for arm64, and of stacks that are no such thing.

How large frames are says readelf (tests/fixtures/recordings/frame-sizes); how they are laid out, the Go assembler.
"""

from __future__ import annotations

import lzma
import random
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from goinspect.analysis.recordings.finder import BinaryFinder
from goinspect.analysis.stacks.unwinding.unwind import unwind
from goinspect.binary import Binary
from goinspect.gosym.unwinding.rules import Action, rules_of
from goinspect.gosym.unwinding.steps import End
from goinspect.profiles import open_profile
from tests.builders.perfdata import (
    BRANCH_STACK,
    PLAIN,
    RAW,
    REGS_USER,
    SAMPLE,
    STACK_USER,
    USER,
    Event,
    PerfData,
    Sample,
)
from tests.conftest import FIXTURES
from tests.examples import examples
from tests.unpacked import unpack_tar

SP = 0x40_0000_8000
SLIDE = 0x5500_0000_0000  # where the program was loaded
ALL_ARM64 = (1 << 33) - 1
FP, LR, PC = 29, 30, 32


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    root = tmp_path_factory.mktemp("arm64")
    unpack_tar(FIXTURES / "matrix" / "go1.27.tar.xz", root, "go1.27-linux-arm64/workload")
    return root / "go1.27-linux-arm64" / "workload"


@pytest.fixture(scope="module")
def binary(program):
    return Binary(program)


@pytest.fixture(scope="module")
def sizes():
    """(pc, CFA - SP) in order."""
    path = FIXTURES / "recordings" / "frame-sizes" / "go1.27-linux-arm64.txt.xz"
    lines = lzma.decompress(path.read_bytes()).decode().splitlines()
    return [(int(pc, 16), int(size)) for pc, size in (line.split("\t") for line in lines[1:])]


@pytest.fixture(scope="module")
def named(binary):
    """Function name → entry."""
    table = binary.go.table
    return {table.name(func): func.entry for func in map(table.func, range(table.nfunc)) if func is not None}


class Stack:
    """A copy of a stack, and what has to be found in it."""

    def __init__(self, leaf, size, *, lr=0, fp=0):
        self.memory = bytearray()
        self.registers = [0] * 33
        self.registers[PC], self.registers[31], self.registers[FP], self.registers[LR] = leaf, SP, fp, lr
        self.want = [leaf]
        self.size = size

    @property
    def sp(self):
        """Where the last frame begins."""
        return SP + len(self.memory)

    def called_from(self, address, size, *, saved_fp=0):
        """The frame before returns to `address`, in a frame of this size."""
        frame = bytearray(self.size)
        if self.size:
            frame[:8] = struct.pack("<Q", address)
        if self.memory:
            self.memory[-8:] = struct.pack("<Q", saved_fp)  # one word below SP of the frame before
        self.memory += frame
        self.want.append(address)
        self.size = size
        return self

    def raw(self, data):
        self.memory += data
        return self


def profile_of(tmp_path, program, stacks, *, valid=None, machine="aarch64", sample_type=0, middle=b""):
    event = Event(
        sample_type=PLAIN | REGS_USER | STACK_USER | sample_type, registers=ALL_ARM64, stack=1 << 14
    )
    recording = PerfData([event])
    recording.features[6] = recording.text(machine)
    recording.mmap2(10, SLIDE, 0x20_0000, 0, str(program))
    for number, stack in enumerate(stacks):
        memory = bytes(stack.memory) + bytes(-len(stack.memory) % 8)
        tail = middle + struct.pack("<34Q", 2, *stack.registers) + struct.pack("<Q", len(memory))
        if memory:
            tail += memory + struct.pack("<Q", len(memory) if valid is None else valid)
        sample = Sample(ip=stack.registers[PC], chain=(), time=1000 + number, tail=tail)
        recording.record(SAMPLE, USER, recording.sample_body(sample))
    path = tmp_path / "perf.data"
    path.write_bytes(recording.build())
    return open_profile(path)


def unwound(profile, program):
    """Per sample the runtime addresses, exact ones and return addresses, and why they end."""
    out, ends = unwind(profile, BinaryFinder([str(program)]))
    places, found = out.locations, []
    for row in range(len(out)):
        frames = out.frames[out.stack_start[row] : out.stack_start[row + 1]].tolist()
        found.append([
            (int(places.runtime_addr[frame]) + (not places.exact[frame]), bool(places.exact[frame]))
            for frame in frames
            if places.name is None or places.name[frame] < 0
        ])  # fmt: skip
    return found, [End(end) for end in ends.tolist()]


@pytest.fixture
def at(binary):
    """vaddr → runtime address."""
    segment = next(segment for segment in binary.image.segments if segment.executable)
    return lambda vaddr: vaddr - segment.vaddr + segment.file_offset + SLIDE


def test_frame_sizes_are_those_that_readelf_tells(binary, sizes):
    rules = rules_of(binary.bulk, np.array([pc for pc, _ in sizes], dtype=np.uint64))
    assert rules.delta.tolist() == [size for _, size in sizes]
    assert len(sizes) > 6000
    assert Action.NOTHING not in rules.action.tolist()


def _ordinary(binary, sizes):
    action = rules_of(binary.bulk, np.array([pc for pc, _ in sizes], dtype=np.uint64)).action
    rules = rules_of(binary.bulk, np.array([pc for pc, _ in sizes], dtype=np.uint64))
    return [
        row for row, kind, trap in zip(sizes, action, rules.trap, strict=True)
        if kind == Action.CALLER and not trap and row[1] <= 512  # a record holds 64 KB
    ]  # fmt: skip


@pytest.mark.parametrize("leaf_has_frame", [True, False])
def test_stacks_of_any_functions(tmp_path, program, binary, sizes, named, at, leaf_has_frame):
    rng = random.Random(5)
    ordinary = _ordinary(binary, sizes)
    framed = [row for row in ordinary if row[1]]
    leaves = framed if leaf_has_frame else [row for row in ordinary if not row[1]]
    stacks = []
    for _ in range(300):
        pc, size = rng.choice(leaves)
        chain = [rng.choice(framed) for _ in range(rng.randrange(1, 40))]
        stack = Stack(at(pc), size, lr=0 if leaf_has_frame else at(chain[0][0] + 4))
        for caller, frame in chain:
            stack.called_from(at(caller + 4), frame)
        stacks.append(stack.called_from(at(named["runtime.goexit"] + 4), 0))
    found, ends = unwound(profile_of(tmp_path, program, stacks), program)
    assert ends == [End.COMPLETE] * len(stacks)
    assert [[address for address, _ in stack] for stack in found] == [stack.want for stack in stacks]
    assert all(exact == (depth == 0) for stack in found for depth, (_, exact) in enumerate(stack))


def test_copies_that_end_too_soon(tmp_path, program, binary, sizes, at):
    (pc, size), (caller, frame) = [row for row in _ordinary(binary, sizes) if row[1]][:2]
    stack = Stack(at(pc), size).called_from(at(caller + 4), frame).called_from(at(caller + 4), frame)
    profile = profile_of(tmp_path, program, [stack], valid=size + 8)
    found, ends = unwound(profile, program)
    assert ends == [End.CUT]
    assert [address for address, _ in found[0]] == stack.want
    profile = profile_of(tmp_path, program, [stack], valid=size)
    found, ends = unwound(profile, program)
    assert ends == [End.CUT]
    assert [address for address, _ in found[0]] == stack.want[:2]


@pytest.mark.parametrize("interrupted_leaf", [True, False])
def test_interrupted_code_was_not_calling(tmp_path, program, binary, sizes, named, at, interrupted_leaf):
    """asyncPreempt: the link register at the interruption was pushed with 16 bytes of stack."""
    ordinary = _ordinary(binary, sizes)
    framed = [row for row in ordinary if row[1]]
    preempt = named["runtime.asyncPreempt"]
    inside = next((pc, size) for pc, size in sizes if preempt <= pc < preempt + 256 and size)
    interrupted = next(row for row in ordinary if bool(row[1]) != interrupted_leaf)
    (outer, outer_size), root = framed[7], at(named["runtime.goexit"] + 4)
    stack = Stack(at(framed[3][0]), framed[3][1]).called_from(at(inside[0] + 4), inside[1])
    stack.called_from(at(interrupted[0]), interrupted[1])
    stack.raw(struct.pack("<QQ", at(outer + 4) if interrupted_leaf else 0x1234, 0))
    stack.called_from(at(outer + 4), outer_size)
    stack.called_from(root, 0)
    found, ends = unwound(profile_of(tmp_path, program, [stack]), program)
    assert ends == [End.COMPLETE]
    assert [address for address, _ in found[0]] == stack.want
    assert [exact for _, exact in found[0]] == [True, False, True, False, False]


def test_through_a_signal_handler(tmp_path, program, binary, sizes, named, at):
    framed = [row for row in _ordinary(binary, sizes) if row[1]]
    trampoline = named["runtime.sigtramp"]
    inside = next((pc, size) for pc, size in sizes if trampoline <= pc < trampoline + 256 and size)
    stack = Stack(at(framed[0][0]), framed[0][1]).called_from(at(inside[0] + 4), inside[1])
    stack.raw(bytes(inside[1]))
    context = bytearray(4688)  # siginfo, ucontext
    below = SP + len(stack.memory) + len(context)
    struct.pack_into("<3Q", context, 552, at(framed[2][0] + 4), below, at(framed[1][0]))  # x30, sp, pc
    stack.raw(context)
    stack.want.append(at(framed[1][0]))
    stack.size = framed[1][1]
    stack.called_from(at(framed[2][0] + 4), framed[2][1]).called_from(at(named["runtime.goexit"] + 4), 0)
    found, ends = unwound(profile_of(tmp_path, program, [stack]), program)
    assert ends == [End.COMPLETE]
    assert [address for address, _ in found[0]] == stack.want
    assert [exact for _, exact in found[0]] == [True, False, True, False, False]


@pytest.mark.parametrize("copied", [True, False])
def test_from_the_system_stack_to_the_goroutine(tmp_path, program, binary, sizes, named, at, copied):
    """Below systemstack its caller's stack goes on where the frame pointer leads to, if there is a copy of it."""
    framed = [row for row in _ordinary(binary, sizes) if row[1]]
    switch = named["runtime.systemstack"]
    inside = next((pc, size) for pc, size in sizes if switch <= pc < switch + 256 and size)
    stack = Stack(at(framed[0][0]), framed[0][1], fp=SP + framed[0][1] - 8)  # its caller's
    stack.called_from(at(framed[1][0] + 4), framed[1][1]).called_from(at(inside[0] + 4), 64, saved_fp=0)
    goroutine = SP + len(stack.memory) + 512 if copied else 0x40_0100_0000
    # The frame pointer of systemstack was saved by what it called: one word below that one's own SP in its caller.
    stack.memory[framed[0][1] - 8 : framed[0][1]] = struct.pack("<Q", goroutine - 8)
    stack.memory += bytes(512)
    want = list(stack.want)
    if copied:
        stack.size = inside[1]
        stack.called_from(at(framed[2][0] + 4), framed[2][1]).called_from(at(named["runtime.goexit"] + 4), 0)
        want = stack.want
    found, ends = unwound(profile_of(tmp_path, program, [stack]), program)
    assert ends == [End.COMPLETE if copied else End.SWITCHED]
    assert [address for address, _ in found[0]] == want


@pytest.mark.parametrize("machine", ["", "aarch64"])
def test_fields_between_chain_and_registers(tmp_path, program, binary, sizes, named, at, machine):
    pc, size = next(row for row in _ordinary(binary, sizes) if row[1])
    stack = Stack(at(pc), size).called_from(at(named["runtime.goexit"] + 4), 0)
    middle = struct.pack("<I12x", 12) + struct.pack("<Q6Q", 2, *range(6))
    profile = profile_of(
        tmp_path, program, [stack], machine=machine, sample_type=RAW | BRANCH_STACK, middle=middle
    )
    found, ends = unwound(profile, program)
    assert ends == [End.COMPLETE]
    assert [address for address, _ in found[0]] == stack.want


def test_other_machines_and_32_bit_code_are_left_alone(tmp_path, program, binary, sizes, at):
    pc, size = next(row for row in _ordinary(binary, sizes) if row[1])
    stack = Stack(at(pc), size).raw(bytes(size))
    found, ends = unwound(profile_of(tmp_path, program, [stack], machine="s390x"), program)
    assert found == [[(at(pc), True)]]
    assert ends == [End.OPEN]


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_any_memory_at_all(tmp_path, program, binary, named, at, data):
    """Stacks of words that may mean anything end, with no more frames than words."""
    code = [at(named[name] + 4) for name in ("runtime.goexit", "runtime.sigtramp", "runtime.mcall", "main.main",
                                             "runtime.systemstack", "runtime.asyncPreempt", "runtime.gopanic")]  # fmt: skip
    words = st.one_of(
        st.sampled_from(code),
        st.integers(0, 63).map(lambda n: SP + 8 * n),
        st.integers(0, 2**64 - 1),
        st.integers(0, 0x8_0000).map(lambda n: SLIDE + 4 * n),
    )
    stack = Stack(data.draw(words), 0)
    for number in (PC, FP, LR):
        stack.registers[number] = data.draw(words)
    stack.memory += struct.pack("<64Q", *(data.draw(words) for _ in range(64)))
    profile = profile_of(tmp_path, program, [stack], valid=data.draw(st.integers(0, 2**64 - 1)))
    found, ends = unwound(profile, program)
    assert len(found[0]) <= 64 + 16
    assert len(ends) == 1
