"""Every question about damaged tables: nothing but GoinspectError comes out, and sizes never add up to too much."""

from __future__ import annotations

import random
import time

import pytest

from goinspect.analysis.pcln import frames as lines
from goinspect.analysis.pcln import functions, linetable, sizes
from goinspect.errors import GoinspectError
from goinspect.render.json import pcln as pclnjson
from goinspect.render.text import pcln as pclntext
from goinspect.render.text.frames import render_addr2line, render_lines
from tests.analysis.pcln.tables import TableBinary
from tests.builders.pclntab import build
from tests.builders.program import Function, Inlined
from tests.gosym.programs import decoder

LAYOUTS = [(1, 2), (1, 10), (1, 12), (1, 15), (1, 16), (1, 18), (1, 20), (1, 27)]
FLIPS = 40
QUERIES = ("main.outer", "main.inner", "a.go:300", "a.go:301", "401004", "main.f+3")


def small(version):
    inlining = Function(
        "main.outer", 24, files=[(10, "a.go"), (20, "b.go")], lines=[(4, 10), (20, 300)], sp=[(20, 64)],
        inlined=[(4, -1), (10, 0), (20, 1)],
        tree=[Inlined("main.middle", 2, -1, "a.go", 10), Inlined("main.inner", 6, 0, "a.go", 300)],
    )  # fmt: skip
    return build(
        [inlining, Function("mark", 8), Function("main.f", 16, files=[(16, "b.go")], lines=[(16, 4)])],
        version,
    )


def questions(binary):
    """Each as a function that asks, and renders what it is told."""
    for query in QUERIES:
        yield lambda query=query: said(lines.resolve(binary, [query]))
    yield lambda: said(linetable.line_table(binary, ["main.outer"]))
    yield lambda: said(linetable.line_table(binary, ["401000"]))
    yield lambda: said(functions.list_functions(binary))
    yield lambda: said(functions.list_inlined_only(binary))
    yield lambda: said(sizes.list_sizes(binary))
    yield lambda: said(sizes.list_sizes(binary, by_package=True))


def said(report):
    pclnjson.render(report)
    if hasattr(report, "parts"):
        assert sum(part.bytes for part in report.parts) == report.size
    if isinstance(report, lines.LineReport):
        render_lines(report)
        render_addr2line(report)
    else:
        pclntext.render(report)


@pytest.mark.parametrize("version", LAYOUTS, ids=[f"1.{minor}" for _, minor in LAYOUTS])
@pytest.mark.parametrize("batch", [False, True])
def test_flipped_bytes(version, batch, monkeypatch):
    monkeypatch.setattr(lines, "_BULK_FROM", 0 if batch else 99)
    built = small(version)
    dice = random.Random(version[1])
    for _ in range(FLIPS):
        data = bytearray(built.data)
        for _ in range(dice.choice((1, 1, 2, 8))):
            data[dice.randrange(len(data))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        begin = time.process_time()
        try:
            binary = TableBinary(decoder(built, version, bytes(data)))
        except GoinspectError:
            continue
        for ask in questions(binary):
            try:
                ask()
            except GoinspectError:
                continue
        assert time.process_time() - begin < 10
