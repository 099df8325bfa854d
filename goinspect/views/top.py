"""The functions that cost most, by their own weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.results.stacks import Stacks

__all__ = ["TopRow", "top"]


class TopRow(NamedTuple):
    """A function: what ended in it, and what went through it, recursion counted once."""

    function: str
    own: int
    total: int


def top(stacks: Stacks, limit: int | None = None) -> list[TopRow]:
    """Functions by own weight, then by total; root frames are none."""
    own: dict[str, int] = {}
    total: dict[str, int] = {}
    names = [frame.name for frame in stacks.frames]
    starts, flat = stacks.start.tolist(), stacks.frame.tolist()
    for i, weight in enumerate(stacks.weight.tolist()):
        stack = [names[frame] for frame in flat[starts[i] : starts[i + 1]]]
        if stack:
            own[stack[-1]] = own.get(stack[-1], 0) + weight
        for name in set(stack):
            total[name] = total.get(name, 0) + weight
    ranked = sorted(total, key=lambda name: (-own.get(name, 0), -total[name], name))[:limit]
    return [TopRow(name, own.get(name, 0), total[name]) for name in ranked]
