"""Leaves whose caller a walk by frame pointers passes over, against call frame information and the stacks themselves."""

from __future__ import annotations

import itertools
import lzma
from collections import Counter

import numpy as np
import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.fold import fold
from goinspect.analysis.stacks.hiddencallers import caller_hidden
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER
from goinspect.binary import Binary
from goinspect.profiles import open_profile
from goinspect.render.folded import render_folded
from tests.conftest import FIXTURES, oracle_rows

# Has another stack than its call frame information says, while it calls the vDSO.
SWITCHES_STACKS = ("runtime.nanotime1", "runtime.walltime")


def samples(release, path):
    """(PC, return address by frame information, return address by frame pointer) where both are in the copy."""
    offset = {int(pc, 16): int(cfa) for pc, cfa in oracle_rows(f"recordings/leaves-{release}", "cfa")}
    stacks = open_profile(path).user_stacks
    for pc, sp, fp, first, size in zip(
        *(column.tolist() for column in (stacks.pc, stacks.sp, stacks.fp, stacks.first, stacks.size)),
        strict=True,
    ):
        if pc not in offset:
            continue
        words = stacks.words.take(np.arange(first, first + size // 8)).tolist()
        places = [(at - sp) // 8 for at in (sp + offset[pc] - 8, fp + 8)]
        if all(0 <= place < len(words) for place in places) and (fp - sp) % 8 == 0:
            yield pc, words[places[0]], words[places[1]]


@pytest.mark.parametrize("release", ["go1.24", "go1.27"])
def test_real_leaves(release, fixture_file, tmp_path):
    path = tmp_path / "perf.data"
    packed = FIXTURES / "recordings" / f"leaves-{release}" / "perf.data.xz"
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    binary = Binary(fixture_file(f"{release}-exe", "workload"))
    found = list(samples(release, path))
    hidden = caller_hidden(binary, np.array([pc for pc, _, _ in found], dtype=np.uint64)).tolist()
    seen, wrong = Counter(), []
    for (pc, really, by_pointer), claimed in zip(found, hidden, strict=True):
        name = binary.frames(pc)[-1].function
        # In a recursion the caller that is passed over and its own have the same return address.
        recursion = claimed and really == by_pointer and holds(binary, really - 1, name)
        seen[claimed] += 1
        if claimed != (really != by_pointer) and not recursion and name not in SWITCHES_STACKS:
            wrong.append((hex(pc), name, hex(really), hex(by_pointer), claimed))
    assert wrong == []
    assert seen[True] > 50
    assert seen[False] > 25


def holds(binary, pc, name):
    frames = binary.frames(pc)
    return bool(frames) and frames[-1].function == name


def test_the_missing_caller_is_shown_on_request(fixture_file):
    """In main.spin, which has no frame of its own, it is never the function that called it that stands below."""
    profile = open_profile(fixture_file("go1.27-exe", "perf.data"))
    options = {"binaries": [str(fixture_file("go1.27-exe", "workload"))], "restore": False}
    plain = fold(profile, FlameOptions(**options))
    shown = fold(profile, FlameOptions(**options, hidden_callers=True))
    assert plain.totals == shown.totals
    assert HIDDEN_CALLER not in render_folded(plain)
    lines = [line.rpartition(" ")[0].split(";") for line in render_folded(shown).splitlines()]
    spin = [line for line in lines if "main.spin" in line]
    assert spin
    for line in spin:
        assert line[line.index("main.spin") - 1] == HIDDEN_CALLER
    without = {tuple(frame for frame in line if frame != HIDDEN_CALLER) for line in lines}
    assert without == {
        tuple(line.rpartition(" ")[0].split(";")) for line in render_folded(plain).splitlines()
    }
    names = [frame.name for frame in shown.stacks.frames]
    start, flat = shown.stacks.start, np.array(shown.stacks.frame)
    marked = [HIDDEN_CALLER in {names[i] for i in flat[a:b]} for a, b in itertools.pairwise(start)]
    assert int(shown.stacks.samples[marked].sum()) == shown.totals.hidden_callers


def code(vaddr, data, arch="amd64"):
    """A stand-in for a binary with one function at `vaddr` that has a frame of 32 bytes everywhere."""

    class Records:
        def field(self, funcs, _name):
            return np.full(len(funcs), 1, dtype=np.int64)

    class Tables:
        def tables(self, _offsets):
            return self

        def lookup(self, offsets, _targets):
            return np.full(len(offsets), 32, dtype=np.int32)

    class Segment:
        executable, file_size = True, len(data)

    class Image:
        segments = (Segment,)

        def read(self, _vaddr, _size):
            return memoryview(data)

    class Bulk:
        records, pctab, entries = Records(), Tables(), np.array([vaddr], dtype=np.uint64)

        def find(self, pcs):
            return np.zeros(len(pcs), dtype=np.int64)

        def names(self, offsets):
            return ["main.f"] * len(offsets)

    Segment.vaddr = vaddr
    Image.arch = arch
    fake = type("Fake", (), {})()
    fake.bulk, fake.image = Bulk(), Image()
    return fake


@pytest.mark.parametrize(
    ("arch", "before", "here", "hidden"),
    [
        ("amd64", "", "48 89 e5", True),  # MOVQ SP, BP
        ("amd64", "48 89 e5", "48 83 ec 10", False),
        ("amd64", "", "48 89 6c 24 18", True),  # MOVQ BP, 24(SP)
        ("amd64", "48 89 6c 24 18", "48 8d 6c 24 18", True),  # LEAQ 24(SP), BP
        ("amd64", "48 8d 6c 24 18", "90", False),
        ("amd64", "", "48 8d ac 24 18 01 00 00", True),
        ("amd64", "48 8b 6c 24 18", "48 83 c4 20", True),  # MOVQ 24(SP), BP; ADDQ $32, SP
        ("amd64", "48 8b ac 24 18 01 00 00", "48 81 c4 20 01 00 00", True),
        ("amd64", "48 83 c4 10", "5d c3", False),  # ADDQ $16, SP; POPQ BP
        ("amd64", "", "48 89 6c 24 f0", False),  # before DUFFZERO: MOVQ BP, -16(SP)
        ("amd64", "", "48 8d 6c 24 f0", False),
        ("arm64", "fe 0f 1d f8", "fd 83 1f f8", True),  # MOVD.W R30, -48(RSP); MOVD R29, -8(RSP)
        ("arm64", "fd 83 1f f8", "fd 23 00 d1", True),  # SUB $8, RSP, R29
        ("arm64", "fd 23 00 d1", "00 00 80 d2", False),
        ("arm64", "fd fb 7f a9", "ff c3 00 91", True),  # LDP -8(RSP), (R29, R30); ADD $48, RSP
        ("riscv64", "", "48 89 e5", False),
    ],
)
def test_instructions(arch, before, here, hidden):
    first, then = bytes.fromhex(before), bytes.fromhex(here)
    data = first.rjust(16, b"\0") + then.ljust(16, b"\0")
    pcs = np.array([0x401000 + 16], dtype=np.uint64)
    assert caller_hidden(code(0x401000, data, arch), pcs).tolist() == [hidden]


def test_code_at_the_ends_of_a_file():
    data = bytes.fromhex("48 89 e5").ljust(32, b"\0")
    pcs = np.array([0, 0x401000, 0x401001, 0x40101F, 0x402000, 2**64 - 1], dtype=np.uint64)
    assert not caller_hidden(code(0x401000, data), pcs).any()
    assert not caller_hidden(code(0x401000, b"\x48"), pcs).any()
    assert not caller_hidden(code(0x401000, b""), pcs[:0]).any()
