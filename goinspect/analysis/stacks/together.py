"""Several profiles made one: their stacks are added up where they weigh the same."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.recordings.selection import list_events
from goinspect.analysis.stacks import merge as stack_ops
from goinspect.analysis.stacks.merge import Samples
from goinspect.analysis.stacks.symboltable import SymbolTable
from goinspect.errors import QueryError
from goinspect.profiles.base import NamedStacks
from goinspect.results.flame import EventSummary, FlameProfile, FlameTotals
from goinspect.results.places import ProfileFacts, Span
from goinspect.results.stacks import Label, StackFrame, Stacks, Tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions
    from goinspect.profiles.base import Profile
    from goinspect.results.annotate import Details, HotCode
    from goinspect.results.places import BinaryUse, SourceFile

__all__ = ["Together", "added"]

# Events that are one thing: time on a CPU.
_CPU_TIME = ("cpu", "cpu-clock", "task-clock")


class Together:
    """Takes profiles, one after another.

    Args:
        options: what was asked of all of them.
        count: how many there will be: of several each is asked only what it can tell.
    """

    def __init__(self, options: FlameOptions, count: int = 1) -> None:
        self._options, self._several = options, count > 1
        self._profiles: list[tuple[FlameProfile, str]] = []

    def options_for(self, opened: Profile | NamedStacks) -> FlameOptions:
        """What to ask of the next one: the event of the first, where it has that one and none was asked for."""
        options = self._options
        if not self._several:
            return options
        if isinstance(opened, NamedStacks):
            return replace(options, event=None, weight="period", by="process", lines=False)
        options = replace(options, unit=None)
        if not self._profiles or options.event is not None or opened.values is None:
            return options
        wanted = self._profiles[0][0].event
        found = [event.name for event in list_events(opened)].count(wanted)
        return replace(options, event=wanted) if found == 1 else options

    def add(self, profile: FlameProfile, path: str) -> None:
        """One more. Raises as `check`."""
        self.check(profile, path, "added to")
        self._profiles.append((profile, path))

    def check(self, profile: FlameProfile, path: str, what: str) -> None:
        """Refuse to do what with one more.

        Raises:
            QueryError: it weighs something else than the first one.
        """
        if self._profiles:
            first, name = self._profiles[0]
            if not _alike(first, profile):
                raise QueryError(
                    f"cannot be {what} {name}: it weighs {_weighed(profile)}, that one {_weighed(first)}"
                    " (--sample-type or --event names another, --weight samples counts samples)",
                    path=path,
                )

    def profile(self) -> FlameProfile:
        """All of them."""
        profiles = [profile for profile, _ in self._profiles]
        if len(profiles) == 1:
            return profiles[0]
        first = profiles[0]
        warnings = [f"{path}: {warning}" for profile, path in self._profiles for warning in profile.warnings]
        return first._replace(
            events=_events(profiles, first.event),
            span=Span(),
            waits=None,
            totals=FlameTotals(*(sum(column) for column in zip(*(p.totals for p in profiles), strict=True))),
            stacks=added([profile.stacks for profile in profiles]),
            missing=_all([profile.missing for profile in profiles]),
            refused=_all([profile.refused for profile in profiles]),
            recorded=any(profile.recorded for profile in profiles),
            profiled=all(profile.profiled or not profile.recorded for profile in profiles),
            facts=_facts(profiles),
            details=_details([profile.details for profile in profiles if profile.details is not None]),
            warnings=_all([warnings]),
            metadata={
                f"{path}: {key}": value
                for profile, path in self._profiles
                for key, value in profile.metadata.items()
            },
        )


def _weighed(profile: FlameProfile) -> str:
    return profile.unit if profile.event in (profile.unit, "") else f"{profile.event} in {profile.unit}"


def _alike(first: FlameProfile, second: FlameProfile) -> bool:
    if first.unit != second.unit:
        return False
    if first.unit == "samples" or first.event == second.event:
        return True
    if (
        not first.recorded or not second.recorded
    ):  # folded stacks say what they weigh in, and not what that is
        return first.event == first.unit or second.event == second.unit
    return {first.event.partition(":")[0], second.event.partition(":")[0]} <= {*_CPU_TIME}


def _events(profiles: Sequence[FlameProfile], shown: str) -> tuple[EventSummary, ...]:
    """The events of all, those of one name and unit added up; what was added to the one shown has its name."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for profile, event in ((p, event) for p in profiles for event in p.events):
        key = shown if event.name == profile.event else event.name, event.unit
        samples, weight = sums.get(key, (0, 0))
        sums[key] = samples + event.samples, weight + event.weight
    return tuple(EventSummary(name, *sums[name, unit], unit) for name, unit in sums)


def _facts(profiles: Sequence[FlameProfile]) -> ProfileFacts | None:
    """Those of all where each has the same sample types."""
    found = [profile.facts for profile in profiles if profile.facts is not None]
    if len(found) < len(profiles) or any(facts.types != found[0].types for facts in found):
        return None
    return reduce(ProfileFacts.and_also, found[1:], found[0].without_places())


