"""`goinspect pcln`: gopclntab and what it says of PCs."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.options import BinaryArg, ColorOption, JsonOption, OutputOption, QuietOption, VerboseOption
from goinspect.cli.output import Color, check_output, report, use_color, warn, write

if TYPE_CHECKING:
    from goinspect.results import FunctionList, LineReport

__all__ = ["pcln"]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    addr2line = "addr2line"


def pcln(
    binary: BinaryArg,
    pcs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PC]...",
            help="Addresses (hex), FUNC or FUNC+OFFSET; - reads them from stdin, one a line.",
            show_default=False,
        ),
    ] = None,
    functions: Annotated[bool, typer.Option("--functions", help="List every function.")] = False,
    header: Annotated[
        bool, typer.Option("--header", help="Show the table's header and how it was found.")
    ] = False,
    no_inline: Annotated[
        bool, typer.Option("--no-inline", help="Only the function that holds the PC.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="addr2line prints as go tool addr2line does.")
    ] = Format.text,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Decode gopclntab: map PCs to function, file and line, inlined calls included.

    Without PCs and options the header is shown. Works on stripped and PIE binaries; addresses are the file's own.

    Examples:

    goinspect pcln ./server 0x4a1c2d main.main+0x1c

    perf script -F ip | goinspect pcln ./server - --format addr2line
    """
    if functions and (pcs or header):
        raise typer.BadParameter("--functions lists all functions: give no PCs and no --header with it")
    if header and pcs:
        raise typer.BadParameter("--header describes the table: give no PCs with it")
    form = Format.json if json else form
    check_output(output)
    result = _answer(binary, pcs or [], functions=functions, inlines=not no_inline)
    write(
        _rendered(result, form, functions=functions, color=output is None and use_color(color, sys.stdout)),
        output,
    )
    if verbose:
        info = result.pclntab
        report(
            f"goinspect: gopclntab {info.generation} found by {info.found_by}; text base from {info.text_from}"
        )
    warn(result.warnings, quiet=quiet)
    if pcs and result.rows and all(getattr(row, "frames", ()) is None for row in result.rows):
        report(
            "goinspect: no PC lies in a function of the binary: are they runtime addresses of a PIE?",
            quiet=quiet,
        )
        raise typer.Exit(1)


def _answer(path: str, pcs: list[str], *, functions: bool, inlines: bool) -> LineReport | FunctionList:
    from goinspect.analysis import lines
    from goinspect.binary import Binary

    binary = Binary(path)
    if not pcs:
        return lines.list_functions(binary, rows=functions)
    queries: list[str] = []
    for pc in pcs:
        queries += [line.strip() for line in sys.stdin if line.strip()] if pc == "-" else [pc]
    return lines.resolve(binary, queries, inlines=inlines)


def _rendered(result: LineReport | FunctionList, form: Format, *, functions: bool, color: bool) -> str:
    from goinspect.results import LineReport

    if isinstance(result, LineReport):
        if form is Format.json:
            from goinspect.render.json import render_lines as as_json

            return as_json(result)
        from goinspect.render.lines import render_addr2line, render_lines

        return render_addr2line(result) if form is Format.addr2line else render_lines(result, color=color)
    if form is Format.addr2line:
        raise typer.BadParameter("--format addr2line needs PCs")
    if form is Format.json:
        from goinspect.render.json import render_functions as functions_json

        return functions_json(result)
    from goinspect.render.table import render_functions, render_header

    return (
        render_functions(result)
        if functions
        else render_header(result.pclntab, result.binary, result.go_version)
    )
