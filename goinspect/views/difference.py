"""What changed between two profiles, and what is noise.

Samples are counted: a weight `w` of samples that weigh `g` each has the variance `g * w`. The error of a difference
of two is taken once from both weights as they are and once from what they would be if nothing had changed, and the larger
one counts: few samples prove nothing. Per sample a weight is a share, whose variance is smaller by the share. What is within
two standard errors is noise; where many functions are looked at, some are beyond that by chance, and the limit is
raised so that this happens to any of them as seldom as to a single one (Bonferroni): 3.5 errors of 100 functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.results.flame import Difference
    from goinspect.results.stacks import Stacks

__all__ = ["CHANGED", "Change", "Mover", "changes", "errors_allowed", "movers"]

CHANGED = ("new", "grew", "shrank", "gone")


class Change(NamedTuple):
    """A weight now and before, as both are compared.

    ``error`` is one standard error of ``delta``, ``factor_error`` that of ``factor``, what the weight was multiplied with; None
    where they are not known. ``what``: one of `CHANGED`, "noise", or "same".
    """

    other: int
    base: int
    delta: int
    error: int | None
    what: str
    factor: float | None
    factor_error: float | None


class Mover(NamedTuple):
    """A function: what ended in it, and what went through it, recursion counted once."""

    function: str
    own: Change
    total: Change


def errors_allowed(compared: int) -> float:
    """How many standard errors are noise where so many differences are looked at."""
    from statistics import NormalDist  # 2 ms that pictures of one profile do without

    normal = NormalDist()
    two_errors = 2 * (1 - normal.cdf(2))  # how often a difference is beyond them by chance
    return normal.inv_cdf(1 - two_errors / 2 / max(compared, 1))


def changes(other: Sequence[int], base: Sequence[int], difference: Difference) -> list[Change]:
    """What became of weights.

    Args:
        other: now.
        base: before, as recorded.
        difference: of what.
    """
    errors: list[float | None] = [None] * len(other)
    if difference.counted:
        errors = _errors(other, base, difference)
    most = errors_allowed(len(other))
    rows = zip(other, base, errors, strict=True)
    return [_change(now, before, error, most, difference) for now, before, error in rows]


def _change(now: int, recorded: int, error: float | None, most: float, difference: Difference) -> Change:
    by, part = difference.scale
    before = difference.scaled(recorded)
    delta = now - before
    word = _word(now, recorded, delta, noise=error is not None and abs(delta) <= most * error)
    factor = now * part / (recorded * by) if recorded else None
    if error is None or not factor:
        return Change(now, before, delta, None if error is None else round(error), word, factor, None)
    relative = (difference.other.grain / now + difference.base.grain / recorded) ** 0.5
    return Change(now, before, delta, round(error), word, factor, factor * relative)


def _word(now: int, recorded: int, delta: int, *, noise: bool) -> str:
    if not delta:
        return "same"
    if noise:
        return "noise"
    if not now or not recorded:
        return "gone" if not now else "new"
    return "grew" if delta > 0 else "shrank"


def _errors(other: Sequence[int], base: Sequence[int], difference: Difference) -> list[float | None]:
    by, part = difference.scale
    scale = by / part
    now, before = np.array(other, dtype=np.float64), np.array(base, dtype=np.float64) * scale
    grains = difference.other.grain, difference.base.grain * scale
    whole = 0.0 if difference.absolute else float(difference.other.weight)
    found = _part(now, whole) * grains[0] + _part(before, whole) * grains[1]
    # Both estimate one weight, each as well as it has samples.
    same = (now / grains[0] + before / grains[1]) / (1 / grains[0] + 1 / grains[1])
    errors: list[float | None] = np.sqrt(np.maximum(found, _part(same, whole) * sum(grains))).tolist()
    return errors


def _part(weight: NDArray[np.float64], whole: float) -> NDArray[np.float64]:
    """Weights; of a given whole, less what is sure of them."""
    return np.asarray(weight * np.maximum(1 - weight / whole, 0) if whole else weight)


def movers(stacks: Stacks, difference: Difference, limit: int | None = None) -> list[Mover]:
    """Functions: those first whose own weight changed most, then those whose total did, then noise; root frames are none."""
    names, own, total = _sums(stacks)
    rows = zip(names, changes(*own, difference), changes(*total, difference), strict=True)
    found = (Mover(name, _of_known(mine, all_), all_) for name, mine, all_ in rows)
    return sorted(found, key=_order)[:limit]


def _sums(stacks: Stacks) -> tuple[list[str], tuple[list[int], list[int]], tuple[list[int], list[int]]]:
    """Functions; what ended in each, and what went through it, now and before."""
    ids: dict[str, int] = {}
    number = np.array([ids.setdefault(frame.name, len(ids)) for frame in stacks.frames], dtype=np.int64)
    flat, sizes = number[stacks.frame], np.diff(stacks.start)
    ending = np.flatnonzero(sizes)
    through = distinct(np.repeat(np.arange(len(stacks)), sizes) * max(len(ids), 1) + flat)
    own, total = np.zeros((2, 2, len(ids)), dtype=np.uint64)
    for column, weight in enumerate(stacks.weights[:2]):
        np.add.at(own[column], flat[stacks.start[1:][ending] - 1], weight.values[ending])
        np.add.at(total[column], through % max(len(ids), 1), weight.values[through // max(len(ids), 1)])
    some: NDArray[np.bool_] = (total[0] > 0) | (total[1] > 0)
    names = [name for name, there in zip(ids, some.tolist(), strict=True) if there]
    now, before = ((own[column][some].tolist(), total[column][some].tolist()) for column in (0, 1))
    return names, (now[0], before[0]), (now[1], before[1])


def _of_known(own: Change, total: Change) -> Change:
    """The change of a function's own weight, where a function is not new because it only called others before."""
    if own.what == "new" and total.base:
        return own._replace(what="grew")
    return own._replace(what="shrank") if own.what == "gone" and total.other else own


def _order(row: Mover) -> tuple[int, int, int, str]:
    if row.own.what in CHANGED:
        return 0, -abs(row.own.delta), -abs(row.total.delta), row.function
    if row.total.what in CHANGED:
        return 1, -abs(row.total.delta), -abs(row.own.delta), row.function
    return 2, -abs(row.own.delta), -abs(row.total.delta), row.function
