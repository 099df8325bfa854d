"""The page of facts: what the last line of the command says, and what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goinspect._words import counted
from goinspect.render.html.advice import advice
from goinspect.render.svg.labels import all_visible, visible
from goinspect.render.text.summary import subtitle, summary_parts
from goinspect.render.values import human_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.places import BinaryUse

__all__ = ["facts", "tables"]

_MOST = 500  # lines of a section, and binaries
_MOST_NAMELESS = 10  # binaries with what has no name


def facts(
    profile: FlameProfile, options: DrawOptions, *, served: bool = False
) -> list[tuple[str, list[str]]]:
    """Headings, each with its lines, safe to show; `served`: the page may ask its server."""
    asks = (
        "its server for newer recordings and for instructions, and nothing else"
        if served
        else "nothing of the network"
    )
    events = [
        f"{event.name}: {counted(event.samples, 'symbol' if event.name == 'sizes' else 'sample')}, {human_weight(event.weight, event.unit)}"
        for event in profile.events
    ]
    sections = [
        ("Profile", ["" if options.path == "-" else options.path, subtitle(profile)]),
        ("What was read", summary_parts(profile)),
        ("Off-CPU time", _of_waits(profile)),
        ("Without a name", _nameless(profile)),
        ("Warnings", list(profile.warnings)),
        ("Events", events),
        ("Binaries not found", sorted(profile.missing)),
        ("Binaries found and not used", sorted(profile.refused)),
        ("Source", _sources(profile)),
        ("Recording", [f"{name}: {value}" for name, value in profile.metadata.items()]),
        ("Report", [f"written by {options.maker}; it holds all stacks and asks {asks}"]),
    ]
    shown = [(heading, _bounded([line for line in lines if line])) for heading, lines in sections]
    return [(heading, all_visible(lines)) for heading, lines in shown if lines]


def tables(profile: FlameProfile, options: DrawOptions) -> dict[str, Any]:
    """Rows of what is shown as tables, safe to show.

    ``binaries``: [path, state, build ID, Go release, module, frames, how many of them are named, own, own without a name];
    ``advice``: [what was found, what helps, commands].
    """
    uses = profile.details.binaries if profile.details else ()
    rows = [_row(profile, use) for use in uses[:_MOST]]
    return {
        "binaries": rows,
        "binaries_left": len(uses) - len(rows),
        "advice": [
            [visible(one.found), visible(one.helps), all_visible(list(one.commands))]
            for one in advice(profile, options.path)
        ],
    }


def _row(profile: FlameProfile, use: BinaryUse) -> list[Any]:
    if use.kernel:
        state = "kernel"
    elif use.found:
        here = use.found == use.path or use.path.startswith("[")  # the vdso is no file
        state = "found" if here else f"read from {use.found}"
    elif use.path in profile.refused:
        state = "found and not used"
    elif profile.profiled and use.named == use.frames:
        state = "names are the profile's"
    else:
        state = "not found" if use.path in profile.missing else "no file"
    words = (use.path, state, use.build_id, use.go_version, use.module)
    return [*map(visible, words), use.frames, use.named, use.own, use.unnamed]


def _nameless(profile: FlameProfile) -> list[str]:
    """What ended in frames without a name: all of it, and where most of that is."""
    uses = profile.details.binaries if profile.details else ()
    total = sum(use.own for use in uses)
    where = sorted((use for use in uses if use.unnamed), key=lambda use: (-use.unnamed, use.path))
    if not where:
        return []

    def told(weight: int) -> str:
        return f"{human_weight(weight, profile.unit)} ({weight / max(total, 1):.2%})"

    most = [f"{use.path}: {told(use.unnamed)}" for use in where[:_MOST_NAMELESS]]
    return [f"{told(sum(use.unnamed for use in where))} ended in frames without a name", *most]


def _bounded(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST
    return [*lines] if left <= 0 else [*lines[:_MOST], f"… and {left:,} more"]


def _sources(profile: FlameProfile) -> list[str]:
    """How many files of source are in the report, and why others are not."""
    sources = profile.details.sources if profile.details else None
    if sources is None:
        return []
    there = sum(one.text is not None for one in sources)
    lines = [f"{there:,} of {counted(len(sources), 'file')} are in the report"]
    return lines + [f"{one.file}: {one.note}" for one in sources if one.note]


def _of_waits(profile: FlameProfile) -> list[str]:
    """What is known of the time that threads waited, beside what is said of samples, too."""
    if profile.waits is None:
        return []
    known = {*profile.warnings, *summary_parts(profile)}
    parts = [subtitle(profile.waits), *summary_parts(profile.waits), *profile.waits.warnings]
    return [part for part in parts if part not in known]
