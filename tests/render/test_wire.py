"""Protobuf messages in columns, read back by another reader."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goinspect.render.pprof import wire
from tests.builders.protobuf import fields, packed

NUMBERS = st.lists(st.integers(0, (1 << 64) - 1) | st.integers(0, 300), max_size=40)


@given(NUMBERS)
def test_varints(values):
    column = wire.varints(np.array(values, dtype=np.uint64))
    assert packed(column.data.tobytes()) == values
    assert len(column.data) == column.sizes.sum()
    assert [len(wire.varints(np.array([v], dtype=np.uint64)).data) for v in values] == column.sizes.tolist()


def test_negative_numbers_have_ten_bytes():
    column = wire.varints(np.array([-1, 5], dtype=np.int64))
    assert column.sizes.tolist() == [10, 1]
    assert packed(column.data.tobytes()) == [(1 << 64) - 1, 5]


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.text(max_size=200), st.lists(st.integers(0, 1 << 40), max_size=5)),
        max_size=20,
    )
)
def test_messages(rows):
    """Row i has a number, a text and packed numbers; what is empty or 0 is left out."""
    numbers = np.array([number for number, _, _ in rows], dtype=np.int64)
    flat = np.array([value for _, _, values in rows for value in values], dtype=np.uint64)
    lists = wire.grouped(wire.varints(flat), np.array([len(values) for _, _, values in rows], dtype=np.int64))
    body = wire.joined(
        wire.field(1, numbers),
        wire.nested(2, wire.texts(text for _, text, _ in rows)),
        wire.nested(15, lists),
    )
    ends = np.cumsum(body.sizes)
    data = body.data.tobytes()
    for (number, text, values), size, end in zip(rows, body.sizes.tolist(), ends.tolist(), strict=True):
        found = fields(data[end - size : end])
        assert found.get(1, [0]) == [number]
        assert found.get(2, [b""]) == [text.encode("utf-8", "backslashreplace")]
        assert packed(found.get(15, [b""])[0]) == values
    order = np.arange(len(rows))[::-1]
    again = wire.taken(body, order)
    assert again.sizes.tolist() == body.sizes[::-1].tolist()
    assert wire.taken(body, np.full(3, -1)).data.tobytes() == b""


@given(st.integers(0, (1 << 64) - 1), st.binary(max_size=400))
def test_single_messages(number, body):
    assert fields(wire.number(3, number)) == ({3: [number]} if number else {})
    assert fields(wire.message(4, body)) == {4: [body]}
