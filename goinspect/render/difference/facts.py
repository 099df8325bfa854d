"""Two profiles that are compared, as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.flame import Difference, Side

__all__ = ["apportioned", "difference_json"]


def apportioned(weights: Sequence[int], difference: Difference) -> list[int]:
    """Weights of the base, as they are compared, so rounded that their sum is that of what is compared."""
    by, part = difference.scale
    whole = [weight * by // part for weight in weights]
    missing = difference.scaled(sum(weights)) - sum(whole)
    by_loss = sorted(range(len(weights)), key=lambda i: (-(weights[i] * by % part), i))
    for i in by_loss[:missing]:
        whole[i] += 1
    return whole


def difference_json(difference: Difference) -> dict[str, Any]:
    """Both sides; ``scale``: what weights of the base are multiplied with to be compared."""
    by, part = difference.scale
    return {
        "absolute": difference.absolute,
        "scale": by / part,
        "base": _side(difference.base),
        "other": _side(difference.other),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "path": side.path,
        "samples": side.samples,
        "weight": side.weight,
        "weight_of_a_sample": side.grain or None,
    }
