"""Strings of a table, all at once and one by one."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect import _ragged
from goinspect._ragged import grouped, in_order, numbered, terminated
from tests.examples import examples

EVERYTHING = 1 << 40
PIECES = st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b"x")), min_size=1, max_size=60)


def expected(data: bytes, start: int) -> str:
    if not 0 <= start < len(data):
        return ""
    end = data.find(b"\0", start)
    return data[start : end if end >= 0 else len(data)].decode("utf-8", "backslashreplace")


@examples(300)
@given(PIECES, st.booleans(), st.lists(st.integers(-3, 900), min_size=1, max_size=80))
def test_any_table(pieces, ended, starts):
    data = b"\0".join(pieces) + (b"\0" if ended else b"")
    with mock.patch.object(_ragged, "_MANY", 1):
        names, count = terminated(memoryview(data), np.array(starts, dtype=np.int64), EVERYTHING)
    assert count == len(starts)
    assert names == [expected(data, start) for start in starts]


@pytest.mark.parametrize("shift", [0, 1])
def test_a_table_of_names_as_linkers_write_it(shift):
    """Each string, and with `shift` the ends of strings."""
    pieces = [f"main.f{number}é" for number in range(3000)]
    data = "".join(piece + "\0" for piece in pieces).encode()
    starts = np.cumsum([0, *(len(piece.encode()) + 1 for piece in pieces)])[:-1] + shift
    names, count = terminated(memoryview(data), starts, EVERYTHING)
    assert (count, names) == (3000, [piece[shift:] for piece in pieces])


def test_names_that_overlap_too_much_end():
    data = b"x" * 1000 + b"\0"
    names, count = terminated(memoryview(data), np.zeros(5000, dtype=np.int64), 100_000)
    assert count == 100
    assert set(names) == {"x" * 1000}


NUMBERS = st.lists(
    st.one_of(st.integers(0, 9), st.integers(0, 1 << 40), st.integers(0, (1 << 62) - 1)), max_size=60
)


@examples(200)
@given(NUMBERS)
@pytest.mark.parametrize("sparse", [0, 1 << 30], ids=["sorted", "in a table"])
def test_numbers_of_values(sparse, given_values):
    """Of any values, and where a table holds those that are small, as ``numpy.unique`` has them."""
    values = np.array(given_values, dtype=np.int64)
    values %= 1 << 16 if sparse else 1 << 62
    with mock.patch.object(_ragged, "_SPARSE", sparse):
        found, number = numbered(values, int(values.max(initial=0)) + 1)
    expected, index = np.unique(values, return_inverse=True)
    assert (found.tolist(), number.tolist()) == (expected.tolist(), index.tolist())


@examples(200)
@given(NUMBERS)
def test_first_rows_of_values(given_values):
    values = np.array(given_values, dtype=np.uint64) % 7
    first, number = grouped(values)
    _, expected, index = np.unique(values, return_index=True, return_inverse=True)
    assert (first.tolist(), number.tolist()) == (expected.tolist(), index.tolist())


@examples(200)
@given(
    st.lists(st.tuples(*[st.one_of(st.integers(0, 3), st.integers(0, 1 << 40))] * 3), min_size=1, max_size=60)
)
def test_rows_by_their_columns(given_rows):
    """Rows that are equal stay as they are."""
    expected = sorted(range(len(given_rows)), key=given_rows.__getitem__)
    columns = [np.array(column, dtype=np.int64) for column in zip(*given_rows, strict=True)]
    assert in_order(columns).tolist() == expected
