"""-ldflags taken apart, against what a program prints that was linked with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import MalformedError
from goinspect.gosym.buildinfo.linkerflags import path_to_prefix, split_flags, strings_set
from tests import stamps

DEFAULTS = stamps.as_dict(next(answer["printed"] for answer in stamps.flags() if answer["ldflags"] == ""))
LINKED = [answer for answer in stamps.flags() if answer["printed"] is not None]


def test_many_ways_were_tried():
    assert len(LINKED) >= 25
    assert len(stamps.flags()) - len(LINKED) >= 8
    assert DEFAULTS["main.version"] == "dev"


@pytest.mark.parametrize("answer", LINKED, ids=lambda answer: repr(answer["ldflags"]))
def test_what_the_linker_made_of_it(answer):
    found = strings_set(answer["ldflags"])
    expected = stamps.as_dict(answer["printed"])
    assert {**DEFAULTS, **{name: value for name, value in found.items() if name in DEFAULTS}} == expected


def test_unterminated_quotes_are_said():
    with pytest.raises(MalformedError, match="unterminated ' string"):
        strings_set("-X 'main.version=a")
    with pytest.raises(MalformedError, match='unterminated " string'):
        strings_set('-X "')
    refused = {answer["ldflags"] for answer in stamps.flags() if answer["printed"] is None}
    assert {"-X 'main.version=a", '-X "'} <= refused


def test_flags_of_a_newer_linker():
    assert strings_set("-new -X main.v=1") == {"main.v": "1"}
    assert strings_set("-new value -X main.v=1") == {"main.v": "1"}


@pytest.mark.parametrize(
    ("path", "symbol"),  # src/cmd/internal/objabi/path_test.go
    [
        ("foo/bar/v1", "foo/bar/v1"),
        ("foo/bar/v.1", "foo/bar/v%2e1"),
        ("f.o.o/b.a.r/v1", "f.o.o/b.a.r/v1"),
        ("f.o.o/b.a.r/v.1", "f.o.o/b.a.r/v%2e1"),
        ("f.o.o/b.a.r/v..1", "f.o.o/b.a.r/v%2e%2e1"),
        ("f.o.o/b.a.r/v..1.", "f.o.o/b.a.r/v%2e%2e1%2e"),
        ("f.o.o/b.a.r/v%1", "f.o.o/b.a.r/v%251"),
        ("runtime", "runtime"),
        ("sync/atomic", "sync/atomic"),
        ("golang.org/x/tools/godoc", "golang.org/x/tools/godoc"),
        ("foo.bar/baz.quux", "foo.bar/baz%2equux"),
        ("", ""),
        ("%foo%bar", "%25foo%25bar"),
        ("\x01\x00\x7f☺", "%01%00%7f%e2%98%ba"),
    ],
)
def test_paths_in_symbols(path, symbol):
    assert path_to_prefix(path) == symbol


@given(st.text(alphabet="-X=a. '\"\t\n\x00é", max_size=40))
def test_any_text_is_taken_apart_or_refused(text):
    try:
        words = split_flags(text)
        found = strings_set("-s " + text)
    except MalformedError:
        assert "'" in text or '"' in text
        return
    assert all(word in text for word in words)
    assert all("." in name for name in found)
