"""What JSON says of two profiles that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goinspect.results.flame import Difference, Side

__all__ = ["difference_json"]


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
