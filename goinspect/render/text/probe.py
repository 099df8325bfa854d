"""`goinspect probe` as text: the points of each function, where its arguments and results are, and the goroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.values import base_name, escape_terminal
from goinspect.results.probe import BODY, ENTRY, TAIL_JUMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.results.probe import Goroutine, ProbeFunction, ProbePart, ProbeReport, ProbeValue

__all__ = ["render_text"]

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def render_text(result: ProbeReport, *, color: bool = False) -> str:
    """A block for each function, and one for the goroutine."""
    writer = _Writer(result, color=color)
    blocks = ["".join(writer.function(function)) for function in result.functions]
    return "\n".join([*blocks, "".join(writer.goroutine(result.goroutine))])


class _Writer:
    def __init__(self, result: ProbeReport, *, color: bool) -> None:
        self._result = result
        self._bold, self._dim, self._reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")

    def function(self, function: ProbeFunction) -> Iterator[str]:
        place = f"  {escape_terminal(function.file)}" if function.file else ""
        name = f"{self._bold}{escape_terminal(function.function)}{self._reset}"
        yield f"{name}  {function.entry:#x}-{function.end:#x}{place}\n"
        rows = [("point", "offset", "vaddr", "line", "")]
        has_body = bool(function.at(BODY))
        for point in function.points:
            offset = "-" if point.file_offset is None else hex(point.file_offset)
            line = "-" if point.line is None else str(point.line)
            what = "once for each call" if point.kind in (ENTRY, BODY) else ""
            if point.again:
                what = (
                    "again each time the stack grows"
                    if point.kind == ENTRY and has_body
                    else "again in its loop"
                )
            if point.kind == TAIL_JUMP:
                what = f"{escape_terminal(point.target or '?')} returns in its place"
            rows.append((point.kind, offset, hex(point.vaddr), line, what))
        yield from self._table(rows, "lrrrl")
        if len(rows) == 2 + has_body:
            yield "  never returns\n"
        if function.indirect_jumps:
            yield f"  {function.indirect_jumps} jumps through registers: of a switch, or calls that end elsewhere\n"
        yield from self._values(function)

    def _values(self, function: ProbeFunction) -> Iterator[str]:
        if function.arguments is None or function.results is None:
            yield f"arguments: types not known; {self._order(function)}\n"
            return
        yield f"arguments ({function.abi}; types from {function.types_from})\n"
        if function.closure:
            yield f"  variables that it closes over: through {self._result.context}\n"
        yield from self._listed(function.arguments)
        yield "results\n"
        yield from self._listed(function.results)

    def _order(self, function: ProbeFunction) -> str:
        stack = f"on the stack from SP+{self._result.stack}"
        if function.abi == "ABI0":
            return f"{function.abi} ({function.abi_from}) has them {stack}"
        return (
            f"{function.abi} takes {' '.join(self._result.integers)} in this order, for floating-point numbers "
            f"{self._result.floats[0]}-{self._result.floats[-1]}, and what does not fit is {stack}"
        )

    def _listed(self, values: Sequence[ProbeValue]) -> Iterator[str]:
        rows = [(escape_terminal(one.name), escape_terminal(one.type), self._where(one)) for one in values]
        yield from self._table(rows, "lll") if rows else ("  none\n",)

    def _where(self, value: ProbeValue) -> str:
        if not value.size:
            return "nowhere: it has no bytes"
        if value.stack is not None:
            return f"SP+{value.stack}, {value.size} bytes"
        return ", ".join(map(self._part, value.parts))

    @staticmethod
    def _part(part: ProbePart) -> str:
        return f"{part.register} {escape_terminal(part.path)}".rstrip()

    def goroutine(self, goroutine: Goroutine) -> Iterator[str]:
        yield f"{self._bold}goroutine{self._reset}\n"
        rows = []
        if goroutine.register is not None:
            where = "everywhere in Go code" if goroutine.in_assembly else "in Go code, not in assembly (ABI0)"
            rows.append(("g", goroutine.register, where))
        if goroutine.tls_base is not None:
            rows.append(("g", self._tls(goroutine), f"thread-local, as {goroutine.tls_from} reads it"))
        known = {"DWARF": "as DWARF has it"}.get(
            goroutine.fields_from or "", f"as in {goroutine.fields_from}"
        )
        labels = {"list": "a slice of pairs of strings", "map": "a map[string]string"}.get(
            goroutine.labels_as or "", ""
        )
        for name, offset, what in (
            ("g.m", goroutine.g_m, known), ("m.curg", goroutine.m_curg, known), ("g.goid", goroutine.g_goid, known),
            ("g.labels", goroutine.g_labels, f"{known}: leads to {labels}"),
        ):  # fmt: skip
            if offset is not None:
                rows.append((name, f"+{offset}", what))
        yield from self._table(rows, "lll") if rows else ("  not known\n",)

    @staticmethod
    def _tls(goroutine: Goroutine) -> str:
        base = goroutine.tls_base or ""
        if goroutine.tls_offset is not None:
            return f"{base}{goroutine.tls_offset:+d}" + (" (with cgo)" if goroutine.tls_cgo_only else "")
        if goroutine.tls_word is not None:
            return f"{base}+*{goroutine.tls_word:#x}"
        return f"{base}+?"

    def _table(self, rows: Sequence[tuple[str, ...]], align: str) -> Iterator[str]:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                cell.rjust(width) if side == "r" else cell.ljust(width)
                for cell, width, side in zip(row, widths, align, strict=True)
            ]
            yield "  " + "  ".join(cells).rstrip() + "\n"


def place(function: ProbeFunction, line: int | None) -> str:
    """``file.go:12`` of a point."""
    return f"{base_name(function.file)}:{line}" if function.file and line is not None else ""
