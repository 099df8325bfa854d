"""tests/fixtures/pgo: recordings of a stripped program, its own profiles, and what Go's tools make of these."""

from __future__ import annotations

import lzma
import re
from functools import cache
from typing import TYPE_CHECKING

from tests.conftest import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = FIXTURES / "pgo"
PROFILES = ("native", "again")
_DECISIONS = (
    re.compile(r"hot-node enabled (?P<how>increased) budget=\d+ for func=(?P<callee>.+)"),
    re.compile(r"hot-budget check allows inlining for call (?P<callee>.+) \(cost \d+\) at \S+ in function (?P<caller>.+)"),
    re.compile(r"\S+: call (?P<caller>.+):(?P<offset>-?\d+): hottest callee (?P<callee>.+) \(weight \d+\)"),
)  # fmt: skip

Edge = tuple[str, int, str]


def unpacked(folder: Path, name: str) -> Path:
    """A file of the fixture, below `folder`."""
    path = folder / name
    if not path.exists():
        path.write_bytes(lzma.decompress((FOLDER / f"{name}.xz").read_bytes()))
    return path


@cache
def edges(name: str) -> dict[Edge, int]:
    """The calls that the compiler reads in a profile of the program, heaviest first, by `go tool preprofile`."""
    return parse_edges(lzma.decompress((FOLDER / f"{name}.edges.xz").read_bytes()).decode())


def parse_edges(text: str) -> dict[Edge, int]:
    """The text of `go tool preprofile` (src/cmd/internal/pgo/serialize.go)."""
    lines = text.splitlines()
    assert lines[0] == "GO PREPROFILE V1"
    out = {}
    for caller, callee, numbers in zip(lines[1::3], lines[2::3], lines[3::3], strict=True):
        offset, weight = map(int, numbers.split())
        out[caller, offset, callee] = weight
    return out


def hot(all_: dict[Edge, int]) -> dict[Edge, int]:
    """Those that together make up 99 %, with the one that exceeds it."""
    total, reached, out = sum(all_.values()), 0, {}
    for edge, weight in all_.items():
        reached += weight
        out[edge] = weight
        if reached / total * 100 > 99:
            break
    return out


@cache
def decisions(name: str) -> frozenset[tuple[str | None, str | None, str]]:
    """What the compiler decided with a profile: caller, line of the call, callee, as far as it says.

    Not all of it has names as in symbols: dots in the last element of a path may be dots, or %2e.
    """
    out = set()
    for line in lzma.decompress((FOLDER / f"{name}.decisions.xz").read_bytes()).decode().splitlines():
        match = next(found for rule in _DECISIONS if (found := rule.fullmatch(line)))
        groups = match.groupdict()
        caller, callee = (
            None if name is None else name.replace("%2e", ".")
            for name in (groups.get("caller"), groups["callee"])
        )
        out.add((caller, groups.get("offset"), callee))
    return frozenset(out)
