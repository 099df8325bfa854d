"""Stacks of addresses that tracers print, and what these belong to: a group of options; see `groups`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.api.flame import Opened
    from goinspect.cli.profileoptions import Input

__all__ = ["Traced", "opening_traced"]


class Traced(NamedTuple):
    """What addresses belong to."""

    maps: Annotated[
        str | None,
        typer.Option(
            "--maps",
            metavar="FILE",
            help="PROFILE is what bpftrace, bpftool or bcc printed of the process whose /proc/PID/maps this is; see symbolize.",
            show_default=False,
        ),
    ] = None


def opening_traced(maps: str, input_: Input) -> Callable[[str], Opened]:
    """What opens each profile, and names it."""
    from goinspect.api.symbolize import Source, traced_stacks

    source = Source(maps=maps, binaries=input_.binary or (), symfs=input_.symfs, kallsyms=input_.kallsyms)
    return partial(traced_stacks, source=source)
