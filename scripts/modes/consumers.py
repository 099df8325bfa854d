"""Every tool that is asked about a build, and the tools it needs: see target.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.modes.debuggers import dlv, gdb, traceback
from scripts.modes.profilers import perf, pprof
from scripts.modes.readers import gnu_addr2line, go_addr2line, go_nm, go_objdump, llvm_symbolizer, uprobe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.modes.target import Target, Verdict


# By the word that begins the name of a consumer. Static ones do not run the program.
STATIC: dict[str, Callable[[Target], Iterator[Verdict]]] = {
    "go tool nm": go_nm,
    "go tool objdump": go_objdump,
    "go tool addr2line": go_addr2line,
    "llvm-symbolizer": llvm_symbolizer,
    "GNU addr2line": gnu_addr2line,
    "uprobe": uprobe,
}
RUNNING: dict[str, Callable[[Target], Iterator[Verdict]]] = {
    "perf": perf,
    "pprof": pprof,
    "traceback": traceback,
    "dlv": dlv,
    "gdb": gdb,
}
