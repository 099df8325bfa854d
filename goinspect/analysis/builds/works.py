"""What other tools can do with a build, concluded from what the file has: each rule names the fact it rests on.

The rules are checked against the tools themselves (tests/fixtures/modes): perf 6.1, the pprof, nm, objdump and
addr2line of Go, Delve 1.27, gdb 13, bpftrace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect import dwarf
from goinspect.analysis.symbols.merge import FUNCTION
from goinspect.errors import GoinspectError
from goinspect.results.compare import Verdict
from goinspect.results.symbols import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.analysis.builds.differences import Build
    from goinspect.binary import Binary
    from goinspect.objfile.image import Image
    from goinspect.results.info import Info

__all__ = ["CONSUMERS", "judge"]

_MOST, _FEW = 0.95, 0.05  # of the Go functions: enough for "yes", not more than "no"
_LINUX: Final = ("linux", "android")
_LINUX_ONLY: Final = ("perf", "uprobes")
_NEED_PROGRAM: Final = ("perf", "pprof", "runtime", "delve", "gdb", "uprobes")
_UNKNOWN_DWARF: Final = 5  # when its units cannot be read
_READ_BY_PERF: Final = 4  # version of DWARF in which perf finds inlined calls of Go programs


class _Facts(NamedTuple):
    """What the verdicts depend on."""

    info: Info
    go: bool
    symtab: float  # share of gopclntab's functions that the table names
    dynsym: float
    exported: int  # functions of dynsym that are defined
    dwarf: int  # newest version of DWARF; 0: there is none
    inlines: bool  # something was inlined
    table_section: bool  # gopclntab has a section of its own
    text_skew: int  # bytes from the start of .text to runtime.text


def judge(info: Info, binary: Binary, build: Build) -> dict[str, Verdict]:
    """A verdict for each consumer."""
    facts = _facts(info, binary, build)
    if not facts.go:
        none = Verdict("no", "no gopclntab: not Go, or packed")
        return dict.fromkeys(CONSUMERS, none)
    return {name: _unfit(name, info) or rule(facts) for name, rule in CONSUMERS.items()}


def _unfit(consumer: str, info: Info) -> Verdict | None:
    """Why a tool cannot be used on such a file at all; None where it can."""
    if info.type == "rel" and consumer.startswith(_NEED_PROGRAM):
        return Verdict("no", "an object file: its addresses are not final before it is linked")
    if info.os not in (*_LINUX, None) and consumer.startswith(_LINUX_ONLY):
        return Verdict("no", f"a tool of Linux, and this is a program for {info.os}")
    return None


def _facts(info: Info, binary: Binary, build: Build) -> _Facts:
    go = binary.go_or_none
    merger = build.merger
    functions = merger.function >= 0
    count = max(int(functions.sum()), 1)

    def share(source: str) -> float:
        bit = merger.sources >> SOURCES.index(source) & 1
        return float((functions & bit.astype(np.bool_)).sum()) / count

    dynamic = (merger.sources >> SOURCES.index("dynsym") & 1).astype(np.bool_) & (merger.kind == FUNCTION)
    image = binary.image
    section = image.section(".text") or image.section("__text")
    return _Facts(
        info,
        go is not None,
        share("symtab"),
        share("dynsym"),
        int(dynamic.sum()),
        _dwarf_version(image) if _has(info, "DWARF") else 0,
        info.optimized is not False,
        any(image.section(name) for name in (".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab")),
        go.table.text - section.vaddr if go is not None and go.table.text and section is not None else 0,
    )


def _dwarf_version(image: Image) -> int:
    try:
        summary = dwarf.summarize(image)
    except GoinspectError:
        return 0
    return max(summary.versions, default=_UNKNOWN_DWARF) if summary is not None else 0


def _has(info: Info, part: str) -> bool:
    row = info.table(part)
    return row is not None and row.present


# --- rules ---


def _symbols(facts: _Facts, *, otherwise: str) -> Verdict:
    """For tools that take names from .symtab, or from .dynsym where there is none."""
    best = max(facts.symtab, facts.dynsym)
    if best >= _MOST:
        return Verdict("yes", f"{'symtab' if facts.symtab >= _MOST else 'dynsym'} names the Go functions")
    if best > _FEW:
        return Verdict("partly", f"the symbol tables name {best:.0%} of the Go functions")
    only = (
        f"no symbol table, only {facts.exported} exported functions" if facts.exported else "no symbol table"
    )
    return Verdict("no", f"{only}: {otherwise}")


def _perf_names(facts: _Facts) -> Verdict:
    found = _symbols(facts, otherwise="frames are [unknown]; goinspect flame names them")
    if found.answer == "no" and facts.info.gnu_build_id:
        return Verdict(
            "no", f"{found.why} (so does a copy with symbols and the same GNU build ID in ~/.debug)"
        )
    return found


def _perf_inlines(facts: _Facts) -> Verdict:
    names = _perf_names(facts)
    if not facts.inlines:
        return names._replace(why="nothing is inlined") if names.answer == "yes" else names
    if 0 < facts.dwarf <= _READ_BY_PERF:
        return Verdict(
            "partly",
            f"DWARF {facts.dwarf}: with --call-graph dwarf, but without the innermost call; goinspect flame shows all",
        )
    lacks = f"DWARF {facts.dwarf}, in which perf finds none" if facts.dwarf else "no DWARF"
    return Verdict("no", f"{lacks}; goinspect flame shows them, from gopclntab")


def _pprof(facts: _Facts) -> Verdict:
    return Verdict("yes", "the program names its profiles itself, from gopclntab")


def _pprof_disasm(facts: _Facts) -> Verdict:
    if facts.symtab >= _MOST:
        return Verdict("yes", "symtab says where functions are")
    return Verdict("no", "no symbol table to find the function in; goinspect pcln does without")


def _pprof_addresses(facts: _Facts) -> Verdict:
    line = _addr2line(facts)
    if line.answer == "no":
        return line
    if not facts.inlines:
        return Verdict("yes", "nothing is inlined")
    return Verdict("partly", "from gopclntab, without the inlined calls")


def _traceback(facts: _Facts) -> Verdict:
    return Verdict("yes", "from gopclntab, inlined calls included")


def _delve(facts: _Facts) -> Verdict:
    if facts.dwarf:
        return Verdict("yes", "DWARF")
    if not facts.table_section:
        return Verdict("no", "no DWARF, and gopclntab has no section of its own")
    if facts.text_skew:
        return Verdict("no", "no DWARF, and code and constants of C stand where it looks for those of Go")
    return Verdict("partly", "no DWARF: functions and lines from gopclntab, but stacks with gaps")


def _debugger_variables(facts: _Facts) -> Verdict:
    return Verdict("yes", "DWARF") if facts.dwarf else Verdict("no", "no DWARF")


def _gdb(facts: _Facts) -> Verdict:
    if facts.dwarf:
        return Verdict("yes", "DWARF")
    if facts.symtab >= _MOST:
        return Verdict("partly", "no DWARF: functions by name from symtab, no lines, no stacks")
    return Verdict("no", "no DWARF and no symbol table")


def _go_nm(facts: _Facts) -> Verdict:
    if facts.symtab > _FEW or _has(facts.info, "symtab"):
        return Verdict("yes", "symtab")
    return Verdict("no", "no symbol section; goinspect symbols --format nm lists the functions")


def _go_objdump(facts: _Facts) -> Verdict:
    return _go_nm(facts) if _go_nm(facts).answer == "yes" else Verdict("no", "no symbol section")


def _addr2line(facts: _Facts) -> Verdict:
    if facts.symtab > _FEW:
        return Verdict("yes", "gopclntab, without the inlined calls")
    if not facts.table_section:
        return Verdict(
            "no", "no symbol leads to gopclntab, and it has no section of its own; goinspect pcln finds it"
        )
    if facts.text_skew:
        return Verdict(
            "no",
            f"wrong answers: it takes .text for the start of the Go code, which is {facts.text_skew:#x} bytes further",
        )
    return Verdict("yes", "gopclntab, without the inlined calls")


def _uprobes(facts: _Facts) -> Verdict:
    return _symbols(facts, otherwise="a probe must be set by address, which goinspect pcln BIN FUNC tells")


def _goinspect(facts: _Facts) -> Verdict:
    return Verdict("yes", "gopclntab, inlined calls included")


CONSUMERS: Final[dict[str, Callable[[_Facts], Verdict]]] = {
    "perf: names": _perf_names,
    "perf: inlined calls": _perf_inlines,
    "pprof: profiles of the program": _pprof,
    "pprof: disasm, weblist": _pprof_disasm,
    "pprof: bare addresses": _pprof_addresses,
    "runtime tracebacks": _traceback,
    "delve: functions, stacks": _delve,
    "delve: variables": _debugger_variables,
    "gdb: functions, stacks": _gdb,
    "gdb: variables": _debugger_variables,
    "go tool nm": _go_nm,
    "go tool objdump": _go_objdump,
    "go tool addr2line": _addr2line,
    "uprobes by name": _uprobes,
    "goinspect": _goinspect,
}
