"""Call frame information against readelf, and damaged."""

from __future__ import annotations

import contextlib
import re
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.binary import Binary
from goinspect.dwarf.callframes import CallFrames
from goinspect.errors import GoinspectError
from tests.conftest import FIXTURES
from tests.examples import examples
from tests.unpacked import unpack_tar

FRAMES = FIXTURES / "recordings" / "programs.tar.xz"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    root = tmp_path_factory.mktemp("programs")
    unpack_tar(FRAMES, root)
    return root


@pytest.mark.skipif(not shutil.which("readelf"), reason="readelf is not installed")
@pytest.mark.parametrize("name", ["cgo", "host", "library.so", "jit"])
def test_rows_are_those_of_readelf(program, name):
    rows = list(_readelf(program / name))
    frames = CallFrames(Binary(program / name).image)
    compared = 0
    for pc, register, offset, ra, fp in rows:
        found = frames.find(pc)
        assert found is not None, hex(pc)
        row, signal = found
        assert not signal
        if ra is None:
            assert row.root
            continue
        assert (row.by_fp, row.offset, row.ra_at, row.fp_at) == (register == "rbp", offset, ra, fp), hex(pc)
        compared += 1
    assert compared >= 8


def _readelf(path):
    """pc, register and offset of the CFA, offsets of return address and frame pointer; of .eh_frame only."""
    text = subprocess.run(
        ["readelf", "--debug-dump=frames-interp", path], capture_output=True, text=True, check=True
    ).stdout
    columns, end = [], 0
    for line in text.split("Contents of the .debug_frame")[0].splitlines():
        if match := re.search(r" pc=[0-9a-f]+\.\.([0-9a-f]+)$", line):
            end = int(match[1], 16)
        elif match := re.match(r"\s+LOC\s+CFA\s+(.*)", line):
            columns = match[1].split()
        elif match := re.match(r"([0-9a-f]{16}) (rsp|rbp)\+(\d+)\s+(.*)", line):
            values = dict(zip(columns, match[4].split(), strict=False))
            if 0 < int(match[1], 16) < end:
                yield (
                    int(match[1], 16),
                    match[2],
                    int(match[3]),
                    _offset(values["ra"]),
                    _offset(values.get("rbp")),
                )


def _offset(text):
    """Of "c-16": -16. "u": the register is as it was, or, of the return address, there is none."""
    return None if text in ("u", None) else int(text[1:])


class _Section:
    def __init__(self, vaddr, data):
        self.vaddr, self.data, self.file_size = vaddr, data, len(data)


class _Fake:
    """An image that has only these two sections."""

    arch, byteorder = "amd64", "little"

    def __init__(self, header, frames):
        self._sections = {".eh_frame_hdr": _Section(0x1000, header), ".eh_frame": _Section(0x2000, frames)}

    def section(self, name):
        return self._sections.get(name)

    def read(self, vaddr, size):
        section = next(s for s in self._sections.values() if s.vaddr == vaddr)
        return memoryview(section.data)[:size]


def _entry(body):
    return struct.pack("<I", len(body)) + body


def _image(program):
    cie = _entry(struct.pack("<I", 0) + b"\x01zR\0\x01\x78\x10\x01\x1b" + b"\x0c\x07\x08\x90\x01")
    fde = (
        struct.pack("<Ii", len(cie) + 4, 0x3000 - (0x2000 + len(cie) + 8)) + struct.pack("<I", 0x100) + b"\0"
    )
    frames = cie + _entry(fde + program)
    header = struct.pack("<4BIIii", 1, 0x1B, 3, 0x3B, 0, 1, 0x2000, 0x1000 + len(cie))
    return _Fake(header, frames)


def test_instructions():
    # push rbp; mov rbp, rsp; ...; pop rbp; ret; and what follows the early return
    program = b"\x41\x0e\x10\x86\x02\x43\x0d\x06\x50\x0a\xc6\x0c\x07\x08\x41\x0b\x02\x20\x07\x10"
    frames = CallFrames(_image(program))
    rows = {pc: frames.find(0x3000 + pc)[0] for pc in (0, 1, 3, 4, 0x13, 0x14, 0x15, 0x34, 0x35, 0xFF)}
    plain = (False, 8, -8, None, False)
    pushed, framed = (False, 16, -8, -16, False), (True, 16, -8, -16, False)
    want = {0: plain, 1: pushed, 3: pushed, 4: framed, 0x13: framed, 0x14: plain, 0x15: framed, 0x34: framed}
    assert {
        pc: (row.by_fp, row.offset, row.ra_at, row.fp_at, row.root) for pc, row in rows.items() if pc in want
    } == want
    assert rows[0x35].root
    assert rows[0xFF].root
    assert frames.find(0x3100) is None
    assert frames.find(0x2FFF) is None


@examples(200)
@given(st.binary(max_size=64))
def test_any_instructions(program):
    frames = CallFrames(_image(program))
    for pc in (0x3000, 0x3080, 0x30FF):
        frames.find(pc)


@examples(200)
@given(st.integers(0, 40), st.integers(0, 255), st.booleans())
def test_damaged_sections(at, byte, in_header):
    image = _image(b"\x41\x0e\x10")
    section = image.section(".eh_frame_hdr" if in_header else ".eh_frame")
    data = bytearray(section.data)
    data[at % len(data)] = byte
    section.data = bytes(data)
    with contextlib.suppress(GoinspectError):
        CallFrames(image).find(0x3001)
