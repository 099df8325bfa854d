"""Pipes, compressed records and directories: the same rows as from a plain file."""

from __future__ import annotations

import contextlib
import lzma
import re
import struct
from pathlib import Path

import pytest

from goinspect.errors import FileError, GoinspectError, TruncatedError
from goinspect.profiles import open_profile
from goinspect.profiles.perfdata import read
from goinspect.profiles.perfdata.container import split, spool
from tests.builders import perfcontainers as pc
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.containers import EVENTS, parsed, recording, same, whole_records
from tests.profiles.frames import ORDERS, rows

# -- pipes


@ORDERS
def test_pipe(order, tmp_path):
    data = recording(order)
    raw = pc.pipe(data)
    same(parsed(raw), data, tmp_path)
    path = tmp_path / "pipe.data"
    path.write_bytes(raw)
    same(read(path), data, tmp_path)


@ORDERS
def test_pipe_with_features_before_attrs_and_odd_sizes(order, tmp_path):
    data = recording(order)
    odd = pc.record(data, pc.FEATURE, data.pack("Q", 99) + b"odd")
    tracing = pc.record(data, pc.TRACING_DATA, data.pack("I", 13)) + bytes(16)
    same(parsed(pc.pipe(data, first=odd + tracing + odd)), data, tmp_path)


@ORDERS
def test_pipe_with_the_names_of_old_perf(order):
    """Before 3.11: no descriptions, but event types by config; no ids either."""
    data = PerfData([Event("", type=0, config=1, size=80)], order, describe=False).sample(Sample())
    name = pc.record(data, pc.EVENT_TYPE, data.pack("Q", 1) + b"instructions:u".ljust(64, b"\0"))
    assert parsed(pc.pipe(data, first=name)).events[0].name == "instructions:u"


def test_pipe_with_build_ids_in_records():
    data = PerfData(describe=False).mmap2(10, 0x400000, 0x1000, 0, "/bin/prog").sample(Sample(ip=0x400010))
    raw = pc.pipe(data, records=bytes(data.data) + build_id_record(data))
    assert [item.build_id for item in parsed(raw).mappings] == ["07" * 20]


def build_id_record(data: PerfData) -> bytes:
    entry = bytearray(data.build_id_entry("/bin/prog", b"\7" * 20))
    entry[0:8] = data.pack("IHH", pc.BUILD_ID, pd.USER | 1 << 15, len(entry))
    return bytes(entry)


def test_repeated_attrs_are_one_event():
    data = PerfData([Event(ids=(5,)), Event(ids=(5,))], describe=False).sample(Sample())
    assert len(parsed(pc.pipe(data)).events) == 1


@pytest.mark.parametrize("cut", [3, 8, 30, 120])
def test_pipe_cut_inside_a_record(cut):
    data = recording()
    raw = pc.pipe(data)
    profile = parsed(raw[:-cut])
    assert len(profile) == (21 if cut < 40 else 20)
    assert re.fullmatch(
        r"the record at offset 0x[0-9a-f]+ is cut off: stopped after \d+ records", profile.warnings[0]
    )


def test_pipe_that_ends_at_once():
    raw = pc.pipe(recording())
    with pytest.raises(TruncatedError, match="before it says which events were recorded"):
        parsed(raw[:16])
    with pytest.raises(TruncatedError, match=r"stdin: perf\.data: 5 bytes found"):
        parsed(raw[:5])


def test_report_of_perf_behind_the_recording(tmp_path):
    """`perf record -o - 2>&1` writes what it has to say into the same pipe."""
    data = recording()
    same(parsed(pc.pipe(data) + b"[ perf record: Woken up 1 times to write data ]\n"), data, tmp_path)


# -- compressed records


@ORDERS
@pytest.mark.parametrize("kind", [pd.COMPRESSED, pc.COMPRESSED2])
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("chunk", [33, 100, 100_000])
def test_compressed(order, kind, ends, chunk, tmp_path):
    data = recording(order)
    packed = pc.compressed(data, chunk, kind=kind, ends=ends, between=pc.record(data, pc.FINISHED_ROUND, b""))
    same(parsed(pc.pipe(data, records=packed)), data, tmp_path)
    path = tmp_path / "z.data"
    path.write_bytes(pc.with_records(data, packed).build())
    same(read(path), data, tmp_path)


