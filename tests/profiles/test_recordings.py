"""Every way in which perf writes a recording: the samples are those that perf reads from it, to the last address."""

from __future__ import annotations

import lzma
import re
from typing import TYPE_CHECKING

import pytest

from goinspect.profiles import open_profile, read_profile
from tests.conftest import FIXTURES, oracle_rows
from tests.profiles.frames import rows
from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = FIXTURES / "recordings"
NAMES = sorted(
    path.parent.name
    for path in RECORDINGS.glob("*/stacks.txt.xz")
    if "scripts/fixtures/build_recordings.py" in (path.parent / "recipe.txt").read_text("utf-8")
)
PIPED = [name for name in NAMES if name.endswith("pipe")]
SAMPLES = re.compile(r"SAMPLE events: +(\d+)")


def unpack(name: str, place: Path) -> Path:
    path = place / "perf.data"
    packed = RECORDINGS / name / "perf.data.xz"
    if packed.exists():
        path.write_bytes(lzma.decompress(packed.read_bytes()))
        return path
    unpack_tar(RECORDINGS / name / "perf.data.tar.xz", path)
    return path


def expected(name: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in oracle_rows(f"recordings/{name}", "stacks")]


def found(profile) -> list[tuple[str, ...]]:
    events = [profile.events[number].name for number in profile.event.tolist()]
    out = [
        (
            str(row.time), str(row.pid), str(row.tid), event, str(row.weight), row.comm,
            " ".join(f"{mode}:{address:x}" for mode, address in row.stack),
        )
        for row, event in zip(rows(profile), events, strict=True)
    ]  # fmt: skip
    return sorted(out, key=lambda row: (int(row[0]), int(row[2])))


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_every_way_is_there():
    assert len(NAMES) >= 23
    assert PIPED == ["compressed-pipe", "pipe"]


def test_samples(name, tmp_path):
    assert found(open_profile(unpack(name, tmp_path))) == expected(name)


@pytest.mark.parametrize("name", PIPED)
def test_samples_of_a_pipe(name, tmp_path):
    with unpack(name, tmp_path).open("rb") as stream:
        assert found(read_profile(stream, "stdin")) == expected(name)


def test_counts(name, tmp_path):
    """As `perf report --stats` has them; of cut files, what is left."""
    stats = (RECORDINGS / name / "stats.txt").read_text("utf-8")
    match = SAMPLES.search(stats)  # perf fails to count those of compressed-pipe
    counted = int(match[1]) if match else len(expected(name))
    profile = open_profile(unpack(name, tmp_path))
    if name == "cut":
        assert 0 < len(profile) < counted
    elif name == "groups":  # perf counts each counter of a sample
        assert 0 < len(profile) <= counted
    else:
        assert len(profile) == counted


def test_what_is_missing_is_told(name, tmp_path):
    warnings = open_profile(unpack(name, tmp_path)).warnings
    assert bool(warnings) == (name in ("cut", "killed"))
