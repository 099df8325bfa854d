"""What names say: package, receiver, the rest."""

from __future__ import annotations

import pytest

from goinspect.gosym.naming.names import (
    enclosing,
    is_closure,
    plain_name,
    shortened,
    split_name,
    type_package,
)


@pytest.mark.parametrize(
    ("name", "package", "receiver", "function"),
    [
        ("main.main", "main", "", "main"),
        ("net/http.(*Server).Serve", "net/http", "*Server", "Serve"),
        ("time.Duration.String", "time", "Duration", "String"),
        ("net/http.(*Server).Serve.func1", "net/http", "*Server", "Serve.func1"),
        ("main.F.func1", "main", "", "F.func1"),
        ("main.F.func1.2", "main", "", "F.func1.2"),
        ("main.F.gowrap1", "main", "", "F.gowrap1"),
        ("main.F.deferwrap2", "main", "", "F.deferwrap2"),
        ("main.F-range1", "main", "", "F-range1"),
        ("main.F.func2-range1", "main", "", "F.func2-range1"),
        ("main.T.M-fm", "main", "T", "M-fm"),
        ("main.init.0", "main", "", "init.0"),
        ("main.init.0.func1", "main", "", "init.0.func1"),
        ("main.init.func1", "main", "", "init.func1"),
        ("main.glob..func1", "main", "", "glob..func1"),
        ("main.Map[go.shape.int,go.shape.string]", "main", "", "Map[go.shape.int,go.shape.string]"),
        ("main.(*Gen[go.shape.int]).Push", "main", "*Gen[go.shape.int]", "Push"),
        ("main.Gen[net/http.Header].Push.func1", "main", "Gen[net/http.Header]", "Push.func1"),
        ("example.com/q/x.y/v1%2e2.(*T).M", "example.com/q/x.y/v1.2", "*T", "M"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3", "", "Unmarshal"),
        ("main.func·001", "main", "", "func·001"),  # Go 1.2-1.4
        ("main.F·dwrap·1", "main", "", "F·dwrap·1"),  # Go 1.17
        ("gogo", "", "", "gogo"),
        ("_cgoexp_0123_F", "", "", "_cgoexp_0123_F"),
        ("type:.eq.main.T", "", "", "type:.eq.main.T"),
        ("type..hash.[2]string", "", "", "type..hash.[2]string"),
        ("", "", "", ""),
    ],
)
def test_parts(name, package, receiver, function):
    assert split_name(name) == (package, receiver, function)


def test_functions_tell_closures_from_methods():
    """A closure of Foo that was inlined into main looks like one of a method Foo of type main."""
    name = "main.main.Foo.func1"
    assert split_name(name).receiver == "main"
    assert split_name(name, {"main.main"}) == ("main", "", "main.Foo.func1")


@pytest.mark.parametrize(
    "name", ["(", "main.(", "main.(*T", "main.[", "a/b/.c", "[x].y", "main.T.", "main..", ".main", "%zz.f"]
)
def test_odd_names_are_taken_apart_all_the_same(name):
    parts = split_name(name)
    assert all(isinstance(part, str) for part in parts)


def test_closures():
    assert all(map(is_closure, ["func1", "1", "gowrap3", "deferwrap1", "func2-range1", "func·001"]))
    assert not any(map(is_closure, ["Func1", "function", "f1", "String"]))


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("main.T", "main"),
        ("*net/http.Request", "net/http"),
        ("**[]*net/http.Request", "net/http"),
        ("[4]main.T", "main"),
        ("main.Gen[net/http.Header]", "main"),
        ("int", ""),
        ("error", ""),
        ("map[string]net/http.Header", ""),
        ("func(io.Reader) error", ""),
        ("struct { A main.T }", ""),
        ("chan main.T", ""),
        ("interface { io.Reader }", ""),
    ],
)
def test_packages_of_types(name, package):
    assert type_package(name) == package


def test_spellings():
    assert plain_name("runtime.memmove.abi0") == "runtime.memmove"
    assert plain_name("runtime.memmove.abiinternal") == "runtime.memmove"
    assert shortened("main.Map[int,[]string].func1") == "main.Map[...].func1"
    assert shortened("main.f") == "main.f"


@pytest.mark.parametrize(
    ("name", "outer"),
    [
        ("main.f", "main.f"),
        ("main.f.func1.2", "main.f"),
        ("main.(*T).M.func1.1", "main.(*T).M"),
        ("main.(*T).M-fm", "main.(*T).M"),
        ("main.T.Method.func1", "main.T.Method"),
        ("main.f.func2-range1", "main.f"),
        ("main.f-range1", "main.f"),
        ("main.f.deferwrap1", "main.f"),
        ("net/http.(*Server).Serve.gowrap3", "net/http.(*Server).Serve"),
        ("main.glob..func1", "main.glob..func1"),
        ("main.init.0", "main.init.0"),
        ("main.init.0.func1", "main.init.0"),
        ("main.init.func1", "main.init"),
        ("a/b%2ec.(*X[go.shape.int]).Y.func1", "a/b%2ec.(*X[go.shape.int]).Y"),
        ("main.Map[go.shape.func(int) string].func1", "main.Map[go.shape.func(int) string]"),
        ("main.Known.Inner.func1", "main.Known"),
        ("main.Known.Inner", "main.Known.Inner"),
        ("type:.eq.[2]int", "type:.eq.[2]int"),
    ],
)
def test_what_a_closure_was_written_in(name, outer):
    assert enclosing(name, {"main.Known"}) == outer