def test_told_at_the_end_of_compressed_records():
    """--tail-synthesize: uncompressed, and behind the samples."""
    data = recording()
    packed = pc.compressed(data)
    tail = PerfData(EVENTS).comm(10, 11, "worker").mmap2(10, 0x7F0000000000, 0x1000, 0, "/lib/tail.so")
    profile = parsed(pc.pipe(data, records=packed + bytes(tail.data)))
    assert len(profile) == 21
    assert [item.path for item in profile.mappings][-1] == "/lib/tail.so"


@pytest.mark.parametrize("kind", [pd.COMPRESSED, pc.COMPRESSED2])
def test_cut_anywhere_in_compressed_records(kind):
    data = recording()
    head = len(pc.pipe(data, records=b""))
    raw = pc.pipe(data, records=pc.compressed(data, 200, kind=kind))
    whole, last = rows(parsed(raw)), 0
    for size in [*range(head, len(raw), 7), len(raw)]:
        profile = parsed(raw[:size])
        found = rows(profile)
        assert set(found) <= set(whole)
        assert last <= len(found)
        last = len(found)
        assert profile.warnings or size in ends_of_records(raw)
    assert last == len(whole)


def ends_of_records(raw: bytes) -> set[int]:
    at, found = 16, set()
    while at < len(raw):
        at += struct.unpack_from("<H", raw, at + 6)[0]
        found.add(at)
    return found


def test_damaged_compressed_record():
    data = recording()
    packed = bytearray(pc.compressed(data, 600, ends=True))
    second = struct.unpack_from("<H", packed, 6)[0]
    packed[second + 8 : second + 12] = b"junk"
    profile = parsed(pc.pipe(data, records=bytes(packed)))
    assert 0 < len(profile) < 21
    assert re.match(r"compressed records are damaged from offset 0x[0-9a-f]+ on \(", profile.warnings[0])


def test_compressed_records_in_compressed_records():
    data = recording()
    nested = pc.with_records(data, pc.compressed(data))
    profile = parsed(pc.pipe(data, records=pc.compressed(nested)))
    assert len(profile) == 0
    assert "in the compressed records, unpacked: record of a wrong type at offset 0x0" in profile.warnings[0]


def test_compressed_records_that_grow_without_measure(monkeypatch):
    monkeypatch.setattr("goinspect.profiles.perfdata.container.unpack._ALLOWANCE", 1000)
    data = PerfData(EVENTS)
    data.data += bytes(8 << 20)
    profile = parsed(pc.pipe(data, records=pc.compressed(data, 4 << 20)))
    assert any("grow to more than 1000 times their size" in told for told in profile.warnings)


# -- directories


@ORDERS
@pytest.mark.parametrize("packed", [False, True])
def test_directory(order, packed, tmp_path):
    data = recording(order)
    head = PerfData(EVENTS, order)
    head.features = dict(data.features)
    head.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    middle = whole_records(bytes(data.data)[len(head.data) :], order)
    parts = [b"".join(middle[0::3]), b"", b"".join(middle[1::3]), b"".join(middle[2::3])]
    if packed:
        parts = [pc.compressed(pc.with_records(data, part)) for part in parts]
    path = pc.directory(head, tmp_path / "perf.data", parts)
    same(open_profile(path), data, tmp_path)
    same(open_profile(path / "data"), data, tmp_path)


def test_directory_of_many_parts(tmp_path):
    """Samples of every part in turn, in one time order."""
    head = PerfData()
    parts = []
    for number in range(40):
        part = PerfData()
        for time in range(50):
            part.sample(
                Sample(time=1 + 40 * time + number, tid=number, chain=(pd.MARK_USER, number + 1, time + 1))
            )
        parts.append(bytes(part.data))
    profile = read(pc.directory(head, tmp_path / "perf.data", parts))
    assert profile.time.tolist() == list(range(1, 2001))
    assert [row.tid for row in rows(profile)] == list(range(40)) * 50
    assert [row.stack[0] for row in rows(profile)] == [("U", number + 1) for number in range(40)] * 50


def test_damage_in_a_directory_names_the_file(tmp_path):
    good = PerfData().sample(Sample())
    parts = [bytes(good.data), bytes(good.data) + bytes(16), b"", bytes(good.data)[:-8]]
    profile = read(pc.directory(PerfData(), tmp_path / "perf.data", parts))
    assert len(profile) == 2
    size = len(good.data)
    assert profile.warnings == (
        f"data.1: damaged record (type 0, size 0) at offset {size:#x}: stopped after 1 records",
        "data.3: the record at offset 0x0 is cut off: stopped after 0 records",
    )


