"""drop_frames and keep_frames: what a profile itself asks to be left out of its stacks.

As profile/prune.go of google/pprof does it: below a function whose name the first expression matches, and the second does
not, everything is dropped, and the function itself; the outermost such function of a stack counts, but none before the first
other function from the root on. Of a location with several functions the outer ones stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from goinspect.profiles.pprof.regex import Pattern, PatternError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["dropped_functions", "pruned", "pruned_lines"]

# What may hold a parenthesis without beginning the parameters.
_BRACKET = re.compile(r"\(anonymous namespace\)|operator\(\)|\(")


def simplified(name: str) -> str:
    """A name without its parameters: what is matched."""
    name = name.removeprefix(".")
    for found in _BRACKET.finditer(name):
        if found[0] == "(":
            return name[: found.start()]
    return name


def dropped_functions(
    names: Sequence[str], drop: str, keep: str, warnings: list[str]
) -> NDArray[np.bool_] | None:
    """Which functions are to be dropped; None: none."""
    if not drop:
        return None
    simple = [simplified(name) if name else "" for name in names]
    try:
        leave, stay = Pattern(drop), Pattern(keep) if keep else None
        verdict = {
            name: leave.matches(name) and not (stay and stay.matches(name)) for name in dict.fromkeys(simple)
        }
    except PatternError as error:
        warnings.append(f"drop_frames and keep_frames of the profile are not applied, for {error}")
        return None
    found = np.array(
        [bool(name) and verdict[short] for name, short in zip(names, simple, strict=True)], dtype=np.bool_
    )
    return found if found.any() else None


def pruned_lines(first: NDArray[np.int64], dropped: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the lines of each location go, from the innermost on; `dropped` says it of each line."""
    owner = np.repeat(np.arange(len(first) - 1), np.diff(first))
    out = np.zeros(len(first) - 1, dtype=np.int64)
    at = np.flatnonzero(dropped)
    np.maximum.at(out, owner[at], at - first[owner[at]] + 1)
    return out


def pruned(
    start: NDArray[np.int64], frames: NDArray[np.int32], touched: NDArray[np.bool_], whole: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The stacks without what is below dropped functions.

    Args:
        start: of each stack, leaf first.
        frames: rows of locations, or -1.
        touched: locations of which lines go.
        whole: locations of which all go.
    """
    flagged = np.append(touched, False)[frames]
    gone = np.append(whole, False)[frames]
    if not flagged.any():
        return start, frames
    sizes = np.diff(start)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(frames))
    other = np.full(len(sizes), -1, dtype=np.int64)
    np.maximum.at(other, owner, np.where(flagged, -1, place))
    cut = np.full(len(sizes), -1, dtype=np.int64)
    np.maximum.at(cut, owner, np.where(flagged & (place < other[owner]), place, -1))
    cut += (cut >= 0) & np.append(gone, False)[cut]
    kept = place >= cut[owner]
    return np.append(0, np.cumsum(np.bincount(owner[kept], minlength=len(sizes)))), frames[kept]
