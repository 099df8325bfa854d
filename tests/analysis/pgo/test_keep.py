"""Stacks of one program: what stays, what is counted, and that nobody seems to have called whom he did not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.pgo.joined import joined
from goinspect.analysis.pgo.keep import keep
from goinspect.analysis.pgo.programs import Chosen, choose, identity
from goinspect.model import FrameKind
from goinspect.results.pgo import NO_CODE
from goinspect.results.places import Module, Places, Program
from goinspect.results.stacks import StackFrame, Stacks, Weight
from goinspect.views.calledges import call_edges

SERVER = Module("/srv/server", "aa", 0x1000, 0x2000, 0, placed=True, program=Program("go1.27.3", "example.com/s", "example.com/s/cmd"))  # fmt: skip
OLD = SERVER._replace(build_id="bb", program=SERVER.program._replace(go_version="go1.24.11"))
OTHER = Module(
    "/srv/other", "cc", 0, 9, 0, placed=True, program=Program("go1.27.3", "example.com/o", "example.com/o")
)
LIBC = Module("/lib/libc.so", "dd", 0, 9, 0, placed=True)
KERNEL = Module("[kernel.kallsyms]", "", 0, 0, 0, kernel=True)
MODULES = (SERVER, OLD, OTHER, LIBC, KERNEL)


def go(name, line=5, **more):
    return StackFrame(name, FrameKind.USER, "main", inlined=more.pop("inlined", False), file="x.go", line=line, start_line=1, **more)  # fmt: skip


MAIN, F, G = go("main.main"), go("main.f"), go("main.g")
INNER = go("main.inner", inlined=True)
WRAPPER = go("main.(*T).M", line=1, wrapper=True)
C = StackFrame("malloc", FrameKind.NATIVE, "libc.so", False)
SYSCALL = StackFrame("do_syscall_64", FrameKind.KERNEL, "kernel", False)
UNKNOWN = StackFrame("[unknown]", FrameKind.UNKNOWN, "", False)
HIDDEN = StackFrame("[hidden caller]", FrameKind.UNKNOWN, "", False)


def stacks_of(*rows, counts=None):
    """Stacks of (frame, module) pairs, root first; each pair has a place of its own, but inlined calls that of their function."""
    frames: dict[StackFrame, int] = {}
    frame, place, start, module = [], [], [0], []
    for row in rows:
        for one, where in row:
            frame.append(frames.setdefault(one, len(frames)))
            if not one.inlined or len(frame) == start[-1] + 1:
                module.append(MODULES.index(where) if where else -1)
            place.append(len(module) - 1)
        start.append(len(frame))
    samples = np.array(counts or [1] * len(rows), dtype=np.int64)
    address = np.arange(0x1000, 0x1000 + len(module), dtype=np.uint64)
    return Stacks(
        tuple(frames), np.array(start), np.array(frame, dtype=np.int32), samples,
        (Weight("cpu-clock", "ns", (samples * 10).astype(np.uint64)),), place=np.array(place, dtype=np.int32),
        places=Places(MODULES, np.array(module, dtype=np.int32), address),
    )  # fmt: skip


def names(stacks):
    return [[stacks.frames[i].name for i in stacks.frame[a:b].tolist()]
            for a, b in zip(stacks.start[:-1].tolist(), stacks.start[1:].tolist(), strict=True)]  # fmt: skip


def kept(stacks, binaries=()):
    return keep(stacks, choose(stacks, binaries))


def test_what_is_behind_the_program_goes():
    found = kept(
        stacks_of(
            [(MAIN, SERVER), (F, SERVER), (SYSCALL, KERNEL), (SYSCALL, KERNEL)],
            [(MAIN, SERVER), (F, SERVER), (C, LIBC)],
            [(C, LIBC), (MAIN, SERVER), (UNKNOWN, None)],
            counts=[3, 4, 5],
        )
    )
    assert names(found.stacks) == [["main.main", "main.f"], ["main.main", "main.f"], ["main.main"]]
    assert found.cut == {
        "in the kernel": 3,
        "in code that is not Go or of other files": 4,
        "in unnamed code": 5,
    }
    assert not found.left_out


def test_other_samples_are_counted():
    found = kept(
        stacks_of(
            [(MAIN, SERVER)] * 2,
            [(MAIN, OTHER)],
            [(C, LIBC), (SYSCALL, KERNEL)],
            [(SYSCALL, KERNEL)],
            [(UNKNOWN, None)],
            [],
            counts=[50, 1, 2, 3, 4, 5],
        )
    )
    assert names(found.stacks) == [["main.main", "main.main"]]
    assert found.left_out == {"other Go programs": 1, "code that is not Go": 2, "kernel only": 3, "unnamed code": 4, "no frames": 5}  # fmt: skip
    assert not found.cut


def test_nobody_called_through_other_code():
    found = kept(
        stacks_of(
            [(MAIN, SERVER), (C, LIBC), (UNKNOWN, None), (F, SERVER)],
            [(MAIN, SERVER), (HIDDEN, SERVER), (F, SERVER)],
        )
    )
    assert names(found.stacks) == [
        ["main.main", NO_CODE, "main.f"],
        ["main.main", "[hidden caller]", "main.f"],
    ]
    assert {edge.key for edge in call_edges(found.stacks, found.stacks.samples)} == {
        (NO_CODE, None, "main.f"), ("[hidden caller]", None, "main.f"),
    }  # fmt: skip


def test_wrappers_are_not_there():
    inlined = go("main.T.M", inlined=True)
    found = kept(
        stacks_of(
            [(MAIN, SERVER), (WRAPPER, SERVER), (F, SERVER)],
            [(MAIN, SERVER), (INNER, SERVER), (WRAPPER, SERVER), (inlined, SERVER)],
            [(MAIN, SERVER), (WRAPPER, SERVER)],
        )
    )
    assert names(found.stacks) == [
        ["main.main", "main.f"],
        ["main.main", "main.inner", "main.T.M"],
        ["main.main"],
    ]
    last = found.stacks.frames[found.stacks.frame[found.stacks.start[2] - 1]]
    assert last == inlined._replace(inlined=False)  # a location of its own, as its address is
    assert {edge.key for edge in call_edges(found.stacks, found.stacks.samples)} == {
        ("main.main", 4, "main.f"), ("main.main", 4, "main.inner"), ("main.inner", 4, "main.T.M"),
    }  # fmt: skip
    assert not found.cut


def test_the_program_with_most_samples():
    stacks = stacks_of([(MAIN, SERVER)], [(MAIN, OLD)], [(MAIN, OTHER)], [(C, LIBC)], counts=[4, 5, 8, 90])
    chosen = choose(stacks, ())
    assert str(chosen.identity) == "module example.com/s"
    assert chosen.modules == (SERVER, OLD)
    assert choose(stacks, (), identity(OTHER.program, OTHER.path)).modules == (OTHER,)
    assert choose(stacks_of([(C, LIBC)], [(SYSCALL, KERNEL)]), ()) is None
    assert choose(stacks_of(), ()) is None


def test_files_that_tell_nothing_of_themselves():
    nameless = SERVER._replace(program=None)
    known = choose(stacks_of([(MAIN, SERVER)]), ())
    unknown = Chosen(identity(None, nameless.path), np.array([True]), (nameless,))
    assert unknown.is_of(known)
    assert known.is_of(unknown)
    assert not Chosen(
        identity(None, "/srv/client"), np.array([True]), (nameless._replace(path="/srv/client"),)
    ).is_of(known)
    assert not choose(stacks_of([(MAIN, OTHER)]), ()).is_of(known)


def test_parts_are_added_up():
    first = kept(stacks_of([(MAIN, SERVER), (F, SERVER)], [(MAIN, SERVER)], counts=[2, 3])).stacks
    second = kept(stacks_of([(MAIN, OLD), (F, OLD)], counts=[7])).stacks
    whole = joined([first, second, first], [part.weights for part in (first, second, first)])
    assert names(whole) == [["main.main", "main.f"], ["main.main"], ["main.main", "main.f"]]
    assert whole.samples.tolist() == [4, 6, 7]
    assert whole.weight.tolist() == [40, 60, 70]
    modules = [whole.places.modules[whole.places.module[place]] for place in whole.place.tolist()]
    assert modules == [SERVER, SERVER, SERVER, OLD, OLD]


PAIRS = st.tuples(
    st.sampled_from([MAIN, F, G, INNER, WRAPPER, C, SYSCALL, UNKNOWN, HIDDEN]),
    st.sampled_from([*MODULES, None]),
)


@given(st.lists(st.lists(PAIRS, max_size=7), max_size=6))
def test_nothing_is_lost_or_made_up(rows):
    stacks = stacks_of(*rows, counts=[2**i for i in range(len(rows))])
    chosen = choose(stacks, ())
    if chosen is None:
        return
    found = keep(stacks, chosen)
    left = found.stacks
    assert int(left.samples.sum()) + sum(found.left_out.values()) == int(stacks.samples.sum())
    own = {"main.main", "main.f", "main.g", "main.inner"}
    for stack in names(left):
        assert stack[0] in own
        assert stack[-1] in own
        assert set(stack) <= own | {NO_CODE, "[hidden caller]"}
    whole = joined([left], [left.weights])
    assert int(whole.samples.sum()) == int(left.samples.sum())
    for one in (left, whole):
        begins = one.frame[one.start[:-1]].tolist()
        assert not any(one.frames[i].inlined for i in begins)