def _details(parts: Sequence[Details]) -> Details | None:
    """Those of all, with what files and instructions have added up."""
    if not parts:
        return None
    from goinspect.results.annotate import Details  # few outputs have any

    uses: dict[tuple[object, ...], BinaryUse] = {}
    codes: dict[tuple[str, int], HotCode] = {}
    modules: dict[str, dict[str, None]] = {}
    sources: dict[str, SourceFile] = {}
    for part in parts:
        for use in part.binaries:
            key = use.path, use.build_id, use.found, use.kernel
            uses[key] = uses[key].and_also(use) if key in uses else use
        for code in part.codes:
            at = code.annotated.binary, code.annotated.code.entry
            codes[at] = codes[at].and_also(code) if at in codes else code
        for package, module in part.modules.items():
            modules.setdefault(package, {})[module] = None
        for source in part.sources or ():
            if source.file not in sources or sources[source.file].text is None:
                sources[source.file] = source
    hottest = sorted(codes.values(), key=lambda code: -code.annotated.cost.own)
    return Details(
        tuple(sorted(uses.values(), key=lambda use: (-use.own, -use.frames, use.path, use.build_id))),
        {package: " or ".join(sorted(some)) for package, some in modules.items()},
        tuple(hottest[: max(len(part.codes) for part in parts)]),
        next((part.codes_note for part in parts if part.codes_note), ""),
        None if all(part.sources is None for part in parts) else tuple(sources.values()),
    )


def _all(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in parts for text in part))


def added(parts: Sequence[Stacks]) -> Stacks:
    """The stacks of all, equal ones once."""
    frames: dict[StackFrame, int] = {}
    rows = [
        np.array([frames.setdefault(frame, len(frames)) for frame in part.frames], dtype=np.int32)
        for part in parts
    ]
    reversed_ = [part.reversed() for part in parts]  # merging takes stacks from the leaf on
    flat = np.concatenate([row[part.frame] for row, part in zip(rows, reversed_, strict=True)])
    sizes = np.concatenate([np.diff(part.start) for part in parts])
    root = next((part.root for part in parts if part.root), "")
    labels = {name: _label(parts, name) for name in _kept(parts, root)}
    groups, first_with = _grouped([label.row for label in labels.values()], len(sizes))
    table = SymbolTable(
        frames=list(frames),
        expansions=[(row,) for row in range(len(frames))],
        expansion=np.arange(len(frames), dtype=np.int32),
        flags=np.zeros(len(frames), dtype=np.uint8),
    )
    start = np.append(0, np.cumsum(sizes)).astype(np.int64)
    further = {tuple(weight[:2] for weight in part.weights[1:]) for part in parts}
    common = len(parts[0].weights) if len(further) == 1 else 1  # those that weigh something else are left out
    weights = [np.concatenate([part.weights[row].values for part in parts]) for row in range(common)]
    merged = stack_ops.merge(
        Samples(start, flat, np.empty(0, np.int64), np.empty(0, np.int32)), start[1:], table, groups, weights[0],
        count=np.concatenate([part.samples for part in parts]), others=weights[1:],
    )  # fmt: skip
    columns = (merged.weight, *merged.others.T)
    return Stacks(
        frames=tuple(frames),
        start=merged.start,
        frame=merged.frame,
        samples=merged.samples,
        weights=tuple(
            weight._replace(values=values) for weight, values in zip(parts[0].weights, columns, strict=False)
        ),
        labels={
            name: label._replace(
                row=merged.group if first_with is None else label.row[first_with[merged.group]]
            )
            for name, label in labels.items()
        },
        root=root,
    )


def _kept(parts: Sequence[Stacks], root: str) -> list[str]:
    """The labels that stacks of several profiles keep: what stands above them, and those of pprof profiles."""
    told = (name for part in parts for name, label in part.labels.items() if label.tags)
    return [*dict.fromkeys([*([root] if root else []), *told])]


def _label(parts: Sequence[Stacks], name: str) -> Label:
    """That of each stack of all parts."""
    ids: dict[tuple[str, tuple[Tag, ...]], int] = {}
    columns = []
    for part in parts:
        label = part.labels.get(name)
        if label is None:
            columns.append(np.full(len(part), -1, dtype=np.int32))
            continue
        tags = label.tags or [()] * len(label.values)
        values = [ids.setdefault(value, len(ids)) for value in zip(label.values, tags, strict=True)]
        columns.append(np.array([*values, -1], dtype=np.int32)[label.row])
    tagged = tuple(tags for _, tags in ids) if any(tags for _, tags in ids) else ()
    return Label(tuple(text for text, _ in ids), np.concatenate(columns), tagged)


def _grouped(
    columns: Sequence[NDArray[np.int32]], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int64] | None]:
    """A number for each stack by all of its labels, and for each number a stack that has it; None: it is the only label."""
    if len(columns) < 2:
        return columns[0] if columns else np.full(count, -1, dtype=np.int32), None
    _, first, group = np.unique(np.stack(columns), axis=1, return_index=True, return_inverse=True)
    return group.reshape(-1).astype(np.int32), first
