"""Each instruction's samples against perf annotate, totals against flame --format top: over all recordings of the fixtures."""

from __future__ import annotations

import lzma
from collections import Counter

import pytest

import goinspect
from goinspect.analysis.annotate.annotate import describe
from goinspect.analysis.annotate.asked import choose
from goinspect.analysis.annotate.chosen import Chosen
from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.fold import TRUNCATED, fold
from goinspect.analysis.stacks.recording import take_samples
from goinspect.errors import QueryError
from goinspect.views.top import top
from tests.conftest import BUILDS, FIXTURES, oracle_rows
from tests.disasm.objdump import functions_of
from tests.examples import step

RECORDINGS = FIXTURES / "recordings"
_OF = {
    "leaves-go1.24": "go1.24-exe", "dwarf-go1.24-exe": "go1.24-exe", "pairs-go1.24-pie": "go1.24-pie",
    **dict.fromkeys(
        ("events", "fixed-period", "switches", "sched-switch", "cgroups", "lost", "leaves-go1.27"), "go1.27-exe"
    ),
}  # fmt: skip
# Of other programs, archives of several files, or without anything that is named.
_OTHERS = (
    "attached", "c-shared", "cgo", "container", "deleted", "dwarf-cgo", "exec", "framed", "frameless", "frameless-identified",
    "frameless-unidentified", "huge-pages", "jit", "replaced", "unidentified",
)  # fmt: skip
NAMES = sorted(
    path.parent.name for path in RECORDINGS.glob("*/perf.data.xz") if path.parent.name not in _OTHERS
)


class Asked:
    """One choice of samples, asked about many functions."""

    def __init__(self, path, **options):
        profile = goinspect.open_profile(path)
        self.options = FlameOptions(**options)
        self.flame = fold(profile, self.options)
        self.chosen = Chosen(take_samples(profile, self.options), self.options)

    def about(self, function):
        return describe("x", self.chosen, choose(self.chosen, function))

    def every(self):
        """Every function whose code is at hand, with its row of top."""
        for row in top(self.flame.stacks):
            if row.function == TRUNCATED:
                continue
            try:
                answer = self.about(row.function)
            except QueryError as error:
                assert "is not at hand" in error.message  # noqa: PT017  # which one it is matters not
                continue
            yield row, answer


def same(row, answer):
    """The sums are those of flame, and every sample is somewhere."""
    assert (answer.cost.own, answer.cost.total) == (row.own, row.total)
    costs = [cost for code in answer.codes for cost in code.costs]
    loose = [one.cost for one in answer.unplaced]
    assert sum(cost.own for cost in costs + loose) == row.own
    assert sum(cost.inlined for cost in costs + loose) == answer.cost.inlined
    assert max(cost.total for cost in costs + loose) <= row.total <= sum(cost.total for cost in costs + loose)
    assert all(cost.here <= cost.total for cost in costs + loose)
    assert all(line.own <= line.total <= row.total for line in answer.lines)
    if all(code.code.file for code in answer.codes):  # of C no lines are known
        lost = sum(cost.here for cost in loose)
        assert sum(line.own for line in answer.lines) == answer.cost.here - lost


@pytest.mark.parametrize("inlines", [True, False])
def test_instructions_are_those_of_perf(build, inlines, fixture_file):
    """perf was given the symbols; it knows nothing of inlining, and counts what ended at an instruction."""
    asked = Asked(
        fixture_file(build, "perf.data"), binaries=[str(fixture_file(build, "workload"))], weight="samples",
        kallsyms=str(FIXTURES / build / "kallsyms"), inlines=inlines,
    )  # fmt: skip
    wanted: dict[str, Counter[int]] = {}
    for function, address, samples in oracle_rows(build, "annotate"):
        name = function.removesuffix(".abi0")
        wanted.setdefault(name, Counter())[int(address, 16)] += int(samples)
    assert sum(sum(rows.values()) for rows in wanted.values()) > 250
    for function, rows in wanted.items():
        answer = asked.about(function)
        found = [code for code in answer.codes if code.code.function == function and code.code.whole]
        assert {
            row.pc: cost.here
            for code in found
            for row, cost in zip(code.code.rows, code.costs, strict=True)
            if cost.here
        } == rows


@pytest.mark.parametrize(
    "options", [{}, {"kernel": False}, {"inlines": False}, {"restore": False}, {"focus": "main"}], ids=str
)
@pytest.mark.parametrize("build", [BUILDS[0], BUILDS[-1]][:: step()])
def test_sums_are_those_of_flame(build, options, fixture_file):
    asked = Asked(
        fixture_file(build, "perf.data"), binaries=[str(fixture_file(build, "workload"))],
        kallsyms=str(FIXTURES / build / "kallsyms"), **options,
    )  # fmt: skip
    assert asked.chosen.weight == asked.flame.totals.weight
    count = 0
    for row, answer in asked.every():
        same(row, answer)
        assert all(one.calls for one in answer.unplaced)
        count += 1
    assert count > 150


@pytest.mark.parametrize("name", NAMES[:: step()])
def test_sums_of_every_recording(name, fixture_file, tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(lzma.decompress((RECORDINGS / name / "perf.data.xz").read_bytes()))
    binary = fixture_file(_OF.get(name, "go1.27-piestripped"), "workload")
    asked = Asked(path, binaries=[str(binary)])
    count = 0
    for row, answer in asked.every():
        same(row, answer)
        count += 1
    assert count > 15


@pytest.mark.parametrize("name", _OTHERS)
def test_sums_of_other_programs(name, tmp_path, fixture_file):
    """Whatever of them is named without their files, or with another one's."""
    raw = lzma.decompress((RECORDINGS / name / "perf.data.xz").read_bytes())
    path = tmp_path / "perf.data"
    path.write_bytes(raw)
    try:
        asked = Asked(path, binaries=[str(fixture_file("go1.27-exe", "workload"))])
    except goinspect.errors.GoinspectError:
        return
    for row, answer in asked.every():
        same(row, answer)


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-exe"])
def test_code_is_that_of_objdump(build, fixture_file):
    """Addresses, bytes and text; where go tool objdump does not know an encoding, tests/disasm tells."""
    path = fixture_file(build, "workload")
    asked, binary = (
        Asked(fixture_file(build, "perf.data"), binaries=[str(path)], inlines=False),
        goinspect.open(path),
    )
    stored = {name.removesuffix(".abi0"): rows for name, rows in functions_of(build)}
    counts = Counter()
    for row, answer in asked.every():
        (code,) = answer.codes
        (plain,) = binary.disasm(hex(code.code.entry)).functions
        assert code.code.rows == plain.rows
        wanted = [(one.address, one.code, one.text) for one in stored[row.function]]
        found = [(one.pc, one.code, one.text) for one in code.code.rows]
        counts["instructions"] += len(found)
        counts["the same"] += len(set(found) & set(wanted))
        counts["functions"] += 1
    assert counts["functions"] > 150
    assert counts["the same"] > 0.97 * counts["instructions"]  # AVX
