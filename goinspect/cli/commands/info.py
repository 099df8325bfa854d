"""`goinspect info`: what is this file?"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.options import (
    ArchOption,
    ColorOption,
    JsonOption,
    OutputOption,
    QuietOption,
    RawOption,
    TextStartOption,
    address,
)
from goinspect.cli.output import Color, check_output, report, use_color, warn, write
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from goinspect.results.info import Info, InfoReport

__all__ = ["info"]


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    go_version = "go-version"


def info(
    binaries: Annotated[
        list[str], typer.Argument(metavar="BIN...", help="Executables, of Go or not.", show_default=False)
    ],
    form: Annotated[
        Format, typer.Option("--format", help="go-version prints as go version -m does.")
    ] = Format.text,
    deps: Annotated[bool, typer.Option("--deps", help="List every dependency.")] = False,
    arch: ArchOption = None,
    raw: RawOption = False,
    text_start: TextStartOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show everything, and say how each thing was found."),
    ] = False,
) -> None:
    """Tell what a file is: Go version, modules, settings, how it was built and linked, and what its bytes are.

    Strings that the linker was told to set (-ldflags "-X main.version=v1.2.3") are listed by name, and a version is
    shown as one, as far as build settings, symbol table or DWARF know them.

    Works without a symbol table, section headers or build information. A file that is not Go is described as far as
    that goes, with a warning. Of several files, one that cannot be read is an error, and the others are still shown.

    Examples:

    goinspect info ./server

    goinspect info /usr/local/bin/* --json

    goinspect info ./server --format go-version
    """
    check_output(output)
    form = Format.json if json else form
    base = None if text_start is None else address(text_start)
    result, failed = _describe(binaries, arch=arch, raw=raw, text_start=base)
    if result.files:
        shown = _rendered(
            result, form, several=len(binaries) > 1, deps=deps, verbose=verbose,
            color=output is None and use_color(color, sys.stdout),
        )  # fmt: skip
        write(shown, output)
    for one in result.files:
        prefix = f"{one.path}: " if len(binaries) > 1 else ""
        warn((prefix + warning for warning in one.warnings), quiet=quiet)
        if form is Format.go_version and one.go_version is None:
            failed = True
            report(f"goinspect: {one.path}: no Go version in the file")
    if failed:
        raise typer.Exit(1)


def _describe(
    paths: list[str], *, arch: str | None, raw: bool, text_start: int | None
) -> tuple[InfoReport, bool]:
    """The files that can be read, and whether any cannot. A single file's failure is raised."""
    from goinspect.api.binary import Executable
    from goinspect.results.info import InfoReport

    found: list[Info] = []
    failed = False
    for path in paths:
        try:
            found.append(Executable(path, arch=arch, raw=raw, text_start=text_start).info)
        except GoinspectError as error:
            if len(paths) == 1:
                raise
            failed = True
            report(f"goinspect: {error}")
    return InfoReport(tuple(found)), failed


def _rendered(
    result: InfoReport, form: Format, *, several: bool, deps: bool, verbose: bool, color: bool
) -> str:
    if form is Format.text:
        from goinspect.render.text.info import render_text

        return render_text(result, deps=deps, verbose=verbose, color=color)
    from goinspect.render.json.info import render_go_version, render_json

    return (
        render_go_version(result.files) if form is Format.go_version else render_json(result, several=several)
    )
