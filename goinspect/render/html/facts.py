"""The page of facts: what the last line of the command says, and what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.svg.labels import all_visible
from goinspect.render.text.summary import subtitle, summary_parts
from goinspect.render.values import human_weight

if TYPE_CHECKING:
    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile

__all__ = ["facts"]


def facts(profile: FlameProfile, options: DrawOptions) -> list[tuple[str, list[str]]]:
    """Headings, each with its lines, safe to show."""
    events = [
        f"{event.name}: {counted(event.samples, 'sample')}, {human_weight(event.weight, event.unit)}"
        for event in profile.events
    ]
    sections = [
        ("Profile", ["" if options.path == "-" else options.path, subtitle(profile)]),
        ("What was read", summary_parts(profile)),
        ("Warnings", list(profile.warnings)),
        ("Events", events),
        ("Binaries not found", sorted(profile.missing)),
        ("Binaries found and not used", sorted(profile.refused)),
        ("Recording", [f"{name}: {value}" for name, value in profile.metadata.items()]),
        ("Report", [f"written by {options.maker}; it holds all stacks and asks nothing of the network"]),
    ]
    shown = [(heading, all_visible([line for line in lines if line])) for heading, lines in sections]
    return [(heading, lines) for heading, lines in shown if lines]
