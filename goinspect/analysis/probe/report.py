"""Points, arguments and the goroutine of functions: what `goinspect probe` answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.analysis.pcln.frames import frames_at
from goinspect.analysis.pcln.queries import Queries
from goinspect.analysis.probe.arguments import Arguments
from goinspect.analysis.probe.goroutine import goroutine
from goinspect.analysis.probe.points import behind_stack_check, exits, reached
from goinspect.disasm import ARCHITECTURES, BRANCH, JUMP, decode, default_syntax
from goinspect.errors import GoinspectError, QueryError
from goinspect.results.probe import BODY, ENTRY, RETURN, TAIL_JUMP, ProbeFunction, ProbePoint, ProbeReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.binary import Binary
    from goinspect.disasm import Instruction
    from goinspect.gosym.pclntab import Func

__all__ = ["probe_report"]

_LARGEST = 1 << 22  # bytes
_CLOSURE = re.compile(r"\.func\d+(\.\d+)*$|-range\d+$|\.gowrap\d+$|\.deferwrap\d+$|-fm$")


def probe_report(binary: Binary, queries: Sequence[str]) -> ProbeReport:
    """Where to probe the functions that `queries` name.

    Args:
        binary: has the code.
        queries: functions by name, or addresses in them.

    Raises:
        QueryError: there is no such function, or it exists only inlined.
        NotGoError: the file has no gopclntab.
        UnsupportedError: code for the architecture cannot be decoded.
    """
    try:
        default_syntax(binary.image.arch)
        return _Report(binary).answer(queries)
    except GoinspectError as error:
        raise error.about(binary.path) from None


class _Report:
    def __init__(self, binary: Binary) -> None:
        self._binary, self._table = binary, binary.go.table
        self._queries = Queries(binary)
        self._arguments = Arguments(binary)
        self._warnings: dict[str, None] = {}
        self._damaged: set[int] = set()

    def answer(self, queries: Sequence[str]) -> ProbeReport:
        binary, arguments = self._binary, self._arguments
        asked: dict[int, tuple[str, Func]] = {}
        for query in queries:
            for number in self._queries.functions_with_code(query):
                func = self._table.func(number)
                if func is not None:
                    asked.setdefault(number, (query, func))
        if not asked:
            raise QueryError(f"no code of {', '.join(queries)} is left", path=binary.path)
        symbols = self._symbols([func.entry for _, func in asked.values()])
        functions = tuple(self._function(query, func, symbols) for query, func in asked.values())
        known = arguments.convention
        if self._damaged:
            self._warnings["damaged table: places are told as far as they can be read"] = None
        return ProbeReport(
            binary.path, binary.go.go_version, binary.image.arch, binary.image.ptrsize, functions,
            goroutine(binary, arguments), arguments.integers, arguments.floats,
            known.context if known is not None else "", known.stack if known is not None else 0, known.sp if known is not None else "",
            (*binary.warnings, *self._queries.warnings, *self._warnings),
        )  # fmt: skip

    def _symbols(self, entries: list[int]) -> dict[int, str]:
        """Where functions of symbol tables begin, and their names, one behind the other."""
        found: dict[int, str] = {}
        for symbol in self._binary.image.symbols_holding(sorted(set(entries))):
            if symbol.kind == "function":
                found[symbol.vaddr] = f"{found.get(symbol.vaddr, '')}{symbol.name}\n"
        return found

    def _function(self, query: str, func: Func, symbols: dict[int, str]) -> ProbeFunction:
        outer = frames_at(self._binary, func, func.entry, self._damaged, inlines=False)[-1]
        code = self._decoded(func)
        left = exits(code, func.entry, func.end)
        targets = {one.target for one in code if one.kind in (JUMP, BRANCH)}
        points = [self._point(ENTRY, func, func.entry)._replace(again=func.entry in targets)]
        body = behind_stack_check(code, self._name_of)
        if body is not None:
            points.append(self._point(BODY, func, body)._replace(again=body in targets))
        points += [self._point(RETURN, func, vaddr) for vaddr in left.returns]
        for vaddr, target in left.tail_jumps:
            points.append(
                self._point(TAIL_JUMP, func, vaddr)._replace(target=self._name_of(target) or hex(target))
            )
        name = outer.function
        signature = self._arguments.of(func, name, abi0=".abi0\n" in symbols.get(func.entry, ""))
        if signature.uncertain:
            self._warnings[signature.uncertain] = None
        return ProbeFunction(
            query, name, func.entry, func.end, outer.file, signature.abi, signature.abi_from, signature.types_from,
            signature.arguments, signature.results, _CLOSURE.search(name) is not None, tuple(points),
            func.entry in symbols, left.indirect_jumps,
        )  # fmt: skip

    def _decoded(self, func: Func) -> list[Instruction]:
        """The instructions, without what the linker fills up with behind the last one."""
        size = func.end - func.entry
        if size > _LARGEST:
            raise QueryError(f"the function at {func.entry:#x} has {size:,} bytes: it is not decoded")
        code = list(decode(self._binary.image.tail(func.entry)[:size], func.entry, self._binary.image.arch))
        padding = b"\xcc" if ARCHITECTURES[self._binary.image.arch].family == "x86" else b"\0"
        while len(code) > 1 and not code[-1].code.strip(padding):
            code.pop()
        if self._binary.image.arch == "arm":  # constants lie between the instructions
            code = reached(code, (func.entry, func.entry + func.deferreturn))
        return code

    def _point(self, kind: str, func: Func, vaddr: int) -> ProbePoint:
        line = frames_at(self._binary, func, vaddr, self._damaged)[-1].line
        return ProbePoint(kind, vaddr, self._file_offset(vaddr), line)

    def _file_offset(self, vaddr: int) -> int | None:
        for segment in self._binary.image.segments:
            if segment.vaddr <= vaddr < segment.vaddr + segment.file_size:
                return vaddr - segment.vaddr + segment.file_offset
        return None

    def _name_of(self, vaddr: int) -> str:
        try:
            func = self._binary.function_at(vaddr)
            return "" if func is None else self._table.name(func)
        except GoinspectError:
            return ""
