"""Recordings of other projects, where they are at hand: every file-mode one is read, no byte of a sample left over."""

from __future__ import annotations

import os
import re
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from goinspect.errors import GoinspectError, UnsupportedError
from goinspect.profiles.perfdata import read, sniff
from goinspect.profiles.perfdata.header import MAGICS
from goinspect.profiles.perfdata.source import Buffer
from goinspect.profiles.perfdata.walk import walk
from tests.profiles.frames import stacks
from tests.profiles.sample_sizes import Shape, left_over

ROOT = Path(__file__).parent.parent.parent
SAMPLES = Path(os.environ.get("GOINSPECT_SHARED", ROOT.parent / "shared")) / "perfdata-samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"no recordings of other projects in {SAMPLES} (set GOINSPECT_SHARED)"
)


def recordings() -> list[str]:
    """Every file that starts like a perf.data file in file mode."""
    found = []
    for path in sorted(SAMPLES.rglob("*")) if SAMPLES.is_dir() else []:
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(16)
            if sniff(head) and int.from_bytes(head[8:16], MAGICS[head[:8]]) != 16:
                found.append(str(path.relative_to(SAMPLES)))
    return found


def known(name: str) -> str:
    """What the manifest says about a file."""
    for line in (SAMPLES / "MANIFEST.tsv").read_text().splitlines():
        if line.startswith(name + "\t"):
            return line.split("\t")[4]
    return ""


class Raw:
    """A file taken apart without the reader, but for the record walk."""

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        self.order = MAGICS[raw[:8]]
        self.mark = "<" if self.order == "little" else ">"
        entry, attrs_at, attrs_size, data_at, data_size = struct.unpack_from(self.mark + "5Q", raw, 16)
        self.data = raw[data_at : data_at + data_size] if data_size else raw[data_at:]
        self.attrs = [raw[at : at + entry - 16] for at in range(attrs_at, attrs_at + attrs_size, entry)]
        ids = [
            struct.unpack_from(self.mark + "QQ", raw, at + entry - 16)
            for at in range(attrs_at, attrs_at + attrs_size, entry)
        ]
        self.shape_of = {
            value: Shape.of(attr, self.mark)
            for attr, (at, size) in zip(self.attrs, ids, strict=True)
            for value in struct.unpack_from(f"{self.mark}{size // 8}Q", raw, at)
        }
        self.walk = walk(Buffer(memoryview(self.data), self.order))

    def header(self, word: int) -> tuple[int, int, int]:
        return struct.unpack_from(self.mark + "IHH", self.data, 8 * word)

    def body(self, word: int) -> bytes:
        return self.data[8 * word + 8 : 8 * word + self.header(word)[2]]

    def shape(self, body: bytes) -> Shape:
        first = Shape.of(self.attrs[0], self.mark)
        if len(self.attrs) == 1:
            return first
        place = 0 if first.sample_type >> 16 & 1 else 8 * (first.sample_type & 0xF).bit_count()
        return self.shape_of.get(struct.unpack_from(self.mark + "Q", body, place)[0], first)


@pytest.mark.parametrize("name", recordings())
def test_recording(name):
    path = SAMPLES / name
    stated = dict(
        re.findall(r"(\d+): (\d+)", (re.search(r"record types \{([^}]*)\}", known(name)) or [""])[0])
    )
    if "81" in stated or "83" in stated:
        with pytest.raises(UnsupportedError, match="without -z"):
            read(path)
        return
    raw = Raw(path)
    kinds = Counter(raw.header(word)[0] for word in np.append(raw.walk.samples, raw.walk.others).tolist())
    if stated and "corrupted" not in name:
        assert kinds == {int(kind): int(count) for kind, count in stated.items()}
    for word in raw.walk.samples.tolist():
        body = raw.body(word)
        assert left_over(raw.shape(body), body, raw.mark) == 0
    profile = read(path)
    assert len(profile) == kinds[9]
    assert profile.totals.records == sum(kinds.values())
    assert all(stacks(profile)) or not profile.locations.kind.size


def test_other_files_are_refused():
    """Pipes and text: one line that says what was found."""
    taken = set(recordings())
    for path in SAMPLES.rglob("*"):
        if path.is_file() and str(path.relative_to(SAMPLES)) not in taken:
            with pytest.raises(GoinspectError) as caught:
                read(path)
            assert "\n" not in str(caught.value)
