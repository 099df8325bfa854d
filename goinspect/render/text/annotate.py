"""`goinspect annotate` as text: lines by what they cost, then code with weights in front of each instruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.text.disasm import BOLD, DIM, RESET, CodeWriter, base_name
from goinspect.render.values import escape_terminal, human_weight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.model import Frame
    from goinspect.results.annotate import AnnotatedCode, AnnotatedLine, Annotation, Unplaced

__all__ = ["render_text"]

_LONG = 200  # instructions, from which on only what has samples is shown unless more is asked for
_AROUND = 3  # instructions shown before and behind one that is
_FUNCTIONS, _LINES, _CALLS = 8, 20, 6  # shown of many
_HOT, _WARM = 0.05, 0.005  # of the function, as perf annotate has it
_RED, _GREEN = "\x1b[31m", "\x1b[32m"
_COMMENTS = 24  # columns in front of a comment
_STEP = "  "


def render_text(
    result: Annotation, *, minimum: float | None = None, code: bool = False, color: bool = False
) -> str:
    """The whole answer.

    Args:
        result: what to show.
        minimum: leave out instructions that have less than this many percent of the function, but for those around;
            None: what has no samples, in functions that are long.
        code: with the bytes of instructions.
        color: for a terminal.
    """
    return "".join(f"{line.rstrip()}\n" for line in _Writer(result, minimum, code=code, color=color).all())


class _Writer:
    def __init__(self, result: Annotation, minimum: float | None, *, code: bool, color: bool) -> None:
        self._result, self._minimum, self._code, self._color = result, minimum, code, color
        self._bold, self._dim, self._reset = (BOLD, DIM, RESET) if color else ("", "", "")
        # One more than there are instructions where none of it ended: everything is a share of something.
        self._here, self._total = max(result.cost.here, 1), max(result.cost.total, 1)

    def all(self) -> Iterator[str]:
        """Every line."""
        result = self._result
        yield from self._head()
        if result.lines:
            yield ""
            yield from self._lines()
        shown = self._codes()
        for one in shown:
            yield ""
            yield from self._function(one)
        if len(shown) < len(result.codes):
            yield ""
            more = counted(len(result.codes) - len(shown), "function")
            yield f"{self._dim}… {more} more, into which it was inlined (--min 0 shows all){self._reset}"
        if result.unplaced:
            yield ""
            yield from map(self._unplaced, result.unplaced)

    def _head(self) -> Iterator[str]:
        result, cost = self._result, self._result.cost
        parts = [f"own {self._of_all(cost.own)}"]
        if cost.inlined:
            parts.append(f"calls inlined into it {self._of_all(cost.inlined)}")
        parts.append(f"total {self._of_all(cost.total)}")
        yield (
            f"{self._bold}{escape_terminal(result.function)}{self._reset}: {counted(result.samples, 'sample')} of "
            f"{escape_terminal(result.event)}"
        )
        yield f"{', '.join(parts)}, of {human_weight(result.weight, result.unit)}"

    def _codes(self) -> list[AnnotatedCode]:
        """The functions to show."""
        codes = self._result.codes
        if self._minimum is None:
            return list(codes[:_FUNCTIONS])
        return [one for one in codes if self._is_wanted(one.cost.here, one.cost.total)]

    def _of_all(self, weight: int) -> str:
        return f"{human_weight(weight, self._result.unit)} ({weight / max(self._result.weight, 1):.1%})"

    # --- weights in front ---

    def _cells(self, own: int, total: int) -> str:
        share = f"{own / self._here:.1%}" if own else ""
        return f"{share:>6}  {self._amount(own):>8}  {self._amount(total):>8}  "

    def _amount(self, weight: int) -> str:
        unit = self._result.unit
        return human_weight(weight, unit).removesuffix(" samples").removesuffix(" sample") if weight else ""

    def _heads(self, last: str) -> str:
        return f"{self._dim}{' own %':>6}  {'own':>8}  {'total':>8}  {last}{self._reset}"

    def _heat(self, own: int, total: int) -> str:
        share = max(own / self._here, total / self._total)
        return (_RED if share >= _HOT else _GREEN if share >= _WARM else "") if self._color else ""

    def _warmed(self, own: int, total: int, rest: str) -> str:
        heat = self._heat(own, total)
        return f"{heat}{self._cells(own, total)}{self._reset if heat else ''}{rest}"

    # --- lines ---

    def _lines(self) -> Iterator[str]:
        result = self._result
        writer = CodeWriter(result.codes[0].code, result.sources, code=False, color=self._color)
        shown = list(result.lines)
        if self._minimum is None:
            shown = shown[:_LINES]
        else:
            shown = [line for line in shown if self._is_wanted(line.own, line.total)]
        yield self._heads("line")
        for line in shown:
            yield self._warmed(line.own, line.total, self._place(line))
            source = writer.source(line.file, line.line)
            if source:
                yield f"{self._cells(0, 0)}{source}"
        if len(shown) < len(result.lines):
            yield f"{self._dim}… {counted(len(result.lines) - len(shown), 'line')} more{self._reset}"

    def _place(self, line: AnnotatedLine) -> str:
        inlined = " (inlined)" if line.inlined else ""
        return escape_terminal(f"{base_name(line.file)}:{line.line} {line.function}{inlined}")

    def _is_wanted(self, own: int, total: int) -> bool:
        return 100 * max(own / self._here, total / self._total) >= (self._minimum or 0)

    # --- code ---

    def _function(self, one: AnnotatedCode) -> Iterator[str]:
        result, rows = self._result, one.code.rows
        writer = CodeWriter(one.code, result.sources, code=self._code, color=self._color, widest=_COMMENTS)
        yield writer.title("" if one.code.whole else f", {counted(len(rows), 'instruction')} of it")
        if len(result.codes) > 1:
            yield f"own {self._of_all(one.cost.here)}, total {self._of_all(one.cost.total)}"
        yield self._heads("instruction")
        wanted = self._wanted(one)
        frames: tuple[Frame, ...] | None = None
        left = 0
        for number, (row, cost) in enumerate(zip(rows, one.costs, strict=True)):
            if not wanted[number]:
                left += 1
                continue
            apart = number > 0 and row.pc != rows[number - 1].pc + len(rows[number - 1].code)
            if left or apart:
                yield self._gap(left)
                left, frames = 0, None
            if (row.frames or ()) != frames:
                for heading in writer.headings(row.frames or (), frames or ()):
                    yield f"{self._cells(0, 0)}{_STEP}{heading}"
                frames = row.frames or ()
            heat = self._heat(cost.here, cost.total) if cost.total else ""
            yield self._warmed(cost.here, cost.total, writer.instruction(row, color=heat))
        if left:
            yield self._gap(left)

    def _gap(self, left: int) -> str:
        return f"{self._dim}… {counted(left, 'instruction') if left else ''}{self._reset}"

    def _wanted(self, one: AnnotatedCode) -> list[bool]:
        """Which instructions to show."""
        count = len(one.costs)
        if self._minimum is None:
            if count <= _LONG:
                return [True] * count
            hot = [number for number, cost in enumerate(one.costs) if cost.total]
        else:
            hot = [number for number, cost in enumerate(one.costs) if self._is_wanted(cost.here, cost.total)]
        out = [False] * count
        for number in hot:
            for near in range(max(number - _AROUND, 0), min(number + _AROUND + 1, count)):
                out[near] = True
        return out

    def _unplaced(self, one: Unplaced) -> str:
        cells = self._warmed(one.cost.here, one.cost.total, _STEP)
        name = escape_terminal(one.function or self._result.function)
        if not one.calls:
            return f"{cells}at no instruction of {name} that is known"
        calls = ", ".join(hex(call) for call in one.calls[:_CALLS])
        more = f" and {len(one.calls) - _CALLS} more" if len(one.calls) > _CALLS else ""
        return f"{cells}in one of {len(one.calls)} calls of {name}, not known which: {calls}{more}"
