"""Stripping a binary changes no name; running twice changes no byte."""

from __future__ import annotations

import pytest

from tests.cli.runner import cli, process
from tests.conftest import FIXTURES

PAIRS = [(f"{go}-{whole}", f"{go}-{bare}") for go in ("go1.24", "go1.27")
         for whole, bare in (("exe", "stripped"), ("pie", "piestripped"))]  # fmt: skip


@pytest.mark.parametrize("recorded", [0, 1], ids=["whole", "stripped"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_stripped_and_unstripped_name_the_same(pair, recorded, fixture_file):
    build = pair[recorded]
    recording = fixture_file(build, "perf.data")
    outputs = []
    for twin in pair:
        answer = cli("flame", recording, "-b", fixture_file(twin, "workload"), "--kallsyms",
                     FIXTURES / build / "kallsyms", "--format", "folded", "--lines", "--annotate")  # fmt: skip
        assert answer.code == 0
        assert ("another build ID" in answer.err) == (twin != build)  # it is the twin that was asked
        outputs.append(answer.out)
    assert outputs[0] == outputs[1]
    assert "main.recurse example.com/workload/main.go:" in outputs[0]
    assert "_[i]" in outputs[0]
    assert "_[k]" in outputs[0]


@pytest.mark.parametrize("form", ["folded", "svg", "html", "json", "top", "tree", "speedscope", "cpuprofile"])
def test_deterministic(form):
    folder = FIXTURES / "go1.27-piestripped"
    command = ("flame", folder / "perf.data", "--kallsyms", folder / "kallsyms", "--format", form, "-o", "-")
    seeds = [process(*command, env={"PYTHONHASHSEED": seed}) for seed in ("1", "2")]
    assert [answer.returncode for answer in seeds] == [0, 0]
    assert seeds[0].stdout == seeds[1].stdout
    assert len(seeds[0].stdout) > 1000
    assert seeds[0].stderr == seeds[1].stderr
