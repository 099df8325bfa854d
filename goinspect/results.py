"""One frozen dataclass per answer: this file is the JSON schema.

A command makes one of these and hands it to a renderer, so that table, JSON and picture cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

__all__ = ["FlameFrame", "FlameGraph"]


class FlameFrame(NamedTuple):
    """A distinct frame of a flame graph: nodes refer to it by index."""

    name: str  # as Go spells it, never cut; untrusted text
    kind: str  # one of FrameKind.ALL
    package: str  # Go import path, module of a native frame, "" where there is none
    inlined: bool
    location: str = ""  # "file:line" when asked for, else ""


@dataclass(frozen=True, slots=True)
class FlameGraph:
    """A merged call tree, columnar. Node 0 is the root ("all"); a parent comes before its children; depth first.

    ``total[i]`` includes the children, ``own[i]`` is what ended in the node itself. ``unit``: "ns", "samples"
    or "count". Nodes below the pruning threshold are left out, their weight stays in their parents' totals.
    """

    schema: ClassVar[str] = "goinspect.flame/1"

    title: str
    subtitle: str
    event: str
    unit: str
    samples: int
    frames: tuple[FlameFrame, ...]
    node_frame: list[int]
    node_parent: list[int]  # -1 for node 0
    node_depth: list[int]
    node_total: list[int]
    node_own: list[int]
    inverted: bool = False  # root at the top (icicle)
    reverse: bool = False  # stacks merged from the leaf
    pruned: int = 0
