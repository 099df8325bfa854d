"""goinspect's instructions against those of `go tool objdump`, function by function.

What differs for a known reason is named in `EXPLAINED` with that reason, and counted; everything else is a difference.
"""

from __future__ import annotations

import collections
import lzma
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.conftest import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.api.binary import Executable
    from goinspect.results.disasm import CodeRow

EXPLAINED = {
    "AVX": "Go's tool does not know the encoding of AVX and BMI (VEX, EVEX): it prints ? for a byte, or whatever the bytes "
    "behind look like, until it comes upon the beginning of an instruction again",
    "YMM": "Go's tool calls registers of 32 bytes X",
    "unknown": "Go's tool knows no such instruction, and prints ?",
    "beside": "two symbols have the address: Go's tool takes the empty one, and so names none",
    "variable": "the name of a variable or constant, which a stripped file does not have",
    "assembly": "the symbol table has .abi0 or .abiinternal behind names of assembly functions, gopclntab has not",
    "index": "Go's tool shows an index register that there is not (%riz), where the base is R12",
    "padding": "symbols of arm64 reach to the next function; what the linker fills up with is ? to Go's tool",
}
_MASKED = re.compile(
    r"\$?[^\s,]+\[.*\](?:[+-]\d+)?\(SB\)|\$?[\w./*()\[\]{}·:;,&%+-]*\(SB\)|(?:GS:)?\$?-?0x[0-9a-f]+(?:\(IP\))?"
)
_ABI = re.compile(r"\.(abi0|abiinternal)(?=[+-]|\(SB\))")
_VEX = {0xC4, 0xC5, 0x62}


class Wanted(NamedTuple):
    """An instruction as Go's tool has it."""

    address: int
    code: bytes
    text: str
    gnu: str | None


@dataclass
class Outcome:
    """What a comparison found."""

    functions: int = 0
    instructions: int = 0
    same: int = 0  # instructions with the same address, bytes and text
    explained: collections.Counter[str] = field(default_factory=collections.Counter)
    differences: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Counts in one line."""
        explained = ", ".join(f"{why} {count:,}" for why, count in self.explained.most_common())
        return (
            f"{self.functions:,} functions, {self.instructions:,} instructions, {self.same:,} the same, "
            f"{len(self.differences)} differ (explained: {explained})"
        )


def functions_of(name: str) -> Iterator[tuple[str, list[Wanted]]]:
    """The functions of an oracle file."""
    text = lzma.decompress((FIXTURES / "objdump" / f"{name}.txt.xz").read_bytes()).decode()
    function, rows, at = "", list[Wanted](), 0
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("= "):
            if rows:
                yield function, rows
            _, address, function = line.split(" ", 2)
            rows, at = [], int(address, 16)
            continue
        code, plain, *gnu = line.split("\t")
        rows.append(Wanted(at, bytes.fromhex(code), plain, gnu[0] if gnu else None))
        at += len(code) // 2
    yield function, rows


def compare(binary: Executable, name: str, syntax: str = "go", step: int = 1) -> Outcome:
    """Every function of an oracle file, or one in `step`."""
    outcome = Outcome()
    x86 = binary.image.arch in ("amd64", "386")
    for number, (function, wanted) in enumerate(functions_of(name)):
        if number % step or function.startswith("go:text"):  # marks, no functions
            continue
        start, end = wanted[0].address, wanted[-1].address + len(wanted[-1].code)
        (found,) = binary.disasm(hex(start), syntax=syntax).functions
        outcome.functions += 1
        outcome.instructions += len(wanted)
        kept = ([row for row in wanted if row.code.strip(b"\0")] or wanted[:1])[-1]
        if (found.entry, found.end) not in ((start, end), (start, kept.address + len(kept.code))):
            outcome.differences.append(
                f"{function}: {found.entry:#x}-{found.end:#x}, {start:#x}-{end:#x} expected"
            )
        rows = {row.pc: row for row in found.rows}
        apart = False
        for row in wanted:
            if row.address > kept.address:
                outcome.explained["padding"] += 1
                continue
            ours = rows.get(row.address)
            text = row.gnu if syntax == "gnu" else row.text
            if ours is not None and (ours.code, ours.text) == (row.code, text):
                outcome.same += 1
                apart = False
                continue
            if x86 and (apart or (ours is not None and _has_vex(ours.code) and ours.code != row.code)):
                apart = True
                outcome.explained["AVX"] += 1
                continue
            why = _reason(ours, row, text or "", x86=x86)
            if why is None:
                outcome.differences.append(
                    f"{function} {row.address:#x} {row.code.hex()} {text!r}: {ours and ours.text!r}"
                )
            else:
                outcome.explained[why] += 1
    return outcome


def _has_vex(code: bytes) -> bool:
    return code[0] in _VEX


def _reason(ours: CodeRow | None, row: Wanted, text: str, *, x86: bool) -> str | None:
    if ours is None or ours.code != row.code:
        return None
    if text == "?":
        return "unknown"
    if x86 and _has_vex(row.code):
        return "YMM" if ours.text.replace("Y", "X") == text else "AVX"
    if text.replace(",%riz", "") == ours.text:
        return "index"
    if _ABI.sub("", text) == ours.text:
        return "assembly"
    masked = _MASKED.sub("@", text), _MASKED.sub("@", ours.text)
    if masked[0] == masked[1]:
        return "beside" if "(SB)" in ours.text else "variable"
    return None
