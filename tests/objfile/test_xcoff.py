"""XCOFF (AIX), and the first bytes of what is known but not read."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from goinspect.errors import MalformedError, UnsupportedError
from goinspect.objfile import open_image
from tests.objfile.hostile import damaged, exercise_all, refused

if TYPE_CHECKING:
    from pathlib import Path

TEXT, DATA, BSS = 0x20, 0x40, 0x80


def made(*, wide: bool = True) -> bytes:
    word = "Q" if wide else "I"
    base, data_at = (0x100000000, 0x110000000) if wide else (0x10000000, 0x20000000)
    descriptor = struct.pack(">" + word, base + 0x10) + struct.pack(">" + word, base)
    text = b"hello, needle!\0".ljust(64, b"-")
    header, optional, entry = (72, 120, 80) if wide else (40, 72, 16)
    body = (24 if wide else 20) + optional + 3 * header
    rows = [
        (b".text", base, len(text), body, TEXT),
        (b".data", data_at, len(descriptor), body + len(text), DATA),
    ]
    rows.append((b".bss", data_at + 0x100, 0x40, 0, BSS))
    table = b""
    for name, vaddr, size, at, kind in rows:
        table += name.ljust(8, b"\0") + struct.pack(
            f">6{word}", vaddr, vaddr, size, at if kind != BSS else 0, 0, 0
        )
        table += struct.pack(">IIIxxxx" if wide else ">HHI", 0, 0, kind)
    auxiliary = bytearray(optional)
    struct.pack_into(">" + word, auxiliary, entry, data_at)
    strings = b"\0\0\0\0main.a function\0runtime.text\0"
    names = [(4, base + 0x10, 1, 2), (20, base, 1, 107), (4, data_at, 2, 2), (4, 0, 0, 2)]
    symbols = b""
    for offset, vaddr, section, storage in names:
        if wide:
            symbols += struct.pack(">QIhHBB", vaddr, offset, section, 0, storage, 1) + bytes(18)
        else:
            symbols += struct.pack(">IIIhHBB", 0, offset, vaddr, section, 0, storage, 1) + bytes(18)
    if not wide:
        symbols += b"short\0\0\0" + struct.pack(">IhHBB", base + 8, 1, 0, 2, 0)
    at = body + len(text) + len(descriptor)
    count = len(symbols) // 18
    if wide:
        head = struct.pack(">HHIQHHI", 0x1F7, 3, 0, at, optional, 2, count)
    else:
        head = struct.pack(">HHIIIHH", 0x1DF, 3, 0, at, count, optional, 2)
    return head + bytes(auxiliary) + table + text + descriptor + symbols + strings


@pytest.mark.parametrize("wide", [True, False], ids=["64", "32"])
def test_xcoff(wide: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    path.write_bytes(made(wide=wide))
    image = open_image(path)
    base, data = (0x100000000, 0x110000000) if wide else (0x10000000, 0x20000000)
    assert (image.container, image.arch, image.byteorder) == ("XCOFF", "ppc64" if wide else "ppc", "big")
    assert (image.ptrsize, image.type, image.entry, image.warnings) == (
        8 if wide else 4,
        "exec",
        base + 0x10,
        [],
    )
    assert [(s.vaddr, s.writable, s.executable, s.file_size > 0) for s in image.segments] == [
        (base, False, True, True), (data, True, False, True), (data + 0x100, True, False, False),
    ]  # fmt: skip
    assert list(image.find(b"needle")) == [base + 7]
    assert list(image.pointers_to(base + 0x10)) == [data]
    found = [(s.name, s.vaddr, s.kind, s.binding) for s in image.symbols()]
    assert found[:3] == [
        ("main.a function", base + 0x10, "function", "global"), ("runtime.text", base, "function", "local"),
        ("main.a function", data, "object", "global"),
    ]  # fmt: skip
    assert [name for name, *_ in found[3:]] == ([] if wide else ["short"])


@pytest.mark.parametrize("wide", [True, False], ids=["64", "32"])
def test_damaged(wide: bool, tmp_path: Path) -> None:
    exercise_all(tmp_path / "a.out", damaged(made(wide=wide), step=3, flips=500))


@pytest.mark.parametrize("magic", [b"\0\0\x01\xeb", b"\0\0\x8a\x97", b"\0\0\x06\x47", b"\0\0\x8c\x47"])
def test_plan9(magic: bytes, tmp_path: Path) -> None:
    path = tmp_path / "8.out"
    path.write_bytes(magic + bytes(60))
    refused(path, UnsupportedError, "Plan 9")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"MZ\x90\0", "PE"),
        (b"\xcf\xfa\xed\xfe", "Mach-O"),
        (b"\xfe\xed\xfa\xce", "Mach-O"),
        (b"\xca\xfe\xba\xbe", "slices"),
    ],
)
def test_nothing_but_the_first_bytes(data: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data + bytes(64))
    refused(path, MalformedError, word)
