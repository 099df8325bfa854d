"""What is true of a build of tests/fixtures/modes: how it is chosen, written down and read again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.modes.target import Symbol, Truth, parse_nm

if TYPE_CHECKING:
    from pathlib import Path

PC_COUNT = 400


def functions(symbols: list[Symbol]) -> list[Symbol]:
    """The functions: markers such as runtime.text have no size, and a plugin has two names for each of its own."""
    return [row for row in symbols if row.kind in "tT" and row.size and not row.name.startswith("local.")]


def choose_pcs(symbols: list[Symbol]) -> list[int]:
    """Addresses within functions of Go: all of the program's own packages and some of the rest, entry and middle."""
    own = [row for row in symbols if row.name.startswith(("main.", "example.com/"))]
    rest = [row for row in symbols if re.match(r"(runtime|time|os|sync|internal/\S+)\.", row.name)]
    some = rest[:: max(1, len(rest) * 2 // (PC_COUNT - 2 * len(own)))]
    return sorted({pc for row in own + some for pc in (row.address, row.address + row.size // 2)})


def write_truth(path: Path, truth: Truth) -> None:
    """What the verdicts were measured by: addresses with their function, and inlined calls."""
    lines = ["# pc, function, then function|file:line from the innermost call outwards"]
    for pc, chain in truth.chains.items():
        lines.append(
            "\t".join([f"{pc:#x}", truth.name(pc) or "", *(f"{name}|{place}" for name, place in chain)])
        )
    path.write_text("\n".join(lines) + "\n")


def read_truth(nm: Path, truth: Path) -> Truth:
    """The same again, from the nm.txt of the build with symbols and the truth.txt of any with its code."""
    found = Truth(functions(parse_nm(nm.read_text())))
    for line in truth.read_text().splitlines()[1:]:
        pc, _, *chain = line.split("\t")
        found.chains[int(pc, 16)] = [(frame.split("|")[0], frame.split("|")[1]) for frame in chain]
    return found
