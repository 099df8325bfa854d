"""Recordings that are made otherwise: traces, counts, other programs than perf, other machines, old headers."""

from __future__ import annotations

import struct

import pytest

from goinspect.errors import UnsupportedError
from tests.builders import perfcontainers as pc
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.containers import parsed, recording, same
from tests.profiles.frames import ORDERS


def test_traces_without_samples():
    data = PerfData().record(70, 0, struct.pack("<II", 1, 0) + bytes(32))
    with pytest.raises(UnsupportedError, match=r"traces of the processor \(Intel PT\) and no samples"):
        parsed(data.build())


def test_perf_stat_in_a_pipe():
    data = PerfData().record(76, 0, bytes(32))
    with pytest.raises(UnsupportedError, match="perf stat"):
        parsed(pc.pipe(data))


def test_names_of_simpleperf():
    data = PerfData([Event("", type=0, config=0), Event("", type=1, config=2)], describe=False)
    info = b"simpleperf_version\x001.build\0event_type_info\0cpu-cycles,0,0\nbroken\npage-faults:u,1,2\n\0"
    data.features = {129: info}
    data.record(32770, 0, bytes(24)).sample(Sample())
    profile = parsed(data.build())
    assert [event.name for event in profile.events] == ["cpu-cycles", "page-faults:u"]
    assert profile.metadata == {"simpleperf_version": "1.build"}


def test_header_without_features():
    """perf before 2.6.32 wrote 72 bytes."""
    data = PerfData([Event(size=64, flags=pd.FREQ)], magic=b"PERFFILE", describe=False).sample(
        Sample(period=3)
    )
    raw = bytearray(data.build())
    raw[8:16] = struct.pack("<Q", 72)
    raw[72:104] = b"\xff" * 32
    assert parsed(bytes(raw)).weight.tolist() == [3]


@pytest.mark.parametrize("features", [{2, 3, 12}, {3, 12}])
def test_features_of_a_big_endian_machine_of_32_bits(features, tmp_path):
    """Its bitmap is four words of which each half is an unsigned long."""
    data = recording("big")
    data.features = {bit: body for bit, body in data.features.items() if bit in features}
    raw = bytearray(data.build())
    for at in range(72, 104, 8):
        raw[at : at + 8] = raw[at + 4 : at + 8] + raw[at : at + 4]
    same(parsed(bytes(raw)), data, tmp_path)


def test_feature_sections_that_are_not_there():
    """What can be told without them is told, and what is wrong in few words."""
    data = PerfData().sample(Sample())
    raw = bytearray(data.build())
    raw[72:104] = b"\xff" * 32
    profile = parsed(bytes(raw))
    assert len(profile) == 1
    assert 1 < len(profile.warnings) <= 4
    assert profile.warnings[-1].endswith("more feature sections left out")


@ORDERS
def test_data_at_an_odd_offset(order, tmp_path):
    data = recording(order)
    raw = bytearray(data.build())
    at = int.from_bytes(raw[40:48], order)
    raw[40:48] = data.pack("Q", at + 3)
    shifted = bytes(raw[:at]) + b"odd" + bytes(data.data)
    raw = bytearray(shifted)
    raw[72:104] = bytes(32)
    assert len(parsed(bytes(raw))) == 21
