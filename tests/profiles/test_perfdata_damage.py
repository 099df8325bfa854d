"""perf.data reader: unfinished, cut and damaged files give what is there, or a known error."""

from __future__ import annotations

import contextlib

import pytest

from goinspect.errors import FileError, GoinspectError, MalformedError, TruncatedError, UnsupportedError
from goinspect.profiles.perfdata import read, sniff
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import KERNEL_IP, ORDERS, frames_of, rows


def test_unfinished_recording(load):
    data = PerfData(describe=False).sample(Sample(time=1)).sample(Sample(time=2))
    profile = load(data.build(data_size=0))
    assert profile.time.tolist() == [1, 2]
    assert profile.warnings == (
        "the recorder did not finish this file: read up to its end, without names of events and machine",
    )


def test_cut_inside_a_record(load):
    data = PerfData(describe=False).sample(Sample(time=1)).sample(Sample(time=2))
    raw = data.build()
    profile = load(raw[:-16])
    second = len(raw) - len(data.data) // 2
    assert profile.time.tolist() == [1]
    assert profile.warnings == (
        f"the file is cut off: {len(data.data) - 16} of {len(data.data)} bytes of data are there",
        f"the record at offset {second:#x} is cut off: stopped after 1 records",
    )


def test_cut_between_data_and_features(load):
    data = PerfData().sample(Sample())
    profile = load(data.build()[:-8])
    assert len(profile) == 1
    assert profile.events[0].name == "cpu-clock"
    assert profile.warnings[0].startswith("feature section 12 left out: perf.data: ")


@pytest.mark.parametrize("size", [0, 4, 12, 61])
def test_damaged_record_size(load, size):
    data = PerfData(describe=False).sample(Sample(time=1))
    at = len(data.build())
    data.data += data.pack("IHH", pd.SAMPLE, 2, size)
    data.sample(Sample(time=2))
    profile = load(data)
    assert profile.time.tolist() == [1]
    assert profile.warnings == (
        f"damaged record (type 9, size {size}) at offset {at:#x}: stopped after 1 records",
    )


@ORDERS
def test_chain_longer_than_its_record(load, order):
    data = PerfData(order=order)
    body = bytearray(data.sample_body(Sample(chain=(1, 2))))
    for claimed in (3, 1 << 40, 2**64 - 1):
        body[-24:-16] = data.pack("Q", claimed)
        data.record(pd.SAMPLE, pd.USER, bytes(body))
    profile = load(data)
    assert [frames_of(profile, number) for number in range(3)] == [[(0, 0x401000, True)]] * 3
    assert profile.warnings == ("3 damaged call chains: only the address of the sample itself is used",)


def test_group_longer_than_its_record(load):
    data = PerfData([Event(sample_type=pd.PLAIN | pd.READ, read_format=0xC)])
    body = bytearray(data.sample_body(Sample(chain=(1, 2), group=(5,))))
    for claimed in (4, 1 << 40, 2**64 - 1):
        body[32:40] = data.pack("Q", claimed)
        data.record(pd.SAMPLE, pd.USER, bytes(body))
    profile = load(data)
    assert [frames_of(profile, number) for number in range(3)] == [[(0, 0x401000, True)]] * 3


def test_sample_shorter_than_its_fields(load):
    data = PerfData().record(pd.SAMPLE, pd.USER, bytes(8)).sample(Sample(time=5))
    profile = load(data)
    assert profile.time.tolist() == [5]
    assert profile.warnings == ("1 sample is too short for the event and left out",)


def test_side_band_record_too_short(load):
    data = PerfData().record(pd.MMAP2, pd.USER, bytes(40)).record(pd.COMM, 0, b"").sample(Sample())
    profile = load(data)
    assert len(profile) == 1
    assert profile.warnings == ("2 records other than samples are damaged and left out",)


