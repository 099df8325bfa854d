"""`goinspect calls` as text: a tree of callers and one of callees, a function a line with the places of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import base_name, escape_terminal
from goinspect.results.calls import INLINED, TAIL_JUMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.results.calls import CalledFunction, CallEdge, CallReport, CallSite

__all__ = ["place_text", "render_text"]

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_STEP = "  "
_PLACES = 4  # of one edge
_WIDEST = 60  # columns of names


def render_text(result: CallReport, *, color: bool = False) -> str:
    """A block for each function."""
    return "\n".join("".join(_Writer(result, function, color=color).lines()) for function in result.functions)


def place_text(site: CallSite) -> str:
    """``file.go:12``; where calls were inlined, the innermost place with its function, and how it came there."""
    if site.frames is None:
        return hex(site.pc)
    places = ["?" if frame.file is None else f"{base_name(frame.file)}:{frame.line}" for frame in site.frames]
    inlined = [
        f"{place} in {frame.function} <- " for place, frame in zip(places[:-1], site.frames, strict=False)
    ]
    return escape_terminal("".join(inlined) + places[-1])


class _Writer:
    def __init__(self, result: CallReport, function: CalledFunction, *, color: bool) -> None:
        self._result, self._function = result, function
        self._bold, self._dim, self._reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")

    def lines(self) -> Iterator[str]:
        function = self._function
        place = f"  {escape_terminal(function.file)}" if function.file else ""
        name = f"{self._bold}{escape_terminal(function.function)}{self._reset}"
        yield f"{name}  {function.entry:#x}-{function.end:#x}{place}\n"
        if self._result.callers is not None:
            yield from self._callers(self._result.callers)
        if self._result.callees is not None:
            yield from self._callees(self._result.callees)

    def _callers(self, edges: Sequence[CallEdge]) -> Iterator[str]:
        tree = _Tree(edges, down=False)
        count = len({edge.caller_entry for edge in tree.below(self._function.entry)})
        also = (
            ", and through a pointer, perhaps: its address is taken" if self._function.address_taken else ""
        )
        yield f"called by {counted(count, 'function') if count else 'no function directly'}{also}\n"
        yield from self._nodes(tree)

    def _callees(self, edges: Sequence[CallEdge]) -> Iterator[str]:
        tree = _Tree(edges, down=True)
        count = len({edge.callee_entry for edge in tree.below(self._function.entry)})
        indirect = self._function.indirect or ()
        through = counted(len(indirect), "call through a pointer", "calls through pointers")
        also = f", and has {through}" if indirect else ""
        yield f"calls {counted(count, 'function') if count else 'no function directly'}{also}\n"
        yield from self._nodes(tree)
        wide = max((len(call.text) for call in indirect), default=0)
        for call in indirect:
            yield f"{_STEP}{escape_terminal(call.text):<{wide}}  {self._dim}{place_text(call.site)}{self._reset}\n"

    def _nodes(self, tree: _Tree) -> Iterator[str]:
        rows = list(tree.rows(self._function.entry, self._result.depth))
        wide = min(max((len(row.lead) for row in rows), default=0), _WIDEST)
        for row in rows:
            yield f"{row.lead:<{wide}}  {self._dim}{row.places}{self._reset}{row.mark}\n"


class _Row:
    def __init__(self, edge: CallEdge, name: str, level: int, mark: str) -> None:
        self.lead = _STEP * level + escape_terminal(name)
        self.mark = mark
        what = {TAIL_JUMP: "jump: ", INLINED: "inlined: "}.get(edge.kind, "")
        shown = list(dict.fromkeys(map(place_text, edge.sites)))
        more = f" +{len(shown) - _PLACES}" if len(shown) > _PLACES else ""
        self.places = what + ", ".join(shown[:_PLACES]) + more


class _Tree:
    """Edges by the end from which the tree grows."""

    def __init__(self, edges: Sequence[CallEdge], *, down: bool) -> None:
        self._down = down
        self._of: dict[int, list[CallEdge]] = {}
        for edge in edges:
            self._of.setdefault(edge.caller_entry if down else edge.callee_entry, []).append(edge)

    def below(self, entry: int) -> list[CallEdge]:
        return self._of.get(entry, [])

    def rows(self, root: int, depth: int) -> Iterator[_Row]:
        """Depth first; a function is followed where it is met first, and marked where it is met again."""
        followed = {root}
        stack: list[tuple[CallEdge, int, frozenset[int]]] = []
        path = frozenset((root,))
        stack += [(edge, 1, path) for edge in reversed(self.below(root))]
        while stack:
            edge, level, path = stack.pop()
            entry, name = (edge.callee_entry, edge.callee) if self._down else (edge.caller_entry, edge.caller)
            further = self.below(entry) if level < depth else []
            mark = ""
            if entry in path:
                mark, further = "  (recursion)", []
            elif further and entry in followed:
                mark, further = "  (see above)", []
            yield _Row(edge, name, level, mark)
            if further:
                followed.add(entry)
                stack += [(one, level + 1, path | {entry}) for one in reversed(further)]
