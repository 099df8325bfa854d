"""`--format svg`: one interactive picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.difference.words import gone_words
from goinspect.render.svg.layout import inner_width
from goinspect.render.svg.picture import render_svg
from goinspect.render.text.summary import subtitle, title
from goinspect.views.graph import draw

if TYPE_CHECKING:
    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile

__all__ = ["render"]

MIN_WIDTH = 0.1  # px
MOST_FRAMES = 4000  # more slow a browser down, and most of them are narrower than half a pixel
MOST_BYTES = 1_000_000  # what pages and mails take


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The picture of a profile."""
    automatic = options.min_width is None
    min_width = MIN_WIDTH if options.min_width is None else options.min_width
    graph = draw(
        profile.stacks,
        title=options.title or title(profile, options.path),
        subtitle=subtitle(profile),
        event=profile.event,
        samples=profile.totals.samples,
        pixels=inner_width(options.width),
        min_width=min_width,
        most=MOST_FRAMES if automatic else None,
        inverted=options.inverted,
        reverse=options.reverse,
        difference=profile.difference,
    )
    note = gone_words(profile.stacks, profile.difference) if profile.difference else ""
    most_bytes = MOST_BYTES if automatic else None
    return render_svg(graph, width=options.width, min_width=min_width, note=note, most_bytes=most_bytes)
