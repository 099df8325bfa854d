"""Stacks by thread, and when each was sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.results.places import Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import Label, Stacks

__all__ = ["Thread", "Threads", "by_label", "samples_of", "threads"]


class Thread(NamedTuple):
    """What stacks belong together: a thread, or whatever else stands above stacks. "" where not known."""

    name: str
    process: str = ""
    pid: str = ""
    tid: str = ""

    @property
    def title(self) -> str:
        """Name and number."""
        return f"{self.name} (tid {self.tid})" if self.tid else self.name


class Threads(NamedTuple):
    """The threads, the one that weighs most first, and which of them each stack is of."""

    all: list[Thread]
    row: NDArray[np.int64]


def threads(stacks: Stacks) -> Threads:
    """By thread, unless something else was asked to stand above stacks (`--by`)."""
    tid = stacks.labels.get("tid")
    if stacks.root not in ("process", "thread") or tid is None:
        return by_label(stacks, stacks.root)
    pid, count = stacks.labels.get("pid"), np.int64(len(tid.values) + 1)
    pid_row = tid.row * 0 - 1 if pid is None else pid.row
    _, first, row = np.unique((pid_row + 1) * count + tid.row + 1, return_index=True, return_inverse=True)
    named = _heaviest(stacks, stacks.labels.get("comm"), row, len(first))
    found = [
        Thread(
            named[i] or "?",
            *(_value(stacks.labels.get(name), stack) for name in ("process", "pid", "tid")),
        )
        for i, stack in enumerate(first.tolist())
    ]
    return _ranked(stacks, found, row.astype(np.int64))


def by_label(stacks: Stacks, name: str) -> Threads:
    """By the values of a label; all together where there is none."""
    label = stacks.labels.get(name)
    if label is None:
        return Threads([Thread("all")] if len(stacks) else [], np.zeros(len(stacks), dtype=np.int64))
    return _ranked(stacks, [Thread(value) for value in label.values], label.row.astype(np.int64))


def samples_of(stacks: Stacks) -> Series:
    """The single samples; where these are not known each stack is one, at no time."""
    if stacks.series is not None:
        return stacks.series
    return Series(np.arange(len(stacks)), np.zeros(len(stacks), dtype=np.uint64), stacks.weight)


def _value(label: Label | None, stack: int) -> str:
    row = -1 if label is None else int(label.row[stack])
    return "" if label is None or row < 0 else label.values[row]


def _ranked(stacks: Stacks, found: list[Thread], row: NDArray[np.int64]) -> Threads:
    """Stacks of no value of a label are the last."""
    if (row < 0).any():
        row = np.where(row < 0, len(found), row)
        found = [*found, Thread("?")]
    weight = np.zeros(len(found), dtype=np.uint64)
    np.add.at(weight, row, stacks.weight)
    order = sorted(range(len(found)), key=lambda i: (-int(weight[i]), found[i]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return Threads([found[i] for i in order], place[row])


def _heaviest(stacks: Stacks, label: Label | None, row: NDArray[np.int64], count: int) -> list[str]:
    """The value that weighs most in each thread, which may have changed its name."""
    if label is None:
        return [""] * count
    weight: dict[tuple[int, int], int] = {}
    for key, value in zip(
        zip(row.tolist(), label.row.tolist(), strict=True), stacks.weight.tolist(), strict=True
    ):
        weight[key] = weight.get(key, 0) + value
    best: dict[int, tuple[int, int]] = {}
    for (thread, value), total in weight.items():
        if value >= 0:
            best[thread] = max(best.get(thread, (-1, 0)), (total, -value))
    return [label.values[-best[i][1]] if i in best else "" for i in range(count)]
