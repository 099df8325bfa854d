"""A profile to merged, named stacks: what `goinspect flame` computes, whatever it draws afterwards."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.stacks import merge as stack_ops
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.profiles.base import NamedStacks
from goinspect.results.flame import FlameProfile, FlameTotals
from goinspect.results.places import Series
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight
from goinspect.views.tree import MAX_DEPTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions
    from goinspect.analysis.stacks.framing.places import Placed
    from goinspect.analysis.stacks.merge import Cut, Merged
    from goinspect.analysis.stacks.symboltable import SymbolTable
    from goinspect.analysis.stacks.taken import Taken
    from goinspect.profiles.base import Profile

__all__ = [
    "TRUNCATED",
    "filtered",
    "fold",
    "folded",
    "kept_expansions",
    "matches",
    "truncated_rows",
    "waits_of",
]

TRUNCATED = "[truncated]"  # stands for the frames that the recorder had no room for


def fold(profile: Profile | NamedStacks, options: FlameOptions) -> FlameProfile:
    """Name and merge the samples of one event of a recording, or merge stacks that have their names.

    Raises:
        QueryError: the event does not exist, a regular expression is invalid, a file given by hand is unusable, or
            an option asks for what folded stacks do not hold.
    """
    if isinstance(profile, NamedStacks):
        from goinspect.analysis.stacks.named import take_stacks

        return folded(take_stacks(profile, options), options)
    from goinspect.analysis.stacks.recording import take_samples

    found = folded(take_samples(profile, options), options)
    return found._replace(waits=waits_of(profile, options))


def waits_of(profile: Profile, options: FlameOptions) -> FlameProfile | None:
    """The time between context switches, where it is asked for beside samples and was recorded."""
    if options.off_cpu or not options.waits or not profile.switches:
        return None
    from goinspect.analysis.stacks.recording import take_samples

    options = replace(options, event=None, off_cpu=True)
    waits = folded(take_samples(profile, options), options)
    return waits if len(waits.stacks) else None


def folded(taken: Taken, options: FlameOptions) -> FlameProfile:
    """The same of samples that were taken from a profile."""
    where = None
    if options.places and taken.origin.recorded:
        from goinspect.analysis.stacks.framing.places import placed  # few outputs ask where frames are

        where = placed(taken.table, taken.mappings, taken.facts)
    table = where.table if where else taken.table
    cut = stack_ops.cut_garbage(taken.samples, table.flags)
    keep = None if options.kernel and options.inlines else kept_expansions(table, options)
    truncated = truncated_rows(taken, cut)
    label_group, label_rows = _label_groups(taken)
    group = label_group if truncated is None else 2 * label_group + truncated
    merged = stack_ops.merge(
        taken.samples, cut.stop, table, group, taken.weight, keep=keep, count=taken.count,
        others=[other.values for other in taken.others], marks=where.marks if where else None,
    )  # fmt: skip
    if truncated is not None:
        rows = merged.group & 1 == 1
        merged = replace(stack_ops.with_roots(merged, rows, len(table.frames)), group=merged.group >> 1)
        table.frames.append(StackFrame(TRUNCATED, FrameKind.UNKNOWN, "", False))
    if taken.unit == "samples":
        merged = replace(merged, samples=merged.weight.astype(np.int64))
    warnings = list(taken.warnings)
    stacks = filtered(_as_stacks(merged, taken, options.by, label_rows, where), options, warnings)
    deepest = int(np.diff(stacks.start).max(initial=0))
    if deepest >= MAX_DEPTH:
        warnings.append(
            f"the deepest stack has {deepest:,} frames: pictures show the {MAX_DEPTH:,} from the root on"
        )
    return FlameProfile(
        events=taken.events,
        event=taken.event,
        totals=_totals(taken, cut, stacks, 0 if truncated is None else int(np.count_nonzero(truncated))),
        stacks=stacks.reversed() if options.reverse else stacks,
        missing=taken.missing,
        refused=taken.refused,
        recorded=taken.origin.recorded,
        warnings=tuple(dict.fromkeys(warnings)),
        metadata=dict(taken.metadata),
        profiled=taken.profiled,
        span=taken.span,
        facts=taken.facts,
    )


def _label_groups(taken: Taken) -> tuple[NDArray[np.int32], NDArray[np.int64] | None]:
    """A number for each row by all that keeps rows apart, and for each number a row that has it."""
    if not taken.labels:
        return taken.group, None
    key, most = taken.group.astype(np.int64), max(len(taken.groups), 1)
    for label in taken.labels.values():
        size = len(label.values) + 1
        if most * size >= 1 << 62:
            _, key = np.unique(key, return_inverse=True)
            most = len(key)
        key, most = key * size + label.row + 1, most * size
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return group.astype(np.int32), first


def kept_expansions(table: SymbolTable, options: FlameOptions) -> NDArray[np.bool_]:
    """Expansions to leave in, by their physical frame."""
    first = (table.frames[expansion[0]] for expansion in table.expansions)
    return np.array(
        [
            (options.kernel or frame.kind != FrameKind.KERNEL) and (options.inlines or not frame.inlined)
            for frame in first
        ],
        dtype=np.bool_,
    )


def filtered(stacks: Stacks, options: FlameOptions, warnings: list[str]) -> Stacks:
    """What ``--focus``, ``--ignore`` and ``--hide`` leave."""
    names = [frame.name for frame in stacks.frames]
    for pattern, how in ((options.focus, "focus"), (options.ignore, "ignore"), (options.hide, "hide")):
        if pattern is None:
            continue
        mask = matches(names, pattern, how, warnings)
        if how == "hide":
            stacks = stacks.without(mask)
        else:
            found = stacks.holding(mask)
            stacks = stacks.where(found if how == "focus" else ~found)
    return stacks


def matches(names: list[str], pattern: str, how: str, warnings: list[str]) -> NDArray[np.bool_]:
    """Which names a pattern that an option gives finds. Raises QueryError where it is none."""
    try:
        mask = stack_ops.matching(names, re.compile(pattern).search)
    except re.error as error:
        raise QueryError(f"--{how} {pattern!r} is no regular expression: {error}") from None
    if not mask.any():
        warnings.append(f"--{how} {pattern!r} matches no frame")
    return mask


def truncated_rows(taken: Taken, cut: Cut) -> NDArray[np.bool_] | None:
    """Which stacks lack their root; None where none does."""
    if taken.origin.truncated is None or not taken.origin.truncated.any():
        return None
    from goinspect.analysis.stacks.repair import still_truncated

    found = still_truncated(taken.origin.truncated, taken.samples.start, cut.stop, cut.lasts)
    return found if found.any() else None


def _totals(taken: Taken, cut: Cut, stacks: Stacks, truncated: int) -> FlameTotals:
    waits = taken.origin.waits
    return FlameTotals(
        samples=taken.origin.samples,
        weight=int(stacks.weight.view(np.int64).sum()),
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
        restored=cut.restored,
        waits_stackless=waits.stackless if waits else 0,
        waits_stale=waits.stale if waits else 0,
        waits_open=waits.open if waits else 0,
    )


def _as_stacks(
    merged: Merged, taken: Taken, by: str, label_rows: NDArray[np.int64] | None, where: Placed | None
) -> Stacks:
    """Merged stacks with their frames; the groups that were kept apart are labels."""
    row = None if label_rows is None else label_rows[merged.group]
    group = merged.group if row is None else taken.group[row]
    labels = {by: Label(tuple(taken.groups), group)} if taken.groups else {}
    if row is not None:
        labels |= {name: label._replace(row=label.row[row]) for name, label in taken.labels.items()}
    table = where.table if where else taken.table
    return Stacks(
        frames=tuple(table.frames),
        start=merged.start,
        frame=merged.frame,
        samples=merged.samples,
        weights=(
            Weight(taken.event, taken.unit, merged.weight),
            *(
                other._replace(values=values)
                for other, values in zip(taken.others, merged.others.T, strict=True)
            ),
        ),
        labels=labels,
        root=by if taken.groups else "",
        place=merged.mark,
        places=where.places if where else None,
        series=None if taken.time is None else Series(merged.stack, taken.time, taken.weight, taken.cpu),
    )
