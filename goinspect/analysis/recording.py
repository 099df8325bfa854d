"""What a flame graph takes from a recording: the chosen samples, with the frames of their locations named."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis import stacks as stack_ops
from goinspect.analysis.locate_binaries import BinaryFinder
from goinspect.analysis.symbolize import SymbolizeOptions, Symbolizer
from goinspect.analysis.taken import Origin, Taken
from goinspect.errors import QueryError
from goinspect.results.flame import EventSummary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.taken import FlameOptions
    from goinspect.profiles.base import Profile

__all__ = ["list_events", "take_samples"]


def list_events(profile: Profile) -> tuple[EventSummary, ...]:
    """The events of a recording with their samples, in the recording's order."""
    counts = np.bincount(profile.event, minlength=len(profile.events))
    return tuple(
        EventSummary(event.name, int(count), int(profile.weight[profile.event == i].sum()), event.unit)
        for i, (event, count) in enumerate(zip(profile.events, counts.tolist(), strict=True))
    )


def take_samples(profile: Profile, options: FlameOptions) -> Taken:
    """The samples of one event that `options` choose.

    Raises:
        QueryError: the event does not exist, `options` have a unit, or a file given by hand is unusable.
    """
    if options.unit is not None:
        raise QueryError("--unit is for folded stacks: the events of a recording have units")
    events = list_events(profile)
    chosen = _choose_event(events, options.event)
    finder = _finder(profile, options)
    symbolizer = Symbolizer(
        profile, finder, SymbolizeOptions(options.inlines, options.lines, options.kallsyms)
    )
    table = symbolizer.add(profile.locations)
    rows, start, frames = _take(profile, _selected(profile, chosen, options))
    samples = stack_ops.correct_trapped(start, frames, profile.locations, symbolizer)
    group, groups = _groups(profile, rows, options.by)
    weight = profile.weight[rows] if options.weight == "period" else np.ones(len(rows), dtype=np.uint64)
    warnings = [*profile.warnings, *table.warnings, *finder.warnings]
    warnings += [f"{path}: given with --binary, but no mapping of the recording has its name or build ID"
                 for path in finder.unused()]  # fmt: skip
    return Taken(
        events=events,
        event=events[chosen].name if events else "",
        unit="samples" if options.weight == "samples" else (events[chosen].unit if events else "samples"),
        table=table,
        samples=samples,
        weight=weight,
        group=group,
        groups=groups,
        origin=Origin(
            samples=len(rows),
            lost=profile.totals.lost,
            throttled=profile.totals.throttled,
            threads=len(distinct(profile.tid[rows])),
            truncated=int(np.count_nonzero(profile.truncated[rows])),
        ),
        missing=tuple(finder.missing),
        warnings=tuple(warnings),
        metadata=profile.metadata,
    )


def _finder(profile: Profile, options: FlameOptions) -> BinaryFinder:
    path = Path(profile.path)
    return BinaryFinder(
        options.binaries,
        symfs=options.symfs,
        near=str(path.parent),
        archive=f"{path}.tar.bz2",
        same_machine=profile.metadata.get("hostname", platform.node()) == platform.node(),
        build_ids={mapping.build_id for mapping in profile.mappings},
    )


def _choose_event(events: tuple[EventSummary, ...], name: str | None) -> int:
    if name is not None:
        names = [event.name for event in events]
        # perf prints modifiers behind a colon ("cycles:u"); asking without them is enough where it is unambiguous
        for spelled in (names, [known.partition(":")[0] for known in names]):
            if name in spelled:
                return spelled.index(name)
        raise QueryError(f"no event {name!r}, recorded are: {', '.join(names)}")
    with_samples = [
        i for i, event in enumerate(events) if event.samples and not event.name.startswith("dummy")
    ]
    return with_samples[0] if with_samples else 0


def _selected(profile: Profile, event: int, options: FlameOptions) -> NDArray[np.bool_]:
    rows = np.asarray(profile.event == event)
    for column, wanted in (
        (profile.pid, options.pids),
        (profile.tid, options.tids),
        (profile.cpu, options.cpus),
    ):
        if wanted:
            rows &= np.isin(column, np.array(list(wanted), dtype=np.int64))
    if options.comms:
        known = np.array([comm in options.comms for comm in profile.comms] or [False])
        rows &= np.where(profile.comm >= 0, known[profile.comm], False)
    begin, end = options.time
    if len(profile) and (begin is not None or end is not None):
        origin = int(profile.time[0])
        if begin is not None:
            rows &= profile.time >= origin + int(begin * 1e9)
        if end is not None:
            rows &= profile.time < origin + int(end * 1e9)
    return rows


def _take(
    profile: Profile, rows: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """The numbers of the chosen samples, and their stacks: where each starts, and the frames."""
    index = np.flatnonzero(rows)
    if len(index) == len(rows):
        return index, profile.stack_start, profile.frames
    sizes = np.diff(profile.stack_start)
    start = np.concatenate(([0], np.cumsum(sizes[index]))).astype(np.int64)
    return index, start, profile.frames[np.repeat(rows, sizes)]


def _groups(profile: Profile, rows: NDArray[np.int64], by: str) -> tuple[NDArray[np.int32], list[str]]:
    """A number for each sample's root frame, and the frames' names."""
    if by == "none" or not len(rows):
        return np.zeros(len(rows), dtype=np.int32), []
    comm = profile.comm[rows].astype(np.int64)
    who = (profile.tid if by == "thread" else profile.pid)[rows].astype(np.int64)
    # A process is one root, named after its first thread's comm: threads that rename themselves stay in it.
    if by == "process":
        pids, first, inverse = np.unique(who, return_index=True, return_inverse=True)
        main = _main_comms(profile, pids, comm[first])
        labels = [_comm(profile, c) for c in main.tolist()]
    else:
        _, first, inverse = np.unique(comm << 32 | who, return_index=True, return_inverse=True)
        labels = [f"{_comm(profile, int(comm[i]))} {int(who[i])}" for i in first.tolist()]
    names = sorted(set(labels))
    number = np.array([names.index(label) for label in labels], dtype=np.int32)
    return number[inverse], names


def _main_comms(profile: Profile, pids: NDArray[np.int64], fallback: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last comm of each process's main thread; without samples of it, the first comm seen."""
    main = np.flatnonzero(profile.pid == profile.tid)
    out = fallback.copy()
    position = np.searchsorted(pids, profile.pid[main])
    inside = position < len(pids)
    main, position = main[inside], position[inside]
    exact = pids[position] == profile.pid[main]
    out[position[exact]] = profile.comm[main[exact]]
    return out


def _comm(profile: Profile, number: int) -> str:
    return profile.comms[number] if 0 <= number < len(profile.comms) else "?"
