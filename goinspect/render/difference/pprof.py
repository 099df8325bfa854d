"""`--format pprof` of two profiles: what `go tool pprof -diff_base` makes of two files.

Samples of the base are negative, and labelled as pprof labels them (src/cmd/vendor/github.com/google/pprof/profile/profile.go,
``SetLabel("pprof::base", "true")``), so that it shows shares of the base's total. Functions have no addresses: of
different builds they are matched by name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goinspect.render.difference.facts import apportioned
from goinspect.render.pprof.header import header
from goinspect.render.pprof.output import packed
from goinspect.render.sampletypes import SAMPLES, sample_types
from goinspect.results.stacks import Label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import Difference, FlameProfile

__all__ = ["render_both"]

_BASE = "pprof::base"


def render_both(profile: FlameProfile, difference: Difference, options: DrawOptions) -> bytes:
    """The samples of both sides, compressed."""
    stacks = profile.stacks
    weight, base, counts = (column.values for column in stacks.weights)
    now, before = weight > 0, base > 0
    sides = stacks.where(now), stacks.where(before)
    label = Label(("true",), np.repeat(np.array([-1, 0], dtype=np.int32), [len(side) for side in sides]))
    both = replace(
        stacks,
        start=np.concatenate((sides[0].start, sides[1].start[1:] + sides[0].start[-1])),
        frame=np.concatenate([side.frame for side in sides]),
        samples=np.concatenate([side.samples for side in sides]),
        weights=stacks.weights[:1],
        labels={
            name: one._replace(row=np.concatenate([side.labels[name].row for side in sides]))
            for name, one in stacks.labels.items()
        }
        | {_BASE: label},
    )
    shown = profile._replace(stacks=replace(stacks, weights=stacks.weights[:1]))
    columns = {0: _signed(weight[now], base[before], difference)}
    columns[SAMPLES] = _signed(stacks.samples[now], counts[before], difference)
    values = [columns[kind.of] // kind.scale for kind in sample_types(shown)]
    return packed(both, values, lambda strings: header(shown, strings, options.maker))


def _signed(
    now: NDArray[np.integer], before: NDArray[np.integer], difference: Difference
) -> NDArray[np.int64]:
    """What there is now, and behind it what there was, as it is compared, below zero."""
    scaled = np.array(apportioned(before.tolist(), difference), dtype=np.int64)
    return np.concatenate((now.astype(np.int64), -scaled))
