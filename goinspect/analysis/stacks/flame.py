"""A profile to merged, named stacks: what `goinspect flame` computes, whatever it draws afterwards."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct, flat_ranges
from goinspect.analysis.recordings.selection import list_events
from goinspect.analysis.stacks import merge as stack_ops
from goinspect.analysis.stacks.named import take_stacks
from goinspect.analysis.stacks.recording import take_samples
from goinspect.analysis.stacks.repair import still_truncated
from goinspect.analysis.stacks.taken import FlameOptions, TimeBound
from goinspect.analysis.stacks.tree import MAX_DEPTH, build_tree, narrowest
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.profiles.base import NamedStacks
from goinspect.results.flame import (
    FlameFrame,
    FlameGraph,
    FlameProfile,
    FlameTotals,
    HiddenStacks,
    StackTable,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.stacks.merge import Cut
    from goinspect.analysis.stacks.symbolize import SymbolTable
    from goinspect.analysis.stacks.taken import Taken
    from goinspect.analysis.stacks.tree import Tree
    from goinspect.profiles.base import Profile
    from goinspect.results.flame import Stacks

__all__ = ["TRUNCATED", "FlameOptions", "TimeBound", "draw", "fold", "list_events"]

TRUNCATED = "[truncated]"  # stands for the frames that the recorder had no room for


def fold(profile: Profile | NamedStacks, options: FlameOptions) -> FlameProfile:
    """Name and merge the samples of one event of a recording, or merge stacks that have their names.

    Raises:
        QueryError: the event does not exist, a regular expression is invalid, a file given by hand is unusable, or
            an option asks for what folded stacks do not hold.
    """
    if isinstance(profile, NamedStacks):
        return _folded(take_stacks(profile, options), options)
    return _folded(take_samples(profile, options), options)


def _folded(taken: Taken, options: FlameOptions) -> FlameProfile:
    table = taken.table
    cut = stack_ops.cut_garbage(taken.samples, table.flags)
    keep = None if options.kernel and options.inlines else _kept(table, options)
    truncated = _truncated(taken, cut)
    group = taken.group if truncated is None else 2 * taken.group + truncated
    merged = stack_ops.merge(taken.samples, cut.stop, table, group, taken.weight, keep=keep)
    if truncated is not None:
        rows = merged.group & 1 == 1
        merged = replace(stack_ops.with_roots(merged, rows, len(table.frames)), group=merged.group >> 1)
        table.frames.append(FlameFrame(TRUNCATED, FrameKind.UNKNOWN, "", False))
    if taken.unit == "samples":
        merged = replace(merged, samples=merged.weight.astype(np.int64))
    warnings = list(taken.warnings)
    merged = _filtered(merged, table, options, warnings)
    deepest = int(np.diff(merged.start).max(initial=0))
    if deepest >= MAX_DEPTH:
        warnings.append(
            f"the deepest stack has {deepest:,} frames: pictures show the {MAX_DEPTH:,} from the root on"
        )
    return FlameProfile(
        events=taken.events,
        event=taken.event,
        unit=taken.unit,
        totals=_totals(taken, cut, merged, 0 if truncated is None else int(np.count_nonzero(truncated))),
        stacks=_stack_table(merged, table, taken.groups, reverse=options.reverse),
        missing=taken.missing,
        refused=taken.refused,
        recorded=taken.origin.recorded,
        warnings=tuple(dict.fromkeys(warnings)),
        metadata=dict(taken.metadata),
    )


def _kept(table: SymbolTable, options: FlameOptions) -> NDArray[np.bool_]:
    """Expansions to leave in, by their physical frame."""
    first = (table.frames[expansion[0]] for expansion in table.expansions)
    return np.array(
        [
            (options.kernel or frame.kind != FrameKind.KERNEL) and (options.inlines or not frame.inlined)
            for frame in first
        ],
        dtype=np.bool_,
    )


def _filtered(stacks: Stacks, table: SymbolTable, options: FlameOptions, warnings: list[str]) -> Stacks:
    names = [frame.name for frame in table.frames]
    for pattern, how in ((options.focus, "focus"), (options.ignore, "ignore"), (options.hide, "hide")):
        if pattern is None:
            continue
        try:
            mask = stack_ops.matching(names, re.compile(pattern).search)
        except re.error as error:
            raise QueryError(f"--{how} {pattern!r} is no regular expression: {error}") from None
        if not mask.any():
            warnings.append(f"--{how} {pattern!r} matches no frame")
        if how == "hide":
            stacks = stack_ops.drop_frames(stacks, mask)
        else:
            found = stack_ops.has_frame(stacks, mask)
            stacks = stack_ops.select(stacks, found if how == "focus" else ~found)
    return stacks


def _truncated(taken: Taken, cut: Cut) -> NDArray[np.bool_] | None:
    """Which stacks lack their root; None where none does."""
    if taken.origin.truncated is None or not taken.origin.truncated.any():
        return None
    found = still_truncated(taken.origin.truncated, taken.samples.start, cut.stop, cut.lasts)
    return found if found.any() else None


def _totals(taken: Taken, cut: Cut, merged: Stacks, truncated: int) -> FlameTotals:
    waits = taken.origin.waits
    return FlameTotals(
        samples=taken.origin.samples,
        weight=int(merged.weight.sum()),
        lost=taken.origin.lost,
        throttled=taken.origin.throttled,
        threads=taken.origin.threads,
        frames=cut.frames,
        frames_named=cut.named,
        truncated=truncated + taken.origin.repaired,
        garbage_dropped=cut.dropped,
        repaired=taken.origin.repaired,
        cut_by_dump=taken.origin.cut_by_dump,
        hidden_callers=cut.hidden,
        waits_stackless=waits.stackless if waits else 0,
        waits_stale=waits.stale if waits else 0,
        waits_open=waits.open if waits else 0,
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
    pixels: float = 1200.0,
    min_width: float = 0.0,
    inverted: bool = False,
    reverse: bool = False,
) -> FlameGraph:
    """The call tree of a folded profile.

    What is narrower than `min_width` where the whole is as wide as `pixels` becomes no nodes, but is counted.
    """
    table = profile.stacks
    names = [frame.name for frame in table.frames]
    least = narrowest(int(table.stacks.weight.sum()), pixels, min_width)
    tree = build_tree(table.stacks, table.roots, names, least=least, heaviest_first=profile.event == "sizes")
    start, left = _frames_left(table, tree)
    used = sorted(({*tree.frame, *distinct(left).tolist()}) - {-1})
    number = np.zeros(len(table.frames) + 1, dtype=np.int32)  # -1, at the end, is the root
    number[used] = np.arange(1, len(used) + 1)
    everything = FlameFrame("all", FrameKind.ROOT, "", False)
    return FlameGraph(
        title=title,
        subtitle=subtitle,
        event=profile.event,
        unit=profile.unit,
        samples=profile.totals.samples,
        frames=(everything, *(table.frames[i] for i in used)),
        node_frame=number[tree.frame].tolist(),
        node_parent=tree.parent,
        node_depth=tree.depth,
        node_total=tree.total,
        node_own=tree.own,
        inverted=inverted,
        reverse=reverse,
        pruned=tree.pruned,
        hidden=HiddenStacks(tree.left.node, start, number[left], table.stacks.weight[tree.left.stack]),
    )


def _frames_left(table: StackTable, tree: Tree) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The frames of the stacks that leave the tree, from where they do: where each starts, and all of them."""
    stacks, left = table.stacks, tree.left
    lead = (table.roots[left.stack] >= 0).astype(np.int64)
    rooted = (left.depth < lead).astype(np.int64)  # its root frame is left, too
    begin = stacks.start[left.stack] + np.maximum(left.depth - lead, 0)
    sizes = stacks.start[left.stack + 1] - begin
    frames = stacks.frames[flat_ranges(begin, sizes)]
    at = np.cumsum(sizes) - sizes
    if rooted.any():
        frames = np.insert(frames, at[rooted > 0], table.roots[left.stack][rooted > 0])
    return np.append(0, np.cumsum(sizes + rooted)), frames
