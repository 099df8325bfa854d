"""What a profile says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.pprof import wire
from goinspect.render.sampletypes import SampleType, event_type, sample_types, shown_type
from goinspect.render.text.summary import summary

if TYPE_CHECKING:
    from goinspect.render.pprof.tables import Strings
    from goinspect.results.flame import FlameProfile
    from goinspect.results.places import ProfileFacts

__all__ = ["header", "value_type"]

_SAMPLE_TYPE, _DROP, _KEEP, _TIME, _DURATION, _PERIOD_TYPE, _PERIOD = 1, 7, 8, 9, 10, 11, 12
_COMMENT, _DEFAULT, _URL = 13, 14, 15


def header(profile: FlameProfile, strings: Strings, maker: str) -> bytes:
    """Kinds of values, when and how often was sampled, and what the stacks lack; of a pprof profile what it says itself."""
    types = sample_types(profile)
    parts = [wire.message(_SAMPLE_TYPE, value_type(kind, strings)) for kind in types]
    facts = profile.facts
    shown = shown_type(profile).type
    if facts is not None:
        parts += [
            *_told(facts, strings),
            wire.number(_DEFAULT, strings.number(_default(facts, types, shown))),
        ]
        return b"".join(parts)
    span = profile.span
    parts += [
        wire.number(_TIME, span.wall),
        wire.number(_DURATION, max(span.end - span.begin, 0)),
    ]
    unit = next((event.unit for event in profile.events if event.name == profile.event), "")
    if span.period and unit:
        kind = event_type(profile.event, unit)
        parts += [wire.message(_PERIOD_TYPE, value_type(kind, strings)), wire.number(_PERIOD, span.period)]
    parts += [wire.number(_COMMENT, strings.number(text)) for text in _comments(profile, maker)]
    parts.append(wire.number(_DEFAULT, strings.number(shown)))
    return b"".join(parts)


def value_type(kind: SampleType, strings: Strings) -> bytes:
    """A ValueType."""
    return wire.number(1, strings.number(kind.type)) + wire.number(2, strings.number(kind.unit))


def _told(facts: ProfileFacts, strings: Strings) -> list[bytes]:
    kind = value_type(SampleType(*facts.period_type, 0), strings)
    return [
        wire.number(_DROP, strings.number(facts.drop_frames)),
        wire.number(_KEEP, strings.number(facts.keep_frames)),
        wire.number(_TIME, facts.time),
        wire.number(_DURATION, facts.duration),
        wire.message(_PERIOD_TYPE, kind) if kind else b"",
        wire.number(_PERIOD, facts.period),
        *(wire.number(_COMMENT, strings.number(text)) for text in facts.comments),
        wire.number(_URL, strings.number(facts.doc_url)),
    ]


def _default(facts: ProfileFacts, types: tuple[SampleType, ...], shown: str) -> str:
    """Which type to show: what the profile says, or nothing, where that is the one that is shown."""
    names = [kind.type for kind in types]
    implied = facts.default if facts.default and facts.default in names else names[-1]
    return facts.default if implied == shown else shown


def _comments(profile: FlameProfile, maker: str) -> list[str]:
    told = [f"{word}: {profile.metadata[key]}"
            for key, word in (("hostname", "host"), ("cmdline", "command"), ("perf_version", "perf"))
            if profile.metadata.get(key)]  # fmt: skip
    return [f"{maker}: {summary(profile)}", *told]
