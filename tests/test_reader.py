"""The bounded reader: every read past the end is a TruncatedError that says where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError, TruncatedError
from tests.builders.varints import uleb
from tests.examples import examples

DATA = memoryview(bytes(range(1, 17)))
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "i32": 4, "u64": 8}


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("ptrsize", [4, 8])
def test_numbers(byteorder, ptrsize) -> None:
    reader = Reader(DATA, byteorder, ptrsize, what="test")
    for name, width in {**WIDTHS, "uptr": ptrsize}.items():
        for offset in range(len(DATA) - width + 1):
            expected = int.from_bytes(DATA[offset : offset + width], byteorder)
            assert getattr(reader, name)(offset) == expected
        for offset in (-1, len(DATA) - width + 1, len(DATA), 1 << 70):
            with pytest.raises(TruncatedError, match=f"test: {width} bytes expected"):
                getattr(reader, name)(offset)


def test_signed() -> None:
    reader = Reader(memoryview(b"\xfe\xff\xff\xff"), what="test")
    assert (reader.i32(0), reader.u32(0)) == (-2, 0xFFFFFFFE)


def test_views_do_not_copy() -> None:
    reader = Reader(DATA, what="test")
    view = reader.view(4, 4)
    assert view.obj is DATA.obj
    assert bytes(view) == b"\x05\x06\x07\x08"
    assert bytes(reader.tail(14)) == b"\x0f\x10"
    assert bytes(reader.tail(16)) == bytes(reader.view(16, 0)) == b""
    for offset, size in ((-1, 1), (15, 2), (17, 0), (0, -1), (0, 1 << 70)):
        with pytest.raises(TruncatedError):
            reader.view(offset, size)
    with pytest.raises(TruncatedError):
        reader.tail(17)


def test_error_says_where() -> None:
    with pytest.raises(TruncatedError) as caught:
        Reader(DATA, what="things", origin=0x1000).u32(14)
    assert caught.value.offset == 0x100E
    assert str(caught.value) == "things: 4 bytes expected, 2 left, at offset 0x100e"
    assert str(caught.value.about("f")) == "f: things: 4 bytes expected, 2 left, at offset 0x100e"
    assert caught.value.about("other").path == "f"  # whoever was closer to the file knows better


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 1000, 1024, 5000, 65535])
def test_strings_of_every_length(size: int) -> None:
    data = b"x" + b"a" * size + b"\0tail\0"
    assert Reader(memoryview(data), what="test").cstr(1) == b"a" * size


def test_strings_without_end() -> None:
    for size in (0, 1, 127, 128, 5000):
        with pytest.raises(TruncatedError):
            Reader(memoryview(b"a" * size), what="test").cstr(0)
    reader = Reader(memoryview(b"a" * 200_000 + b"\0"), what="test")
    with pytest.raises(MalformedError, match="longer than 65536"):
        reader.cstr(0)
    with pytest.raises(MalformedError, match="longer than 100"):
        reader.cstr(5, 100)
    with pytest.raises(TruncatedError):
        reader.cstr(-1)
    with pytest.raises(TruncatedError):
        reader.cstr(300_000)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 1 << 32, (1 << 64) - 1])
def test_varints(number: int) -> None:
    data = b"\xaa" + uleb(number) + b"\xbb"
    assert Reader(memoryview(data), what="test").uvarint(1) == (number, len(data) - 1)


def test_varints_without_end() -> None:
    with pytest.raises(TruncatedError):
        Reader(memoryview(b"\x80\x80"), what="test").uvarint(0)
    with pytest.raises(MalformedError):
        Reader(memoryview(b"\x80" * 11 + b"\0"), what="test").uvarint(0)


@examples(200, derandomize=True)
@given(
    st.binary(max_size=20), st.integers(-5, 30), st.sampled_from([*WIDTHS, "uptr", "cstr", "tail", "uvarint"])
)
def test_nothing_else_escapes(data: bytes, offset: int, name: str) -> None:
    try:
        getattr(Reader(memoryview(data), what="test"), name)(offset)
    except GoinspectError:
        return
    assert 0 <= offset <= len(data)
