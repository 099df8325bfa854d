"""Options that compare two profiles, as a group; see `groups`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Against", "base_of"]


class Against(NamedTuple):
    """What to compare with, and how."""

    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="BASE",
            help="Show what changed since this profile, of the same or another build.",
            show_default=False,
        ),
    ] = None
    diff_absolute: Annotated[
        bool,
        typer.Option(
            "--diff-absolute",
            help="Compare weights as they are, as is done with bytes; default: per sample, BASE scaled to the total of PROFILE.",
        ),
    ] = False


def base_of(against: Against, paths: Sequence[str], *, list_events: bool) -> str | None:
    """The profile to compare with. Raises a usage error where there is none, or nothing to compare."""
    if against.diff is None and against.diff_absolute:
        raise typer.BadParameter("--diff-absolute says how to compare: --diff BASE says with what")
    if against.diff is not None and list_events:
        raise typer.BadParameter("--list-events lists the events of profiles: without --diff")
    if against.diff == "-" and "-" in paths:
        raise typer.BadParameter("--diff -: stdin is one profile, and cannot be both")
    return against.diff
