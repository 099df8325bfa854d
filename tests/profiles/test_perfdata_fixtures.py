"""Every sample of the committed recordings, compared with what `perf script -D` says about it."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from goinspect.profiles.perfdata import read
from tests.profiles.frames import rows, stacks

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = sorted(path.parent.name for path in FIXTURES.glob("*/stacks.txt.xz"))


def content(folder: Path, name: str) -> bytes:
    """A file of a fixture, stored as it is or xz-compressed."""
    plain = folder / name
    return (
        plain.read_bytes() if plain.exists() else lzma.decompress(plain.with_name(name + ".xz").read_bytes())
    )


@pytest.fixture(params=NAMES)
def fixture(request):
    return FIXTURES / request.param


@pytest.fixture
def profile(fixture, tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(content(fixture, "perf.data"))
    return read(path)


def test_there_are_fixtures():
    assert len(NAMES) >= 8


def test_all_samples(profile, fixture):
    expected = [
        line.split("\t")
        for line in content(fixture, "stacks.txt").decode().splitlines()
        if not line.startswith("#")
    ]
    found = [
        [
            *(str(value) for value in row[:4]),
            str(row.weight),
            ",".join(f"{mode}:{address:x}" for mode, address in row.stack),
        ]
        for row in rows(profile)
    ]
    found = [[time, pid, tid, comm, weight, ips] for time, pid, tid, comm, weight, ips in found]
    assert found == expected


def test_what_it_says_about_itself(profile):
    assert profile.warnings == ()
    assert profile.totals.lost == 0
    assert profile.metadata["arch"] == "x86_64"
    assert "perf record" in profile.metadata["cmdline"]
    assert [(event.name, event.unit) for event in profile.events] == [("cpu-clock", "ns")]


def test_program_frames_are_mapped(profile):
    """The program's mapping explains the leaf of every sample; its path is the one of the recorded program."""
    leaves = [stack[0] for stack in stacks(profile)]
    assert (profile.locations.mapping[leaves] >= 0).all()
    assert any(item.path.endswith("/workload") and item.executable for item in profile.mappings)
    assert any(item.kernel for item in profile.mappings)
