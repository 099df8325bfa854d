"""Recordings of other projects, where they are at hand: every one is read, no byte of a sample left over."""

from __future__ import annotations

import gzip
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from goinspect.errors import GoinspectError
from goinspect.profiles import open_profile
from goinspect.profiles.perfdata import parse, read, sniff
from tests.profiles.frames import rows, stacks
from tests.profiles.plain_records import Recording
from tests.profiles.sample_sizes import left_over

ROOT = Path(__file__).parent.parent.parent
SAMPLES = Path(os.environ.get("GOINSPECT_SHARED", ROOT.parent / "shared")) / "perfdata-samples"

# What a recording that cannot be read to its end says.
STOPPED = {
    "quipper/perf.data.corrupted.zero_size_sample-3.2": r"damaged record \(type 9, size 0\) at offset 0x[0-9a-f]+: stopped",
}

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"no recordings of other projects in {SAMPLES} (set GOINSPECT_SHARED)"
)


def recordings() -> list[str]:
    """Every file that starts like a perf.data file."""
    found = []
    for path in sorted(SAMPLES.rglob("*")) if SAMPLES.is_dir() else []:
        if path.is_file():
            with path.open("rb") as file:
                if sniff(file.read(16)):
                    found.append(str(path.relative_to(SAMPLES)))
    return found


def known(name: str) -> str:
    """What the manifest says about a file."""
    for line in (SAMPLES / "MANIFEST.tsv").read_text().splitlines():
        if line.startswith(name + "\t"):
            return line.split("\t")[4]
    return ""


@pytest.mark.parametrize("name", recordings())
def test_recording(name):
    path = SAMPLES / name
    plain = Recording(path.read_bytes())
    kinds = Counter(record.kind for record in plain.records)
    facts = known(name)
    stated = dict(re.findall(r"(\d+): (\d+)", (re.search(r"record types \{([^}]*)\}", facts) or [""])[0]))
    if stated:
        every = kinds + Counter(plain.packed)
        assert every == {int(kind): int(count) for kind, count in stated.items()}
    for record in plain.records:
        if record.kind == 9:
            assert left_over(plain.shape(record.body), record.body, plain.mark) == 0
    profile = open_profile(path)
    assert len(profile) == kinds[9]
    assert profile.totals.records == kinds.total()
    by_perf = re.search(r"perf 6.1 --stats SAMPLE events: (\d+)", facts)
    if by_perf:
        assert len(profile) == int(by_perf[1])
    assert stacks(profile).count([]) <= sum(
        not plain.ip(record.body) for record in plain.records if record.kind == 9
    )
    if name in STOPPED:
        assert re.match(STOPPED[name], profile.warnings[0])
    else:
        assert not [told for told in profile.warnings if "left out" in told or "stopped" in told]


@pytest.mark.parametrize("name", recordings())
def test_from_a_pipe_and_compressed(name):
    """The same, whether it comes piece by piece or from a file."""
    raw = (SAMPLES / name).read_bytes()
    whole = read(SAMPLES / name)
    pieces = (raw[at : at + 999] for at in range(0, len(raw), 999))
    streamed = parse(pieces, "stdin")
    assert rows(streamed) == rows(whole)
    assert streamed.warnings == whole.warnings


def test_gzip(tmp_path):
    name = recordings()[0]
    path = tmp_path / "perf.data.gz"
    path.write_bytes(gzip.compress((SAMPLES / name).read_bytes()))
    assert rows(open_profile(path)) == rows(read(SAMPLES / name))


def test_other_files_are_refused():
    """Text: one line that says what was found."""
    taken = set(recordings())
    for path in SAMPLES.rglob("*"):
        if path.is_file() and str(path.relative_to(SAMPLES)) not in taken:
            with pytest.raises(GoinspectError) as caught:
                read(path)
            assert "\n" not in str(caught.value)
