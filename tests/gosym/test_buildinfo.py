"""Build information: the text against Go's own parser, the two layouts of the blob, versions of every spelling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.gosym.buildinfo.info import find_build_info, parse_version, read_build_info
from goinspect.gosym.buildinfo.text import BuildInfo, Module, format_module_text, parse_module_text
from goinspect.objfile import open_image
from tests.builders.elf import Elf, Part, R, W
from tests.examples import examples

# Random lines, and what `ParseBuildInfo` and `String` of runtime/debug of Go 1.26 made of them; null: an error.
TEXTS = json.loads((Path(__file__).parent / "module_texts.json").read_text("utf-8"))
START, END = (
    bytes.fromhex("3077af0c9274080241e1c107e6d618e6"),
    bytes.fromhex("f932433186182072008242104116d8f2"),
)
DATA = 0x500000


@pytest.mark.parametrize("row", TEXTS, ids=[str(i) for i in range(len(TEXTS))])
def test_text_is_read_and_written_as_go_does(row):
    info = parse_module_text("go1.26", row["text"])
    assert bool(info.problems) == (row["again"] is None)
    if row["again"] is not None:
        assert format_module_text(info) == row["again"]


def test_every_field():
    text = (
        "path\texample.com/cmd\n"
        "mod\texample.com/m\tv1.2.3\n"
        "=>\t../fork\t(devel)\t\n"
        "dep\tgolang.org/x/a\tv0.1.0\th1:aaa=\n"
        "dep\tgolang.org/x/b\tv0.2.0\n"
        "=>\texample.com/b\tv0.2.1\th1:bbb=\n"
        "build\t-compiler=gc\n"
        'build\t-ldflags="-X main.v=1 -s"\n'
        "build\t`odd key`=1\n"
        "build\tCGO_CFLAGS=\n"
        "build\tA=1\n"
        "build\tA=2\n"
    )
    info = parse_module_text("go1.22.1", text)
    assert info == BuildInfo(
        "go1.22.1",
        "example.com/cmd",
        Module("example.com/m", "v1.2.3", "", Module("../fork", "(devel)")),
        (
            Module("golang.org/x/a", "v0.1.0", "h1:aaa="),
            Module("golang.org/x/b", "v0.2.0", "", Module("example.com/b", "v0.2.1", "h1:bbb=")),
        ),
        {"-compiler": "gc", "-ldflags": "-X main.v=1 -s", "odd key": "1", "CGO_CFLAGS": "", "A": "2"},
        (("-compiler", "gc"), ("-ldflags", "-X main.v=1 -s"), ("odd key", "1"), ("CGO_CFLAGS", ""), ("A", "1"),
         ("A", "2")),
    )  # fmt: skip


def test_damaged_lines_give_what_they_can():
    info = parse_module_text(
        "go1.20", 'path\tp\nbuild\tnothing\nmod\tonly\nbuild\tk=v\n=>\ta\tb\nbuild\tq="x\n'
    )
    assert info.path == "p"
    assert info.settings == {"k": "v", "q": '"x'}
    assert [problem.partition(": ")[0] for problem in info.problems] == [
        f"build information, line {number}" for number in (2, 3, 5, 6)
    ]


def inline(version: bytes, modules: bytes) -> bytes:
    """The layout of Go 1.18+."""
    out = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    for text in (version, modules):
        size, length = len(text), b""
        while size >= 0x80:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        out += length + bytes([size]) + text
    return out


def pointers(elf: Elf, version: bytes, modules: bytes) -> bytes:
    """The layout up to Go 1.17, at DATA: two pointers to strings, each of which is a pointer and a length."""
    word = elf.bits // 8
    strings = DATA + 16 + 2 * word
    texts = strings + 4 * word
    out = b"\xff Go buildinf:" + bytes([word, elf.byteorder == "big"])
    out += elf.pack("AA", strings, strings + 2 * word)
    out += elf.pack("AAAA", texts, len(version), texts + len(version), len(modules))
    return out + version + modules


def written(tmp_path: Path, elf: Elf, blob: bytes, *, before: bytes = b""):
    elf.parts = [Part(".text", 0x401000, b"\x90" * 64), Part(".go.buildinfo", DATA, before + blob, R | W)]
    path = tmp_path / "binary"
    path.write_bytes(elf.write())
    return open_image(path)


VERSIONS = [
    ("go1.21.13 (Red Hat 1.21.13-1.el9)", (1, 21)), ("go1.22.1 X:loopvar,rangefunc", (1, 22)),
    ("devel go1.28-0123456789 Mon Jan 1 00:00:00 2029 +0000", (1, 28)), ("go1.18rc1", (1, 18)), ("devel +9ef1", None),
]  # fmt: skip


@pytest.mark.parametrize(("version", "number"), VERSIONS)
@pytest.mark.parametrize("sections", [True, False])
def test_inline_layout(tmp_path, version, number, sections):
    text = b"path\tp\nbuild\tGOOS=linux\n"
    blob = inline(version.encode(), START + text + END)
    image = written(tmp_path, Elf(sections=sections), blob)
    found = find_build_info(image)
    assert found is not None
    assert (found.vaddr, found.size) == (DATA, len(blob))
    assert found.info.go_version == version
    assert found.info.settings == {"GOOS": "linux"}
    assert parse_version(version) == number


@pytest.mark.parametrize("sections", [True, False])
@pytest.mark.parametrize(
    ("bits", "byteorder", "machine"), [(64, "little", 62), (32, "big", 8), (64, "big", 22)]
)
def test_pointer_layout(tmp_path, bits, byteorder, machine, sections):
    elf = Elf(bits=bits, byteorder=byteorder, machine=machine, sections=sections)
    blob = pointers(elf, b"go1.16.5", START + b"path\tp\nmod\tm\tv1\th1:x\n" + END)
    info = read_build_info(written(tmp_path, elf, blob))
    assert info is not None
    assert (info.go_version, info.path, info.main) == ("go1.16.5", "p", Module("m", "v1", "h1:x"))


def test_the_section_may_begin_with_something_else(tmp_path):
    blob = inline(b"go1.20", START + b"path\tp\n" + END)
    info = read_build_info(written(tmp_path, Elf(), blob, before=b"\0" * 32))
    assert info is not None
    assert info.path == "p"


@examples(60)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_damage_is_none_or_an_answer(tmp_path_factory, noise, cut):
    blob = (inline(b"go1.20", START + b"path\tp\n" + noise + b"\n" + END) + noise)[: 32 + cut]
    info = read_build_info(written(tmp_path_factory.mktemp("damage"), Elf(), blob))
    assert info is None or isinstance(info.go_version, str)


@examples(200)
@given(st.text(alphabet='abm="`\\\tx0 \n>-u', max_size=80))
def test_what_is_written_is_read_again(noise):
    """Whatever was understood once is understood the same way from its own spelling."""
    first = parse_module_text(
        "go1", noise.replace("a", "build\t").replace("b", "dep\t").replace("-", "=>\t") + "\n"
    )
    if not first.problems:
        again = parse_module_text("go1", format_module_text(first))
        assert again._replace(problems=()) == first
