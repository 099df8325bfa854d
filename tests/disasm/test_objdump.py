"""Instructions are those of `go tool objdump`, stripped or not: addresses, bytes, and text in both of its syntaxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import goinspect
from tests.conftest import FIXTURES
from tests.disasm.objdump import EXPLAINED, compare
from tests.examples import step as one_in
from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What Go's tool has no text for, or none that could be right.
UNREADABLE = ("AVX", "YMM", "unknown", "padding")


def outcome_of(path, name, syntax="go", step=1):
    outcome = compare(goinspect.open(path), name, syntax, one_in(step))
    assert outcome.differences == [], f"{outcome.summary()}\n" + "\n".join(outcome.differences[:20])
    assert set(outcome.explained) <= set(EXPLAINED)
    assert outcome.same + sum(outcome.explained.values()) == outcome.instructions
    readable = outcome.instructions - sum(outcome.explained[why] for why in UNREADABLE)
    return outcome, outcome.same / readable


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-exe"])
def test_amd64(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    outcome, share = outcome_of(fixture_file(build, "workload"), build)
    assert outcome.functions >= 1870 // one_in()
    assert share > 0.999


@pytest.mark.parametrize(
    ("stripped", "build"), [("go1.24-stripped", "go1.24-exe"), ("go1.27-stripped", "go1.27-exe")]
)
def test_a_stripped_file_has_the_same_instructions(
    stripped: str, build: str, fixture_file: Callable[[str, str], Path]
) -> None:
    outcome, share = outcome_of(fixture_file(stripped, "workload"), build, step=3)
    assert share > 0.9  # names of variables are gone
    assert set(outcome.explained) <= {"AVX", "YMM", "unknown", "variable", "assembly", "beside"}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("matrix")

    def get(name: str) -> Path:
        unpack_tar(FIXTURES / "matrix" / "go1.27.tar.xz", root, f"{name}/workload")
        return root / name / "workload"

    return get


def test_arm64(matrix: Callable[[str], Path]) -> None:
    outcome, share = outcome_of(matrix("go1.27-linux-arm64"), "go1.27-linux-arm64")
    assert outcome.functions >= 1489 // one_in()
    assert (outcome.same + outcome.explained["assembly"]) / outcome.instructions > 0.97
    assert share > 0.98  # it is stripped


def test_386(matrix: Callable[[str], Path]) -> None:
    _, share = outcome_of(matrix("go1.27-linux-386"), "go1.27-linux-386", step=3)
    assert share > 0.96


def test_gnu_syntax(matrix: Callable[[str], Path], fixture_file: Callable[[str, str], Path]) -> None:
    _, share = outcome_of(fixture_file("go1.27-exe", "workload"), "go1.27-exe", "gnu", 3)
    assert share > 0.99
    _, share = outcome_of(matrix("go1.27-linux-arm64"), "go1.27-linux-arm64", "gnu", 3)
    assert share > 0.9999
