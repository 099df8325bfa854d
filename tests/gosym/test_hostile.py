"""Damaged tables: nothing but GoinspectError comes out, and it comes out soon."""

from __future__ import annotations

import contextlib
import random
import time
import tracemalloc

import numpy as np
import pytest

from goinspect.errors import GoinspectError, MalformedError, TruncatedError
from goinspect.gosym import inline
from goinspect.gosym.bulk.listing import list_functions
from goinspect.gosym.bulk.pctables import PcTab
from goinspect.gosym.bulk.table import BulkTable
from goinspect.gosym.find.structure import understand
from goinspect.gosym.pclntab import parse_header
from tests.builders.pclntab import Built, build
from tests.builders.program import Function, Inlined
from tests.gosym.programs import decoder

# One release of every layout of header and record.
LAYOUTS = [(1, 2), (1, 10), (1, 11), (1, 12), (1, 15), (1, 16), (1, 17), (1, 19), (1, 20), (1, 25), (1, 27)]
IDS = [f"1.{minor}" for _, minor in LAYOUTS]
FLIPS = 150


def small(version, byteorder="little", ptrsize=8) -> Built:
    inlining = Function(
        "main.outer", 24, files=[(10, "a.go"), (20, "b.go")], lines=[(4, 10), (20, 300)], sp=[(20, 64)],
        inlined=[(4, -1), (10, 0), (20, 1)],
        tree=[Inlined("main.middle", 2, -1, "a.go", 10), Inlined("main.inner", 6, 0, "a.go", 300)],
    )  # fmt: skip
    program = [inlining, Function("mark", 8), Function("main.f", 16, files=[(16, "b.go")], lines=[(16, 4)])]
    return build(program, version, byteorder=byteorder, ptrsize=ptrsize)


def ask_everything(built: Built, version, data: bytes) -> int:
    """Every question to both engines; returns how many were refused. Anything but GoinspectError escapes."""
    refused = 0
    pcs = [*range(built.text - 2, built.entries[-1] + 2), 0, 2**64 - 1]
    understand(memoryview(data))
    try:
        table = decoder(built, version, data)
    except GoinspectError as error:
        check_message(error)
        return 1
    for pc in pcs:
        try:
            index = table.find(pc)
            func = table.func(index) if index is not None else None
            if func is not None:
                table.position(func, pc)
                inline.expand(table, func, pc)
        except GoinspectError as error:
            check_message(error)
            refused += 1
    for index in range(min(table.nfunc, 5)):
        try:
            func = table.func(index)
            if func is not None:
                table.name(func)
                table.frame_size(func)
                inline.inlined_names(table, func)
        except GoinspectError:
            refused += 1
    try:
        bulk = BulkTable(table)
        for options in ({}, {"inlines": False}, {"lines": False}):
            bulk.frames(np.array(pcs, dtype=np.uint64), **options)
    except GoinspectError as error:
        check_message(error)
        refused += 1
    return refused


def check_message(error: GoinspectError) -> None:
    assert str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("version", LAYOUTS, ids=IDS)
def test_the_sound_table_is_accepted(version) -> None:
    built = small(version)
    assert ask_everything(built, version, built.data) == 0


