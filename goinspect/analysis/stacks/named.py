"""What a flame graph takes from folded stacks: their frames are named already, and only sorted into kinds here.

The names tell what is known of a frame: annotations (``_[k]`` kernel, ``_[i]`` inlined, ``_[j]`` compiled at run time,
as FlameGraph's stackcollapse-perf.pl writes them), the place that ``--lines`` adds, and the grammar of Go's names
where the profile is one of a Go program.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.stacks.merge import Samples
from goinspect.analysis.stacks.symboltable import Flag, SymbolTable
from goinspect.analysis.stacks.taken import Origin, Taken
from goinspect.analysis.stacks.textnames import is_go_evidence, looks_go
from goinspect.errors import QueryError
from goinspect.gosym.naming.framekinds import frame_kind
from goinspect.gosym.naming.origins import Origins
from goinspect.model import FrameKind
from goinspect.results.flame import EventSummary
from goinspect.results.stacks import PARTS, StackFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions
    from goinspect.profiles.base import NamedStacks

__all__ = ["take_stacks"]

_ORIGINS = Origins(None)  # no binary is known
_SUFFIX = re.compile(r"_\[([kij])\]")
_PLACE = re.compile(r" ([^ ]+:[0-9]+)")
_LINKED = ("toolchain", "assembly")  # what comes with Go and has no package: goinspect symbols says so
_NANOSECONDS = {
    "ns": 0, "nanoseconds": 0, "us": 3, "µs": 3, "microseconds": 3, "ms": 6, "milliseconds": 6, "s": 9, "seconds": 9,
}  # fmt: skip


def take_stacks(stacks: NamedStacks, options: FlameOptions) -> Taken:
    """All rows of `stacks`.

    Raises:
        QueryError: `options` ask for what folded stacks do not hold, or the weights are too large for their unit.
    """
    _refuse_what_is_not_there(options)
    weight, unit = _weights(stacks, options.unit)
    if stacks.subject == "sizes":
        frames, numbers = _size_frames(stacks)
    else:
        frames, numbers = _frames(stacks), stacks.frames
    table = _table(frames)
    rows = np.zeros(len(stacks), dtype=np.int32)
    total = int(weight.sum())
    count = total if unit == "samples" else len(stacks)
    event = stacks.subject or unit
    samples = Samples(stacks.stack_start, numbers, np.empty(0, np.int64), np.empty(0, np.int32))
    return Taken(
        events=(EventSummary(event, count, total, unit),),
        event=event,
        unit=unit,
        table=table,
        samples=samples,
        walked=samples,
        weight=weight,
        group=rows,
        groups=[],
        origin=Origin(count),
        missing=(),
        refused=(),
        warnings=(*stacks.warnings, *_ineffective(frames, options)),
        metadata={},
    )


def _refuse_what_is_not_there(options: FlameOptions) -> None:
    asked = {
        "--binary": options.binaries, "--symfs": options.symfs, "--kallsyms": options.kallsyms, "--event": options.event,
        "--pid": options.pids, "--tid": options.tids, "--comm": options.comms, "--cpu": options.cpus,
        "--time": options.time != (None, None), "--weight": options.weight != "period", "--by": options.by != "process",
        "--lines": options.lines, "--off-cpu": options.off_cpu, "--repair": options.repair,
        "--hidden-callers": options.hidden_callers, "--label": options.labels,
    }  # fmt: skip
    for option, given in asked.items():
        if given:
            raise QueryError(
                f"{option} needs a recording: folded stacks hold names and weights, nothing else"
            )


def _ineffective(frames: list[StackFrame], options: FlameOptions) -> list[str]:
    """Warnings about filters that find nothing because nothing is marked."""
    out = []
    if not options.kernel and not any(frame.kind == FrameKind.KERNEL for frame in frames):
        out.append("--no-kernel: no frame is marked as the kernel's (name_[k])")
    if not options.inlines and not any(frame.inlined for frame in frames):
        out.append("--no-inline: no frame is marked as inlined (name_[i])")
    return out


# --- weights ---


def _weights(stacks: NamedStacks, wanted: str | None) -> tuple[NDArray[np.uint64], str]:
    """Integer weights and their unit: times in ns, decimals of anything else in parts of it."""
    unit, places = wanted or stacks.unit or "samples", stacks.decimals
    if unit in _NANOSECONDS:
        shift, unit = _NANOSECONDS[unit] - places, "ns"
        if shift >= 0:
            if int(stacks.weight.sum()) * 10**shift >= 1 << 63:
                raise QueryError(f"--unit {wanted or stacks.unit}: the weights add up to more than 2^63 ns")
            return stacks.weight * np.uint64(10**shift), unit
        places = -shift
    part = next((name for name, digits in PARTS.items() if digits == places), "")
    return stacks.weight, f"{part} of {unit}" if part else unit


# --- frames ---


def _table(frames: list[StackFrame]) -> SymbolTable:
    """Frames as symbolized locations: location i has ``frames[i]``. Names that mean the same frame become one."""
    ids: dict[StackFrame, int] = {}
    expansion = np.array([ids.setdefault(frame, len(ids)) for frame in frames], dtype=np.int32)
    unnamed = np.array([frame.kind == FrameKind.UNKNOWN for frame in frames], dtype=np.bool_)
    return SymbolTable(
        frames=list(ids),
        expansions=[(i,) for i in range(len(ids))],
        expansion=expansion,
        flags=np.where(unnamed, np.uint8(0), np.uint8(Flag.NAMED)),
    )


class _Parts(NamedTuple):
    """A name without what was added to it."""

    name: str
    place: str
    mark: str


def _parts(text: str) -> _Parts:
    mark = _SUFFIX.fullmatch(text[-4:])
    if mark:
        text = text[:-4]
    cut = text.rfind(" ")
    place = _PLACE.fullmatch(text[cut:]) if cut > 0 else None
    return _Parts(text[:cut] if place else text, place[1] if place else "", mark[1] if mark else "")


def _frames(stacks: NamedStacks) -> list[StackFrame]:
    """A frame for each name."""
    parts = [_parts(name) for name in stacks.names]
    if not any(is_go_evidence(part.name) for part in parts):
        return [_frame(part, go=False) for part in parts]
    frames = [_frame(part, go=True) for part in parts]
    for number in _processes(stacks, parts):
        frames[number] = StackFrame(parts[number].name, FrameKind.ROOT, "", False)
    return frames


def _processes(stacks: NamedStacks, parts: list[_Parts]) -> list[int]:
    """The names that stand at the root of every stack and nowhere else, when they are those of processes."""
    roots = np.bincount(stacks.frames[stacks.stack_start[1:] - 1], minlength=len(parts))
    found = np.flatnonzero(roots).tolist()
    if any(parts[i].mark or parts[i].name[:1] in ("", "[") or is_go_evidence(parts[i].name) for i in found):
        return []
    everywhere = np.bincount(stacks.frames, minlength=len(parts))
    return [] if (everywhere[found] > roots[found]).any() else found


def _frame(part: _Parts, *, go: bool) -> StackFrame:
    name, place, mark = part
    file, _, digits = place.rpartition(":")
    line = int(digits) if place else 0
    if mark == "k" or name.startswith(("[kernel", "[[kernel")):
        return StackFrame(name, FrameKind.KERNEL, "kernel", False, file, line)
    if mark == "j":
        return StackFrame(name, FrameKind.NATIVE, "[jit]", False, file, line)
    if not name or (name.startswith("[") and name.endswith("]")):
        return StackFrame(name or "[unknown]", FrameKind.UNKNOWN, "", False, file, line)
    if go and looks_go(name):
        kind, package = frame_kind(name, _ORIGINS)
        return StackFrame(name, kind, package, mark == "i", file, line)
    return StackFrame(name, FrameKind.NATIVE, "", mark == "i", file, line)


def _size_frames(stacks: NamedStacks) -> tuple[list[StackFrame], NDArray[np.int32]]:
    """Frames of sizes, where the root of a stack names the package of all that is in it.

    Types and functions of different packages may have the same text, so that here a frame is a root and a name.
    """
    start, count = stacks.stack_start, np.int64(len(stacks.names))
    roots = np.repeat(stacks.frames[start[1:] - 1], np.diff(start))
    pairs = roots * count + stacks.frames
    used = distinct(pairs)
    owner = {root: _package_kind(stacks.names[root]) for root in set((used // count).tolist())}
    frames = []
    for root, number in zip((used // count).tolist(), (used % count).tolist(), strict=True):
        kind, package = owner[root]
        frames.append(StackFrame(stacks.names[number] or "[unknown]", kind, package, False))
    return frames, np.searchsorted(used, pairs).astype(np.int32)


def _package_kind(root: str) -> tuple[str, str]:
    """Kind and package by an import path; what is in parentheses or brackets is no package of Go: "(C)"."""
    if not root:
        return FrameKind.UNKNOWN, ""
    if root[0] in "([":
        return (FrameKind.RUNTIME if root[1:-1] in _LINKED else FrameKind.NATIVE), root
    return frame_kind(
        root.replace(".", "%2e") + ".x", _ORIGINS
    )  # as the linker spells the package of a symbol
