"""What else a build shows: cgo, sanitizers, optimisation, trimmed paths, what was stripped, by whom it was packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.builds.mode import Fact
from goinspect.errors import GoinspectError
from goinspect.gosym.layout import sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.analysis.builds.mode import NameSearch
    from goinspect.gosym.module import GoModule
    from goinspect.gosym.pclntab import PclnTable
    from goinspect.objfile.facts import Linkage, SymbolTable
    from goinspect.objfile.image import Image
    from goinspect.results.info import TableRow

__all__ = ["cgo", "optimized", "packer", "sanitizer", "static", "stripped", "trimpath"]

_YES, _NO = "yes", "no"
# Functions in assembly that only such builds have: src/runtime/{race,msan,asan}_*.s.
_SANITIZERS = (
    ("race", ("runtime.racefuncenter", "runtime.racecall")),
    ("msan", ("runtime.domsanread",)),
    ("asan", ("runtime.doasanread",)),
)
_LOOKED_AT = 1024  # functions
_A_FILE = b"runtime/proc.go\0"  # of a function that every program has
_UPX_SECTIONS, _UPX_WITHIN = ("UPX0", "UPX1"), 1 << 12


def cgo(image: Image, names: NameSearch | None) -> Fact:
    """Whether C code can be called: the package runtime/cgo is linked in."""
    if names is None or image.container == "gopclntab":
        return Fact(None)
    if b"runtime/cgo/" in names.files or b"_cgo_gotypes.go" in names.files:
        return Fact(_YES, "functions of runtime/cgo are in gopclntab")
    return Fact(_NO, "no function of runtime/cgo is in gopclntab")


def static(image: Image, linkage: Linkage) -> Fact:
    """Whether no shared library is needed."""
    if image.container not in ("ELF", "PE", "Mach-O") or image.type not in ("exec", "dyn"):
        return Fact(None)
    if linkage.libraries:
        return Fact(_NO, "needs " + ", ".join(linkage.libraries))
    if linkage.interpreter is not None:
        return Fact(_NO, f"no library is named, but the interpreter {linkage.interpreter} starts it")
    return Fact(_YES, "no library and no interpreter is named")


def sanitizer(settings: Mapping[str, str], names: NameSearch | None) -> Fact:
    """The sanitizer that the code was instrumented for."""
    for name, functions in _SANITIZERS:
        if settings.get(f"-{name}") == "true":
            return Fact(name, f"setting -{name}")
        found = next((function for function in functions if names and names.has_function(function)), None)
        if found is not None:
            return Fact(name, f"function {found}")
    return Fact(None, "no setting and no function of a sanitizer" if names else "")


def trimpath(settings: Mapping[str, str], names: NameSearch | None) -> Fact:
    """Whether paths of source files tell nothing of the machine that built it."""
    if settings.get("-trimpath") == "true":
        return Fact(_YES, "setting -trimpath")
    at = names.files.find(_A_FILE) if names else -1
    if names is None or at < 0:
        return Fact(None)
    start = names.files.rfind(b"\0", 0, at) + 1
    path = names.files[start : at + len(_A_FILE) - 1].decode("utf-8", "backslashreplace")
    if path == _A_FILE[:-1].decode():
        return Fact(_YES, f"the file of the runtime's scheduler is called {path}")
    return Fact(_NO, f"the file of the runtime's scheduler is called {path}")


def optimized(settings: Mapping[str, str], go: GoModule | None) -> Fact:
    """Whether the compiler inlined calls; ``-N -l`` switches that off."""
    flags = settings.get("-gcflags", "")
    words = flags.replace("=", " ").split()
    if "-N" in words:
        return Fact(_NO, f"setting -gcflags={flags}")
    if go is None or go.table.release.inline is None or not go.gofunc_from:
        return Fact(None)
    seen, inlined = _inlining(go.table)
    if inlined:
        return Fact(_YES, f"{inlined} of {seen} functions looked at have calls inlined into them")
    if seen < _LOOKED_AT // 2:
        return Fact(None, f"none of {seen} functions has calls inlined into it")
    return Fact(_NO, f"none of {seen} functions looked at has calls inlined into it, as with -gcflags=all=-l")


def _inlining(table: PclnTable) -> tuple[int, int]:
    """(functions looked at, how many of them have an inline tree)."""
    seen = inlined = 0
    for index in sample(table.nfunc, _LOOKED_AT):
        try:
            func = table.func(index)
            if func is not None:
                seen += 1
                inlined += table.pcdata_offset(func, table.release.pcdata_inline) != 0
        except GoinspectError:
            continue
    return seen, inlined


def stripped(tables: Mapping[str, TableRow], image: Image) -> str:
    """What a debugger would miss: "no", or what is not there."""
    present = any(_own_symbols(table) for table in image.symbol_tables() if table.source != "dynsym")
    missing = [] if present else ["symbol table"]
    if not tables["DWARF"].present:
        missing.append("DWARF")
    if image.container == "ELF" and not image.sections and image.type != "core":
        missing.append("section headers")
    return (
        " and ".join((", ".join(missing[:-1]), missing[-1])) if len(missing) > 1 else (missing or ["no"])[0]
    )


def _own_symbols(table: SymbolTable) -> bool:
    """Whether a table has more than imports, and the one symbol that `strip` leaves in a Mach-O file."""
    own = table.entries if table.defined is None else table.defined
    return own is None or own > 1


def packer(image: Image) -> str | None:
    """The program that packed the file."""
    if any(image.section(name) is not None for name in _UPX_SECTIONS):
        return "UPX"
    return "UPX" if b"UPX!" in bytes(image.file_bytes(0, _UPX_WITHIN)) else None
