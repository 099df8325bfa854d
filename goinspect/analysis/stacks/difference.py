"""Two profiles side by side: stacks with the weights of both, whatever builds they are of.

Frames are matched by what they are called and what they are (function names, kinds), never by addresses: a function that
the compiler inlined in one build only is the same function. Filters come last, over stacks of both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.stacks.fold import filtered
from goinspect.analysis.stacks.together import added
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.results.flame import Difference, Side
from goinspect.results.places import Span
from goinspect.results.stacks import BASE, PARTS, Label, StackFrame, Stacks, Weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions
    from goinspect.results.flame import FlameProfile

__all__ = ["difference", "unfiltered"]

_UNUSED = "given with --binary, but no mapping"


def unfiltered(options: FlameOptions) -> FlameOptions:
    """What to ask of each side: filters are for the stacks of both, and shares are those of all samples."""
    return replace(options, focus=None, ignore=None, hide=None, reverse=False)


def difference(
    base: FlameProfile,
    other: FlameProfile,
    options: FlameOptions,
    *,
    paths: tuple[str, str],
    absolute: bool = False,
) -> FlameProfile:
    """What is known of `other`, with stacks that have its weights and those of `base`.

    Args:
        base: what was before.
        other: what is now. Both weigh the same, and were folded with `unfiltered` options.
        options: what was asked for.
        paths: of base and other.
        absolute: weights are compared as they are, not per sample; bytes always are.

    Raises:
        QueryError: one of them is empty, so that nothing is per sample; or a regular expression is invalid.
    """
    # Memory and sizes are what they are, however long was recorded.
    absolute = absolute or other.unit == "bytes"
    told = Difference(_side(base, paths[0]), _side(other, paths[1]), absolute)
    for side in told[:2]:
        if not absolute and not side.weight:
            raise QueryError(
                "nothing was sampled, so nothing can be compared per sample (--diff-absolute compares weights)",
                path=side.path,
            )
    warnings = _warnings(paths, base.warnings, other.warnings)
    parts = _same_roots([other.stacks, base.stacks], warnings)
    if not told.counted and other.event != "sizes":
        silent = next(side.path for side in told[:2] if not side.grain)
        warnings.append(
            f"{silent}: does not say how many samples its weights are of: no noise is told from change"
        )
    stacks = added(
        _two_weights(
            _same_frames(parts, by_kind=base.recorded and other.recorded, by_package=other.event == "sizes")
        )
    )
    stacks = filtered(stacks, options, warnings)
    return other._replace(
        totals=other.totals._replace(weight=int(stacks.weight.sum())),
        stacks=stacks.reversed() if options.reverse else stacks,
        missing=tuple(dict.fromkeys((*base.missing, *other.missing))),
        refused=tuple(dict.fromkeys((*base.refused, *other.refused))),
        warnings=tuple(dict.fromkeys(warnings)),
        metadata={
            f"{path}: {key}": value
            for path, side in zip(paths, (base, other), strict=True)
            for key, value in side.metadata.items()
        },
        span=Span(),
        facts=None,
        difference=told,
    )


def _warnings(paths: tuple[str, str], base: Sequence[str], other: Sequence[str]) -> list[str]:
    """Those of both; of binaries given by hand, which are for either, those that neither took."""
    told = [(path, text) for path, side in zip(paths, (base, other), strict=True) for text in side]
    return [
        f"{path}: {text}" for path, text in told if _UNUSED not in text or (text in base and text in other)
    ]


def _side(profile: FlameProfile, path: str) -> Side:
    return Side(path, profile.totals.samples, int(profile.stacks.weight.sum()), _grain(profile))


def _grain(profile: FlameProfile) -> float:
    """The sum of the squares of samples' weights by their sum; samples of one stack are taken to weigh the same."""
    part, of, whole = profile.unit.partition(" of ")
    if profile.unit == "samples" or (of and whole == "samples" and part in PARTS):
        return float(10 ** PARTS.get(part, 0))
    if not profile.recorded or (profile.profiled and not _counts_samples(profile)):
        return 0.0
    weight, samples = profile.stacks.weight.astype(np.float64), profile.stacks.samples
    known = samples > 0
    whole_weight = float(weight[known].sum())
    return float((weight[known] ** 2 / samples[known]).sum()) / whole_weight if whole_weight else 1.0


