"""The bulk record walk against a plain one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.profiles.perfdata.container import walk as walk_module
from goinspect.profiles.perfdata.container.source import Buffer, Words
from goinspect.profiles.perfdata.container.walk import walk

SAMPLE = 9


def plain_walk(data: bytes, mark: str) -> tuple[list[int], list[int], bool]:
    """Samples, others and whether all of it is sound: one record after another."""
    samples, others, at = [], [], 0
    while at < len(data):
        kind, _, size = struct.unpack_from(mark + "IHH", data, at)
        if size < 8 or size % 8 or at + size > len(data):
            return samples, others, False
        (samples if kind == SAMPLE else others).append(at // 8)
        at += size
    return samples, others, True


def header(mark: str, kind: int, size: int) -> bytes:
    return struct.pack(mark + "IHH", kind, 2, size)


def looks_like_samples(mark: str) -> st.SearchStrategy[bytes]:
    """Words of a body; many look like the header of a sample, of any size."""
    fake = st.builds(lambda size: header(mark, SAMPLE, size), st.sampled_from([0, 7, 8, 16, 24, 32, 61]))
    return st.lists(st.one_of(fake, st.binary(min_size=8, max_size=8)), max_size=5).map(b"".join)


@st.composite
def streams(draw: st.DrawFn, mark: str) -> bytes:
    parts = []
    for _ in range(draw(st.integers(0, 25))):
        body = draw(looks_like_samples(mark))
        kind = draw(st.sampled_from([SAMPLE, SAMPLE, SAMPLE, 1, 68]))
        parts.append(header(mark, kind, 8 + len(body)) + body)
    tail = draw(
        st.sampled_from([b"", b"", header(mark, SAMPLE, 0), header(mark, 1, 4), header(mark, SAMPLE, 80)])
    )
    return b"".join(parts) + tail + draw(looks_like_samples(mark)) * bool(tail)


@pytest.mark.parametrize("step", [1, 3, 1 << 19])
@pytest.mark.parametrize("order", ["little", "big"])
@given(data=st.data())
def test_same_records_as_a_plain_walk(order, step, data):
    mark = "<" if order == "little" else ">"
    stream = data.draw(streams(mark))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk_module, "_STEP", step)
        found = walk(Buffer(memoryview(stream), order))
    samples, others, sound = plain_walk(stream, mark)
    assert found.samples.tolist() == samples
    assert found.others.tolist() == others
    assert (found.problem == "") is sound


@given(
    st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=5), min_size=1, max_size=4), st.sampled_from("<>")
)
def test_words_of_several_buffers_have_one_index(parts, mark):
    order = "little" if mark == "<" else "big"
    words = Words([Buffer(memoryview(struct.pack(f"{mark}{len(part)}Q", *part)), order) for part in parts])
    flat = [value for part in parts for value in part]
    index = list(range(len(flat)))[::-1]
    import numpy as np

    assert words.size == len(flat)
    assert words.take(np.array(index, dtype=np.int64)).tolist() == flat[::-1]
