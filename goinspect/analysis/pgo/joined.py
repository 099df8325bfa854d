"""Stacks of several recordings made one, with the places of their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.results.places import Module, Places
from goinspect.results.stacks import StackFrame, Stacks, Weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["joined"]


def joined(parts: Sequence[Stacks], weights: Sequence[tuple[Weight, ...]]) -> Stacks:
    """Equal stacks once, their weights added up: those of one build are equal where addresses are, too.

    Args:
        parts: of each recording.
        weights: of each, the same number of columns.
    """
    frames: dict[StackFrame, int] = {}
    modules: dict[Module, int] = {}
    places: dict[tuple[int, int], int] = {}
    sums: dict[bytes, NDArray[np.int64]] = {}
    for part, columns in zip(parts, weights, strict=True):
        plain = [frame._replace(restored=False, wrapper=False) for frame in part.frames]
        rows = np.array([frames.setdefault(frame, len(frames)) for frame in plain] or [0], dtype=np.int32)
        both = np.stack((rows[part.frame], _placed(part, modules, places)), axis=1)
        values = np.stack([part.samples, *(column.values.astype(np.int64) for column in columns)], axis=1)
        for begin, end, value in zip(part.start[:-1].tolist(), part.start[1:].tolist(), values, strict=True):
            key = both[begin:end].tobytes()
            if key in sums:
                sums[key] += value
            else:
                sums[key] = value.copy()
    flat = np.frombuffer(b"".join(sums), dtype=np.int32).reshape(-1, 2)
    start = np.append(0, np.cumsum([len(key) // 8 for key in sums])).astype(np.int64)
    total = np.array(list(sums.values()), dtype=np.int64).reshape(len(sums), 1 + len(weights[0]))
    module, address = zip(*places, strict=True) if places else ((), ())
    return Stacks(
        frames=tuple(frames),
        start=start,
        frame=flat[:, 0].copy(),
        samples=total[:, 0].copy(),
        weights=tuple(
            weight._replace(values=total[:, number].astype(np.uint64))
            for number, weight in enumerate(weights[0], 1)
        ),
        place=flat[:, 1].copy(),
        places=Places(tuple(modules), np.array(module, dtype=np.int32), np.array(address, dtype=np.uint64)),
    )


def _placed(
    part: Stacks, modules: dict[Module, int], places: dict[tuple[int, int], int]
) -> NDArray[np.int32]:
    """The place of each frame among those of all parts."""
    if part.place is None or part.places is None:
        return np.full(len(part.frame), -1, dtype=np.int32)
    number = [modules.setdefault(module, len(modules)) for module in part.places.modules]
    used = np.unique(part.place[part.place >= 0])
    out = np.full(len(part.places.module) + 1, -1, dtype=np.int32)
    module, address = part.places.module[used].tolist(), part.places.address[used].tolist()
    for row, of, at in zip(used.tolist(), module, address, strict=True):
        key = number[of] if of >= 0 else -1, at
        out[row] = places.setdefault(key, len(places))
    return out[part.place]
