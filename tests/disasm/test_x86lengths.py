"""Where decoding of any bytes comes upon opcodes: all starts at once, and one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.disasm import decode, x86lengths
from tests.examples import examples


@pytest.mark.parametrize("bits", [64, 32])
@given(code=st.binary(min_size=1, max_size=300), data=st.data())
@examples(200)
def test_many_as_few(bits: int, code: bytes, data: st.DataObject) -> None:
    places = st.integers(0, len(code) - 1)
    starts = np.array(data.draw(st.lists(places, max_size=8)), dtype=np.int64)
    stops = np.array([data.draw(places) for _ in starts], dtype=np.int64)
    array = np.frombuffer(code, dtype=np.uint8)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for few in (0, 1000):
            patch.setattr(x86lengths, "_FEW", few)
            found.append(x86lengths.opcodes(array, starts, stops, bits).tolist())
    assert found[0] == found[1]
    assert all(found[0][start] for start, stop in zip(starts, stops, strict=True) if start <= stop)


def test_every_instruction_is_met() -> None:
    code = bytes.fromhex(
        "55 48 89 e5 66 0f 1f 84 00 00 00 00 00 41 ff d4 ff 15 10 ff 00 00 e8 ff 10 00 00 c3"
    )
    starts = [one.address for one in decode(code, 0, "amd64")]
    met = x86lengths.opcodes(
        np.frombuffer(code, dtype=np.uint8), np.array([0]), np.array([len(code) - 1]), 64
    )
    assert set(starts) <= set(np.flatnonzero(met).tolist())
    assert not met[23]  # in the operand of the call
