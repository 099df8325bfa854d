"""Stacks: what every input becomes, and every view and output is made from.

Distinct, named, weighted, in columns. A stack may have several weights (sample types of a profile, both sides of a
difference) and labels (its process, its thread, the recording it is from). Row i of every column belongs to stack i.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.results.places import Places, Series

__all__ = ["BASE", "PARTS", "Label", "StackFrame", "Stacks", "Tag", "Weight"]

BASE = "base of the difference"  # the second weight of stacks of two profiles

# Weights with decimals are counted in these parts of their unit ("thousandths of samples"): decimal places.
PARTS = {"thousandths": 3, "millionths": 6, "billionths": 9}


class StackFrame(NamedTuple):
    """A distinct frame; stacks refer to it by its row."""

    name: str  # as Go spells it, never cut; untrusted text
    kind: str  # one of FrameKind.ALL
    package: str  # Go import path, module of a native frame, "" where there is none
    inlined: bool
    file: str = (
        ""  # file, line and the function's first line are there when they were asked for: "" and 0 elsewhere
    )
    line: int = 0
    start_line: int = 0
    restored: bool = False  # deduced from the machine code: the recorder passed over it
    wrapper: bool = False  # the Go runtime leaves it out of tracebacks and profiles; told with the lines

    @property
    def location(self) -> str:
        """``file:line``, or ""."""
        return f"{self.file}:{self.line}" if self.file else ""


class Weight(NamedTuple):
    """One weight of each stack. ``unit``: "ns", "count", "samples", "bytes", another word, or `PARTS` of these."""

    name: str
    unit: str
    values: NDArray[np.uint64]


class Tag(NamedTuple):
    """A label of a sample as pprof profiles have it: text, or where that is "" a number and its unit."""

    text: str
    number: int = 0
    unit: str = ""


class Label(NamedTuple):
    """What stacks are told apart by: stack i has ``values[row[i]]``, or none where ``row[i]`` is -1.

    ``tags`` are there where labels are kept as a pprof profile has them: those that each of `values` stands for.
    """

    values: tuple[str, ...]
    row: NDArray[np.int32]
    tags: tuple[tuple[Tag, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Stacks:
    """Distinct stacks, root first: stack i is ``frame[start[i]:start[i + 1]]``, rows of `frames`.

    Attributes:
        frames: the distinct frames.
        start: n + 1 positions in `frame`.
        frame: rows of `frames`.
        samples: how many samples have the stack.
        weights: at least one; the first is the one that is shown.
        labels: by name ("process", "thread", …).
        root: the label whose value stands above each stack, where one does.
        place: row in `places` of each entry of `frame`, -1 where its address is not known; None unless asked for.
        places: the distinct addresses.
        series: the single samples; None unless asked for.
    """

    frames: tuple[StackFrame, ...]
    start: NDArray[np.int64]
    frame: NDArray[np.int32]
    samples: NDArray[np.int64]
    weights: tuple[Weight, ...]
    labels: Mapping[str, Label] = field(default_factory=dict)
    root: str = ""
    place: NDArray[np.int32] | None = None
    places: Places | None = None
    series: Series | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        weights = ", ".join(f"{weight.name} in {weight.unit}" for weight in self.weights)
        return f"<{len(self):,} stacks of {len(self.frames):,} frames, weighed by {weights}>"

    @property
    def weight(self) -> NDArray[np.uint64]:
        """The first weight of each stack."""
        return self.weights[0].values

    @property
    def two_sided(self) -> bool:
        """Are these stacks of two profiles, with the weight and the samples of the base behind the first weight?"""
        return len(self.weights) > 1 and self.weights[1].name == BASE

    @property
    def unit(self) -> str:
        """Of the first weight."""
        return self.weights[0].unit

    def to_arrow(self) -> Any:
        """A pyarrow.RecordBatch of the same memory (extra ``goinspect[arrow]``). See `goinspect.results.arrow`."""
        from goinspect.results.arrow import to_arrow

        return to_arrow(self)

    @staticmethod
    def from_arrow(batch: Any) -> Stacks:
        """The stacks of a batch that `to_arrow` made, in its memory."""
        from goinspect.results.arrow import from_arrow

        return from_arrow(batch)

    def rooted(self) -> tuple[tuple[StackFrame, ...], NDArray[np.int32]]:
        """All frames with those of the root label behind them, and which of them stands above each stack, or -1."""
        import numpy as np

        from goinspect.model import FrameKind

        if not self.root:
            return self.frames, np.full(len(self), -1, dtype=np.int32)
        label = self.labels[self.root]
        roots = (StackFrame(value, FrameKind.ROOT, "", False) for value in label.values)
        return (*self.frames, *roots), (label.row + np.int32(len(self.frames))).astype(np.int32)

    def where(self, rows: NDArray[np.bool_]) -> Stacks:
        """The stacks where `rows` is True."""
        import numpy as np

        sizes = np.diff(self.start)
        start = np.concatenate(([0], np.cumsum(sizes[rows]))).astype(np.int64)
        return self._with_frames(np.repeat(rows, sizes), start, **self._columns(rows))

    def _with_frames(self, at: NDArray[Any], start: NDArray[np.int64], **columns: Any) -> Stacks:
        """These entries of `frame`, with what is known of each."""
        place = None if self.place is None else self.place[at]
        return replace(self, start=start, frame=self.frame[at], place=place, **columns)

    def _columns(self, rows: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "samples": self.samples[rows],
            "weights": tuple(weight._replace(values=weight.values[rows]) for weight in self.weights),
            "labels": {name: label._replace(row=label.row[rows]) for name, label in self.labels.items()},
            "series": None if self.series is None else self.series.where(rows),
        }

    def without_marks(self) -> tuple[Stacks, NDArray[np.bool_] | None]:
        """The stacks with deduced frames made equal to the recorded ones, and which entries of `frame` were deduced.

        None where none was.
        """
        import numpy as np

        from goinspect._ragged import taken

        marked = np.array([frame.restored for frame in self.frames], dtype=np.bool_)
        if not marked.any():
            return self, None
        frames = list(self.frames)
        rows = {frame: row for row, frame in enumerate(frames) if not frame.restored}
        number = np.arange(len(frames), dtype=np.int32)
        for row in np.flatnonzero(marked).tolist():
            frames[row] = frames[row]._replace(restored=False)
            number[row] = rows.setdefault(frames[row], row)
        deduced = taken(marked, self.frame)
        at = np.flatnonzero(deduced)
        frame = self.frame.copy()
        frame[at] = number[frame[at]]
        return replace(self, frames=tuple(frames), frame=frame), deduced

    def holding(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which stacks hold at least one of the frames for which `wanted` is True."""
        import numpy as np

        owner = np.repeat(np.arange(len(self)), np.diff(self.start))
        return np.bincount(owner[wanted[self.frame]], minlength=len(self)) > 0

    def without(self, dropped: NDArray[np.bool_]) -> Stacks:
        """The stacks without the frames for which `dropped` is True; stacks left empty stay, so that weights add up."""
        import numpy as np

        keep = ~dropped[self.frame]
        owner = np.repeat(np.arange(len(self)), np.diff(self.start))[keep]
        start = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=len(self)))))
        return self._with_frames(keep, start.astype(np.int64))

    def reversed(self) -> Stacks:
        """Leaf first, for a graph merged from the leaves."""
        import numpy as np

        from goinspect._ragged import backward_ranges

        return self._with_frames(backward_ranges(self.start[1:], np.diff(self.start)), self.start)
