"""Strings that the linker set, against what the program itself printed."""

from __future__ import annotations

import json

import pytest

from goinspect.analysis.builds import linkerstrings
from goinspect.analysis.builds.linkerstrings import is_version
from goinspect.analysis.builds.overview import describe
from goinspect.binary import Binary
from goinspect.render.json.info import info_object
from goinspect.render.text.info import render_text
from goinspect.results.info import InfoReport
from tests import modes, stamps

# How the builds were made says what there is to know it by.
WHERE = {
    "go1.27-linux-amd64-settings": "-ldflags",
    "go1.27-linux-amd64-settings-only": "-ldflags",
    "go1.27-linux-amd64-symbols": "symbol table",
    "go1.27-linux-amd64-symbols-pie": "symbol table",
    "go1.27-linux-amd64-dwarf": "DWARF",
    "go1.21-linux-mips-gopath": "-ldflags",
    "go1.27-linux-amd64-nothing": None,
}
NOT_IN_THE_PROGRAM = {"main.lonely": "x", "main.nope": "1"}  # told to the linker: recipe.txt
FROM_THE_SOURCE = "main.untouched"


def strings(build):
    return describe(Binary(stamps.binary(build))).linker_strings


def test_every_build_is_looked_at():
    assert set(stamps.builds()) == set(WHERE)


@pytest.mark.parametrize(("build", "where"), [(build, where) for build, where in WHERE.items() if where])
def test_values_are_those_the_program_prints(build, where):
    rows = strings(build)
    expected = {name: value for name, value in stamps.printed(build).items() if name != FROM_THE_SOURCE}
    if where == "DWARF":  # what is set to nothing has no bytes that tell it
        assert expected.pop("sort/own.v2.empty") == ""
    if where == "-ldflags":
        expected |= NOT_IN_THE_PROGRAM
    assert {row.name: row.value for row in rows} == expected
    assert {row.found_in for row in rows} == {where}
    assert [row.name for row in rows if row.version] == ["main.version"]
    told_only = {row.name for row in rows if row.in_file is False}
    if build.endswith("-only"):
        assert {row.in_file for row in rows} == {None}
    else:
        assert told_only == (set(NOT_IN_THE_PROGRAM) if where == "-ldflags" else set())


def test_strings_that_the_compiler_aligns_do_not_tell(monkeypatch):
    """As on s390x, where NULs stand behind the compiler's strings of odd length, too."""
    monkeypatch.setattr(linkerstrings, "_ALIGNED", {"amd64": 2})
    rows = strings("go1.27-linux-amd64-dwarf")
    printed = stamps.printed("go1.27-linux-amd64-dwarf")
    even = {
        name for name, value in printed.items() if value and len(value) % 2 == 0 and name != FROM_THE_SOURCE
    }
    assert {row.name for row in rows} == even
    assert len(even) < len(printed) - 1


def test_nothing_is_made_up():
    assert strings("go1.27-linux-amd64-nothing") == ()
    for series in modes.SERIES:
        for mode in modes.kept(series):
            assert describe(Binary(modes.binary(series, mode))).linker_strings == ()


def test_a_file_that_says_otherwise(tmp_path):
    """The settings tell v2.7.1; the bytes of the variable were changed afterwards."""
    data = bytearray(stamps.binary("go1.27-linux-amd64-settings").read_bytes())
    at = data.index(b"v2.7.1\0")
    data[at : at + 6] = b"\x1b[31mX"
    path = tmp_path / "changed"
    path.write_bytes(data)
    info = describe(Binary(path))
    row = next(row for row in info.linker_strings if row.name == "main.version")
    assert (row.value, row.in_file) == ("v2.7.1", False)
    assert info.warnings == ("main.version is not what the build settings say: '\\x1b[31mX'",)


def test_text():
    page = render_text(InfoReport((describe(Binary(stamps.binary("go1.27-linux-amd64-settings"))),)))
    assert "\nmodule        sort (devel)\nversion       v2.7.1 (main.version)\n" in page
    assert (
        "\nset by the linker\n"
        "  main.version=v2.7.1\n"
        "  main.commit=0123456789abcdef\n"
        "  main.goVersion=go1.99\n"
        '  sort/own.v2.Date=2024-05-06 07:08 "UTC"\n'
        "  sort/own.v2.empty=\n"
        "  main.lonely=x  (no variable of this name is in the program)\n"
        "  main.nope=1  (no variable of this name is in the program)\n"
    ) in page


def test_text_of_what_was_found():
    info = describe(Binary(stamps.binary("go1.27-linux-amd64-dwarf")))
    page = render_text(InfoReport((info,)), verbose=True)
    assert "\nversion       v2.7.1 (main.version)\n" in page
    assert "\n  main.version=v2.7.1  (found in DWARF)\n" in page


def test_hostile_values_are_escaped_and_cut():
    info = describe(Binary(stamps.binary("go1.27-linux-amd64-settings")))
    first = info.linker_strings[0]._replace(
        name="main.\x1bversion", value="\x1b[31m\n" + 500 * "x", version=True
    )
    report = InfoReport((info._replace(linker_strings=(first,)),))
    page = render_text(report)
    assert "\x1b" not in page
    assert "\\x1b[31m\\x0a" in page
    assert "(506 characters: -v shows them)" in page
    assert 300 * "x" not in page
    assert 500 * "x" in render_text(report, verbose=True)


def test_json():
    info = describe(Binary(stamps.binary("go1.27-linux-amd64-symbols")))
    rows = json.loads(json.dumps(info_object(info)))["linker_strings"]
    assert rows[0] == {
        "name": "main.commit", "value": "0123456789abcdef", "version": False, "found_in": "symbol table",
        "in_file": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("main.version", True), ("main.Version", True), ("main.VERSION", True), ("main.appVersion", True),
        ("main.buildversion", True), ("main.git_version", True), ("main.semver", True), ("main.ver", True),
        ("example.com/version.Commit", False), ("main.commit", False), ("main.goVersion", False),
        ("main.GOVERSION", False), ("main.server", False), ("main.conversion", False), ("main.date", False),
        ("main.versionDate", False), ("main.VersionPrerelease", True),
    ],
)  # fmt: skip
def test_names_of_versions(name, version):
    assert is_version(name) is version
