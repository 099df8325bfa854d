"""What holds for the pages of info and compare, and for JSON: colours, one document."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.demo import BINARY, MAPS, RECORDING
from tests.cli.runner import cli
from tests.cprograms import C_PROGRAM


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", BINARY],
        ["compare", BINARY, BINARY],
        ["calls", BINARY, "main.run"],
        ["probe", BINARY, "main.run"],
        ["maps", MAPS],
    ],
    ids=["info", "compare", "calls", "probe", "maps"],
)
def test_color_of_pages(arguments):
    plain = cli(*arguments)
    assert "\x1b" not in plain.out
    assert cli(*arguments, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out == plain.out
    colored = cli(*arguments, env={"FORCE_COLOR": "1"}).out
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain.out
    assert cli(*arguments, "--json", "--color", "always").out == cli(*arguments, "--json").out


@pytest.mark.parametrize(
    "arguments",
    [["symbols", BINARY], ["symbols", BINARY, "--by", "kind"], ["info", BINARY], ["info", BINARY, C_PROGRAM],
     ["compare", BINARY, C_PROGRAM], ["calls", BINARY, "main.run"], ["probe", BINARY, "main.run"],
     ["pgo", RECORDING, "-b", BINARY, "-o", "/dev/null"],
     ["maps", MAPS, "-b", BINARY]],
    ids=["symbols", "symbols --by", "info", "info of two", "compare", "calls", "probe", "pgo", "maps"],
)  # fmt: skip
def test_json_is_one_document(arguments):
    """With the schema first, for each file where there are several; warnings are in it, and on stderr unless -q."""
    answer = cli(*arguments, "--json")
    document = json.loads(answer.out)
    for one in document if isinstance(document, list) else [document]:
        assert next(iter(one)) == "schema"
        assert re.fullmatch(r"goinspect\.[a-z]+/1", one["schema"])
        assert isinstance(one["warnings"], list)
    quiet = cli(*arguments, "--json", "-q")
    assert (quiet.out, quiet.err) == (answer.out, "")
