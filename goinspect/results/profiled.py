"""What a pprof profile says of itself beside its samples: for whoever writes it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.results.places import Module

__all__ = ["ProfileFacts", "ValueType"]


class ValueType(NamedTuple):
    """What a value of each sample is, as the profile calls it; weights made of it are ``scale`` times as large."""

    name: str
    unit: str
    scale: int = 1


class ProfileFacts(NamedTuple):
    """The fields of profile.proto that are not samples, as they are there.

    Attributes:
        types: of the values.
        shown: row of the one that is shown.
        default: name of the one to show, "" where the profile does not say.
        time: ns of the wall clock.
        duration: ns.
        period: the weight of a sample, in `period_type`.
        period_type: its name and unit.
        comments: free text.
        doc_url: a page about it.
        drop_frames: a regular expression, which has been applied.
        keep_frames: as well.
        mappings: all of them, in the profile's order.
        placed: of each row of `Profile.mappings`, which one it is.
        nameless: those with neither a name nor a build ID; the first is row -2 of `Locations.mapping`, and so on down.
    """

    types: tuple[ValueType, ...] = ()
    shown: int = 0
    default: str = ""
    time: int = 0
    duration: int = 0
    period: int = 0
    period_type: tuple[str, str] = ("", "")
    comments: tuple[str, ...] = ()
    doc_url: str = ""
    drop_frames: str = ""
    keep_frames: str = ""
    mappings: tuple[Module, ...] = ()
    placed: tuple[Module, ...] = ()
    nameless: tuple[Module, ...] = ()

    def and_also(self, other: ProfileFacts) -> ProfileFacts:
        """Of both profiles added up, as pprof merges them."""
        return self.without_places()._replace(
            time=min(filter(None, (self.time, other.time)), default=0),
            duration=self.duration + other.duration,
            period=max(self.period, other.period),
            comments=tuple(dict.fromkeys((*self.comments, *other.comments))),
            doc_url=self.doc_url or other.doc_url,
        )

    def without_places(self) -> ProfileFacts:
        """Of stacks whose addresses are not kept."""
        return self._replace(mappings=(), placed=(), nameless=())
