"""What a profile says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.pprof import wire
from goinspect.render.sampletypes import event_type, sample_types, shown_type
from goinspect.render.text.summary import summary

if TYPE_CHECKING:
    from goinspect.render.pprof.tables import Strings
    from goinspect.render.sampletypes import SampleType
    from goinspect.results.flame import FlameProfile

__all__ = ["header", "value_type"]

_SAMPLE_TYPE, _TIME, _DURATION, _PERIOD_TYPE, _PERIOD, _COMMENT, _DEFAULT = 1, 9, 10, 11, 12, 13, 14


def header(profile: FlameProfile, strings: Strings, maker: str) -> bytes:
    """Kinds of values, when and how often was sampled, and what the stacks lack."""
    types, span = sample_types(profile), profile.span
    parts = [wire.message(_SAMPLE_TYPE, value_type(kind, strings)) for kind in types]
    parts += [
        wire.number(_TIME, span.wall),
        wire.number(_DURATION, max(span.end - span.begin, 0)),
    ]
    unit = next((event.unit for event in profile.events if event.name == profile.event), "")
    if span.period and unit:
        kind = event_type(profile.event, unit)
        parts += [wire.message(_PERIOD_TYPE, value_type(kind, strings)), wire.number(_PERIOD, span.period)]
    parts += [wire.number(_COMMENT, strings.number(text)) for text in _comments(profile, maker)]
    parts.append(wire.number(_DEFAULT, strings.number(shown_type(profile).type)))
    return b"".join(parts)


def value_type(kind: SampleType, strings: Strings) -> bytes:
    """A ValueType."""
    return wire.number(1, strings.number(kind.type)) + wire.number(2, strings.number(kind.unit))


def _comments(profile: FlameProfile, maker: str) -> list[str]:
    told = [f"{word}: {profile.metadata[key]}"
            for key, word in (("hostname", "host"), ("cmdline", "command"), ("perf_version", "perf"))
            if profile.metadata.get(key)]  # fmt: skip
    return [f"{maker}: {summary(profile)}", *told]
