"""`goinspect disasm` as text: a heading where the source position changes, an instruction a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.model import Frame
    from goinspect.results.disasm import CodeRow, Disassembly, FunctionCode

__all__ = ["quoted", "render_text"]

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_LONGEST = 60  # characters of a string that are shown
_STEP = "  "  # a level of inlined calls
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_GAP, _WIDEST = 2, 44  # columns


def render_text(result: Disassembly, *, code: bool = False, color: bool = False) -> str:
    """All functions; with `code` the bytes of instructions."""
    writer = _Writer(result, code=code, color=color)
    return "\n".join("".join(writer.function(function)) for function in result.functions)


def quoted(text: str, longest: int = _LONGEST) -> str:
    """A string of the binary as a literal that a terminal does not act on, cut where it is long."""
    cut = "…" if len(text) > longest else ""
    plain = "".join(_ESCAPES.get(char, char) for char in text[:longest])
    return f'"{escape_terminal(plain)}"{cut}'


class _Writer:
    def __init__(self, result: Disassembly, *, code: bool, color: bool) -> None:
        self._code = code
        self._bold, self._dim, self._reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")
        self._lines = {(source.file, source.line): source.text for source in result.sources or ()}

    def function(self, function: FunctionCode) -> Iterator[str]:
        """Its heading, and its lines."""
        size = counted(function.end - function.entry, "byte")
        name = escape_terminal(function.function or "no function")
        place = f"  {escape_terminal(function.file)}" if function.file else ""
        part = "" if function.whole else f", {counted(len(function.rows), 'instruction')} of it"
        yield f"{self._bold}{name}{self._reset}  {function.entry:#x}-{function.end:#x}{place}  ({size}{part})\n"
        labels = function.labels()
        margin = max((len(label) for label in labels.values()), default=0) + 1 if labels else 0
        wide = max((len(hex(row.pc)) for row in function.rows), default=0)
        bytes_wide = max((2 * len(row.code) for row in function.rows), default=0) if self._code else 0
        shown: tuple[Frame, ...] | None = None
        end = None
        for row in function.rows:
            frames = row.frames or ()
            if end is not None and row.pc != end:
                yield f"{self._dim}…{self._reset}\n"
                shown = None
            if frames != shown:
                yield from self._heading(frames, shown or ())
                shown = frames
            depth = _STEP * max(len(frames), 1)
            label = f"{labels[row.pc]}:" if row.pc in labels else ""
            mark = "=>" if row.asked else "  "
            code = f"{row.code.hex():<{bytes_wide}}  " if self._code else ""
            text, comment = escape_terminal(row.text), _comment(row)
            if comment:
                text = f"{text:<{_WIDEST}}  {self._dim}// {comment}{self._reset}"
            yield f"{label:<{margin}}{mark}{depth}{self._dim}{row.pc:#0{wide}x}{self._reset}  {code}{text}\n"
            end = row.pc + len(row.code)

    def _heading(self, frames: tuple[Frame, ...], before: tuple[Frame, ...]) -> Iterator[str]:
        """A line for each call that is not the one of the heading before; of a return, for the one that goes on."""
        nested, last = frames[::-1], before[::-1]
        same = 0
        while same < min(len(nested), len(last)) and nested[same] == last[same]:
            same += 1
        same = min(same, max(len(nested) - 1, 0))
        for depth, frame in enumerate(nested[same:], same):
            yield self._position(frame, depth)

    def _position(self, frame: Frame, depth: int) -> str:
        indent = _STEP * (depth + 1)
        place = "?" if frame.file is None else f"{_base(frame.file)}:{frame.line}"
        inlined = " (inlined)" if frame.inlined else ""
        line = f"{indent}{self._bold}{escape_terminal(place)}{self._reset} {escape_terminal(frame.function)}{inlined}"
        text = self._lines.get((frame.file or "", frame.line or 0))
        if text is not None and text.strip():
            source = escape_terminal(text.strip().replace("\t", " "))
            return f"{line}\n{indent}{self._dim}| {source}{self._reset}\n"
        return line + "\n"


def _base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _comment(row: CodeRow) -> str:
    """What the instruction's text does not say of the addresses in it."""
    parts = []
    if row.label:
        parts.append(row.label)
    elif row.target_name and row.target_name not in row.text:
        parts.append(escape_terminal(row.target_name))
    if row.reference_name and row.reference_name not in row.text:
        parts.append(escape_terminal(row.reference_name))
    if row.string is not None:
        parts.append(quoted(row.string))
    return " ".join(parts)
