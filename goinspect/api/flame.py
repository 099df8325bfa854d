"""Flame: where the time of a profile went, as an object."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from goinspect._files import encoded, write_file
from goinspect._paths import is_url
from goinspect.analysis.options import FlameOptions, TimeBound
from goinspect.api.difference import compared, refuse_one_sided
from goinspect.errors import QueryError
from goinspect.profiles.base import NamedStacks
from goinspect.render.outputs import OUTPUTS, DrawOptions, output_for

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from goinspect.profiles.base import Profile
    from goinspect.render.outputs import Output
    from goinspect.results.flame import EventSummary, FlameProfile, FlameTotals
    from goinspect.results.stacks import Stacks
    from goinspect.views.difference import Mover
    from goinspect.views.top import TopRow

    Opened: TypeAlias = Profile | NamedStacks

__all__ = ["Flame", "FlameOptions", "Opened", "TimeBound", "events_of", "open_input"]

_NOTEBOOK_HEIGHT = 500  # px


class Flame:
    """Named, merged stacks of a profile: what `goinspect flame` draws, tells and writes.

    Attributes:
        profile: the stacks with all that is known of them.
        path: what was read.
    """

    def __init__(
        self, profile: FlameProfile, *, path: str = "-", reverse: bool = False, lines: bool = False
    ) -> None:
        self.profile = profile
        self.path = path
        self._reverse = reverse
        self._lines = lines
        self._again: Callable[[Output], FlameProfile] | None = None

    @classmethod
    def of(
        cls,
        opened: Profile | NamedStacks,
        options: FlameOptions,
        *,
        path: str = "-",
        output: Output | None = None,
    ) -> Flame:
        """The stacks of a profile that is open already.

        Args:
            opened: the profile.
            options: what to take of it.
            path: what it was read from.
            output: the only format that it will be written in. Otherwise the profile is kept, which formats with
                addresses or times (pprof) need again.

        Raises:
            QueryError: `options` ask for what the profile does not hold, or a file given by hand is unusable.
        """
        asked = options if output is None else _options_for(output, options, opened)
        flame = cls(_folded(opened, asked), path=path, reverse=options.reverse, lines=options.lines)
        if output is None:
            flame._again = lambda other: _folded(opened, _options_for(other, options, opened))
        return flame

    @classmethod
    def read(
        cls,
        paths: Sequence[str],
        options: FlameOptions,
        *,
        output: Output | None = None,
        opening: Callable[[str], Profile | NamedStacks] | None = None,
        diff: str | None = None,
        absolute: bool = False,
    ) -> Flame:
        """The stacks of one profile or of several, which are added up; "-" is stdin, and URLs of HTTP are fetched.

        Args:
            paths: what to read.
            options: of each.
            output: the only format, as of `of`.
            opening: reads each, `open_input` unless given.
            diff: what to compare them with.
            absolute: weights are compared as they are, not per sample.

        Raises:
            QueryError: the profiles do not weigh the same, and what `of` raises.
        """
        if diff is not None:
            if output is not None:
                refuse_one_sided(output)
            sides, named = compared(paths, diff, options, opening=opening or open_input, absolute=absolute)
            return cls(sides, path=named, reverse=options.reverse, lines=options.lines)
        from goinspect.analysis.stacks.together import Together

        def added(opened: Profile | NamedStacks, path: str, together: Together, to: Output | None) -> None:
            asked = together.options_for(opened)
            together.add(_folded(opened, asked if to is None else _options_for(to, asked, opened)), path)

        def again(to: Output) -> FlameProfile:
            together = Together(options, len(paths))
            for opened, path in kept:
                added(opened, path, together, to)
            return together.profile()

        kept: list[tuple[Profile | NamedStacks, str]] = []
        together = Together(options, len(paths))
        shown = []
        for given in paths:
            opened = (opening or open_input)(given)
            path = opened.path if is_url(given) else given  # the URL without a password
            shown.append(path)
            added(opened, path, together, output)
            if output is None:
                kept.append((opened, path))
            del opened  # the columns of a large recording are not needed to draw it
        named = shown[0] if len(paths) == 1 else f"{len(paths)} profiles"
        flame = cls(together.profile(), path=named, reverse=options.reverse, lines=options.lines)
        if output is None:
            flame._again = again
        return flame

    @property
    def stacks(self) -> Stacks:
        """The distinct stacks, in columns."""
        return self.profile.stacks

    @property
    def total(self) -> int:
        """The weight of all stacks, in `unit`."""
        return int(self.stacks.weight.sum())

    @property
    def unit(self) -> str:
        """Of weights: "ns", "count", "samples", "bytes"."""
        return self.stacks.unit

    @property
    def totals(self) -> FlameTotals:
        """Samples, losses, threads, how many frames have names, what was left out."""
        return self.profile.totals

    @property
    def events(self) -> tuple[EventSummary, ...]:
        """All events of the recording."""
        return self.profile.events

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is uncertain, or could not be read."""
        return self.profile.warnings

    @property
    def summary(self) -> str:
        """How much could be named and what was left out, in a line."""
        from goinspect.render.text.summary import summary

        return summary(self.profile)

    def top(self, limit: int | None = None) -> list[TopRow]:
        """The functions that cost most by themselves, with what went through them."""
        from goinspect.views.top import top

        return top(self.stacks, limit)

    def movers(self, limit: int | None = None) -> list[Mover]:
        """Of two profiles the functions that changed most, with both sides and the error; noise last.

        Raises:
            QueryError: it is one profile.
        """
        from goinspect.views.difference import movers

        if self.profile.difference is None:
            raise QueryError("one profile has no movers: goinspect.flame(OTHER, diff=BASE) has")
        return movers(self.stacks, self.profile.difference, limit)

    def text(self, format: str, **how: Any) -> str:
        """The stacks as ``svg``, ``html``, ``folded``, ``json``, ``top`` or another format that is text.

        Args:
            format: one of these.
            how: fields of `DrawOptions`: title, width, min_width, inverted, annotate.

        Raises:
            QueryError: there is no such format, or it is no text.
        """
        written = self._rendered(format, how)
        if isinstance(written, bytes):
            raise QueryError(f"{format} is no text: take binary({format!r}), or save it")
        return written

    def binary(self, format: str, **how: Any) -> bytes:
        """The stacks as ``pprof`` or any other format, as its file holds them. Raises as `text`."""
        written = self._rendered(format, how)
        return written if isinstance(written, bytes) else b"".join(encoded(written))

    def _rendered(self, format: str, how: dict[str, Any]) -> str | bytes:
        if format not in [output.name for output in OUTPUTS]:
            raise QueryError(f"no format {format!r}: {', '.join(output.name for output in OUTPUTS)}")
        from goinspect import __version__

        maker = f"goinspect {__version__}"
        options = DrawOptions(path=self.path, reverse=self._reverse, maker=maker, lines=self._lines)._replace(
            **how
        )
        output = output_for(format, None)
        if self.profile.difference is not None:
            refuse_one_sided(output)
        profile = self._again(output) if output.asks and self._again is not None else self.profile
        return output.render(profile, options)

    def save(self, path: str | os.PathLike[str], format: str | None = None, **how: Any) -> None:
        """Write the stacks to a file, whole or not at all, in the format that its suffix means unless one is named; `how` as of `text`.

        Raises:
            FileError: the file cannot be written.
            QueryError: there is no such format.
        """
        write_file(str(path), self._rendered(format or output_for(None, str(path)).name, how))

    def __repr__(self) -> str:
        return f"<flame graph of {self.path}: {self.summary}>"

    def _repr_html_(self) -> str:
        """The picture in a cell of a notebook, with zoom and search; nothing of it leaves its frame."""
        from html import escape

        picture = self.text("svg").partition("?>\n")[2]
        page = f'<!doctype html><meta charset="utf-8"><body style="margin:0">{picture}</body>'
        return (
            f'<iframe sandbox="allow-scripts" style="width:100%;height:{_NOTEBOOK_HEIGHT}px;border:0" '
            f'srcdoc="{escape(page, quote=True)}"></iframe>'
        )


