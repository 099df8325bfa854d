"""Tools that read the file and do not run it: Go's own, symbolizers, and those that look for probes. See target.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.modes.target import NO, PARTLY, YES, Target, Verdict, first, parse_nm, share

if TYPE_CHECKING:
    from collections.abc import Iterator


def go_nm(target: Target) -> Iterator[Verdict]:
    """`go tool nm`: are the functions of the main package listed where they are."""
    _, output = target.run(target.go or "go", "tool", "nm", "-size", "-sort", "address", target.binary)
    found = {symbol.name: symbol.address for symbol in parse_nm(output)}
    wanted = target.truth.own()
    right = sum(found.get(symbol.name) == symbol.address for symbol in wanted)
    verdict, evidence = share(right, len(wanted), what="functions of main")
    yield Verdict("go tool nm", verdict, evidence if verdict != NO else f"{evidence}; {first(output)}")


def go_objdump(target: Target) -> Iterator[Verdict]:
    """`go tool objdump -s`: the code of a function, at its address and with its lines."""
    name = f"{target.truth.main}hot"
    _, output = target.run(target.go or "go", "tool", "objdump", "-s", f"^{re.escape(name)}$", target.binary)
    lines = re.findall(r"^\s+(\S+:\d+)\s+0x([0-9a-f]+)\s", output, re.MULTILINE)
    here = [place for place, address in lines if target.truth.name(int(address, 16)) == name]
    right = sum(place.startswith("main.go:") for place in here)
    verdict, evidence = share(right, len(lines), what=f"instructions of {name} with their lines")
    yield Verdict("go tool objdump", verdict, evidence if lines else first(output))


def go_addr2line(target: Target) -> Iterator[Verdict]:
    """`go tool addr2line`: function and line of addresses, as in the same build with symbols and DWARF."""
    pcs = list(target.truth.chains)
    _, output = target.run(
        target.go or "go", "tool", "addr2line", target.binary, stdin="".join(f"{pc:#x}\n" for pc in pcs)
    )
    rows = [line for line in output.splitlines() if not re.match(r"\d{4}/|addr2line:", line)]
    answers = list(zip(rows[::2], rows[1::2], strict=False))
    yield judge_lookups(
        target, "go tool addr2line", pcs, answers if len(answers) == len(pcs) else [], first(output)
    )


def judge_lookups(
    target: Target, consumer: str, pcs: list[int], answers: list[tuple[str, str]], failed: str
) -> Verdict:
    """Names and lines of addresses: right, wrong and without an answer are counted apart."""
    right = lines = wrong = 0
    example = ""
    for pc, (said, place) in zip(pcs, answers, strict=False):
        chain = target.truth.chains[pc]
        # Assembly has the suffix of its calling convention in the symbol table only, and a plugin has second names.
        name = said.removesuffix(".abi0").removeprefix("local.")
        good = name in ((target.truth.name(pc) or "").removesuffix(".abi0"), chain[0][0])
        right += good
        lines += good and Path(place).name == Path(chain[0][1]).name
        if not good and name not in ("?", "??", ""):
            wrong += 1
            example = example or f"{pc:#x} is {target.truth.name(pc)}, said {name}"
    text = f"{right} of {len(pcs)} names, {lines} lines right, {wrong} names wrong"
    if example:
        text += f" ({example})"
    if not answers:
        text = f"{text}; {failed}"
    if wrong > len(pcs) * 0.05:  # worse than none
        return Verdict(consumer, NO, f"wrong: {text}")
    names, places = (share(count, len(pcs), what="")[0] for count in (right, lines))
    return Verdict(
        consumer,
        PARTLY if names == YES and places == NO else min(names, places, key=(NO, PARTLY, YES).index),
        text,
    )


# Native symbolizers


def chains_of(target: Target, binary: Path, pcs: list[int]) -> dict[int, list[tuple[str, str]]]:
    """`llvm-symbolizer --inlines`: (function, file:line) of each address, innermost first."""
    _, output = target.run("llvm-symbolizer", "--inlines", "--functions=linkage", "--output-style=JSON", "-e", binary,
                           stdin="".join(f"{pc:#x}\n" for pc in pcs))  # fmt: skip
    chains = {}
    for pc, line in zip(pcs, output.splitlines(), strict=False):
        frames = json.loads(line).get("Symbol", [])
        chains[pc] = [(frame["FunctionName"], f"{frame['FileName']}:{frame['Line']}") for frame in frames]
    return chains


def llvm_symbolizer(target: Target) -> Iterator[Verdict]:
    """`llvm-symbolizer`: names and lines."""
    pcs = list(target.truth.chains)
    chains = chains_of(target, target.binary, pcs)
    answers = [chains.get(pc, [("", "")])[0] for pc in pcs]
    yield judge_lookups(target, "llvm-symbolizer", pcs, answers, "nothing")


def gnu_addr2line(target: Target) -> Iterator[Verdict]:
    """`addr2line -f` of binutils."""
    pcs = list(target.truth.chains)
    _, output = target.run("addr2line", "-f", "-e", target.binary, *(f"{pc:#x}" for pc in pcs))
    rows = [line for line in output.splitlines() if not line.startswith(("addr2line:", "DWARF error"))]
    answers = [
        (name, re.sub(r" \(discriminator.*", "", place))
        for name, place in zip(rows[::2], rows[1::2], strict=False)
    ]
    yield judge_lookups(
        target, "GNU addr2line", pcs, answers if len(answers) == len(pcs) else [], first(output)
    )


# Probes


def uprobe(target: Target) -> Iterator[Verdict]:
    """Functions that can be probed by name: `perf probe -F`, `bpftrace -l`."""
    wanted = {symbol.name for symbol in target.truth.own()}
    _, output = target.run("perf", "probe", "-x", target.binary, "-F")
    found = wanted & set(output.split())
    verdict, evidence = share(len(found), len(wanted), what="functions of main")
    yield Verdict(
        "perf probe", verdict, evidence if found else f"{evidence}; {first(output, 'Error|Failed')}"
    )
    _, output = target.run("bpftrace", "-l", f"uprobe:{target.binary}:{target.truth.main}*")
    found = wanted & {line.rpartition(f"{target.binary}:")[2].strip() for line in output.splitlines()}
    verdict, evidence = share(len(found), len(wanted), what="functions of main")
    yield Verdict(
        "bpftrace",
        verdict,
        evidence
        if found
        else f"{evidence}; {first(output, '^(?!$)') if output.strip() else 'lists nothing'}",
    )
