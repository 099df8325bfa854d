"""`goinspect calls`: callers and callees of a function."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from goinspect.cli.options import (
    ArchOption,
    BinaryArg,
    ColorOption,
    JsonOption,
    OutputOption,
    QuietOption,
    TextStartOption,
    address,
)  # fmt: skip
from goinspect.cli.output import Color, check_output, use_color, warn, write

__all__ = ["calls"]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    dot = "dot"
    folded = "folded"


def calls(
    binary: BinaryArg,
    function: Annotated[
        str, typer.Argument(metavar="FUNC", help="A function, or an address (hex) in it.", show_default=False)
    ],
    callers: Annotated[bool, typer.Option("--callers", help="Only who calls it.")] = False,
    callees: Annotated[bool, typer.Option("--callees", help="Only whom it calls.")] = False,
    depth: Annotated[
        int, typer.Option("--depth", min=1, max=64, metavar="N", help="Follow that many calls from there.")
    ] = 1,
    form: Annotated[
        Format, typer.Option("--format", help="dot is for Graphviz; folded has stacks of callers.")
    ] = Format.text,
    arch: ArchOption = None,
    text_start: TextStartOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:
    """Show who calls a function and whom it calls, from the machine code: stripped binaries have all of it, too.

    Each line has a function and the places of its calls; of a call in code that was inlined, where that is and how it
    came there. Marked are jumps in place of a call and a return (jump:), and, among callers, where FUNC itself was
    inlined (inlined:). Calls through pointers lead to an unknown function: those of FUNC are listed, and whether the
    address of FUNC is taken, so that such a call may lead to it.

    Exit code 1: there is no such function, or it has no code of its own.

    Examples:

    goinspect calls ./server main.handle

    goinspect calls ./server runtime.growslice --callers --depth 3 --format folded

    goinspect calls ./server main.main --callees --depth 4 --format dot | dot -Tsvg -o main.svg
    """
    from goinspect.api.binary import Executable
    from goinspect.render.callgraph import render

    check_output(output)
    form = Format.json if json else form
    if form is Format.folded and callees and not callers:
        raise typer.BadParameter("folded stacks are of callers: give no --callees")
    base = None if text_start is None else address(text_start)
    both = callers == callees
    result = Executable(binary, arch=arch, text_start=base).calls(
        function,
        callers=both or callers,
        callees=(both or callees) and form is not Format.folded,
        depth=depth,
    )
    color_it = output is None and use_color(color, sys.stdout)
    write(render(result, form.value, color=color_it), output)
    warn(result.warnings, quiet=quiet)
