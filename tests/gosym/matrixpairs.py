"""Builds of one program of tests/fixtures/matrix with each other: what is told of it must not depend on how it was linked."""

from __future__ import annotations

import collections
import itertools
import re
from typing import TYPE_CHECKING

import goinspect
from goinspect.gosym import inline, pcvalue
from goinspect.gosym.bulk.table import BulkTable
from tests.gosym.answers import bulk_frames
from tests.gosym.matrix import Outcome, functions

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.gosym.pclntab import Func, PclnTable

# main.main calls a function of cgo.go or nocgo.go; the runtime has an entry for C code only where there is any.
OTHER_WITH_CGO = {"main.main", "main.fromC", "runtime.dropm"}


def steps(table: PclnTable, func: Func) -> list[int]:
    """Addresses of a function at which something may change, from its entry on."""
    offsets = (func.pcfile, func.pcln, table.pcdata_offset(func, table.release.pcdata_inline))
    ends = {end for at in offsets if at for end, _ in pcvalue.rows(table.pctab, at, table.quantum)}
    return [func.entry, *sorted(func.entry + end for end in ends if func.entry + end < func.end)]


def described(table: PclnTable, wanted: list[Func]) -> list[tuple[object, ...]]:
    """All that is said of each function, relative to its entry."""
    pcs = [steps(table, func) for func in wanted]
    chains = iter(bulk_frames(BulkTable(table), itertools.chain.from_iterable(pcs)))
    return [
        (
            func.start_line, func.func_id, func.args, table.frame_size(func),
            [(pc - func.entry, next(chains)) for pc in places],
        )
        for func, places in zip(wanted, pcs, strict=True)
    ]  # fmt: skip


def compare_builds(base: str, one: Path, other: str, two: Path) -> Outcome:
    """Function by function: two builds of one program must be told the same way.

    Position-independent code has other instructions, so that of such builds only what does not depend on them is
    compared: names, start lines, and which functions were inlined. Otherwise everything is.
    """
    outcome = Outcome()
    first, second = (goinspect.open(path / "workload").go.table for path in (one, two))
    mine, theirs = named(first), named(second)
    same_code = not re.search(r"-(pie|extpie|cshared|plugin|carchive)$", other)
    outcome.counts["functions of both"] = len(mine.keys() & theirs.keys())
    outcome.counts["only in " + base] = len(mine.keys() - theirs.keys())
    outcome.counts["only in " + other] = len(theirs.keys() - mine.keys())
    pairs = []
    for name in sorted(mine.keys() & theirs.keys()):
        if len(mine[name]) == len(theirs[name]):
            pairs += list(zip(mine[name], theirs[name], strict=True))
        elif name in OTHER_WITH_CGO:
            outcome.explain("with cgo")
        elif other.endswith("-plugin"):
            outcome.explain("whole packages")
        else:
            outcome.differences.append(
                f"{name}: {len(mine[name])} and {len(theirs[name])} functions of that name"
            )
    for left, right in pairs:
        name = first.name(left)
        if left.start_line != right.start_line:
            outcome.differences.append(f"{name}: starts in line {left.start_line} and {right.start_line}")
        calls = [set(map(in_main, inline.inlined_names(t, f))) for t, f in ((first, left), (second, right))]
        if calls[0] != calls[1]:
            outcome.differences.append(f"{name}: inlined only in one {sorted(calls[0] ^ calls[1])}")
    if same_code:
        told = zip(
            described(first, [a for a, _ in pairs]), described(second, [b for _, b in pairs]), strict=True
        )
        for (left, _), (one_way, other_way) in zip(pairs, told, strict=True):
            if one_way == other_way:
                outcome.counts["told the same"] += 1
            elif first.name(left) in OTHER_WITH_CGO:
                outcome.explain("with cgo")
            else:
                outcome.differences.append(f"{first.name(left)}: told differently")
    return outcome


def named(table: PclnTable) -> dict[str, list[Func]]:
    """Functions by name, in the order of their addresses; a plugin calls its main package by its import path."""
    found: dict[str, list[Func]] = collections.defaultdict(list)
    for func in functions(table):
        found[in_main(table.name(func))].append(func)
    return found


def in_main(name: str) -> str:
    """A name of the main package as programs have it."""
    return name.replace("example.com/matrix.", "main.")
