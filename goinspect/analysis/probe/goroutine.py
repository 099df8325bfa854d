"""Where the current goroutine is: in a register, in thread-local memory; and where its fields are."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.pcln.names import FunctionNames
from goinspect.disasm import decode
from goinspect.errors import GoinspectError
from goinspect.gosym.buildinfo.info import parse_version
from goinspect.gosym.layout import goroutine_layout
from goinspect.results.probe import Goroutine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goinspect.analysis.probe.arguments import Arguments
    from goinspect.binary import Binary
    from goinspect.disasm import Instruction

__all__ = ["goroutine"]

_LARGEST = 1 << 12  # bytes of a function that is looked at
_FIELDS = ("runtime.g", "runtime.m")
_FS = re.compile(r"fs:\[(?P<number>0x[0-9a-f]+)\]|fs:\[(?P<register>[a-z0-9]+)\]")
_BELOW = re.compile(r"\[(?P<register>[a-z]+) - (?P<number>0x[0-9a-f]+|[0-9]+)\]")
_NUMBER = r"#?(-?(?:0x[0-9a-f]+|[0-9]+))"


class _Tls(NamedTuple):
    base: str | None = None
    offset: int | None = None
    word: int | None = None
    source: str | None = None
    cgo_only: bool = False


def goroutine(binary: Binary, arguments: Arguments) -> Goroutine:
    """What the code of the runtime, and DWARF or else the release, say."""
    known = arguments.convention
    register = None
    if known is not None and (known.g_always or arguments.in_registers):
        register = known.g
    tls = _tls(binary)
    fields = _fields(binary, arguments)
    return Goroutine(
        register, known is not None and known.g_always, tls.base, tls.offset, tls.word, tls.source, tls.cgo_only, *fields
    )  # fmt: skip


def _fields(
    binary: Binary, arguments: Arguments
) -> tuple[int | None, int | None, int | None, int | None, str | None, str | None]:
    version = parse_version(binary.go.go_version or "")
    row = goroutine_layout(version) if version is not None else None
    labels_as = None if row is None else "list" if row.label_list else "map"
    try:
        found = arguments.signatures.fields(_FIELDS) if arguments.signatures is not None else {}
    except GoinspectError:
        found = {}
    g, m = found.get("runtime.g", {}), found.get("runtime.m", {})
    if "m" in g and "curg" in m:
        return g["m"], m["curg"], g.get("goid"), g.get("labels"), labels_as, "DWARF"
    if row is None or row.m is None or binary.image.ptrsize != 8 or binary.image.container != "ELF":
        return None, None, None, None, labels_as, None
    source = f"Go {row.since[0]}.{row.since[1]}"
    return row.m, row.curg, row.goid, row.labels, labels_as, source


def _tls(binary: Binary) -> _Tls:
    reads = _READERS.get(binary.image.arch)
    if reads is None or binary.image.container not in ("ELF", "ELF core"):
        return _Tls()
    function, read = reads
    table = binary.go.table
    for number in FunctionNames(table).find(function):
        try:
            func = table.func(number)
            code = (
                b""
                if func is None
                else bytes(binary.image.tail(func.entry)[: min(func.end - func.entry, _LARGEST)])
            )
        except GoinspectError:
            continue
        if func is not None:
            found = read(list(decode(code, func.entry, binary.image.arch)))
            if found.base is not None:
                return found._replace(source=function)
    return _Tls()


def _amd64(code: Sequence[Instruction]) -> _Tls:
    """MOVQ FS:-8, AX; of a PIE the offset is loaded first: as a number, or from a word that the loader fills in."""
    for number, one in enumerate(code):
        match = _FS.search(one.operands)
        if match is None:
            continue
        if match["number"]:
            return _Tls("fs", _signed(int(match["number"], 16)))
        for before in reversed(code[:number]):
            register, _, value = before.operands.partition(", ")
            if before.mnemonic in ("mov", "movabs") and register == match["register"]:
                if before.reference is not None:
                    return _Tls("fs", None, before.reference)
                literal = re.fullmatch(_NUMBER, value)
                return _Tls("fs", _signed(int(literal[1], 0)) if literal else None)
        return _Tls("fs")
    return _Tls()


def _386(code: Sequence[Instruction]) -> _Tls:
    """MOVL GS:0, CX; MOVL -4(CX), AX."""
    for one, following in pairwise(code):
        match = _BELOW.search(following.operands)
        if (
            "gs:[0]" in one.operands
            and match is not None
            and one.operands.startswith(match["register"] + ",")
        ):
            return _Tls("gs:0", -int(match["number"], 0))
    return _Tls()


def _arm64(code: Sequence[Instruction]) -> _Tls:
    """MRS TPIDR_EL0, R0; MOVD runtime.tls_g, R27: an offset as a number, or from a word."""
    for number, one in enumerate(code):
        if one.mnemonic != "mrs" or "tpidr_el0" not in one.operands:
            continue
        for following in code[number + 1 : number + 6]:
            literal = re.fullmatch(r"x27, (?:xzr, )?" + _NUMBER, following.operands)
            if following.mnemonic in ("mov", "movz", "orr") and literal is not None:
                return _Tls("tpidr_el0", int(literal[1], 0), cgo_only=True)
            if following.reference is not None:
                return _Tls("tpidr_el0", None, following.reference, cgo_only=True)
        return _Tls("tpidr_el0", cgo_only=True)
    return _Tls()


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


_READERS: dict[str, tuple[str, Callable[[Sequence[Instruction]], _Tls]]] = {
    "amd64": ("runtime.stackcheck", _amd64),
    "386": ("runtime.stackcheck", _386),
    "arm64": ("runtime.load_g", _arm64),
}
