"""Calls that are none any more: where functions with code of their own were inlined all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.pcln.inlined import ranges_of
from goinspect.errors import GoinspectError
from goinspect.results.calls import CallSite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.analysis.calls.sites import Sites
    from goinspect.binary import Binary
    from goinspect.model import Frame

__all__ = ["inlined_callers"]


def inlined_callers(
    binary: Binary, sites: Sites, numbers: list[int]
) -> Iterator[tuple[int, int, tuple[CallSite, ...]]]:
    """(function that holds the code, function of `numbers` that was inlined, places of the calls), in order of address."""
    if not numbers:
        return
    bulk = binary.bulk
    try:
        ranges = ranges_of(bulk, distinct(bulk.records.field(np.array(numbers), "name_off")).tolist())
    except GoinspectError:  # trees that cannot be read
        return
    if ranges is None:
        return
    names = {sites.name(number): number for number in reversed(numbers)}
    found: dict[tuple[int, int], dict[tuple[Frame, ...], int]] = {}
    for holder, site in zip(ranges.func.tolist(), sites.at(ranges.start.tolist()), strict=True):
        for depth, frame in enumerate((site.frames or ())[:-1]):
            number = names.get(frame.function)
            if number is not None and site.frames:
                found.setdefault((holder, number), {}).setdefault(site.frames[depth + 1 :], site.pc)
    for (holder, number), places in sorted(found.items()):
        yield holder, number, tuple(CallSite(pc, frames) for frames, pc in places.items())