@pytest.mark.parametrize("version", LAYOUTS, ids=IDS)
def test_truncated_at_every_byte(version) -> None:
    built = small(version)
    begin = time.monotonic()
    refused = sum(ask_everything(built, version, built.data[:size]) > 0 for size in range(len(built.data)))
    assert refused > len(built.data) // 3
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(("byteorder", "ptrsize"), [("little", 8), ("big", 4)])
@pytest.mark.parametrize("version", LAYOUTS, ids=IDS)
def test_flipped_bytes(version, byteorder, ptrsize) -> None:
    built = small(version, byteorder, ptrsize)
    chance = random.Random(f"{version} {byteorder}")
    refused = 0
    for _ in range(FLIPS):
        data = bytearray(built.data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            # The last byte of a header word decides more than its first.
            data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        refused += ask_everything(built, version, bytes(data)) > 0
    assert refused > FLIPS // 10


@pytest.mark.parametrize("version", LAYOUTS, ids=IDS)
def test_words_of_ones_and_big_numbers(version) -> None:
    """Each aligned word replaced by values that overflow something."""
    built = small(version)
    for at in range(0, len(built.data) - 3, 4):
        for word in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"):
            ask_everything(built, version, built.data[:at] + word + built.data[at + 4 :])


@pytest.mark.parametrize(
    "version", [v for v in LAYOUTS if v >= (1, 18)], ids=[i for i in IDS if int(i[2:]) >= 18]
)
def test_tree_that_leads_in_a_circle(version) -> None:
    loop = Function(
        "loop", 8, files=[(8, "a.go")], lines=[(8, 1)], inlined=[(8, 0)],
        tree=[Inlined("inner", 4, -1, "a.go", 1)],
    )  # fmt: skip
    built = build([loop], version)
    table = decoder(built, version)
    func = table.func(0)
    assert func is not None
    pc = built.text + 1
    pure = inline.expand(table, func, pc)
    assert [(frame.function, frame.inlined) for frame in pure] == [("inner", True), ("loop", False)]
    assert pure[1][1:3] == (None, None)  # whence the call came is not known, and nothing is made up
    found = BulkTable(table).frames(np.array([pc], dtype=np.uint64))
    assert [found.names[number] for number in found.function] == ["inner", "loop"]
    assert found.file.tolist()[1] == -1


def test_a_parent_pc_of_zero_is_not_taken_for_the_call_that_lies_there() -> None:
    """Seen in package initializers of Go 1.27: the compiler had no instruction of the calls between, and wrote 0."""
    init = Function(
        "init", 12, files=[(12, "a.go")], lines=[(12, 7)], inlined=[(6, 0), (12, 1)],
        tree=[Inlined("first", 0, -1, "a.go", 1), Inlined("second", 0, -1, "a.go", 2)],
    )  # fmt: skip
    built = build([init], (1, 27))
    table = decoder(built, (1, 27))
    func = table.func(0)
    assert func is not None
    for offset, name in ((0, "first"), (7, "second")):
        frames = inline.expand(table, func, built.text + offset)
        assert [frame.function for frame in frames] == [name, "init"]
        found = BulkTable(table).frames(np.array([built.text + offset], dtype=np.uint64))
        assert [found.names[number] for number in found.function] == [name, "init"]


def quickly(limit: float = 5) -> contextlib.AbstractContextManager[None]:
    """Neither long nor in much memory, whatever the file claims."""

    @contextlib.contextmanager
    def check():
        tracemalloc.start()
        begin = time.monotonic()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert time.monotonic() - begin < 4 * limit  # tracing memory takes its time
        assert peak < 100 << 20

    return check()


@pytest.mark.parametrize("pair", [b"\x03\x03", b"\x02\x00", b"\x83\x83", b"\xff\x7f"])
def test_tables_that_overlap_each_other(pair) -> None:
    """Tens of thousands of tables that all run to the end of the same bytes."""
    data = pair * 60_000
    starts = np.arange(1, len(data), 5)
    with quickly():
        rows = sum(len(piece.end) for piece in PcTab(memoryview(data), 1).pieces(starts))
    assert rows < 4 * len(data)


def test_names_that_overlap_each_other() -> None:
    built = build([Function("x" * 60_000, 16), Function("y" * 3_000, 16)], (1, 27))
    bulk = BulkTable(decoder(built, (1, 27)))
    with quickly():
        names = bulk.names(np.arange(60_000))
    assert names[0] == "x" * 60_000
    assert sum(map(len, names)) < 4 * len(built.data) + 60_000 * 20


def test_trees_that_claim_more_records_than_there_are() -> None:
    tree = [Inlined("inner", 0, -1, "a.go", 1, 0, 1)] * 4
    program = [
        Function(f"f{i}", 8, files=[(8, "a.go")], lines=[(8, 1)], inlined=[(4, -1), (8, 1 << 20)], tree=tree)
        for i in range(4_000)
    ]
    built = build(program, (1, 27))
    table = decoder(built, (1, 27))
    table.gofunc = memoryview(bytes(1 << 20))
    with quickly():
        found = list_functions(BulkTable(table))
    assert len(found.name) == 4_000
    with quickly():
        assert inline.trees_are_sound(table) is not None
        func = table.func(3)
        assert func is not None
        inline.inlined_names(table, func)


@pytest.mark.parametrize("version", [(1, 15), (1, 19), (1, 27)], ids=str)
def test_calls_inlined_deeper_than_any_compiler_does(version) -> None:
    depth = 3_000
    deep = Function(
        "deep", depth + 8, files=[(depth + 8, "a.go")], lines=[(i + 1, i + 1) for i in range(depth + 8)],
        inlined=[(1, -1), *((i + 2, i) for i in range(depth))],
        tree=[Inlined(f"f{i}", i, i - 1, "a.go", i + 1) for i in range(depth)],
    )  # fmt: skip
    table = decoder(build([deep], version), version)
    pc = table.entry(0) + depth
    with quickly():
        func = table.func(0)
        assert func is not None
        frames = inline.expand(table, func, pc)
        bulk = BulkTable(table).frames(np.array([pc], dtype=np.uint64))
    assert len(frames) == len(bulk.function) == inline.MAX_DEPTH + 1
    assert [frame.function for frame in frames] == [bulk.names[number] for number in bulk.function]
    assert frames[-1].file is None
    assert bulk.file[-1] == -1


def test_headers_that_are_refused() -> None:
    data = small((1, 27)).data
    with pytest.raises(TruncatedError):
        parse_header(memoryview(b""))
    with pytest.raises(MalformedError, match="no known generation"):
        parse_header(memoryview(b"\xf2" + data[1:]))
    for at, wrong in ((4, 1), (5, 1), (6, 3), (6, 0), (7, 2), (7, 0)):
        with pytest.raises(MalformedError):
            parse_header(memoryview(data[:at] + bytes([wrong]) + data[at + 1 :]))
    with pytest.raises(MalformedError, match="claims 0 functions"):
        parse_header(memoryview(data[:8] + bytes(8) + data[16:]))
    with pytest.raises(MalformedError, match="functions"):
        parse_header(memoryview(data[:8] + b"\xff" * 8 + data[16:]))
    with pytest.raises(MalformedError, match="out of order"):
        parse_header(memoryview(data[:32] + data[40:48] + data[32:40] + data[48:]))


def test_offset_of_an_error_is_an_address() -> None:
    data = small((1, 27)).data
    with pytest.raises(MalformedError) as caught:
        parse_header(memoryview(data[:8] + bytes(8) + data[16:]), 0x500000)
    assert caught.value.offset == 0x500008
