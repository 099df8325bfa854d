"""`--format collapsed`: folded stacks with the marks that FlameGraph, inferno and flamelens colour by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.folded import render_folded

if TYPE_CHECKING:
    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile

__all__ = ["render"]


def render(profile: FlameProfile, _options: DrawOptions | None = None) -> str:
    """The lines."""
    return render_folded(profile, annotate=True)
