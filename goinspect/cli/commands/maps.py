"""`goinspect maps`: what is in the memory of a process?"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.options import ColorOption, JsonOption, OutputOption, QuietOption
from goinspect.cli.output import Color, check_output, use_color, warn, write

if TYPE_CHECKING:
    from goinspect.results.processes.maps import MapReport

__all__ = ["maps"]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    svg = "svg"


def maps(
    target: Annotated[
        str,
        typer.Argument(
            metavar="PID|FILE",
            help="A process, or saved maps, smaps or core.",
            show_default=False,
        ),
    ],
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ADDRESS...]", help="Addresses (hex) in its memory, to be explained.", show_default=False
        ),
    ] = None,
    binaries: Annotated[
        list[str] | None,
        typer.Option(
            "--binary",
            "-b",
            metavar="BIN",
            help="Read this file for the mapped one of its name; may be repeated.",
            show_default=False,
        ),
    ] = None,
    symfs: Annotated[
        str | None,
        typer.Option(
            "--symfs",
            metavar="DIR",
            help="Look for mapped files of FILE below DIR first.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[bool, typer.Option("--threads", help="List every thread.")] = False,
    resident: Annotated[
        bool | None,
        typer.Option(
            "--resident/--no-resident",
            help="Ask what is in memory.  [default: unless there are very many mappings]",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How to print.  [default: text, or as the name after -o ends]",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:
    """Show the process and its memory: what each mapping is, how far it is from a file's own addresses, what is resident.

    Each mapping is told as part of a segment of a binary, with its load bias, release and build ID; as memory of Go, C or
    the kernel; as a stack, a file, or kept free. What is concluded from address and size alone is called a guess: Go names
    its memory since 1.25, where the kernel can. With addresses: from each to the mapping, the place in the file, the file's
    own address, and the function, file and line, inlined calls included. Addresses are taken as they are: of a stack,
    all but the innermost are of the instruction after a call.

    What may not be looked at is said. Exit code 1: there is no such process, its mappings may not be read, or an address
    lies in none.

    Examples:

    goinspect maps 4242

    goinspect maps 4242 0x47d2c5 7f3a1c002000

    goinspect maps saved.maps -b ./server --json

    goinspect maps core.4242 --format svg -o layout.svg
    """
    from goinspect.api.processes import memory_map

    form = Format.json if json else form or _by_name(output)
    check_output(output, picture=form is Format.svg)
    report = memory_map(target, addresses or (), binaries=binaries or (), symfs=symfs, resident=resident)
    colored = output is None and use_color(color, sys.stdout)
    write(_rendered(report, form, threads=threads, color=colored), output)
    warn(report.warnings, quiet=quiet)
    if report.denied or any(one.mapping is None for one in report.addresses):
        raise typer.Exit(1)


def _by_name(output: str | None) -> Format:
    endings = {".svg": Format.svg, ".json": Format.json}
    return next((form for end, form in endings.items() if output and output.endswith(end)), Format.text)


def _rendered(report: MapReport, form: Format, *, threads: bool, color: bool) -> str:
    if form is Format.text:
        from goinspect.render.processes.mapstext import render_text

        return render_text(report, threads=threads, color=color)
    if form is Format.json:
        from goinspect.render.processes.mapsjson import render_json

        return render_json(report)
    from goinspect.render.processes.picture import render_svg

    return render_svg(report)
