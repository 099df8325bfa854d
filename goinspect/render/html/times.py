"""Single samples as the report holds them: which stack each has, when and on which CPU it was taken, and what it weighs.

In time order. ``sample_stack`` is the row of the stack; ``sample_time`` are steps in µs, the first one from the beginning of the
time axis; ``sample_cpu`` is 1 + the row in ``cpus``, 0 where not known, and left out where it is known of none;
``sample_weight`` times ``scale`` is the weight, and left out where all samples have the one that ``weight`` tells. Of waits the
same as ``wait_…``, with the time when each began; one in ns lasts as long as it weighs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.render.svg.labels import visible
from goinspect.render.text.summary import subtitle
from goinspect.results.flame import OFF_CPU

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from goinspect.results.flame import FlameProfile
    from goinspect.results.places import Series

__all__ = ["time_columns"]

_STEP = 1000  # ns: what the picture can show
_SHORTEST = 2_000_000  # ns: what is chosen of the time is told in ms


def time_columns(
    profile: FlameProfile, order: NDArray[np.int64]
) -> tuple[dict[str, Any] | None, dict[str, NDArray[np.int64]]]:
    """What is said of the samples and waits, and their columns; None where the recording tells no times.

    Args:
        profile: with waits or without.
        order: of the stacks in the report; those of waits are numbered behind the others.
    """
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    series = profile.stacks.series
    if series is None or not _timed(series):
        return None, {}
    parts = [("sample", profile, series, place)]
    waits = profile.waits
    if waits is not None and waits.stacks.series is not None and _timed(waits.stacks.series):
        parts.append(("wait", waits, waits.stacks.series, place[len(profile.stacks) :]))
    begin = min(int(single.time[0]) for _, _, single, _ in parts)
    if max(int(single.time[-1]) for _, _, single, _ in parts) - begin < _SHORTEST:
        return None, {}
    cpus = _cpus(single for _, _, single, _ in parts)
    head: dict[str, Any] = {"cpus": cpus.tolist()}
    columns: dict[str, NDArray[np.int64]] = {}
    for name, side, single, rows in parts:
        scale, weight, found = _columns(single, rows, begin, cpus)
        columns |= {f"{name}_{what}": column for what, column in found.items()}
        head[f"{name}s"] = {
            "name": visible(side.event), "unit": visible(side.unit), "subtitle": visible(subtitle(side)),
            "scale": scale, "weight": weight, "waits": side.event == OFF_CPU,
        }  # fmt: skip
    return head, columns


def _timed(series: Series) -> bool:
    return len(series.time) > 0 and int(series.time[0]) > 0


def _cpus(parts: Iterable[Series]) -> NDArray[np.int64]:
    """The numbers of the CPUs."""
    found = [np.unique(series.cpu) for series in parts if series.cpu is not None]
    known = np.unique(np.concatenate(found)).astype(np.int64) if found else np.empty(0, dtype=np.int64)
    return known[known >= 0]


def _columns(
    series: Series, rows: NDArray[np.int64], begin: int, cpus: NDArray[np.int64]
) -> tuple[int, int, dict[str, NDArray[np.int64]]]:
    """What weights are to be multiplied with, the one that all have or 0, and the columns."""
    time = ((series.time - np.uint64(begin)) // np.uint64(_STEP)).astype(np.int64)
    columns = {"stack": rows[series.stack], "time": np.diff(time, prepend=0)}
    if series.cpu is not None:
        number = np.searchsorted(cpus, series.cpu) + 1
        columns["cpu"] = np.where(series.cpu < 0, 0, number)
    weight = series.weight
    scale = max(1, int(np.gcd.reduce(weight)))
    same = int(weight[0]) if (weight == weight[0]).all() else 0
    if not same:
        columns["weight"] = (weight // np.uint64(scale)).astype(np.int64)
    return scale, same, columns
