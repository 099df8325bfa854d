"""Samples and waits of one recording, as stacks of the same frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goinspect.results.places import Places
from goinspect.results.stacks import Label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import Stacks

__all__ = ["with_waits"]


def with_waits(stacks: Stacks, waits: Stacks) -> Stacks:
    """The stacks, and behind them those of waits, which weigh nothing; single samples are left out."""
    frames = {frame: row for row, frame in enumerate(stacks.frames)}
    row = np.array([frames.setdefault(frame, len(frames)) for frame in waits.frames], dtype=np.int32)
    nothing = np.zeros(len(waits), dtype=np.int64)
    place, places = _places(stacks, waits)
    return replace(
        stacks,
        frames=tuple(frames),
        start=np.concatenate((stacks.start, stacks.start[-1] + waits.start[1:])),
        frame=np.concatenate((stacks.frame, row[waits.frame])),
        samples=np.concatenate((stacks.samples, nothing)),
        weights=tuple(
            weight._replace(values=np.concatenate((weight.values, nothing.astype(np.uint64))))
            for weight in stacks.weights
        ),
        labels={name: _label(stacks, waits, name) for name in dict.fromkeys((*stacks.labels, *waits.labels))},
        place=place,
        places=places,
        series=None,
    )


def _places(stacks: Stacks, waits: Stacks) -> tuple[NDArray[np.int32] | None, Places | None]:
    """The addresses of both, where both are known."""
    if stacks.place is None or stacks.places is None or waits.place is None or waits.places is None:
        return None, None
    one, other = stacks.places, waits.places
    known = np.where(waits.place < 0, np.int32(-1), waits.place + np.int32(len(one.address)))
    module = np.where(other.module < 0, np.int32(-1), other.module + np.int32(len(one.modules)))
    return np.concatenate((stacks.place, known)), Places(
        (*one.modules, *other.modules),
        np.concatenate((one.module, module)),
        np.concatenate((one.address, other.address)),
    )


def _label(stacks: Stacks, waits: Stacks, name: str) -> Label:
    values: dict[str, int] = {}
    columns = []
    for part in (stacks, waits):
        label = part.labels.get(name)
        if label is None:
            columns.append(np.full(len(part), -1, dtype=np.int32))
            continue
        rows = [values.setdefault(value, len(values)) for value in label.values]
        columns.append(np.array([*rows, -1], dtype=np.int32)[label.row])
    return Label(tuple(values), np.concatenate(columns))
