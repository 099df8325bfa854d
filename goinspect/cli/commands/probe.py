"""`goinspect probe`: where to put uprobes on Go functions."""

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
)
from goinspect.cli.output import Color, check_output, use_color, warn, write

__all__ = ["probe"]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    bpftrace = "bpftrace"
    perf = "perf"


def probe(
    binary: BinaryArg,
    functions: Annotated[
        list[str],
        typer.Argument(metavar="FUNC...", help="Functions, or addresses (hex) in them.", show_default=False),
    ],
    form: Annotated[
        Format, typer.Option("--format", help="A script for bpftrace, or commands for perf probe.")
    ] = Format.text,
    arch: ArchOption = None,
    text_start: TextStartOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:
    """Say where uprobes go on functions, stripped or not, and where arguments, results and the goroutine are then.

    Probes for returns (uretprobe, perf probe %return) put an address of their own on the stack, which ends a Go program
    when its stack is moved or walked: put uprobes on each return instead. The entry is come upon again each time the
    stack has to grow or the goroutine gives way; the point called body, behind the check for that, once for each call.
    A panic, or runtime.Goexit, leaves functions at none of their returns.

    Types are from DWARF, of methods in stripped files from type data; registers are Go's, and of small integers only the
    lower bytes of a register count. Exit code 1: there is no such function, or it was inlined everywhere.

    Examples:

    goinspect probe ./server main.handle

    goinspect probe ./server 'main.(*Server).Handle' --format bpftrace -o handle.bt

    goinspect probe ./server main.handle --format perf | sh
    """
    from goinspect.api.binary import Executable
    from goinspect.render.tracers import render

    check_output(output)
    form = Format.json if json else form
    base = None if text_start is None else address(text_start)
    result = Executable(binary, arch=arch, text_start=base).probe(*functions)
    colored = output is None and use_color(color, sys.stdout)
    write(render(result, form.value, color=colored), output)
    warn(result.warnings, quiet=quiet)
