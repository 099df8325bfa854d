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
from goinspect.render.viewers.common import functions_of, numbers
from goinspect.views.prefixes import prefixes
from goinspect.views.threads import samples_of, threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.places import Series
    from goinspect.results.stacks import Stacks
    from goinspect.views.threads import Threads

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
    known = threads(stacks)
    stack, kind = _kinds(stacks, function, known)
    sizes = np.diff(stacks.start)[stack]
    kinds, weight, owner = _in_runs(samples_of(stacks), kind, known.row)
    if int(sizes[kinds].sum()) > _MOST_FRAMES:
        weight = np.zeros(len(stack), dtype=np.uint64)
        np.add.at(weight, kind, stacks.weight)
        owner = known.row[stack]
        kinds = np.argsort(owner, kind="stable")
        weight, owner = weight[kinds], owner[kinds]
    start, flat = stacks.start.tolist(), function.tolist()
    bounds = np.searchsorted(owner, np.arange(len(known.all) + 1)).tolist()
    out = []
    for number, thread in enumerate(known.all):
        rows = slice(bounds[number], bounds[number + 1])
        weights = numbers(weight[rows], stacks.unit)
        shown = stack[kinds[rows]].tolist()
        out.append(
            {
                "type": "sampled",
                "name": escape_terminal(thread.title),
                "unit": _UNITS.get(stacks.unit, "none"),
                "startValue": 0,
                "endValue": sum(weights),
                "samples": [flat[start[row] : start[row + 1]] for row in shown],
                "weights": weights,
            }
        )
    return out


def _kinds(
    stacks: Stacks, function: NDArray[np.int64], known: Threads
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stacks of a thread that go through the same functions are of one kind: one of each, and the kind of each stack."""
    tree = prefixes(stacks, function, known.row, len(known.all))
    size = int(np.diff(tree.start).max(initial=0)) + 1
    _, first, kind = np.unique(known.row * size + tree.leaf + 1, return_index=True, return_inverse=True)
    return first, kind


def _in_runs(
    series: Series, kind: NDArray[np.int64], owner: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Samples of a thread that follow each other and are of one kind made one: kinds, weights, threads."""
    thread = owner[series.stack]
    order = np.argsort(thread, kind="stable")  # threads run at the same time
    item, thread, weight = kind[series.stack[order]], thread[order], series.weight[order]
    if not len(item):
        return item, weight, thread
    begins = np.flatnonzero(np.append(True, item[1:] != item[:-1]))  # kinds of different threads differ
    return item[begins], np.add.reduceat(weight, begins), thread[begins]
