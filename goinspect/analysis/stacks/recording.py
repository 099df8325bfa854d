"""What a flame graph takes from a recording: the chosen samples, with the frames of their locations named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.recordings.finder import BinaryFinder
from goinspect.analysis.recordings.kernel import is_running
from goinspect.analysis.recordings.machine import this_machine
from goinspect.analysis.recordings.offcpu import Waits, off_cpu
from goinspect.analysis.recordings.roots import group_by, labels_of, processes
from goinspect.analysis.recordings.selection import (
    choose_event,
    list_events,
    samples_of,
    select_rows,
    take_rows,
    time_range,
    with_event,
)
from goinspect.analysis.stacks import merge as stack_ops
from goinspect.analysis.stacks.repair import Repaired, repair
from goinspect.analysis.stacks.restored import with_callers
from goinspect.analysis.stacks.symbolize import SymbolizeOptions, Symbolizer
from goinspect.analysis.stacks.taken import Origin, Taken
from goinspect.analysis.stacks.unwinding.unwind import unwind
from goinspect.errors import QueryError
from goinspect.gosym.unwinding.steps import End
from goinspect.results.flame import OFF_CPU
from goinspect.results.places import Span
from goinspect.results.stacks import Weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions
    from goinspect.profiles.base import Profile
    from goinspect.results.stacks import Label

__all__ = ["take_samples"]


def take_samples(profile: Profile, options: FlameOptions) -> Taken:
    """The samples of one event that `options` choose.

    Raises:
        QueryError: the event does not exist, `options` have a unit, or a file given by hand is unusable.
    """
    if options.unit is not None:
        raise QueryError("--unit is for folded stacks: the events of a recording have units")
    events = list_events(profile)
    finder = _finder(profile, options)
    profile, ends = unwind(profile, finder)
    source, waits, chosen = _source(profile, options)
    source, told = with_event(source, chosen, signed=options.every_type)
    symbolizer = Symbolizer(
        profile,
        finder,
        SymbolizeOptions(options.inlines, options.lines, options.kallsyms),
    )
    table = symbolizer.add(profile.locations)
    rows, start, frames = take_rows(source, _rows(source, chosen, options))
    truncated = source.truncated[rows]
    repaired = Repaired(start, frames, np.empty(0, dtype=np.int64))
    if options.repair:
        repaired = repair(start, frames, truncated, processes(source)[rows], table.flags)
    samples = stack_ops.correct_trapped(repaired.start, repaired.frames, profile.locations, symbolizer)
    walked = samples
    if options.restore:
        link = source.link[rows] if source.link is not None and not waits else None
        samples = with_callers(
            walked, symbolizer, profile.locations, link, apart=options.places, narrow=options.calls
        )
    if options.hidden_callers:
        symbolizer.mark_hidden()
    group, groups = group_by(source, rows, options.by)
    count = None if source.values is None else samples_of(source.values, chosen)[rows]
    ones = np.ones(len(rows), dtype=np.uint64) if count is None else count.astype(np.uint64)
    weight = source.weight[rows] if options.weight == "period" else ones
    warnings = [*profile.warnings, *told, *table.warnings, *finder.warnings]
    warnings += [f"{path}: given with --binary, but no mapping of the recording has its name or build ID"
                 for path in finder.unused()]  # fmt: skip
    warnings += waits.warnings() if waits else []
    event = source.events[chosen] if source.events else None
    return Taken(
        events=events,
        event=event.name if event else "",
        unit="samples" if options.weight == "samples" or event is None else event.unit,
        table=table,
        samples=samples,
        walked=walked,
        weight=weight,
        group=group,
        groups=groups,
        origin=Origin(
            samples=len(rows) if count is None else int(count.sum()),
            lost=profile.totals.lost,
            throttled=profile.totals.throttled,
            threads=0 if source.values is not None else len(distinct(source.tid[rows])),
            truncated=truncated,
            repaired=len(repaired.rows),
            cut_by_dump=0 if waits else int(np.count_nonzero(ends[rows] == End.CUT)),
            waits=waits,
            recorded=True,
        ),
        missing=tuple(finder.missing),
        refused=tuple(finder.refused),
        warnings=tuple(warnings),
        metadata=profile.metadata,
        natives=symbolizer.natives,
        mappings=profile.mappings,
        time=source.time[rows] if options.series and source.values is None else None,
        cpu=source.cpu[rows] if options.series and (source.cpu >= 0).any() else None,
        span=_span(source.time[rows], source.weight[rows], profile.metadata)
        if source.values is None
        else Span(),
        labels=_labels(source, rows, options),
        count=count,
        others=_others(source, chosen, rows) if options.every_type else (),
        profiled=source.values is not None,
        facts=None if source.facts is None else source.facts._replace(shown=chosen),
    )


def _rows(source: Profile, chosen: int, options: FlameOptions) -> NDArray[np.bool_]:
    """Which samples to take; with every type those, too, that weigh something in another one only."""
    if source.values is None or not options.every_type:
        return select_rows(source, chosen, options)
    everything = replace(source, event=np.full(len(source), chosen, dtype=np.uint16))
    weighs: NDArray[np.bool_] = (source.values.columns != 0).any(axis=0)
    return select_rows(everything, chosen, options) & weighs


def _others(source: Profile, chosen: int, rows: NDArray[np.int64]) -> tuple[Weight, ...]:
    """The weights of the other events."""
    if source.values is None:
        return ()
    return tuple(
        Weight(event.name, event.unit, column[rows].view(np.uint64))
        for row, (event, column) in enumerate(zip(source.events, source.values.columns, strict=True))
        if row != chosen
    )


def _labels(source: Profile, rows: NDArray[np.int64], options: FlameOptions) -> dict[str, Label]:
    """What samples are told apart by, besides what stands above their stacks."""
    if source.labels is None or not options.every_label:
        return labels_of(source, rows, options.label_columns)
    found = ((key, source.labels.exact(key)) for key in source.labels.keys)
    return {key: label._replace(row=label.row[rows]) for key, label in found if label is not None}


def _span(time: NDArray[np.uint64], weight: NDArray[np.uint64], metadata: dict[str, str]) -> Span:
    """When the samples were taken, as far as the recording tells."""
    if not len(time):
        return Span()
    period = int(weight[0]) if (weight == weight[0]).all() else 0
    begin, end = int(time[0]), int(time[-1])
    at, wall = (int(metadata.get(f"clock_{what}_ns", 0)) for what in ("recorder", "wall"))
    return Span(begin, end, wall + begin - at if wall and begin else 0, period)


def _source(profile: Profile, options: FlameOptions) -> tuple[Profile, Waits | None, int]:
    """The profile to draw, and which of its events: the recording's own, or what its context switches tell."""
    if not options.off_cpu:
        if profile.values is not None and options.event is None:
            return profile, None, profile.values.default
        return profile, None, choose_event(list_events(profile), options.event)
    if options.event not in (None, OFF_CPU):
        raise QueryError("--off-cpu and --event: off-CPU time comes from all events together")
    source, waits = off_cpu(profile, time_range(profile, options))
    return source, waits, 0


def _finder(profile: Profile, options: FlameOptions) -> BinaryFinder:
    path = Path(profile.path)
    machine = this_machine()
    same_machine = profile.metadata.get("hostname", machine.node) == machine.node
    return BinaryFinder(
        options.binaries,
        symfs=options.symfs,
        near=str(path.parent),
        archive=f"{path}.tar.bz2",
        same_machine=same_machine,
        build_ids={mapping.build_id for mapping in profile.mappings},
        same_kernel=lambda: is_running(
            next((m for m in profile.mappings if m.kernel and m.path.startswith("[kernel")), None),
            machine,
            same_machine=same_machine,
            os_release=profile.metadata.get("os_release", ""),
        ),
        machine=machine,
    )
