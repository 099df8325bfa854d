"""`goinspect disasm` as text: a heading where the source position changes, an instruction a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.model import Frame
    from goinspect.results.disasm import CodeRow, Disassembly, FunctionCode, SourceLine

__all__ = ["BOLD", "DIM", "RESET", "CodeWriter", "base_name", "comment", "quoted", "render_text"]

DIM, BOLD, RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
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
        self._result, self._code, self._color = result, code, color
        self._dim, self._reset = (DIM, RESET) if color else ("", "")

    def function(self, function: FunctionCode) -> Iterator[str]:
        """Its heading, and its lines."""
        writer = CodeWriter(function, self._result.sources, code=self._code, color=self._color)
        part = "" if function.whole else f", {counted(len(function.rows), 'instruction')} of it"
        yield writer.title(part) + "\n"
        shown: tuple[Frame, ...] | None = None
        end = None
        for row in function.rows:
            frames = row.frames or ()
            if end is not None and row.pc != end:
                yield f"{self._dim}…{self._reset}\n"
                shown = None
            if frames != shown:
                for line in writer.headings(frames, shown or ()):
                    yield f"{_STEP}{line}\n"
                shown = frames
            mark = "=>" if row.asked else "  "
            yield writer.instruction(row, mark) + "\n"
            end = row.pc + len(row.code)


class CodeWriter:
    """Lines of one function; without line ends.

    Args:
        function: all of it, or parts.
        sources: lines of source to put under headings.
        code: with the bytes of instructions.
        color: for a terminal.
        widest: column, from that of the instruction on, at which comments begin where there is room.
    """

    def __init__(
        self,
        function: FunctionCode,
        sources: tuple[SourceLine, ...] | None,
        *,
        code: bool,
        color: bool,
        widest: int = _WIDEST,
    ) -> None:
        self._bold, self._dim, self._reset = (BOLD, DIM, RESET) if color else ("", "", "")
        self._lines = {(source.file, source.line): source.text for source in sources or ()}
        self._function, self._code, self._comments = function, code, widest
        self._labels = labels = function.labels()
        self._margin = max((len(label) for label in labels.values()), default=0) + 1 if labels else 0
        self._wide = max((len(hex(row.pc)) for row in function.rows), default=0)
        self._bytes_wide = max((2 * len(row.code) for row in function.rows), default=0) if code else 0

    def title(self, part: str) -> str:
        """The function, where it is and how large; `part` is said behind its size."""
        function = self._function
        size = counted(function.end - function.entry, "byte")
        name = escape_terminal(function.function or "no function")
        place = f"  {escape_terminal(function.file)}" if function.file else ""
        return (
            f"{self._bold}{name}{self._reset}  {function.entry:#x}-{function.end:#x}{place}  ({size}{part})"
        )

    def instruction(self, row: CodeRow, mark: str = "", color: str = "") -> str:
        """An instruction, as deep as the calls inlined there; in `color` where it is not that of the rest."""
        depth = _STEP * max(len(row.frames or ()), 1)
        label = f"{self._labels[row.pc]}:" if row.pc in self._labels else ""
        code = f"{row.code.hex():<{self._bytes_wide}}  " if self._code else ""
        text, note = escape_terminal(row.text), comment(row)
        if note:
            text = f"{text:<{self._comments}}"
        reset = self._reset if color else ""
        text = f"{color}{text}{reset}"
        if note:
            text += f"  {self._dim}// {note}{self._reset}"
        return f"{label:<{self._margin}}{mark}{depth}{self._dim}{row.pc:#0{self._wide}x}{self._reset}  {code}{text}"

    def headings(self, frames: tuple[Frame, ...], before: tuple[Frame, ...]) -> Iterator[str]:
        """A line for each call that is not the one of the heading before; of a return, for the one that goes on."""
        nested, last = frames[::-1], before[::-1]
        same = 0
        while same < min(len(nested), len(last)) and nested[same] == last[same]:
            same += 1
        same = min(same, max(len(nested) - 1, 0))
        for depth, frame in enumerate(nested[same:], same):
            indent = _STEP * depth
            place = "?" if frame.file is None else f"{base_name(frame.file)}:{frame.line}"
            inlined = " (inlined)" if frame.inlined else ""
            yield f"{indent}{self._bold}{escape_terminal(place)}{self._reset} {escape_terminal(frame.function)}{inlined}"
            text = self.source(frame.file or "", frame.line or 0)
            if text:
                yield indent + text

    def source(self, file: str, line: int) -> str:
        """The text of a line of source; "" where it is not known, or blank."""
        text = (self._lines.get((file, line)) or "").strip().replace("\t", " ")
        return f"{self._dim}| {escape_terminal(text)}{self._reset}" if text else ""


def base_name(path: str) -> str:
    """The last part of a path of any system."""
    return path.replace("\\", "/").rpartition("/")[2]


def comment(row: CodeRow) -> str:
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
