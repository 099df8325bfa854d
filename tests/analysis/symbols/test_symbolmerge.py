"""Merging tables: what is one symbol, and what each table adds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.symbols.merge import FUNCTION, ITAB, TYPE, VARIABLE, Batch, Merger
from goinspect.analysis.symbols.sizes import counted
from goinspect.results.symbols import KINDS, source_names


def table(rows):
    """A Merger of symtab rows (name, address, size, kind)."""
    names, addresses, sizes, kinds = zip(*rows, strict=True) if rows else ((), (), (), ())
    size = np.array(sizes, dtype=np.int64)
    count = len(rows)
    return Merger(
        list(names), np.array(addresses, dtype=np.uint64), size, size > 0, np.array(kinds, dtype=np.uint8),
        np.full(count, 1, np.uint8), np.ones(count, np.int32), np.zeros(count, np.bool_),
        np.full(count, -1, np.int64), size.copy(),
    )  # fmt: skip


def batch(rows, kind, source, **more):
    names, addresses, sizes = zip(*rows, strict=True)
    if source == "gopclntab":
        more = {"function": np.arange(len(rows)), "go_names": True} | more
    return Batch(
        names, np.array(addresses, dtype=np.uint64), np.array(sizes, dtype=np.int64), kind, source, **more
    )


def rows(merger):
    return [
        (merger.name[i], int(merger.address[i]), int(merger.size[i]), KINDS[merger.kind[i]], source_names(int(merger.sources[i])))
        for i in range(len(merger))
    ]  # fmt: skip


def test_the_same_symbol_is_one_row():
    merger = table([("main.f", 0x1000, 31, FUNCTION), ("main.x", 0x1000, 8, VARIABLE)])
    merger.add(batch([("main.f", 0x1000, 32), ("main.g", 0x1020, 16)], FUNCTION, "gopclntab"))
    assert rows(merger) == [
        ("main.f", 0x1000, 31, "function", ("symtab", "gopclntab")),  # the exact size stays
        ("main.x", 0x1000, 8, "variable", ("symtab",)),
        ("main.g", 0x1020, 16, "function", ("gopclntab",)),
    ]
    assert merger.size_exact.tolist() == [True, True, False]
    assert merger.function.tolist() == [0, -1, 1]


def test_spellings_of_the_symbol_table():
    merger = table([
        ("runtime.memmove.abi0", 1, 5, FUNCTION), ("main.f.dwrap.1", 2, 5, FUNCTION), ("main.Map[int]", 3, 5, FUNCTION),
        ("main.other", 4, 5, FUNCTION),
    ])  # fmt: skip
    merger.add(
        batch([("runtime.memmove", 1, 8), ("main.f·dwrap·1", 2, 8), ("main.Map[...]", 3, 8), ("main.g", 4, 8)],
              FUNCTION, "gopclntab")
    )  # fmt: skip
    assert [(name, sources) for name, _, _, _, sources in rows(merger)] == [
        ("runtime.memmove", ("symtab", "gopclntab")),
        ("main.f·dwrap·1", ("symtab", "gopclntab")),
        ("main.Map[int]", ("symtab", "gopclntab")),  # the full name is the better one
        ("main.other", ("symtab",)),
        ("main.g", ("gopclntab",)),
    ]
    assert merger.symbol == {0: "runtime.memmove.abi0", 1: "main.f.dwrap.1"}


def test_several_at_one_address():
    merger = table([("a", 1, 0, FUNCTION), ("b", 1, 9, FUNCTION), ("b", 1, 9, FUNCTION)])
    merger.add(batch([("b", 1, 9), ("c", 1, 0)], FUNCTION, "gopclntab"))
    assert [(name, sources) for name, _, _, _, sources in rows(merger)] == [
        ("a", ("symtab",)), ("b", ("symtab", "gopclntab")), ("b", ("symtab",)), ("c", ("gopclntab",)),
    ]  # fmt: skip


def test_dwarf_leaves_packages_out_and_knows_sizes_and_places():
    merger = table([("runtime.gogo", 1, 0, FUNCTION)])
    merger.add(
        batch(
            [("gogo", 1, 52)],
            FUNCTION,
            "dwarf",
            size_exact=True,
            places=lambda rows: [("asm.s", 408) for _ in rows],
        )
    )
    assert rows(merger) == [("runtime.gogo", 1, 52, "function", ("symtab", "dwarf"))]
    assert merger.place == {0: ("asm.s", 408)}
    assert merger.size_exact.all()


def test_itabs_are_variables_to_the_symbol_table():
    merger = table([("go:itab.*os.File,io.Reader", 1, 40, VARIABLE)])
    merger.add(batch([("go:itab.*os.File,io.Reader", 1, 40)], ITAB, "typedata", size_exact=True))
    assert rows(merger) == [("go:itab.*os.File,io.Reader", 1, 40, "itab", ("symtab", "typedata"))]


def test_an_unknown_size_overwrites_nothing():
    merger = table([("main.T", 1, 0, TYPE)])
    merger.add(batch([("main.T", 1, 48)], TYPE, "typedata", size_exact=True))
    merger.add(batch([("main.T", 1, -1)], TYPE, "dwarf"))
    assert rows(merger) == [("main.T", 1, 48, "type", ("symtab", "dwarf", "typedata"))]


_rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c.abi0", "c"]), st.integers(0, 3), st.integers(0, 9)), max_size=12
)


@given(_rows, _rows)
def test_nothing_is_lost_or_invented(first, second):
    """Every entry of either table is in the list, and each row is what a table said."""
    merger = table([(*row, FUNCTION) for row in first])
    if second:
        merger.add(batch(second, FUNCTION, "gopclntab"))
    assert len(merger) <= len(first) + len(second)
    got = {(merger.symbol.get(i, name), address) for i, (name, address, *_) in enumerate(rows(merger))}
    got |= {(name, address) for name, address, *_ in rows(merger)}
    assert got >= {row[:2] for row in first}
    assert {(name.removesuffix(".abi0"), address) for name, address in got} >= {
        (name.removesuffix(".abi0"), address) for name, address, _ in second
    }
    known = {(name.removesuffix(".abi0"), address) for name, address, _ in [*first, *second]}
    assert {(name.removesuffix(".abi0"), address) for name, address in got} == known
    assert all(merger.sources)
    in_table = {row[:2] for row in rows(merger) if "gopclntab" in row[4]}
    assert {(name.removesuffix(".abi0"), address) for name, address in in_table} == {
        (name.removesuffix(".abi0"), address) for name, address, _ in second
    }


def test_bytes_are_counted_once():
    address = np.array([0, 0, 10, 12, 30, 40], dtype=np.uint64)
    size = np.array([10, 10, 10, 4, -1, 0], dtype=np.int64)
    exact = np.ones(6, dtype=np.bool_)
    assert counted(address, size, exact).tolist() == [True, False, True, False, False, False]
    # what covers everything goes before what lies in it, unless it only reaches to the next symbol
    pair = np.array([4, 0], dtype=np.uint64), np.array([4, 100], dtype=np.int64)
    assert counted(*pair, np.array([True, True])).tolist() == [False, True]
    assert counted(*pair, np.array([True, False])).tolist() == [True, False]
    assert counted(*pair, np.array([False, False])).tolist() == [False, True]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 20), st.booleans()), max_size=20))
def test_counted_rows_never_overlap(spans):
    address = np.array([a for a, _, _ in spans], dtype=np.uint64)
    size = np.array([s for _, s, _ in spans], dtype=np.int64)
    exact = np.array([e for _, _, e in spans], dtype=np.bool_)
    keep = counted(address, size, exact).tolist()
    kept = sorted((a, a + s) for (a, s, _), kept in zip(spans, keep, strict=True) if kept)
    assert all(left[1] <= right[0] for left, right in pairwise(kept))
    covered = {byte for a, s, _ in spans for byte in range(a, a + max(s, 0))}
    assert {byte for a, b in kept for byte in range(a, b)} <= covered


def test_names_of_webassembly():
    merger = table([("runtime.__mheap_.alloc", 1, 0, FUNCTION)])
    merger.add(batch([("runtime.(*mheap).alloc", 1, -1)], FUNCTION, "gopclntab"))
    assert merger.name == ["runtime.(*mheap).alloc"]
    assert merger.symbol == {0: "runtime.__mheap_.alloc"}
