"""`goinspect disasm`: machine code of functions."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from goinspect.cli.options import ArchOption, BinaryArg, ColorOption, JsonOption, OutputOption, QuietOption
from goinspect.cli.output import Color, check_output, use_color, warn, write

__all__ = ["disasm"]


def disasm(
    binary: BinaryArg,
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY...",
            help="FUNC, an address (hex) or FUNC+OFFSET in one, a range START-END of addresses, or FILE:LINE.",
            show_default=False,
        ),
    ],
    syntax: Annotated[
        Literal["go", "intel", "att", "gnu"] | None,
        typer.Option(
            "--syntax",
            help="go and gnu as go tool objdump prints them; intel and att of x86.  [default: go, or gnu where there is none]",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="DIR",
            help="Show lines of source, found below DIR by the paths in the binary; may be repeated.",
            show_default=False,
        ),
    ] = None,
    code: Annotated[bool, typer.Option("--bytes", help="Show the bytes of instructions.")] = False,
    arch: ArchOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:
    """Show machine code of functions, with source positions, inlined calls, and what addresses are.

    Works on stripped and PIE binaries. Headings say of which line, and of which inlined call, the instructions below
    them are. Jumps have labels; behind // stands what an address is: a function, a variable of the symbol table, a type,
    or the string itself. An address asks for the function that holds it, and is marked with =>.

    Examples:

    goinspect disasm ./server main.main

    goinspect disasm ./server server.go:42 --source . --bytes

    goinspect disasm ./server 0x4a1c2d --syntax intel

    goinspect disasm ./server 0x4a1c00-0x4a1c40 --json
    """
    from goinspect.api.binary import Executable

    check_output(output)
    result = Executable(binary, arch=arch).disasm(*queries, syntax=syntax, source=source or ())
    if json:
        from goinspect.render.json.disasm import render_json

        write(render_json(result), output)
    else:
        from goinspect.render.text.disasm import render_text

        colored = output is None and use_color(color, sys.stdout)
        write(render_text(result, code=code, color=colored), output)
    warn(result.warnings, quiet=quiet)
