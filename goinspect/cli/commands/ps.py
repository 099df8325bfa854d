"""`goinspect ps`: which Go programs run?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from goinspect.cli.options import JsonOption, OutputOption, QuietOption
from goinspect.cli.output import check_output, warn, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from goinspect.results.processes.ps import GoProcess

__all__ = ["ps"]

_Key = Literal["pid", "threads", "age", "cpu", "rss", "go", "module", "exe"]


def ps(
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="[REGEX]",
            help="To find in exe, command, module, release.",
            show_default=False,
        ),
    ] = None,
    sort: Annotated[
        _Key, typer.Option("--sort", help="What comes first: the largest, of names the first.")
    ] = "pid",
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, metavar="N", help="Show the first N.", show_default=False),
    ] = None,
    json: JsonOption = False,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    r"""List the Go programs that run: threads, age, CPU, memory, release, main module, how they were built, executable.

    CPU is the share of one processor over the whole life of the process. An executable that is gone, or another one by
    now, is marked: deleted, replaced, memfd. Processes that may not be looked at are counted.

    Examples:

    goinspect ps

    goinspect ps 'go1\.2[0-4]' --sort age

    goinspect ps --json
    """
    from goinspect.api.processes import go_processes
    from goinspect.render.processes.pstable import render_json, render_text

    check_output(output)
    wanted = _compiled(pattern)
    result = go_processes()
    rows = [row for row in result.processes if wanted is None or any(map(wanted.search, _texts(row)))]
    rows.sort(key=_order(sort))
    result = result._replace(processes=tuple(rows[:limit]))
    write(render_json(result) if json else render_text(result, pattern), output)
    warn(result.warnings, quiet=quiet)


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise typer.BadParameter(f"{pattern!r} is no regular expression: {error}") from None


def _texts(row: GoProcess) -> tuple[str, ...]:
    return (row.exe, " ".join(row.command), row.module or "", row.main_package or "", row.go_version or "")


def _order(key: str) -> Callable[[GoProcess], Any]:
    names = {"go": "go_version", "module": "module", "exe": "exe"}
    numbers = {"threads": "threads", "age": "age", "cpu": "cpu_percent", "rss": "rss"}
    if key in names:
        return lambda row: (getattr(row, names[key]) or "", row.pid)
    if key in numbers:
        return lambda row: (-(getattr(row, numbers[key]) or 0), row.pid)
    return lambda row: row.pid
