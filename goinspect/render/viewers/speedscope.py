"""`--format speedscope`: https://www.speedscope.app/file-format-schema.json, a profile for each thread.

Samples are in time order, and those that follow each other with the same stack are one; in large recordings, which
browsers would not open so, all samples of a thread with the same stack are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.render.text.summary import subtitle, title
from goinspect.render.values import escape_terminal
from goinspect.render.viewers.common import functions_of, numbers, runs
from goinspect.results.places import Series
from goinspect.views.threads import samples_of, threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Stacks

__all__ = ["render"]

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_MOST_FRAMES = 4_000_000  # in all samples: 25 MB
_UNITS = {"ns": "nanoseconds", "bytes": "bytes"}


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The document."""
    stacks = profile.stacks
    functions = functions_of(stacks.frames)
    frames: list[dict[str, Any]] = []
    for function in functions.all:
        frame: dict[str, Any] = {"name": function.name}
        if function.file:
            frame["file"] = function.file
            if function.start_line:
                frame["line"] = function.start_line
        frames.append(frame)
    name = options.title or f"{title(profile, options.path)}: {subtitle(profile)}"
    document = {
        "$schema": _SCHEMA,
        "exporter": options.maker.replace(" ", "@"),
        "name": escape_terminal(name),
        "activeProfileIndex": 0,
        "shared": {"frames": frames},
        "profiles": _profiles(stacks, functions.of_frame[stacks.frame]),
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


def _profiles(stacks: Stacks, function: NDArray[np.int64]) -> list[dict[str, Any]]:
    known, series = threads(stacks), samples_of(stacks)
    sizes = np.diff(stacks.start)
    stack, weight, owner = _in_runs(series, known.row)
    if int(sizes[stack].sum()) > _MOST_FRAMES:
        stack, weight, owner = np.arange(len(stacks)), stacks.weight, known.row
    order = np.argsort(owner, kind="stable")
    stack, weight, owner = stack[order], weight[order], owner[order]
    start, flat = stacks.start.tolist(), function.tolist()
    bounds = np.searchsorted(owner, np.arange(len(known.all) + 1)).tolist()
    out = []
    for number, thread in enumerate(known.all):
        rows = slice(bounds[number], bounds[number + 1])
        weights = numbers(weight[rows], stacks.unit)
        out.append(
            {
                "type": "sampled",
                "name": escape_terminal(thread.title),
                "unit": _UNITS.get(stacks.unit, "none"),
                "startValue": 0,
                "endValue": sum(weights),
                "samples": [flat[start[row] : start[row + 1]] for row in stack[rows].tolist()],
                "weights": weights,
            }
        )
    return out


def _in_runs(
    series: Series, owner: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Stacks and weights of runs of equal samples of a thread, and their threads."""
    thread = owner[series.stack]
    order = np.argsort(thread, kind="stable")  # threads run at the same time
    sorted_series = Series(series.stack[order], series.time[order], series.weight[order])
    stack, _, weight = runs(sorted_series, sorted_series.stack)
    return stack, weight, owner[stack]