def test_no_more_warnings_than_anybody_reads(tmp_path):
    profile = read(pc.directory(PerfData(), tmp_path / "perf.data", [bytes(8)] * 100))
    assert len(profile.warnings) == 31
    assert profile.warnings[-1] == "there is more of that kind"


def test_trace_data_between_records_of_odd_sizes(tmp_path):
    data = recording()
    odd = pc.record(data, pc.FEATURE, data.pack("Q", 99) + b"odd")
    trace = pc.record(data, pd.AUXTRACE, data.pack("QQQIIII", 64, 0, 0, 0, 0, 0, 0)) + b"\x09" * 64
    profile = parsed(pc.pipe(data, first=odd + trace + odd))
    assert len(profile) == 21
    assert ["AUX area" in told for told in profile.warnings] == [True]
    broken = pc.record(data, pd.AUXTRACE, data.pack("QQQIIII", 63, 0, 0, 0, 0, 0, 0))
    profile = parsed(pc.pipe(data) + odd + broken)
    assert "damaged record (type 71, size 48)" in profile.warnings[0]


def test_one_file_of_a_directory(tmp_path):
    data = recording()
    path = pc.directory(data, tmp_path / "perf.data", [])
    (path / "data").rename(tmp_path / "alone")
    assert "one file of a recording of perf record --threads" in read(tmp_path / "alone").warnings[0]


# -- large ones


def test_stretches_and_spools_on_the_disk(monkeypatch, tmp_path):
    """Long stretches stay where they are, what is large goes into a temporary file; the answer is the same."""
    monkeypatch.setattr(split, "_WORTH_ITS_BUFFER", 64)
    monkeypatch.setattr(spool, "_IN_MEMORY", 300)
    monkeypatch.setattr(split, "_STEP", 64)
    data = recording()
    records = whole_records(bytes(data.data), "little")
    odd = pc.record(data, pc.FEATURE, data.pack("Q", 99) + b"12345")
    for parts in ((odd, odd), (odd * 8, b""), (odd * 8, odd * 8), (odd * 3, odd * 5)):
        mixed = b"".join([*records[:9], parts[0], *records[9:15], parts[1], *records[15:]])
        same(parsed(pc.pipe(data, records=mixed)), data, tmp_path)
    same(parsed(pc.pipe(data, records=pc.compressed(data))), data, tmp_path)


def test_no_room_for_a_temporary_file(monkeypatch, tmp_path):
    monkeypatch.setattr(spool, "_IN_MEMORY", 300)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(
        FileError, match=r"stdin: a temporary file is needed, which cannot be written to .*none \(TMPDIR\)"
    ):
        parsed(pc.pipe(recording()))


# -- damaged and cut


@ORDERS
def test_damage_anywhere(order):
    """One damaged byte is met with a known error or an answer, nothing else."""
    data = recording(order, samples=3)
    for whole in (pc.pipe(data), pc.pipe(data, records=pc.compressed(data))):
        raw = bytearray(whole)
        for at in range(0, len(raw), 3):
            mask = (1 << at % 8, 0x80, 0xFF)[at // 8 % 3]
            raw[at] ^= mask
            with contextlib.suppress(GoinspectError):
                parsed(bytes(raw))
            raw[at] ^= mask


RECORDINGS = Path(__file__).parent.parent / "fixtures" / "recordings"


@pytest.mark.parametrize("name", ["compressed", "compressed-pipe", "pipe", "per-thread"])
def test_real_recordings_cut_anywhere(name):
    """As far as they go: nothing that is not in the whole one, ever more of it, and a warning where samples miss."""
    raw = lzma.decompress((RECORDINGS / name / "perf.data.xz").read_bytes())
    whole, most = set(rows(parsed(raw))), 0
    for size in range(len(raw) // 4, len(raw), len(raw) // 60):
        profile = None
        with contextlib.suppress(TruncatedError):
            profile = parsed(raw[:size])
        if profile is None:
            assert not most
            continue
        found = {row[:3] + row[4:] for row in rows(profile)}
        assert found <= {row[:3] + row[4:] for row in whole}  # names of threads may be told later
        assert most <= len(found)
        assert profile.warnings or len(found) == len(whole)
        most = len(found)
    assert most
