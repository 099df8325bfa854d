"""Recordings to one profile for the Go compiler, with a report of what is in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.pgo.joined import joined
from goinspect.analysis.pgo.keep import keep
from goinspect.analysis.pgo.programs import busiest_files, choose
from goinspect.analysis.recordings.kernelnames import NAMELESS
from goinspect.analysis.recordings.selection import list_events
from goinspect.analysis.stacks.fold import fold
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER
from goinspect.errors import NotGoError, QueryError
from goinspect.profiles.base import NamedStacks
from goinspect.results.pgo import NO_CODE, HotCheck, PgoInput, PgoProfile, PgoReport, Share
from goinspect.results.stacks import Weight
from goinspect.views.calledges import call_edges, hot_edges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.analysis.options import FlameOptions
    from goinspect.analysis.pgo.keep import Kept
    from goinspect.analysis.pgo.programs import Chosen
    from goinspect.profiles.base import Profile
    from goinspect.results.flame import FlameProfile
    from goinspect.results.pgo import CallEdge
    from goinspect.results.stacks import Stacks

__all__ = ["Gathered", "checked", "edges_of"]

_CLOCKS = ("cpu-clock", "task-clock", "cpu", "samples")
_CYCLES = ("cycles", "cpu-cycles", "ref-cycles", "instructions", "cpu_core/cycles", "cpu_atom/cycles")
_SHOWN = 2  # files in a message
_NO_FUNCTIONS = {NO_CODE, HIDDEN_CALLER}
_TIME = Weight("cpu", "ns", np.empty(0, dtype=np.uint64))
_COUNT = Weight("samples", "samples", np.empty(0, dtype=np.uint64))


class _Part(NamedTuple):
    path: str
    profile: FlameProfile  # with the stacks of the program alone
    samples: int  # before
    chosen: Chosen
    kept: Kept
    counted: bool  # does it tell how many samples there are?


class Gathered:
    """Takes recordings of one program, one after another."""

    def __init__(self, options: FlameOptions) -> None:
        self._options = options
        self._parts: list[_Part] = []

    def add(self, opened: Profile | NamedStacks, path: str) -> None:
        """One more.

        Raises:
            NotGoError: it has no Go function.
            QueryError: it tells no lines, weighs no CPU time, or is of another program than the first.
        """
        profile = _folded(opened, self._options)
        first = self._parts[0].chosen.identity if self._parts else None
        chosen = choose(profile.stacks, self._options.binaries, first)
        if chosen is None:
            raise NotGoError(_no_program(profile))
        if self._parts and not self._parts[0].chosen.is_of(chosen):
            raise QueryError(
                f"its program is of {chosen.identity}, that of {self._parts[0].path} of {first}: a profile for the compiler"
                " is of one (-b PATH, --pid and --comm choose)"
            )
        kept = keep(profile.stacks, chosen)
        _check_lines(kept.stacks, chosen)
        counted = profile.unit != "ns" or _column(opened, profile.event) >= 0 or not profile.profiled
        samples = int(profile.stacks.samples.sum())
        self._parts.append(_Part(path, profile._replace(stacks=kept.stacks), samples, chosen, kept, counted))

    def profile(self) -> PgoProfile:
        """All of them."""
        parts = self._parts
        columns, names = self._weights()
        stacks = joined([part.kept.stacks for part in parts], columns)
        edges = call_edges(stacks, stacks.weight.astype(np.int64))
        hot = hot_edges(edges)
        total = sum(edge.weight for edge in edges)
        if not total:
            raise QueryError(
                "no sample has a call of the program: was it recorded with call chains (perf record -g)?",
                path=parts[0].path,
            )
        report = PgoReport(
            inputs=tuple(map(_input, parts)),
            unit=names[0],
            samples=sum(part.samples for part in parts),
            taken=int(stacks.samples.sum()),
            weight=total,
            with_lines=sum(edge.weight for edge in edges if edge.offset is not None),
            edges=len(edges),
            hot=tuple(edge for edge in hot.edges if not {edge.caller, edge.callee} & _NO_FUNCTIONS),
            threshold=hot.threshold,
            left_out=_shares(sum((part.kept.left_out for part in parts), Counter())),
            cut=_shares(sum((_cut(part) for part in parts), Counter())),
            warnings=self._warnings(),
        )
        return PgoProfile(stacks, report, sum(_duration(part.profile) for part in parts))

    def _weights(self) -> tuple[list[tuple[Weight, ...]], tuple[str, ...]]:
        """The columns that all have: samples, and ns of CPU time."""
        kinds = []
        if all(part.counted for part in self._parts):
            kinds.append(_COUNT)
        if all(_is_time(part.profile) for part in self._parts):
            kinds.append(_TIME)
        if not kinds:
            odd = next(part for part in self._parts if not part.counted)
            raise QueryError(
                "tells nanoseconds and no number of samples, another one tells samples and no nanoseconds: they cannot be added",
                path=odd.path,
            )
        columns = []
        for part in self._parts:
            stacks = part.kept.stacks
            values = {"samples": stacks.samples.astype(np.uint64), "ns": stacks.weight}
            columns.append(tuple(kind._replace(values=values[kind.unit]) for kind in kinds))
        return columns, tuple(kind.unit for kind in kinds)

    def _warnings(self) -> tuple[str, ...]:
        several = len(self._parts) > 1
        out = [
            f"{part.path}: {warning}" if several else warning
            for part in self._parts
            for warning in (*part.profile.warnings, *_doubts(part))
            if not warning.startswith(NAMELESS)  # they are left out
        ]
        packages = {
            module.program.package
            for part in self._parts
            for module in part.chosen.modules
            if module.program is not None
        }
        if len(packages) > 1:
            out.append(f"several programs of the module are in it: {', '.join(sorted(packages))}")
        return tuple(dict.fromkeys(out))


def edges_of(opened: Profile | NamedStacks, options: FlameOptions) -> list[CallEdge]:
    """The calls of a profile as the compiler reads it: one that a Go program wrote is taken as it is."""
    profile = _folded(opened, options)
    stacks = profile.stacks
    if not profile.profiled:
        chosen = choose(stacks, options.binaries)
        if chosen is None:
            raise NotGoError(_no_program(profile))
        stacks = keep(stacks, chosen).stacks
    return call_edges(stacks, stacks.samples)


def checked(report: PgoReport, edges: Sequence[CallEdge], path: str) -> PgoReport:
    """The report with what it has in common with the calls of another profile."""
    mine = {edge.key for edge in report.hot}
    hot = hot_edges(edges).edges
    missing = tuple(edge for edge in hot if edge.key not in mine)
    weight = sum(edge.weight for edge in hot)
    lost = sum(edge.weight for edge in missing)
    return report._replace(
        check=HotCheck(path, len(hot), len(hot) - len(missing), weight, weight - lost, missing)
    )


def _folded(opened: Profile | NamedStacks, options: FlameOptions) -> FlameProfile:
    if isinstance(opened, NamedStacks):
        raise QueryError(
            "folded stacks hold names and no lines, by which the compiler tells calls apart: a recording or a pprof profile is"
            " needed"
        )
    if options.event is None and opened.values is not None:
        options = replace(options, event=_cpu_event(opened))
    asked = replace(options, by="none", lines=True, places=True, hidden_callers=True, calls=True)
    profile = fold(opened, asked)
    if opened.values is None or _column(opened, profile.event) >= 0 or profile.unit == "ns":
        return profile
    count = profile.stacks.weight.astype(np.int64)  # whatever was asked for
    return profile._replace(stacks=replace(profile.stacks, samples=count))


def _cpu_event(opened: Profile) -> str | None:
    """The sample type of a pprof profile that is CPU time."""
    names = [event.name for event in list_events(opened)]
    found = next((name for name in ("cpu", "samples") if names.count(name) == 1), None)
    if found is None and not any(event.unit == "ns" for event in list_events(opened)):
        raise QueryError(
            f"is no CPU profile: its sample types are {', '.join(names)} (--sample-type takes one all the same)"
        )
    return found


def _column(opened: Profile | NamedStacks, event: str) -> int:
    """Where a pprof profile says how many samples each stack has; -1: nowhere."""
    if isinstance(opened, NamedStacks) or opened.values is None:
        return -1
    names = [found.name for found in opened.events]
    row = names.index(event) if event in names else opened.values.default
    return int(opened.values.samples[row])


def _is_time(profile: FlameProfile) -> bool:
    return profile.unit == "ns" and (profile.profiled or profile.event.partition(":")[0] in _CLOCKS)


def _doubts(part: _Part) -> list[str]:
    event = part.profile.event.partition(":")[0]
    if part.profile.profiled or event in _CLOCKS or event.endswith(_CYCLES) or not event:
        return []
    return [
        f"samples of {event} tell where that happens, not where the CPU's time goes (--event names another)"
    ]


def _no_program(profile: FlameProfile) -> str:
    if not len(profile.stacks):
        return "no samples are left"
    files = busiest_files(profile.stacks)
    native = [file.path for file in files if file.placed][:_SHOWN]
    lost = [file.path for file in files if not file.placed and file.path[:1] != "["][:_SHOWN] or [
        *profile.missing,
        *profile.refused,
    ][:_SHOWN]
    said = [f"{', '.join(native)}: not Go's"] if native else []
    if lost:
        said.append(f"{', '.join(lost)}: not found, or not what ran (-b PATH names it)")
    return "; ".join(["no Go function in it", *said])


def _check_lines(stacks: Stacks, chosen: Chosen) -> None:
    if not len(stacks):
        raise QueryError(
            f"no sample has a function of {chosen.identity}, but for wrappers that the compiler made"
        )
    used = np.unique(stacks.frame)
    frames = [stacks.frames[row] for row in used.tolist()]
    if any(frame.line and frame.start_line for frame in frames):
        return
    version = next((m.program.go_version for m in chosen.modules if m.program), "")
    if any(frame.line for frame in frames):
        raise QueryError(
            f"does not tell where functions begin, from which the compiler counts lines: {version or 'its Go'} is older than 1.20, or"
            " its binary was not found (-b PATH names it)"
        )
    raise QueryError(
        "its functions have no lines, by which the compiler tells calls apart: the binary was not found (-b PATH names it)"
    )


def _input(part: _Part) -> PgoInput:
    programs = [module.program for module in part.chosen.modules if module.program is not None]
    return PgoInput(
        part.path,
        part.profile.event,
        tuple(dict.fromkeys(module.path for module in part.chosen.modules)),
        next((program.module for program in programs), ""),
        next((program.package for program in programs), ""),
        tuple(dict.fromkeys(program.go_version for program in programs)),
        part.samples,
        int(part.kept.stacks.samples.sum()),
    )


def _cut(part: _Part) -> Counter[str]:
    """With what the recording itself lacks."""
    totals = part.profile.totals
    out = Counter(part.kept.cut)
    out["without their root (truncated)"] += totals.truncated
    out["without the caller, which is not known"] += totals.hidden_callers
    out["lost by the recorder"] += totals.lost
    return +out


def _shares(counts: Counter[str]) -> tuple[Share, ...]:
    return tuple(Share(what, samples) for what, samples in counts.most_common())


def _duration(profile: FlameProfile) -> int:
    return max(profile.span.end - profile.span.begin, 0)
