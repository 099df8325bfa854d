"""Columns of kallsyms mean what its lines mean, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.recordings import kallsyms
from goinspect.analysis.recordings.kallsyms import read_each, read_kallsyms
from tests.conftest import BUILDS, FIXTURES

NAMES = st.sampled_from([b"_text", b"_stext", b"_etext", b"_text_end", b"a_text", b"do_work", b"f.cold", b"_text\t[m]", b"g\t[mod]", b"h [bpf]", b"x  y", b"\xff"])  # fmt: skip
ADDRESSES = st.integers(0, (1 << 64) - 1).map(lambda value: b"%016x" % value)
SHAPED = st.tuples(ADDRESSES, st.sampled_from([b"T", b"t", b"W", b"d", b"A"]), NAMES).map(b" ".join)
ODD = st.sampled_from([b"", b"ffffffff81000000 T", b"0 T _text", b"zzzzzzzzzzzzzzzz T f", b"ffffffff81000000 TT f", b"ffffffff81000000  t f", b" ffffffff8100000 t f", b"ffffffff81000000 t f\r", b"ffffffff8100_000 T f"])  # fmt: skip


def outcome(read, data):
    try:
        found = read(data)
    except ValueError as error:
        return error.args
    names = [found.name(row) for row in range(len(found.addresses))]
    return found.addresses.tolist(), names, found.anchors


@given(st.lists(SHAPED, max_size=20), st.one_of(st.none(), ODD), st.sampled_from([b"\n", b""]))
def test_both_ways_of_reading(lines, odd, end):
    data = b"\n".join([*lines, *([] if odd is None else [odd]), *lines[:2]]) + end
    assert outcome(read_kallsyms, data) == outcome(read_each, data)


@pytest.mark.parametrize("build", BUILDS)
def test_tables_of_kernels_are_read_by_column(build):
    data = (FIXTURES / build / "kallsyms").read_bytes()
    assert kallsyms._read_columns(data) is not None
    assert outcome(read_kallsyms, data) == outcome(read_each, data)