def test_name_without_end(load):
    data = PerfData([Event(flags=pd.FREQ)])
    data.record(pd.COMM, 0, data.pack("II", 10, 10) + b"x" * 16).sample(Sample())
    assert rows(load(data))[0].comm == "x" * 16


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", TruncatedError, "the file is empty or not a regular file"),
        (b"PERF", TruncatedError, "4 bytes found, expected a header of 104"),
        (b"PERFILE2", TruncatedError, "8 bytes expected, 0 left, at offset 0x8"),
        (b"\x7fELF\2\1\1\0" + bytes(200), MalformedError, "not perf.data: magic b'\\x7fELF"),
        (b"PERFILE2" + (16).to_bytes(8, "little"), TruncatedError, "before it says which events"),
        (b"PERFILE2" + (16).to_bytes(8, "little") + bytes(64), TruncatedError, "before it says which events"),
        (b"PERFILE2" + (99).to_bytes(8, "little") + bytes(200), MalformedError, "header of 99 bytes"),
        (b"PERFILE2" + (104).to_bytes(8, "little") + bytes(200), MalformedError, "attr entries of 0 bytes"),
    ],
)
def test_not_a_recording(load, data, error, message):
    with pytest.raises(error) as caught:
        load(data)
    assert message in str(caught.value)
    assert "perf.data: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_directory_without_a_recording(tmp_path):
    with pytest.raises(UnsupportedError, match="without the file `data`"):
        read(tmp_path)


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        read(tmp_path / "none")


def test_ids_beyond_what_the_file_can_hold(load):
    events = [Event(ids=(number,)) for number in range(40)]
    raw = bytearray(PerfData(events, describe=False).build())
    for number in range(40):
        at = 104 + 40 * 8 + number * 144 + 128
        raw[at : at + 16] = (104).to_bytes(8, "little") + (4096).to_bytes(8, "little")
    with pytest.raises(MalformedError, match="more event ids"):
        load(bytes(raw))


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"PERFILE2........", True),
        (b"2ELIFREP", True),
        (b"PERFFILE", True),
        (b"ELIFFREP", True),
        (b"PERFFILX", False),
        (b"\x7fELF", False),
        (b"PERF", None),
        (b"", None),
    ],
)
def test_sniff(head, answer):
    assert sniff(head) is answer


def small_recording(order: str) -> bytes:
    events = [
        Event("cycles", type=0, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.CPU, ids=(1, 2)),
        Event("faults", config=2, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.READ, read_format=0xC, ids=(3,)),
    ]
    data = PerfData(events, order)
    data.features = {2: data.build_id_entry("/bin/prog", b"\1" * 20), 3: data.text("h"),
                     11: data.pack("I", 1) + data.text("perf")}  # fmt: skip
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.comm(10, 10, "prog", 5, exec=True).mmap2(10, 0x400000, 0x10000, 0, "/bin/prog", 6)
    data.fork(11, 10, 11, 10, 15)
    for time in (20, 30, 10):
        data.sample(Sample(time=time, chain=(pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, 0x401000, 0x402000)))
    data.sample(Sample(time=40, event=1, group=(4, 5), chain=(pd.MARK_USER, 0x401000)))
    data.record(pd.AUXTRACE, 0, data.pack("QQQIIII", 16, 0, 0, 0, 0, 0, 0))
    data.data += bytes(16)
    data.trailed(pd.LOST, 0, data.pack("QQ", 1, 40), 50).exit(10, 10, 60)
    return data.build()


@ORDERS
def test_cut_anywhere(load, order):
    """A file that ends early gives what is there or a known error."""
    raw = small_recording(order)
    whole = rows(load(raw))
    for size in range(0, len(raw), 24):
        try:
            found = rows(load(raw[:size]))
        except GoinspectError:
            assert size < raw.index(b"[kernel")
        else:
            assert {row.time for row in found} <= {row.time for row in whole}


@ORDERS
def test_damage_anywhere(load, order):
    """One damaged byte is met with a known error or an answer, nothing else."""
    raw = bytearray(small_recording(order))
    for at in range(len(raw)):
        if not raw[at] and at % 8:  # padding, upper halves of small numbers
            continue
        mask = (1 << at % 8, 0x80, 0xFF)[at // 8 % 3]
        raw[at] ^= mask
        with contextlib.suppress(GoinspectError):
            load(bytes(raw))
        raw[at] ^= mask
