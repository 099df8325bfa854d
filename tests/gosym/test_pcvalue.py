"""pc-value tables, byte by byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import TruncatedError
from goinspect.gosym.bulk.pctables import PcTab
from goinspect.gosym.pcvalue import NO_VALUE, PcValues, rows
from tests.builders.pclntab import pcvalue as encode
from tests.builders.varints import uleb
from tests.examples import examples


def pc_value(view: memoryview, offset: int, quantum: int, target: int) -> int:
    return PcValues(view, offset, quantum).at(target)


def table(data: bytes) -> memoryview:
    return memoryview(b"\0" + data)


@pytest.mark.parametrize(
    ("data", "quantum", "expected"),
    [
        ("02 04 00", 1, [(4, 0)]),
        ("02 04 00", 4, [(16, 0)]),
        ("02 04 01 02 00", 1, [(4, 0), (6, -1)]),
        (
            "00 04 02 02 00",
            1,
            [(4, -1), (6, 0)],
        ),  # a value delta of 0 does not end the table in the first pair
        ("14 01 d0 0f 01 d1 0f 01 00", 1, [(1, 9), (2, 1009), (3, 8)]),
        ("02 80 01 00", 1, [(128, 0)]),
        ("82 00 04 00", 1, [(4, 0)]),  # a number longer than it need be
        ("02 00 02 05 00", 1, [(0, 0), (5, 1)]),  # no width: legal, holds nowhere
        ("fe ff ff ff 0f 04 02 04 00", 1, [(4, 0x7FFFFFFE), (8, 0x7FFFFFFF)]),
        ("ff ff ff ff 0f 04 00", 1, [(4, 0x7FFFFFFF)]),  # -1 - 2^31 wraps around
    ],
)
def test_tables_by_hand(data: str, quantum: int, expected: list[tuple[int, int]]) -> None:
    view = table(bytes.fromhex(data))
    assert list(rows(view, 1, quantum)) == expected
    for target in range(expected[-1][0] + 2):
        held = next((value for end, value in expected if target < end), NO_VALUE)
        assert pc_value(view, 1, quantum, target) == held
        assert bulk(view, 1, quantum, target) == held


def bulk(view: memoryview, offset: int, quantum: int, target: int) -> int:
    offsets = np.array([offset], dtype=np.int64)
    tables = PcTab(view, quantum).tables(offsets)
    return int(tables.lookup(offsets, np.array([target], dtype=np.int64))[0])


def test_offset_0_is_no_table() -> None:
    view = memoryview(b"\x02\x04\x00")
    assert list(rows(view, 0, 1)) == []
    assert pc_value(view, 0, 1, 0) == NO_VALUE
    assert bulk(view, 0, 1, 0) == NO_VALUE


@pytest.mark.parametrize("data", ["", "02", "02 04", "02 04 02", "02 84", "82", "02 04 02 81 80"])
def test_table_that_runs_out_of_its_data(data: str) -> None:
    with pytest.raises(TruncatedError):
        list(rows(table(bytes.fromhex(data)), 1, 1))
    with pytest.raises(TruncatedError):
        list(rows(table(b""), 99, 1))


def test_varint_of_more_than_five_bytes_ends_the_table() -> None:
    assert list(rows(table(bytes.fromhex("02 04 80 80 80 80 80 01 04 00")), 1, 1)) == [(4, 0)]


@examples(200, derandomize=True)
@given(st.data(), st.sampled_from((1, 2, 4)))
def test_round_trip_of_several_tables_at_once(data: st.DataObject, quantum: int) -> None:
    values = st.one_of(st.integers(-1, 40), st.integers(-1, 1 << 30))
    steps = st.one_of(st.integers(1, 20), st.integers(1, 1 << 20))
    blob, offsets, expected = b"\0", [], []
    for pairs in data.draw(
        st.lists(st.lists(st.tuples(steps, values), min_size=1, max_size=12), min_size=1, max_size=5)
    ):
        end, table_rows = 0, []
        for step, value in pairs:
            end += step * quantum
            table_rows.append((end, value))
        offsets.append(len(blob))
        blob += encode(table_rows, quantum)
        expected.append(table_rows)
    view = memoryview(blob)
    questions, answers = [], []
    for offset, table_rows in zip(offsets, expected, strict=True):
        edges = {0, *(end + by for end, _ in table_rows for by in (-1, 0))}
        for target in edges:
            answer = next((value for end, value in table_rows if target < end), NO_VALUE)
            assert pc_value(view, offset, quantum, target) == answer
            questions.append((offset, target))
            answers.append(answer)
    columns = np.array(questions, dtype=np.int64)
    tables = PcTab(view, quantum).tables(columns[:, 0])
    assert tables.lookup(columns[:, 0], columns[:, 1]).tolist() == answers


@examples(300, derandomize=True)
@given(st.binary(min_size=1, max_size=40), st.sampled_from((1, 2, 4)))
def test_any_bytes_mean_the_same_to_both_engines(data: bytes, quantum: int) -> None:
    view = table(data + b"\0")
    for offset in range(1, len(view)):
        try:
            known = list(rows(view, offset, quantum))
        except TruncatedError:
            known = []
        for target in {0, 1, *(end + by for end, _ in known for by in (-1, 0)), 1 << 31}:
            if target >= 0:
                answer = next((value for end, value in known if target < end), NO_VALUE)
                assert bulk(view, offset, quantum, target) == answer


def test_damaged_table_leaves_its_neighbour_alone() -> None:
    view = table(bytes.fromhex("02 04 81 00" + "02 04 00"))  # the first one ends inside of a number
    offsets = np.array([1, 5], dtype=np.int64)
    tables = PcTab(view, 1).tables(offsets)
    assert tables.lookup(offsets, np.array([3, 3], dtype=np.int64))[1] == pc_value(view, 5, 1, 3) == 0


@pytest.mark.parametrize("number", [1, 127, 128, 16383, 16384, (1 << 32) - 1])
def test_numbers_of_every_length(number: int) -> None:
    assert list(rows(table(b"\x02" + uleb(number) + b"\0"), 1, 1)) == [(number, 0)]
