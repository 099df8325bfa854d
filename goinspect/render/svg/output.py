"""`--format svg`: one interactive picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.difference.words import gone_words
from goinspect.render.svg.picture import inner_width, render_svg
from goinspect.render.text.summary import subtitle, title
from goinspect.views.graph import draw

if TYPE_CHECKING:
    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile

__all__ = ["render"]


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The picture of a profile."""
    graph = draw(
        profile.stacks,
        title=options.title or title(profile, options.path),
        subtitle=subtitle(profile),
        event=profile.event,
        samples=profile.totals.samples,
        pixels=inner_width(options.width),
        min_width=options.min_width,
        inverted=options.inverted,
        reverse=options.reverse,
        difference=profile.difference,
    )
    note = gone_words(profile.stacks, profile.difference) if profile.difference else ""
    return render_svg(graph, width=options.width, min_width=options.min_width, note=note)
