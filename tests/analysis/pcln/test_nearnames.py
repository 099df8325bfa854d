"""What is offered to somebody who asks for a name that there is not; and that an offset stays in its function."""

from __future__ import annotations

import itertools
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.pcln.frames import resolve
from goinspect.analysis.pcln.linetable import line_table
from goinspect.analysis.pcln.near import did_you_mean, near_files, near_names
from goinspect.binary import Binary
from goinspect.errors import QueryError
from tests.conftest import oracle_rows

NAMES = [
    "main.main", "main.work", "main.(*List[go.shape.int]).Push", "main.spin", "main.run", "main.run.func1",
    "net/http.Get", "net/http.(*Client).Get", "net/http.(*conn).serve", "example.com/shop/store.(*DB).Find",
    "runtime.mallocgc", "runtime.memmove", "runtime.gopanic", "vendor/golang.org/x/net/idna.Profile.process",
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("work", ["main.work"]),
        ("Main.Work", ["main.work"]),
        ("http.Get", ["net/http.Get"]),
        ("Get", ["net/http.Get", "net/http.(*Client).Get"]),
        ("net/http.conn.serve", ["net/http.(*conn).serve"]),
        ("conn.serve", ["net/http.(*conn).serve"]),
        ("main.List.Push", ["main.(*List[go.shape.int]).Push"]),
        ("main.(*List[int]).Push", ["main.(*List[go.shape.int]).Push"]),
        ("store.DB.Find", ["example.com/shop/store.(*DB).Find"]),
        ("main.wrok", ["main.work"]),
        ("runtime.malloc_gc", ["runtime.mallocgc"]),
        ("main.spin.func3", ["main.spin"]),
        ("golang.org/x/net/idna.Profile.process", ["vendor/golang.org/x/net/idna.Profile.process"]),
        ("completely.Different", []),
        ("", []),
        ("...", []),
    ],
)
def test_what_is_meant(asked, offered):
    assert near_names(asked, NAMES) == offered


def test_a_plugin_spells_its_main_package_by_its_path():
    """As `go tool nm` lists one that `go build -buildmode=plugin` made of the module example.com/plug."""
    names = ["example.com/plug.main", "example.com/plug.Hello", "runtime.main", "plugin.main2"]
    assert near_names("main.main", names, "example.com/plug") == ["example.com/plug.main"]
    assert near_names("main.Hello", names, "example.com/plug") == ["example.com/plug.Hello"]


def test_files():
    files = ["example.com/workload/main.go", "runtime/proc.go", "runtime/panic.go", "net/http/server.go"]
    assert near_files("mian.go", files) == ["example.com/workload/main.go"]
    assert near_files("http/sever.go", files) == ["net/http/server.go"]
    assert near_files("zzz.go", files) == []


def test_the_end_of_a_message():
    assert [did_you_mean(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", ": did you mean a?", ": did you mean a or b?", ": did you mean a, b or c?",
    ]  # fmt: skip


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=30))
def test_any_text(asked, names):
    found = near_names(asked, names)
    assert len(found) <= 4
    assert set(found) <= set(names)


def test_a_hundred_thousand_names():
    rng = random.Random(3)
    names = [
        "".join(rng.choices(string.ascii_lowercase, k=8)) + f"/p{i % 900}.Name{i}" for i in range(100_000)
    ]
    before = time.process_time()
    near_names("p7.Name123x", names)
    assert time.process_time() - before < 10


# --- in a binary ---


@pytest.fixture(scope="module")
def binary(fixture_file):
    return Binary(fixture_file("go1.27-piestripped", "workload"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("main.wrun", "did you mean main.run?"),
        ("leafA", "did you mean main.leafA?"),
        ("mian.go:30", "did you mean example.com/workload/main.go"),
        ("main.go:9999", "the nearest with code"),
        ("mallocgcc", "runtime.mallocgc"),
    ],
)
def test_the_message(binary, query, message):
    with pytest.raises(QueryError, match=r"neither|is no function|no code at") as caught:
        resolve(binary, [query])
    assert message in caught.value.message


def test_line_tables_offer_names_too(binary):
    with pytest.raises(QueryError, match=r"no function is called 'main\.leaf': did you mean main\.leafA"):
        line_table(binary, ["main.leaf"])


# --- offsets: where a function ends, `go tool nm` tells of the unstripped twin ---


def functions_by_nm():
    """(entry, next entry, name) of functions whose name is the only one of its kind."""
    rows = sorted((int(row[0], 16), row[-1]) for row in oracle_rows("go1.27-pie", "nm") if row[2] in "tT")
    names = [name for _, name in rows]
    return [
        (entry, after, name)
        for (entry, name), (after, _) in itertools.pairwise(rows)
        if after > entry and name.startswith(("main.", "strings.")) and names.count(name) == 1
    ]


def test_an_offset_stays_in_its_function(binary):
    rows = functions_by_nm()
    assert len(rows) > 40
    for entry, after, name in rows:
        (row,) = resolve(binary, [f"{name}+{after - entry - 1:#x}"]).rows
        assert (row.pc, row.function) == (after - 1, name)
        for beyond in (after - entry, after - entry + 1, 20_000, 1 << 70):
            with pytest.raises(QueryError, match="lies behind") as caught:
                resolve(binary, [f"{name}+{beyond}"])
            assert f"which has {after - entry:,} bytes, padding included" in caught.value.message
