"""Files that gzip, xz or zstd packed: the same rows as from the file that is in them."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import re

import pytest

from goinspect.errors import GoinspectError, MalformedError
from goinspect.profiles import open_profile, read_profile, unwrap
from tests.builders import perfcontainers as pc
from tests.profiles.containers import recording, same


def wrappers():
    return {"gz": gzip.compress, "xz": lzma.compress, "zst": pc.zstd().compress}


@pytest.mark.parametrize("suffix", ["gz", "xz", "zst"])
@pytest.mark.parametrize("piped", [False, True])
def test_wrapped(suffix, piped, tmp_path):
    data = recording()
    path = tmp_path / f"perf.data.{suffix}"
    path.write_bytes(wrappers()[suffix](pc.pipe(data) if piped else data.build()))
    same(open_profile(path), data, tmp_path)
    with path.open("rb") as stream:
        same(read_profile(stream, "stdin"), data, tmp_path)


@pytest.mark.parametrize("suffix", ["gz", "xz", "zst"])
def test_wrapped_and_cut(suffix, tmp_path):
    """What can be unpacked is read: recordings of many samples, packed and cut in the middle."""
    data = recording(samples=3000)
    packed = wrappers()[suffix](pc.pipe(data))
    path = tmp_path / "cut"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    profile = open_profile(path)
    assert 0 < len(profile) < 3000
    assert re.match(r"the (gzip|xz|zstd) data is cut off: read as far as it goes", profile.warnings[0])


@pytest.mark.parametrize("suffix", ["gz", "xz", "zst"])
def test_wrapped_in_two_frames_and_padded(suffix, tmp_path):
    data = recording()
    raw, pack = pc.pipe(data), wrappers()[suffix]
    path = tmp_path / "two"
    path.write_bytes(pack(raw[:500]) + pack(raw[500:]) + bytes(8))
    same(open_profile(path), data, tmp_path)


@pytest.mark.parametrize("suffix", ["gz", "xz", "zst"])
def test_wrapped_and_damaged(suffix, tmp_path):
    packed = bytearray(wrappers()[suffix](pc.pipe(recording(samples=3000))))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(range(64))
    path = tmp_path / "damaged"
    path.write_bytes(packed)
    with contextlib.suppress(MalformedError):
        assert open_profile(path).warnings
    path.write_bytes(packed[:12] + b"junk" * 20)
    with pytest.raises(GoinspectError):
        open_profile(path)


def test_wrapped_too_often(tmp_path):
    path = tmp_path / "often"
    raw = pc.pipe(recording())
    for _ in range(3):
        raw = gzip.compress(raw)
    path.write_bytes(raw)
    assert len(open_profile(path)) == 21
    path.write_bytes(gzip.compress(raw))
    with pytest.raises(GoinspectError, match="is compressed, and what is inside starts with 1f 8b"):
        open_profile(path)


def test_wrapped_growing_without_measure(monkeypatch, tmp_path):
    monkeypatch.setattr(unwrap, "_ALLOWANCE", 1000)
    path = tmp_path / "bomb.xz"
    path.write_bytes(lzma.compress(pc.pipe(recording()) + bytes(30 << 20)))
    with pytest.raises(MalformedError, match="grows to more than 1000 times its size"):
        open_profile(path)
