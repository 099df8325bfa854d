"""`--format cpuprofile`: what Chrome DevTools and VS Code open; the Profile type of the Chrome DevTools protocol.

It has one thread and durations in µs. Here the threads' samples stand one after another, each below a node of its thread's
name, and a sample lasts as long as it weighs: the profile is as long as all stacks weigh together, and the flame chart of a thread
is in the order of its samples. One of anything that is no time is 1 µs. Where that would be too many nodes for a
viewer, threads stand together by process, or all together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.render.values import escape_terminal
from goinspect.render.viewers.common import functions_of, numbers
from goinspect.views.prefixes import prefixes
from goinspect.views.threads import by_label, samples_of, threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Stacks

__all__ = ["render"]

_MOST_NODES = 500_000  # 100 MB


def render(profile: FlameProfile, _options: DrawOptions | None = None) -> str:
    """The document."""
    stacks = profile.stacks
    functions, series = functions_of(stacks.frames), samples_of(stacks)
    function = functions.of_frame[stacks.frame]
    for known in (threads(stacks), by_label(stacks, "process"), by_label(stacks, "")):
        tree = prefixes(stacks, function, known.row, len(known.all))
        if len(tree.item) <= _MOST_NODES:
            break
    # Node 1 is the root, then one for each thread, then the tree's.
    roots = 2 + np.arange(len(known.all))
    first = 2 + len(known.all) + tree.start[:-1]
    owner = np.repeat(np.arange(len(known.all)), np.diff(tree.start))
    parent = np.where(tree.parent < 0, roots[owner], tree.parent + first[owner])
    node = np.where(tree.leaf < 0, roots[known.row], tree.leaf + first[known.row])
    children: list[list[int]] = [[] for _ in range(2 + len(known.all) + len(parent))]
    children[1] = roots.tolist()
    for child, above in enumerate(parent.tolist(), 2 + len(known.all)):
        children[above].append(child)
    hits = np.bincount(node, weights=stacks.samples, minlength=len(children)).astype(np.int64)
    ticks = _ticks(stacks, node)
    frames = [_call_frame("(root)"), *(_call_frame(escape_terminal(thread.title)) for thread in known.all)]
    shown = [_call_frame(*row) for row in functions.all]
    frames += [shown[i] for i in tree.item.tolist()]
    nodes = []
    for number, frame in enumerate(frames, 1):
        row: dict[str, Any] = {"id": number, "callFrame": frame, "hitCount": int(hits[number])}
        if children[number]:
            row["children"] = children[number]
        if number in ticks:
            row["positionTicks"] = [
                {"line": line, "ticks": count} for line, count in sorted(ticks[number].items())
            ]
        nodes.append(row)
    order = np.argsort(known.row[series.stack], kind="stable")
    weights = series.weight[order]
    time = stacks.unit == "ns"
    deltas = numbers(weights, stacks.unit, 1000 if time else 1)
    total = int(weights.sum())
    document = {
        "nodes": nodes,
        "startTime": 0,
        "endTime": numbers(np.array([total], dtype=np.uint64), stacks.unit, 1000 if time else 1)[0],
        "samples": node[series.stack[order]].tolist(),
        "timeDeltas": deltas,
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


def _call_frame(name: str, file: str = "", start_line: int = 0) -> dict[str, Any]:
    """Lines and columns count from 0 here; -1 where not known."""
    return {
        "functionName": name, "scriptId": "0", "url": file,
        "lineNumber": start_line - 1, "columnNumber": 0 if start_line else -1,
    }  # fmt: skip


def _ticks(stacks: Stacks, node: NDArray[np.int64]) -> dict[int, dict[int, int]]:
    """Samples by line of the nodes that they ended in."""
    out: dict[int, dict[int, int]] = {}
    lines = [frame.line for frame in stacks.frames]
    filled = np.flatnonzero(np.diff(stacks.start))
    ends = stacks.frame[stacks.start[filled + 1] - 1].tolist()
    for end, number, samples in zip(
        ends, node[filled].tolist(), stacks.samples[filled].tolist(), strict=True
    ):
        if lines[end]:
            of_node = out.setdefault(number, {})
            of_node[lines[end]] = of_node.get(lines[end], 0) + samples
    return out
