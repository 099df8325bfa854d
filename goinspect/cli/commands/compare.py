"""`goinspect compare`: what did the build flags do?"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.options import ArchOption, ColorOption, JsonOption, OutputOption, QuietOption
from goinspect.cli.output import Color, check_output, report, use_color, warn, write
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from goinspect.api.binary import Executable
    from goinspect.results.compare import Comparison

__all__ = ["compare"]

_CHECK_FAILED = 3


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"


class By(StrEnum):
    """What sizes are summed by."""

    package = "package"
    module = "module"
    section = "section"
    kind = "kind"


def compare(
    binaries: Annotated[
        list[str],
        typer.Argument(metavar="BASE OTHER...", help="Builds of a program; the first is the base.", show_default=False),
    ],
    by: Annotated[By, typer.Option("--by", help="What sizes are summed by.")] = By.package,
    symbols: Annotated[bool, typer.Option("--symbols", help="List the symbols that differ, by name.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=0, help="At most that many rows of each list.", show_default=False)
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if", metavar="CONDITION", show_default=False,
            help="Exit with 3 when a build grew=1% (or grew=64KiB), or lost-symbols (or lost-symbols=20: more than 20); repeatable.",
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="markdown is for pull requests; html is a report of what grew, of two builds, with a treemap.")] = Format.text,
    arch: ArchOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:  # fmt: skip
    """Show side by side what builds of a program have, lost and moved, and what that means for other tools.

    The tables in each file with their bytes; what perf, pprof, delve, gdb, go tool, uprobes and goinspect can do with each
    build, and why; symbols kept, lost, gained, moved and resized; and which packages grew. Everything is read from the
    files: no tool is run.

    Symbols are the same when their full names are. Sizes of a stripped build are only known up to the next function:
    then all are compared like that.

    Examples:

    goinspect compare ./server ./server-stripped ./server-pie

    goinspect compare ./old ./new --by module --format markdown

    goinspect compare ./old ./new --format html -o grew.html

    goinspect compare ./released ./built --fail-if grew=1% --fail-if lost-symbols -q
    """
    from goinspect.api.compare import compare as run
    from goinspect.api.compare import parse_condition, sizes

    if len(binaries) < 2:
        raise typer.BadParameter("two files or more are needed: BASE OTHER...")
    if form is Format.html and (json or symbols or len(binaries) > 2):
        raise typer.BadParameter(
            "--format html shows two files, BASE and OTHER: without --json and --symbols"
        )
    check_output(output, picture=form is Format.html)
    form = Format.json if json else form
    try:
        conditions = [parse_condition(text) for text in fail_if or ()]
    except GoinspectError as error:
        raise typer.BadParameter(str(error)) from None
    opened, failed = _open(binaries, arch)
    if form is Format.html:
        flame = sizes(*opened)
        write(flame.text("html"), output)
        warnings, checks = flame.warnings, run(opened, conditions=conditions).checks if conditions else ()
    else:
        result = run(opened, by=by.value, conditions=conditions)
        colored = output is None and use_color(color, sys.stdout)
        write(_rendered(result, form, symbols=symbols, limit=limit, color=colored), output)
        warnings, checks = result.warnings, result.checks
    warn(warnings, quiet=quiet)
    broken = [check for check in checks if check.failed]
    for check in broken:
        report(f"goinspect: {check.path}: {check.condition}: {check.found}")
    if failed:
        raise typer.Exit(1)
    if broken:
        raise typer.Exit(_CHECK_FAILED)


def _open(paths: list[str], arch: str | None) -> tuple[list[Executable], bool]:
    """The files that can be read, and whether any cannot. Without two of them there is nothing to compare.

    Raises:
        GoinspectError: the last failure, where fewer than two files are left.
    """
    from goinspect.api.binary import Executable

    opened: list[Executable] = []
    failures: list[GoinspectError] = []
    for path in paths:
        try:
            opened.append(Executable(path, arch=arch))
        except GoinspectError as error:
            failures.append(error)
    told = failures if len(opened) > 1 else failures[:-1]
    for failure in told:
        report(f"goinspect: {failure}")
    if len(opened) < 2:
        raise failures[-1]
    return opened, bool(failures)


def _rendered(result: Comparison, form: Format, *, symbols: bool, limit: int | None, color: bool) -> str:
    if form is Format.json:
        from goinspect.render.json.compare import render

        return render(result)
    from goinspect.render.text.compare import render_markdown, render_text

    if form is Format.markdown:
        return render_markdown(result, symbols=symbols, limit=limit)
    return render_text(result, symbols=symbols, limit=limit, color=color)
