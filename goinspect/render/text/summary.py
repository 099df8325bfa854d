"""What is said of a flame graph in words: its title, the line below, and the last line on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import human_weight
from goinspect.results.flame import OFF_CPU

if TYPE_CHECKING:
    from goinspect.results.flame import Difference, FlameProfile, FlameTotals

__all__ = ["subtitle", "summary", "summary_parts", "title"]


def title(profile: FlameProfile, path: str) -> str:
    """Of a picture of `path`."""
    sizes = profile.event == "sizes"
    what = "Symbol sizes" if sizes else "Flame graph"
    if path == "-" and not profile.difference:
        return what
    if profile.difference is not None:
        before, now = both_names(profile.difference)
        return f"{what}{':' if sizes else ' of'} {now} against {before}"
    return f"{what}{':' if sizes else ' of'} {_name(path)}"


def both_names(difference: Difference) -> tuple[str, str]:
    """What both sides are called: files of one name with their directories."""
    sides = difference.base.path, difference.other.path
    before, now = map(_name, sides)
    if before == now:
        before, now = ("/".join(side.partition("?")[0].split("/")[-2:]) for side in sides)
    return before, now


def _name(path: str) -> str:
    if path == "-":
        return "stdin"
    # Of a URL what it asks stays out: there may be a password in it.
    return path.partition("?")[0] if "://" in path else Path(path).name


def subtitle(profile: FlameProfile) -> str:
    """What was counted, and how much of it."""
    if profile.difference is not None:
        return f"{profile.event} · {both_totals(profile.difference, profile.unit)}"
    if not profile.recorded:
        return _contents(profile)
    parts = [profile.event, counted(profile.totals.samples, _noun(profile))]
    if profile.unit != "samples":
        parts.append(human_weight(profile.totals.weight, profile.unit))
    return " · ".join(parts)


def summary(profile: FlameProfile) -> str:
    """What could be named, and what was left out; of two profiles first what they weigh."""
    both = f"{both_totals(profile.difference, profile.unit)}; " if profile.difference else ""
    return both + ", ".join(summary_parts(profile))


def summary_parts(profile: FlameProfile) -> list[str]:
    """What could be named, and what was left out, one by one."""
    return _of_recording(profile) if profile.recorded else _of_stacks(profile)


def both_totals(difference: Difference, unit: str) -> str:
    """Of both sides, and how they are compared."""
    parts = []
    for side, name in zip((difference.base, difference.other), both_names(difference), strict=True):
        weight = human_weight(side.weight, unit)
        samples = f"{counted(side.samples, 'sample')}, " if side.grain and unit != "samples" else ""
        parts.append(f"{name}: {samples}{weight}")
    by, part = difference.scale
    how = "compared as they are" if difference.absolute else f"× {by / part:.3g} to compare per sample"
    return f"before {parts[0]} ({how}), now {parts[1]}"


def _contents(profile: FlameProfile) -> str:
    """Of folded stacks: "1.2 MB in 2,812 symbols"."""
    noun = "symbol" if profile.event == "sizes" else "stack"
    weight = human_weight(profile.totals.weight, profile.unit)
    return f"{weight} in {counted(len(profile.stacks), noun)}"


def _of_stacks(profile: FlameProfile) -> list[str]:
    parts = [_contents(profile)]
    if profile.event != "sizes":
        parts.append(_named(profile))
    return parts


def _named(profile: FlameProfile) -> str:
    totals = profile.totals
    share = totals.frames_named / totals.frames if totals.frames else 1.0
    shown = f"{share:.1%}" if share in (0.0, 1.0) else f"{min(share, 0.9999):.2%}"
    return f"{shown} of {counted(totals.frames, 'frame')} named"


def _of_recording(profile: FlameProfile) -> list[str]:
    totals = profile.totals
    repaired = f" ({totals.repaired:,} repaired)" if totals.repaired else ""
    named = _named(profile) if totals.frames else "no frames"
    parts = [
        counted(totals.samples, _noun(profile)),
        f"{totals.lost:,} lost",
        counted(totals.threads, "thread"),
        named,
        f"{counted(totals.truncated, 'stack')} truncated{repaired}",
        f"{counted(totals.garbage_dropped, 'garbage frame')} dropped",
    ]
    if profile.profiled:  # such a profile does not tell the rest
        weight = human_weight(totals.weight, profile.unit)
        parts = [f"{profile.event} {weight}" if profile.unit != "samples" else weight, *parts[:1], named]
        parts += (
            [f"{counted(totals.garbage_dropped, 'garbage frame')} dropped"] if totals.garbage_dropped else []
        )
    more = "(--call-graph dwarf,65528 records more)"
    for number, text in (
        (
            totals.cut_by_dump,
            f"{counted(totals.cut_by_dump, 'stack')} cut where the copy of the stack ends {more}",
        ),
        (totals.restored, _restored(totals)),
        (
            0 if totals.restored else totals.hidden_callers,
            f"{counted(totals.hidden_callers, 'leaf', 'leaves')} whose caller is hidden",
        ),
        (totals.throttled, f"throttled {counted(totals.throttled, 'time')}"),
        (totals.waits_stackless, f"{counted(totals.waits_stackless, 'wait')} without a stack"),
        (totals.waits_stale, f"{counted(totals.waits_stale, 'wait')} with the stack of an earlier run"),
        (totals.waits_open, f"{counted(totals.waits_open, 'wait')} without an end left out"),
    ):
        if number:
            parts.append(text)
    others = [event.name for event in profile.events if event.samples and event.name != profile.event]
    if others and _noun(profile) == "sample":
        parts.append(f"other {'sample types' if profile.profiled else 'events'}: {_listed(others)}")
    for paths, what in ((profile.missing, "found"), (profile.refused, "used")):
        if paths:
            parts.append(f"{counted(len(paths), 'binary', 'binaries')} not {what}: {_listed(sorted(paths))}")
    return parts


def _restored(totals: FlameTotals) -> str:
    unknown = f", {totals.hidden_callers:,} unknown" if totals.hidden_callers else ""
    return f"{counted(totals.restored, 'caller')} restored{unknown}"


def _noun(profile: FlameProfile) -> str:
    return "wait" if profile.event == OFF_CPU else "sample"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
