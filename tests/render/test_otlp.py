"""`--format otlp`, as OpenTelemetry's own classes read it."""

from __future__ import annotations

import lzma

import pytest

import goinspect
from tests.builders.protobuf import read_profile
from tests.conftest import FIXTURES

DEMO = FIXTURES / "go1.27-piestripped"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def read():
    return pytest.importorskip(
        "opentelemetry.proto.profiles.v1development.profiles_pb2"
    ).ProfilesData.FromString


@pytest.fixture(scope="module")
def flame():
    return goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"], kallsyms=DEMO / "kallsyms")


def test_it_holds_what_the_pprof_file_holds(flame, read):
    data, pprof = read(flame.binary("otlp")), read_profile(flame.binary("pprof"))
    tables = data.dictionary
    for table in (
        "mapping_table",
        "location_table",
        "function_table",
        "link_table",
        "attribute_table",
        "stack_table",
    ):
        first = getattr(tables, table)[0]
        assert first.ByteSize() == 0, table
    assert tables.string_table[0] == ""
    strings = tables.string_table
    (profile,) = data.resource_profiles[0].scope_profiles[0].profiles
    assert (strings[profile.sample_type.type_strindex], strings[profile.sample_type.unit_strindex]) == (
        "cpu",
        "nanoseconds",
    )
    assert profile.period == 1001001

    def frames(sample):
        for number in tables.stack_table[sample.stack_index].location_indices:
            location = tables.location_table[number]
            lines = [(tables.function_table[line.function_index], line.line) for line in location.lines]
            yield (
                location.address,
                [
                    (strings[f.name_strindex], strings[f.filename_strindex], f.start_line, line)
                    for f, line in lines
                ],
            )

    def of_pprof(sample):
        for number in sample["locations"]:
            location = pprof.locations[number]
            lines = [(pprof.functions[function], line) for function, line in location["lines"]]
            yield location["address"], [(f["name"], f["file"], f["start_line"], line) for f, line in lines]

    mine = sorted((list(frames(sample)), sum(sample.values)) for sample in profile.samples)
    assert sum(weight for _, weight in mine) == flame.total
    expected: dict[str, int] = {}
    for sample in pprof.samples:
        key = repr(list(of_pprof(sample)))
        expected[key] = expected.get(key, 0) + sample["values"][-1]
    found: dict[str, int] = {}
    for stack, weight in mine:
        found[repr(stack)] = found.get(repr(stack), 0) + weight
    assert found == expected
    attributes = {strings[row.key_strindex] for row in tables.attribute_table[1:]}
    assert attributes == {
        "process.executable.name",
        "process.pid",
        "thread.id",
        "thread.name",
        "process.executable.build_id.gnu",
    }
    pids = {
        row.value.int_value for row in tables.attribute_table if strings[row.key_strindex] == "process.pid"
    }
    assert pids == {20593}
    assert data.resource_profiles[0].resource.attributes[0].value.string_value == "fixture"


def test_samples_have_times_where_the_recording_tells_the_wall_clock(read, tmp_path):
    recording = tmp_path / "perf.data"
    recording.write_bytes(lzma.decompress((FIXTURES / "recordings/clock/perf.data.xz").read_bytes()))
    flame = goinspect.flame(recording)
    assert "clock_wall_ns" in flame.profile.metadata
    (profile,) = read(flame.binary("otlp")).resource_profiles[0].scope_profiles[0].profiles
    begin, end = profile.time_unix_nano, profile.time_unix_nano + profile.duration_nano
    assert 1_700_000_000_000_000_000 < begin < 2_000_000_000_000_000_000
    for sample in profile.samples:
        assert len(sample.values) == len(sample.timestamps_unix_nano)
        assert all(begin <= time < end for time in sample.timestamps_unix_nano)
    assert sum(len(sample.values) for sample in profile.samples) == flame.totals.samples
    assert read_profile(flame.binary("pprof")).time == begin
