"""A profile for the Go compiler, as runtime/pprof writes CPU profiles: it takes the first of samples/count and cpu/nanoseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.render.pprof import wire
from goinspect.render.pprof.header import value_type
from goinspect.render.pprof.output import packed
from goinspect.render.sampletypes import SAMPLES, SampleType

if TYPE_CHECKING:
    from goinspect.render.pprof.tables import Strings
    from goinspect.results.pgo import PgoProfile

__all__ = ["render"]

_SAMPLE_TYPE, _DURATION, _PERIOD_TYPE, _COMMENT = 1, 10, 11, 13
_COUNT, _TIME = SampleType("samples", "count", SAMPLES), SampleType("cpu", "nanoseconds", 0)


def render(profile: PgoProfile, maker: str) -> bytes:
    """The profile, compressed; the same stacks give the same bytes."""
    types = [_TIME if weight.unit == "ns" else _COUNT for weight in profile.stacks.weights]

    def head(strings: Strings) -> bytes:
        report = profile.report
        parts = [wire.message(_SAMPLE_TYPE, value_type(kind, strings)) for kind in types]
        parts += [
            wire.number(_DURATION, profile.duration),
            wire.message(_PERIOD_TYPE, value_type(_TIME if _TIME in types else _COUNT, strings)),
            wire.number(
                _COMMENT, strings.number(f"{maker} pgo: {report.taken:,} of {report.samples:,} samples")
            ),
        ]
        return b"".join(parts)

    return packed(profile.stacks, [weight.values.astype(np.int64) for weight in profile.stacks.weights], head)