def _counts_samples(profile: FlameProfile) -> bool:
    """Do the counts of a pprof profile mean samples, and not objects or contentions that were estimated from some?"""
    return profile.facts is not None and any(kind[:2] == ("samples", "count") for kind in profile.facts.types)


# --- what is the same on both sides ---


def _same_frames(parts: Sequence[Stacks], *, by_kind: bool, by_package: bool) -> list[Stacks]:
    """The parts with equal frames for what is the same function.

    Folded stacks have only guessed kinds, and write ``;`` in names as ``:``: with them names count alone. Of sizes a frame is a
    name in a package.
    """

    def key(frame: StackFrame) -> tuple[str, str, str, int]:
        if by_kind:
            return frame.name, frame.kind, frame.file, frame.line
        return frame.name.replace(";", ":"), frame.package if by_package else "", frame.file, frame.line

    known: dict[tuple[str, str, str, int], StackFrame] = {}
    for frame in (frame for part in parts for frame in part.frames):
        first = known.setdefault(key(frame), frame._replace(restored=False, start_line=0, wrapper=False))
        if first.inlined and not frame.inlined:
            known[key(frame)] = first._replace(inlined=False)
    return [replace(part, frames=tuple(known[key(frame)] for frame in part.frames)) for part in parts]


def _two_weights(parts: Sequence[Stacks]) -> list[Stacks]:
    """Stacks of other and base with their weights in the first and in the second column."""
    (name, unit, _), out = parts[0].weights[0], []
    for column, part in enumerate(parts):
        none, samples = np.zeros(len(part), dtype=np.uint64), part.samples.astype(np.uint64)
        values = (none, part.weight, samples) if column else (part.weight, none, none)
        weights = tuple(map(Weight, (name, BASE, "samples of the base"), (unit, unit, "samples"), values))
        labels = {part.root: part.labels[part.root]} if part.root else {}
        counts = np.zeros(len(part), dtype=np.int64) if column else part.samples
        out.append(
            replace(
                part, weights=weights, labels=labels, samples=counts, place=None, places=None, series=None
            )
        )
    return out


def _same_roots(parts: Sequence[Stacks], warnings: list[str]) -> list[Stacks]:
    """The parts with what stands above their stacks as labels of one name, or with nothing there."""
    name = next((part.root for part in parts if part.root), "process")
    labelled = [part if part.root else _with_label(part, name) for part in parts]
    if not any(part.root for part in labelled):
        return labelled
    if not all(part.root for part in labelled):
        warnings.append("one of both has no processes above its stacks: they are compared without")
        return [replace(part, root="", labels={}) for part in labelled]
    roots = [set(part.labels[part.root].values) for part in labelled]
    if all(roots) and not roots[0] & roots[1]:
        names = " and ".join(min(root) for root in roots)
        hint = ": --by none compares without" if all(part.root for part in parts) else ""
        warnings.append(f"what stands above stacks has no name in common ({names}){hint}")
    return labelled if any(part.root for part in parts) else list(parts)


def _with_label(part: Stacks, name: str) -> Stacks:
    """Folded stacks whose first frames are processes, with a label in place of these."""
    root = np.array([frame.kind == FrameKind.ROOT for frame in part.frames], dtype=np.bool_)
    first: NDArray[np.int32] = part.frame[part.start[:-1]] if len(part.frame) else np.empty(0, np.int32)
    if not len(first) or (np.diff(part.start) < 1).any() or not root[first].all():
        return part
    numbers, row = np.unique(first, return_inverse=True)
    label = Label(tuple(part.frames[number].name for number in numbers.tolist()), row.astype(np.int32))
    return replace(part.without(root), labels={name: label}, root=name)
