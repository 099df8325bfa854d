"""Stacks of addresses to stacks of names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.results.processes.symbolize import NamedStack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goinspect.analysis.symbolize.names import Names
    from goinspect.results.processes.symbolize import RawStack, SymbolizeRow

    Key = tuple[int | tuple[str, int], bool]

__all__ = ["name_stacks"]


def name_stacks(names: Names, stacks: Sequence[RawStack]) -> tuple[list[SymbolizeRow], list[NamedStack]]:
    """The rows of all distinct addresses, and the stacks with names, root first.

    The leaf of the user's and that of the kernel's frames are where the program was; all others are return addresses.
    """
    keys = [_keys(stack) for stack in stacks]
    asked = list(dict.fromkeys(key for row in keys for key in row if key is not None))
    plain = [(where, caller) for where, caller in asked if isinstance(where, int)]
    placed = [(where, caller) for where, caller in asked if not isinstance(where, int)]
    found: dict[Key, SymbolizeRow] = {}
    rows = names.rows([where for where, _ in plain], callers=[caller for _, caller in plain])
    found.update(zip(plain, rows, strict=True))
    rows += names.by_build_id([where for where, _ in placed], [caller for _, caller in placed])
    found.update(zip(placed, rows[len(plain) :], strict=True))
    told = {key: _names(row) for key, row in found.items()}
    named = []
    for stack, row in zip(stacks, keys, strict=True):
        frames = [
            name
            for frame, key in zip(reversed(stack.frames), reversed(row), strict=True)
            for name in (told[key] if key is not None else (str(frame),))
        ]
        named.append(NamedStack((*stack.roots, *frames), stack.weight, stack.pid, stack.stack_id))
    return rows, named


def _keys(stack: RawStack) -> list[Key | None]:
    exact = (0, stack.kernel)
    return [
        None if isinstance(frame, str) else (frame, position not in exact)
        for position, frame in enumerate(stack.frames)
    ]


def _names(row: SymbolizeRow) -> Iterable[str]:
    """Outermost first; the address itself where it has no name."""
    if row.frames is None:
        return (f"{row.address:#x}",)
    return tuple(frame.function for frame in reversed(row.frames))
