"""Line tables: what frames() says at every PC, no more and no less."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.pcln.linetable import line_table
from goinspect.analysis.pcln.segments import segments
from goinspect.binary import Binary
from goinspect.errors import QueryError
from goinspect.gosym import inline
from tests.analysis.pcln.tables import TableBinary
from tests.builders.pclntab import build
from tests.conftest import FIXTURES
from tests.examples import examples
from tests.gosym.programs import VERSIONS, decoder, programs


def check(rows, begin, end, frames):
    """`rows` tell of [begin, end) what `frames` says of each PC, in as few ranges as can be."""
    assert [row.pc for row in rows] == [begin, *(row.end for row in rows[:-1])]
    assert rows[-1].end == end
    for row in rows:
        assert {frames(pc) for pc in range(row.pc, row.end)} == {row.frames}
    assert all(a.frames != b.frames for a, b in pairwise(rows))


def test_line_tables_of_a_real_binary(build, workload):
    binary = Binary(workload)
    table = binary.go.table
    numbers = random.Random(5).sample(range(table.nfunc), 60)
    covered = segments(binary.bulk, np.array(sorted(numbers)))
    for number in numbers:
        func = table.func(number)
        result = line_table(binary, [hex(func.entry)])
        rows = list(result.rows)
        assert {row.function for row in rows} == {table.name(func)}
        check(rows, func.entry, func.end, binary.frames)
        # numpy's segments are these rows, cut where the frames do not show a difference
        mine = covered.func == number
        starts = covered.start[mine].tolist()
        assert {row.pc for row in rows} <= set(starts)
        assert starts == [func.entry, *covered.end[mine].tolist()[:-1]]


@examples(100, derandomize=True)
@given(st.data())
def test_line_tables_of_every_layout(data):
    version = data.draw(st.sampled_from(VERSIONS))
    program = data.draw(programs(version, 2))
    built = build(program, version, quantum=2)
    table = decoder(built, version)
    binary = TableBinary(table)
    numbers = np.arange(len(program))
    columns = segments(binary.bulk, numbers)
    for number, function in enumerate(program):
        if not function.size:
            continue
        func = table.func(number)
        rows = list(line_table(binary, [hex(built.entries[number])]).rows)
        check(rows, func.entry, func.end, lambda pc, func=func: inline.expand(table, func, pc))
        starts = columns.start[columns.func == number].tolist()
        assert {row.pc for row in rows} <= set(starts)


def test_without_inlined_calls():
    binary = Binary(FIXTURES / "go1.27-piestripped" / "workload")
    rows = line_table(binary, ["main.leafA"], inlines=False).rows
    assert {len(row.frames) for row in rows} == {1}
    assert max(len(row.frames) for row in line_table(binary, ["main.leafA"]).rows) == 4


def test_what_has_no_line_table():
    binary = Binary(FIXTURES / "go1.27-piestripped" / "workload")
    for name, said in (
        ("main.inl1", "exists only inlined"), ("nosuch", "no function is called 'nosuch'"), ("1", "no function holds 1"),
    ):  # fmt: skip
        with pytest.raises(QueryError, match=said):
            line_table(binary, [name])
