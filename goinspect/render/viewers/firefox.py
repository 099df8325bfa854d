"""`--format firefox`: the processed profile format of the Firefox Profiler, version 58.

Facts: src/types/profile.ts and docs-developer/CHANGELOG-formats.md of github.com/firefox-devtools/profiler. Newer versions
of it read older files. Frames have addresses in their libraries and no native symbols: for the profiler these can still
be asked of a symbol server.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.model import FrameKind
from goinspect.render.sampletypes import shown_type
from goinspect.render.text.summary import summary
from goinspect.render.values import escape_terminal
from goinspect.render.viewers.common import numbers
from goinspect.render.viewers.firefoxtables import Tables
from goinspect.results.places import Series
from goinspect.views.prefixes import prefixes
from goinspect.views.threads import samples_of, threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.views.threads import Thread

__all__ = ["render"]

_VERSION = 58
_GECKO_VERSION = 31
_MS = 1_000_000
CATEGORIES = {
    FrameKind.ROOT: ("Other", "grey"), FrameKind.USER: ("Go", "yellow"),
    FrameKind.STDLIB: ("Go standard library", "green"), FrameKind.TOOLCHAIN: ("Go tools", "lightblue"),
    FrameKind.RUNTIME: ("Go runtime", "blue"), FrameKind.GC: ("Go garbage collector", "red"),
    FrameKind.KERNEL: ("Kernel", "orange"), FrameKind.NATIVE: ("Native", "purple"),
    FrameKind.UNKNOWN: ("Unknown", "darkgrey"),
}  # fmt: skip


def render(profile: FlameProfile, options: DrawOptions) -> bytes:
    """The document, compressed; the same stacks give the same bytes."""
    text = json.dumps(_document(profile, options), separators=(",", ":"))
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)  # gzip, without a time
    return packer.compress(text.encode()) + packer.flush()


def _document(profile: FlameProfile, options: DrawOptions) -> dict[str, Any]:
    stacks = profile.stacks
    known, series = threads(stacks), samples_of(stacks)
    tables = Tables(stacks, list(CATEGORIES))
    tree = prefixes(stacks, tables.item, known.row, len(known.all))
    owner = known.row[series.stack]
    order = np.argsort(owner, kind="stable")
    series = Series(series.stack[order], series.time[order], series.weight[order])
    bounds = np.searchsorted(owner[order], np.arange(len(known.all) + 1))
    out = []
    for number, thread in enumerate(known.all):
        rows, nodes = slice(*bounds[number : number + 2]), slice(*tree.start[number : number + 2])
        part = Series(tree.leaf[series.stack[rows]], series.time[rows], series.weight[rows])
        out.append(
            {
                **_thread(thread, part, profile),
                "samples": _samples(part, profile),
                **tables.of_thread(tree.parent[nodes], tree.item[nodes]),
            }
        )
    return {
        "meta": _meta(profile, options),
        "libs": tables.libs,
        "shared": tables.shared(),
        "threads": out,
    }


def _meta(profile: FlameProfile, options: DrawOptions) -> dict[str, Any]:
    span = profile.span
    length = (span.end - span.begin) / _MS
    units = {event.name: event.unit for event in profile.events}
    interval = span.period / _MS if units.get(profile.event) == "ns" else 0
    interval = interval or length / max(profile.totals.samples, 1) or 1
    told = {
        "arguments": profile.metadata.get("cmdline"),
        "oscpu": " ".join(filter(None, (profile.metadata.get("os_release"), profile.metadata.get("arch")))),
        "CPUName": profile.metadata.get("cpu"),
    }
    return {
        "version": _GECKO_VERSION,
        "preprocessedProfileVersion": _VERSION,
        "product": escape_terminal(options.title or options.path.rpartition("/")[2] or "goinspect"),
        "importedFrom": options.maker,
        "interval": interval,
        "startTime": span.wall / _MS,
        "profilingStartTime": 0,
        "profilingEndTime": length + interval,  # what is sampled at the end is not shown
        "processType": 0,
        "stackwalk": 1,
        "debug": False,
        "symbolicated": True,
        "usesOnlyOneStackType": True,
        "sourceCodeIsNotOnSearchfox": True,
        "markerSchema": [],
        "sampleUnits": {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "ns"},
        "categories": [
            {"name": name, "color": color, "subcategories": ["Other"]} for name, color in CATEGORIES.values()
        ],
        "extra": [
            {
                "label": "goinspect",
                "entries": [
                    {"label": "Event", "format": "string", "value": escape_terminal(profile.event)},
                    {"label": "Weight", "format": "string", "value": "/".join(shown_type(profile)[:2])},
                    {"label": "Stacks", "format": "string", "value": escape_terminal(summary(profile))},
                ],
            }
        ],
        **{key: escape_terminal(value) for key, value in told.items() if value},
    }


def _samples(part: Series, profile: FlameProfile) -> dict[str, Any]:
    """Without times, a sample stands behind the one before it."""
    unit = profile.unit
    kind = {"ns": "tracing-ms", "bytes": "bytes"}.get(unit, "samples")
    stack = [row if row >= 0 else None for row in part.stack.tolist()]
    return {
        "stack": stack,
        "time": _times(part, profile),
        "weight": numbers(part.weight, unit, _MS if unit == "ns" else 1),
        "weightType": kind,
        **_cpu(part, profile),
        "length": len(stack),
    }


def _cpu(part: Series, profile: FlameProfile) -> dict[str, Any]:
    """CPU time before each sample, which tracks show: what a sample of a clock stands for."""
    if shown_type(profile).type != "cpu" or profile.unit != "ns":
        return {}
    return {"threadCPUDelta": part.weight.tolist()}


def _times(part: Series, profile: FlameProfile) -> list[float]:
    if part.time.any():
        return [round(time / _MS, 6) for time in (part.time.astype(np.int64) - profile.span.begin).tolist()]
    ends: NDArray[np.float64] = np.cumsum(part.weight.astype(np.float64)) / (
        _MS if profile.unit == "ns" else 1
    )
    return [round(time, 6) for time in np.append(0.0, ends)[: len(part.weight)].tolist()]


def _thread(thread: Thread, part: Series, profile: FlameProfile) -> dict[str, Any]:
    pid, tid = thread.pid or "0", thread.tid or "0"
    times = _times(Series(part.stack[:1], part.time[:1], part.weight[:1]), profile)
    return {
        "processType": "default",
        "processName": escape_terminal(thread.process or thread.name),
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": times[0] if times else 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "name": escape_terminal(thread.name),
        "isMainThread": pid == tid,
        "pid": pid,
        "tid": int(tid) if tid.isdecimal() else tid,
        "markers": {"data": [], "name": [], "startTime": [], "endTime": [], "phase": [], "category": [], "length": 0},
    }  # fmt: skip
