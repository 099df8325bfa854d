"""What a profile says of itself, and the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import LONGEST
from goinspect.profiles.pprof.wire import packed
from goinspect.results.places import ProfileFacts

if TYPE_CHECKING:
    from goinspect.profiles.pprof.message import Strings
    from goinspect.profiles.pprof.wire import Fields, Top

__all__ = ["facts_of", "in_words"]

_MOST_COMMENTS = 1000


def facts_of(top: Top, period_type: Fields, strings: Strings) -> ProfileFacts:
    """All but its sample types and mappings.

    Args:
        top: the fields of the profile.
        period_type: those of the message of that name.
        strings: of the profile.
    """
    kind = [
        strings[number]
        for column in (1, 2)
        for number in (period_type.number(column).view(np.int64).tolist() or [0])[-1:]
    ]
    return ProfileFacts(
        default=strings[_signed(top.last(14))],
        time=_signed(top.last(9)),
        duration=_signed(top.last(10)),
        period=_signed(top.last(12)),
        period_type=(kind[0], kind[1]),
        comments=tuple(strings[_signed(number)] for number in _numbers(top, 13)),
        doc_url=strings[_signed(top.last(15))],
        drop_frames=strings[_signed(top.last(7))],
        keep_frames=strings[_signed(top.last(8))],
    )


def in_words(facts: ProfileFacts) -> dict[str, str]:
    """For people."""
    words = {}
    if facts.time:
        words["time"] = str(np.datetime64(facts.time, "ns").astype("datetime64[ms]")) + "Z"
    if facts.duration:
        words["duration"] = f"{facts.duration / 1e9:.3f} s"
    if facts.period:
        words["period"] = " ".join([f"{facts.period:,}", *filter(None, reversed(facts.period_type))])
    if facts.comments:
        words["comments"] = "; ".join(facts.comments)[:LONGEST]
    others = {
        "default_sample_type": facts.default,
        "drop_frames": facts.drop_frames,
        "keep_frames": facts.keep_frames,
        "doc_url": facts.doc_url,
    }
    return words | {name: text for name, text in others.items() if text}


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _numbers(top: Top, number: int) -> list[int]:
    """A repeated number of the outermost message, packed or not, the first thousand."""
    part = top.part(number)
    loose = [*top.numbers(number)]
    return (loose + [int(value) for _, values in packed(top.data, part) for value in values.tolist()])[
        :_MOST_COMMENTS
    ]