def open_input(
    name: str,
    *,
    seconds: int | None = None,
    timeout: float | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> Profile | NamedStacks:
    """The profile at a path or URL, or on stdin ("-"). Arguments and errors as of `goinspect.profiles.open_profile`."""
    from goinspect.profiles import open_profile, read_profile

    if name == "-":
        return read_profile(sys.stdin.buffer, "stdin")
    return open_profile(name, seconds=seconds, timeout=timeout, tell=tell)


def _folded(opened: Opened, options: FlameOptions) -> FlameProfile:
    if options.details:  # what these need is not loaded for all outputs
        from goinspect.analysis.report.fold import fold_detailed

        return fold_detailed(opened, options)
    from goinspect.analysis.stacks.fold import fold

    return fold(opened, options)


def _options_for(output: Output, options: FlameOptions, opened: Profile | NamedStacks) -> FlameOptions:
    """The options with what a format asks for by itself, which folded stacks do not hold."""
    if output.asks and options.reverse:
        raise QueryError(
            f"--reverse: {output.name} holds stacks as they were called; its viewer turns them around"
        )
    if isinstance(opened, NamedStacks):
        return options
    asked = replace(options, **output.asks)
    return asked if options.weight == "period" else replace(asked, every_type=options.every_type)


def events_of(opened: Profile | NamedStacks) -> tuple[EventSummary, ...]:
    """The events of a recording.

    Raises:
        QueryError: it is no recording.
    """
    from goinspect.analysis.recordings.selection import list_events

    if isinstance(opened, NamedStacks):
        raise QueryError("--list-events needs a recording: folded stacks have no events")
    return list_events(opened)
