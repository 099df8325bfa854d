"""Whatever the builder writes, of any generation, both engines read back: every function, every pc."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.gosym import inline
from goinspect.gosym.bulk.table import BulkTable
from goinspect.gosym.find.structure import understand
from goinspect.gosym.layout import ARGS_UNKNOWN
from goinspect.model import Frame
from tests.builders.pclntab import build
from tests.builders.program import Function, Inlined
from tests.examples import examples
from tests.gosym.answers import bulk_frames, pure_frames, without_lines
from tests.gosym.programs import VERSIONS, decoder, position, programs, truth, value

IDS = [".".join(map(str, version)) for version in VERSIONS]
COMMON = examples(5, derandomize=True)


def check_functions(program, built, version, table) -> None:
    assert table.nfunc == len(program)
    for index, function in enumerate(program):
        func = table.func(index)
        assert func is not None
        assert (func.entry, func.end) == (built.entries[index], built.entries[index + 1])
        assert table.name(func) == function.name
        assert func.args == (None if function.args == ARGS_UNKNOWN else function.args)
        assert func.func_id == (function.func_id if version >= (1, 11) else 0)
        assert func.flag == (function.flag if version >= (1, 17) else 0)
        assert func.start_line == (function.start_line if version >= (1, 20) else None)
        assert table.frame_size(func) == (max(size for _, size in function.sp) if function.sp else None)
        used = max((record for _, record in function.inlined or ()), default=-1)
        assert inline.inlined_names(table, func) == tuple(
            dict.fromkeys(r.name for r in function.tree[: used + 1])
        )
        for offset in range(function.size):
            assert table.position(func, func.entry + offset) == position(function, offset)


@pytest.mark.parametrize("ptrsize", [4, 8])
@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_round_trip(version, byteorder, ptrsize) -> None:
    @COMMON
    @given(st.data(), st.sampled_from((1, 2, 4)))
    def check(data, quantum) -> None:
        program = data.draw(programs(version, quantum))
        built = build(program, version, byteorder=byteorder, ptrsize=ptrsize, quantum=quantum)
        assert understand(memoryview(built.data))
        table = decoder(built, version)
        header = table.header
        assert (header.byteorder, header.ptrsize, header.quantum) == (byteorder, ptrsize, quantum)
        check_functions(program, built, version, table)
        low, high = built.entries[0], built.entries[-1]
        pcs = [0, low - 1, *range(low, high), high, high + 1, 2**64 - 1]
        expected = [truth(program, built, pc) for pc in pcs]
        assert [pure_frames(table, pc) for pc in pcs] == expected
        bulk = BulkTable(table)
        assert bulk_frames(bulk, pcs) == expected
        assert bulk_frames(bulk, reversed(pcs)) == expected[::-1]
        assert bulk_frames(bulk, pcs, lines=False) == [without_lines(chain) for chain in expected]
        flat = [truth(program, built, pc, inlines=False) for pc in pcs]
        assert bulk_frames(bulk, pcs, inlines=False) == flat
        assert bulk_frames(bulk, pcs, inlines=False, lines=False) == [without_lines(chain) for chain in flat]
        assert bulk_frames(bulk, []) == []

    check()


TWO_DEEP = Function(
    "main.outer", 32, files=[(10, "a.go"), (20, "b.go"), (26, "a.go")], lines=[(4, 10), (10, 11), (20, 300), (26, 12)],
    sp=[(4, 0), (26, 64)], inlined=[(4, -1), (10, 0), (20, 1), (26, -1)],
    tree=[Inlined("main.middle", 2, -1, "a.go", 10), Inlined("main.inner", 6, 0, "a.go", 11)],
)  # fmt: skip


@pytest.mark.parametrize(
    "version", [v for v in VERSIONS if v >= (1, 9)], ids=[i for i in IDS if float(i[2:]) >= 9]
)
def test_two_levels_of_inlining(version) -> None:
    """Written out by hand, so that builder and model cannot be wrong together."""
    built = build([TWO_DEEP], version)
    table = decoder(built, version)
    at = built.text
    assert pure_frames(table, at) == (Frame("main.outer", "a.go", 10, inlined=False),)
    assert pure_frames(table, at + 4) == (
        Frame("main.middle", "a.go", 11, inlined=True), Frame("main.outer", "a.go", 10, inlined=False),
    )  # fmt: skip
    assert pure_frames(table, at + 19) == (
        Frame("main.inner", "b.go", 300, inlined=True), Frame("main.middle", "a.go", 11, inlined=True),
        Frame("main.outer", "a.go", 10, inlined=False),
    )  # fmt: skip
    assert pure_frames(table, at + 25) == (Frame("main.outer", "a.go", 12, inlined=False),)
    assert pure_frames(table, at + 26) == (Frame("main.outer", None, None, inlined=False),)
    assert value(TWO_DEEP.inlined, 26, -1) == -1
    assert table.frame_size(table.func(0)) == 64
    assert bulk_frames(BulkTable(table), range(at - 1, at + 33)) == [
        pure_frames(table, pc) for pc in range(at - 1, at + 33)
    ]


@pytest.mark.parametrize("ptrsize", [4, 8])
@pytest.mark.parametrize("version", [(1, 14), (1, 15), (1, 16), (1, 17)])
def test_holes_between_text_sections(version, ptrsize) -> None:
    """Go 1.14-1.17: an entry whose record offset is all ones is no function; what follows is."""
    last = Function("main.last", 8, files=[(8, "a.go")], lines=[(8, 5)])
    gap = Function("", 0, hole=True)
    built = build([TWO_DEEP, gap, last], version, ptrsize=ptrsize)
    table = decoder(built, version)
    assert table.func(1) is None
    assert pure_frames(table, built.entries[2]) == (Frame("main.last", "a.go", 5, inlined=False),)
    # Make the gap 8 bytes wide: between the sections there is nobody.
    width = table.header.field_size
    place = table.header.functab + 4 * width
    data = bytearray(built.data)
    moved = built.entries[2] + 8
    data[place : place + width] = moved.to_bytes(width, "little")
    data[place + 2 * width : place + 3 * width] = (moved + 8).to_bytes(width, "little")
    table = decoder(built, version, bytes(data))
    pcs = range(built.entries[0], moved + 8)
    answers = [pure_frames(table, pc) for pc in pcs]
    assert [not chain for chain in answers] == [built.entries[1] <= pc < moved for pc in pcs]
    assert bulk_frames(BulkTable(table), pcs) == answers


def test_many_functions_share_tables() -> None:
    """Deduplicated tables: the same bytes mean other addresses for other functions."""
    program = [Function(f"f{i}", 16, files=[(8, "a.go")], lines=[(4, 1), (8, 2)]) for i in range(300)]
    for version in ((1, 15), (1, 17), (1, 19), (1, 27)):
        built = build(program, version)
        table = decoder(built, version)
        pcs = range(built.entries[0], built.entries[-1])
        expected = [truth(program, built, pc) for pc in pcs]
        assert bulk_frames(BulkTable(table), pcs) == expected
        assert [pure_frames(table, pc) for pc in pcs[::5]] == expected[::5]
        assert len({table.func(i).pcln for i in range(table.nfunc)}) == 1
