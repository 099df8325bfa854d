"""`goinspect pcln`: gopclntab and what it says of PCs."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.options import (
    ArchOption,
    BinaryArg,
    ColorOption,
    JsonOption,
    OutputOption,
    QuietOption,
    RawOption,
    TextStartOption,
    VerboseOption,
    address,
)
from goinspect.cli.output import Color, check_output, report, use_color, warn, write

if TYPE_CHECKING:
    from goinspect.api.binary import Executable
    from goinspect.results.functions import FunctionList, InlinedList, SizeReport
    from goinspect.results.lines import LineReport, LineTable

    Result = FunctionList | InlinedList | LineReport | LineTable | SizeReport

__all__ = ["pcln"]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    addr2line = "addr2line"


class By(StrEnum):
    """What --sizes sums."""

    function = "function"
    package = "package"


def pcln(
    binary: BinaryArg,
    pcs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]...",
            help="Address (hex), FUNC, FUNC+OFFSET or FILE:LINE; - reads them from stdin, one a line.",
            show_default=False,
        ),
    ] = None,
    functions: Annotated[bool, typer.Option("--functions", help="List every function.")] = False,
    inlined_only: Annotated[
        bool, typer.Option("--inlined-only", help="List functions that exist only inlined into others.")
    ] = False,
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--lines",
            metavar="FUNC",
            help="Show the line table of a function; may be repeated.",
            show_default=False,
        ),
    ] = None,
    sizes: Annotated[
        bool,
        typer.Option("--sizes", help="Show what the table's bytes are spent on, by function and by part."),
    ] = False,
    by: Annotated[By, typer.Option("--by", help="With --sizes: sum functions, or packages.")] = By.function,
    header: Annotated[
        bool, typer.Option("--header", help="Show the table's header and how it was found.")
    ] = False,
    no_inline: Annotated[
        bool, typer.Option("--no-inline", help="Only the function that holds the PC.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="addr2line prints as go tool addr2line does.")
    ] = Format.text,
    arch: ArchOption = None,
    raw: RawOption = False,
    text_start: TextStartOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Decode gopclntab: map PCs to function, file and line, inlined calls included.

    A query is an address, a function (type arguments may be written [...]), a function with an offset, or a place in
    a source file, whose path may be shortened from the left. A place, and a function that exists only inlined, is
    answered with every range of PCs it has, in whatever function.

    Without queries and options the header is shown. Works on stripped and PIE binaries; addresses are the file's own.

    Examples:

    goinspect pcln ./server 0x4a1c2d main.main+0x1c server.go:42

    perf script -F ip | goinspect pcln ./server - --format addr2line

    goinspect pcln ./server --lines main.main --json
    """
    listings = {
        "--functions": functions, "--inlined-only": inlined_only, "--lines": bool(lines), "--sizes": sizes,
        "--header": header,
    }  # fmt: skip
    form = Format.json if json else form
    _check(listings, pcs, by, form)
    check_output(output)
    base = None if text_start is None else address(text_start)
    result = _answer(
        _open(binary, arch=arch, raw=raw, text_start=base),
        pcs or [],
        next((name for name, asked in listings.items() if asked), "--header"),
        lines=lines or [],
        by_package=by is By.package,
        inlines=not no_inline,
    )
    write(_rendered(result, form, color=output is None and use_color(color, sys.stdout)), output)
    if verbose:
        info = result.pclntab
        report(
            f"goinspect: gopclntab {info.generation} found by {info.found_by}; text base from {info.text_from}"
        )
    warn(result.warnings, quiet=quiet)
    if pcs and result.rows and not _any_found(result):
        report(
            "goinspect: no PC lies in a function of the binary: are they runtime addresses of a PIE?",
            quiet=quiet,
        )
        raise typer.Exit(1)


def _check(listings: dict[str, bool], pcs: list[str] | None, by: By, form: Format) -> None:
    asked = [name for name, wanted in listings.items() if wanted]
    if len(asked) > 1:
        raise typer.BadParameter(f"{' and '.join(asked)} exclude each other")
    if asked and pcs:
        raise typer.BadParameter(f"{asked[0]} is an answer of its own: give no queries with it")
    if by is By.package and asked != ["--sizes"]:
        raise typer.BadParameter("--by package needs --sizes")
    if form is Format.addr2line and not pcs:
        raise typer.BadParameter("--format addr2line needs PCs")


def _any_found(result: Result) -> bool:
    from goinspect.results.lines import LineRows

    rows = result.rows
    return bool(rows.function) if isinstance(rows, LineRows) else True


def _open(path: str, *, arch: str | None, raw: bool, text_start: int | None) -> Executable:
    from goinspect.api.binary import Executable

    return Executable(path, arch=arch, raw=raw, text_start=text_start)


def _queries(pcs: list[str]) -> list[str]:
    queries: list[str] = []
    for pc in pcs:
        if pc == "-":
            # Names are compared with those of the binary, which are read the same way.
            text = sys.stdin.buffer.read().decode("utf-8", "backslashreplace")
            queries += [line for line in map(str.strip, text.split("\n")) if line]
        else:
            queries.append(pc)
    return queries


def _answer(
    binary: Executable, pcs: list[str], what: str, *, lines: list[str], by_package: bool, inlines: bool
) -> Result:
    if pcs:
        return binary.lookup(_queries(pcs), inlines=inlines)
    if what == "--lines":
        return binary.line_table(*lines, inlines=inlines)
    if what == "--sizes":
        return binary.table_sizes(by_package=by_package)
    if what == "--inlined-only":
        return binary.list_inlined_only()
    return binary.list_functions(rows=what == "--functions")


def _rendered(result: Result, form: Format, *, color: bool) -> str:
    if form is Format.json:
        from goinspect.render.json import pcln as pclnjson

        return pclnjson.render(result)
    from goinspect.results.lines import LineReport

    if isinstance(result, LineReport):
        from goinspect.render.text.frames import render_addr2line, render_lines

        return render_addr2line(result) if form is Format.addr2line else render_lines(result, color=color)
    from goinspect.render.text import pcln as pclntext

    return pclntext.render(result)
