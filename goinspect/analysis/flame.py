"""A recording to merged, named stacks: what `goinspect flame` computes, whatever it draws afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis import stacks as stack_ops
from goinspect.analysis.locate_binaries import BinaryFinder
from goinspect.analysis.symbolize import SymbolizeOptions, Symbolizer
from goinspect.analysis.tree import build_tree
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.results.flame import (
    EventSummary,
    FlameFrame,
    FlameGraph,
    FlameProfile,
    FlameTotals,
    StackTable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.stacks import Cut
    from goinspect.analysis.symbolize import SymbolTable
    from goinspect.profiles.base import Profile
    from goinspect.results.flame import Stacks

__all__ = ["FlameOptions", "draw", "fold", "list_events"]


@dataclass(frozen=True, slots=True)
class FlameOptions:
    """What to read, name and keep. Defaults are the command's."""

    binaries: Sequence[str] = ()
    symfs: str | None = None
    kallsyms: str | None = None
    event: str | None = None
    weight: str = "period"  # or "samples"
    by: str = "process"  # root frame: "process", "thread" or "none"
    pids: Sequence[int] = ()
    tids: Sequence[int] = ()
    comms: Sequence[str] = ()
    cpus: Sequence[int] = ()
    time: tuple[float | None, float | None] = (None, None)  # seconds from the first sample
    inlines: bool = True
    kernel: bool = True
    lines: bool = False
    focus: str | None = None
    ignore: str | None = None
    hide: str | None = None
    reverse: bool = False


def list_events(profile: Profile) -> tuple[EventSummary, ...]:
    """The events of a recording with their samples, in the recording's order."""
    counts = np.bincount(profile.event, minlength=len(profile.events))
    return tuple(
        EventSummary(event.name, int(count), int(profile.weight[profile.event == i].sum()), event.unit)
        for i, (event, count) in enumerate(zip(profile.events, counts.tolist(), strict=True))
    )


def fold(profile: Profile, options: FlameOptions) -> FlameProfile:
    """Name and merge the samples of one event.

    Raises:
        QueryError: the event does not exist, a regular expression is invalid, or a file given by hand is unusable.
    """
    events = list_events(profile)
    chosen = _choose_event(events, options.event)
    warnings = list(profile.warnings)
    finder = BinaryFinder(options.binaries, symfs=options.symfs, near=str(Path(profile.path).parent))
    symbolizer = Symbolizer(
        profile, finder, SymbolizeOptions(options.inlines, options.lines, options.kallsyms)
    )
    table = symbolizer.add(profile.locations)
    rows, start, frames = _take(profile, _selected(profile, chosen, options))
    samples = stack_ops.correct_trapped(start, frames, profile.locations, symbolizer)
    cut = stack_ops.cut_garbage(samples, table.flags)
    group, groups = _groups(profile, rows, options.by)
    weight = profile.weight[rows] if options.weight == "period" else np.ones(len(rows), dtype=np.uint64)
    keep = None if options.kernel else _not_kernel(table)
    merged = stack_ops.merge(samples, cut.stop, table, group, weight, keep=keep)
    merged = _filtered(merged, table, options)
    warnings += [*table.warnings, *finder.warnings]
    warnings += [f"{path}: given with --binary, but no mapping of the recording has its name or build ID"
                 for path in finder.unused()]  # fmt: skip
    return FlameProfile(
        events=events,
        event=events[chosen].name if events else "",
        unit="samples" if options.weight == "samples" else (events[chosen].unit if events else "samples"),
        totals=_totals(profile, rows, cut, merged),
        stacks=_stack_table(merged, table, groups, reverse=options.reverse),
        missing=tuple(finder.missing),
        warnings=tuple(dict.fromkeys(warnings)),
        metadata=dict(profile.metadata),
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


def _not_kernel(table: SymbolTable) -> NDArray[np.bool_]:
    return np.array([table.frames[e[0]].kind != FrameKind.KERNEL for e in table.expansions], dtype=np.bool_)


def _filtered(stacks: Stacks, table: SymbolTable, options: FlameOptions) -> Stacks:
    names = [frame.name for frame in table.frames]
    for pattern, how in ((options.focus, "focus"), (options.ignore, "ignore"), (options.hide, "hide")):
        if pattern is None:
            continue
        try:
            mask = stack_ops.matching(names, re.compile(pattern).search)
        except re.error as error:
            raise QueryError(f"--{how} {pattern!r} is no regular expression: {error}") from None
        if how == "hide":
            stacks = stack_ops.drop_frames(stacks, mask)
        else:
            found = stack_ops.has_frame(stacks, mask)
            stacks = stack_ops.select(stacks, found if how == "focus" else ~found)
    return stacks


def _totals(profile: Profile, rows: NDArray[np.int64], cut: Cut, merged: Stacks) -> FlameTotals:
    return FlameTotals(
        samples=len(rows),
        weight=int(merged.weight.sum()),
        lost=profile.totals.lost,
        throttled=profile.totals.throttled,
        threads=len(distinct(profile.tid[rows])),
        frames=cut.frames,
        frames_named=cut.named,
        truncated=int(np.count_nonzero(profile.truncated[rows])),
        garbage_dropped=cut.dropped,
    )


def _stack_table(stacks: Stacks, table: SymbolTable, groups: list[str], *, reverse: bool) -> StackTable:
    frames = [*table.frames, *(FlameFrame(name, FrameKind.ROOT, "", False) for name in groups)]
    roots = stacks.group + len(table.frames) if groups else np.full(len(stacks), -1)
    if reverse:
        stacks = stack_ops.reversed_stacks(stacks)
    return StackTable(tuple(frames), roots.astype(np.int32), stacks)


def draw(
    profile: FlameProfile,
    *,
    title: str,
    subtitle: str = "",
    min_fraction: float = 0.0,
    inverted: bool = False,
    reverse: bool = False,
) -> FlameGraph:
    """The call tree of a folded profile; subtrees below `min_fraction` of the whole are left out."""
    table = profile.stacks
    names = [frame.name for frame in table.frames]
    tree = build_tree(table.stacks, table.roots, names, min_fraction=min_fraction)
    used = sorted(set(tree.frame) - {-1})
    number = {old: new for new, old in enumerate(used, start=1)}
    everything = FlameFrame("all", FrameKind.ROOT, "", False)
    return FlameGraph(
        title=title,
        subtitle=subtitle,
        event=profile.event,
        unit=profile.unit,
        samples=profile.totals.samples,
        frames=(everything, *(table.frames[i] for i in used)),
        node_frame=[number.get(i, 0) for i in tree.frame],
        node_parent=tree.parent,
        node_depth=tree.depth,
        node_total=tree.total,
        node_own=tree.own,
        inverted=inverted,
        reverse=reverse,
        pruned=tree.pruned,
    )
