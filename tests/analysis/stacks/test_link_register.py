"""arm64: the link register that perf records beside call chains is the return address of a leaf without a frame."""

from __future__ import annotations

import struct

import pytest

import goinspect
from goinspect.binary import Binary
from goinspect.disasm import CALL, decode
from goinspect.render.folded import render_folded
from tests.analysis.stacks.test_unwind import LR, SLIDE
from tests.builders.perfdata import PLAIN, REGS_USER, SAMPLE, USER, Event, PerfData, Sample
from tests.conftest import FIXTURES
from tests.unpacked import unpack_tar

USER_CONTEXT = 2**64 - 512


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    root = tmp_path_factory.mktemp("arm64")
    unpack_tar(FIXTURES / "matrix" / "go1.27.tar.xz", root, "go1.27-linux-arm64/workload")
    return root / "go1.27-linux-arm64" / "workload"


class Program:
    """Places in the program, as they are at run time."""

    def __init__(self, path):
        self.path = path
        self.binary = Binary(path)
        table = self.binary.go.table
        self.functions = {table.name(func): func for func in map(table.func, range(table.nfunc)) if func}
        self.segment = next(segment for segment in self.binary.image.segments if segment.executable)

    def runtime(self, vaddr):
        return vaddr - self.segment.vaddr + self.segment.file_offset + SLIDE

    def inside(self, name):
        return self.runtime(self.functions[name].entry + 8)

    def behind_call(self, name, callee=None):
        """Behind the first call of `callee` in a function; without one, behind the first that names none."""
        func = self.functions[name]
        target = self.functions[callee].entry if callee else None
        code = self.binary.image.read(func.entry, func.end - func.entry)
        found = decode(code, func.entry, "arm64")
        return self.runtime(next(one.end for one in found if one.kind == CALL and one.target == target))


@pytest.fixture(scope="module")
def places(program):
    return Program(program)


def stacks(tmp_path, places, chain, *, lr=None, machine="aarch64"):
    kind = PLAIN | (REGS_USER if lr is not None else 0)
    recording = PerfData([Event(sample_type=kind, registers=1 << LR)])
    recording.features[6] = recording.text(machine)
    recording.mmap2(10, SLIDE, 0x20_0000, 0, str(places.path))
    tail = b"" if lr is None else struct.pack("<QQ", 2, lr)
    sample = Sample(ip=chain[0], chain=(USER_CONTEXT, *chain), time=1000, tail=tail)
    recording.record(SAMPLE, USER, recording.sample_body(sample))
    path = tmp_path / "perf.data"
    path.write_bytes(recording.build())
    flame = goinspect.flame(path, by="none", inlines=False, binaries=[str(places.path)])
    return render_folded(flame.profile).rpartition(" ")[0], flame


@pytest.fixture
def chain(places):
    """main.stack runs; the walk found the return address of main.inlineA, which main.outer called, and main.methods's."""
    return [
        places.inside("main.stack"),
        places.behind_call("main.outer", "main.inlineA"),
        places.behind_call("main.methods"),
    ]


def test_without_registers_the_code_tells(tmp_path, places, chain):
    found, flame = stacks(tmp_path, places, chain)
    assert found == "main.methods;main.outer;main.inlineA;main.stack"
    assert (flame.totals.restored, flame.totals.hidden_callers) == (1, 0)


def test_the_register_tells_where_the_code_does_not(tmp_path, places, chain):
    """Behind a call through a pointer any of main.stack's callers may be meant."""
    del chain[1]
    found, flame = stacks(tmp_path, places, chain)
    assert found == "main.methods;main.stack"
    assert flame.totals.hidden_callers == 1
    found, flame = stacks(tmp_path, places, chain, lr=places.behind_call("main.generated", "main.stack"))
    assert found == "main.methods;main.generated;main.stack"
    assert (flame.totals.restored, flame.totals.hidden_callers) == (1, 0)
    assert [frame.name for frame in flame.stacks.frames if frame.restored] == ["main.generated"]
    found, _ = stacks(
        tmp_path, places, chain, lr=places.behind_call("main.generated", "main.stack"), machine=""
    )
    assert found == "main.methods;main.generated;main.stack"


@pytest.mark.parametrize("lr", [0, 1, 2**64 - 1, SLIDE, "elsewhere", "not behind a call"])
def test_a_register_that_is_no_return_address(tmp_path, places, chain, lr):
    """A function may have used it for something else: it must lie behind a call that leads to the leaf."""
    value = {"elsewhere": places.behind_call("main.outer", "main.inlineA"),
             "not behind a call": places.behind_call("main.generated", "main.stack") + 4}.get(lr, lr)  # fmt: skip
    found, _ = stacks(tmp_path, places, chain, lr=value)
    assert found == "main.methods;main.outer;main.inlineA;main.stack"
    del chain[1]
    found, flame = stacks(tmp_path, places, chain, lr=value)
    assert found == "main.methods;main.stack"
    assert flame.totals.hidden_callers == 1


def test_registers_of_x86_have_no_such_register(tmp_path, places, chain):
    del chain[1]
    found, _ = stacks(
        tmp_path, places, chain, lr=places.behind_call("main.generated", "main.stack"), machine="x86_64"
    )
    assert found == "main.methods;main.stack"
