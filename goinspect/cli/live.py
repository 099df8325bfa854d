"""Options that show a profile until one has seen enough, as a group; see `groups`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from goinspect.cli.output import report
from goinspect.errors import QueryError

if TYPE_CHECKING:
    from goinspect.cli.profileoptions import Form
    from goinspect.render.outputs import DrawOptions
    from goinspect.serve.report import Asked
    from goinspect.serve.server import Server

__all__ = ["Live", "check_live", "listening", "serve"]


class Live(NamedTuple):
    """How to show it."""

    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="[HOST:]PORT",
            help="Serve the report (html) there and open it in a browser, until Ctrl-C; read it again when the profile changes. Port 0 picks one that is free.",
            show_default=False,
        ),
    ] = None
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="With --http: open no browser; the URL is printed.")
    ] = False
    tui: Annotated[
        bool,
        typer.Option(
            "--tui", help="Show flame graph, table, callers and callees in this terminal (goinspect[tui])."
        ),
    ] = False


def check_live(live: Live, form: Form, *, list_events: bool) -> None:
    """Raise a usage error where what is asked for goes nowhere."""
    if live.no_browser and live.http is None:
        raise typer.BadParameter("--no-browser says how to serve: --http [HOST:]PORT says where")
    if live.http is None and not live.tui:
        return
    option = "--tui" if live.tui else "--http"
    if live.tui and live.http is not None:
        raise typer.BadParameter("--tui shows a profile here, --http in a browser: one of them")
    if form.output or form.json or form.form not in (None, None if live.tui else "html"):
        raise typer.BadParameter(
            f"{option} shows a profile, and writes no other: without -o, --json and --format"
        )
    if list_events:
        raise typer.BadParameter(f"--list-events lists the events of profiles: without {option}")


def listening(live: Live, *, quiet: bool) -> Server:
    """The server, which answers as soon as it runs. Raises a usage error where the place is none."""
    from goinspect.serve.place import parse_place
    from goinspect.serve.server import listen

    try:
        place = parse_place(live.http or "")
    except QueryError as error:
        raise typer.BadParameter(f"--http {error}") from None
    server = listen(place)
    if not server.is_local:
        report(
            f"goinspect: warning: whoever reaches {server.place} reads this profile, and the source that it shows",
            quiet=quiet,
        )
    return server


def serve(server: Server, live: Live, asked: Asked, draw: DrawOptions, *, quiet: bool) -> None:
    """Serve until Ctrl-C; the URL is a line on stdout."""
    from goinspect.serve.server import run

    def say(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        report("goinspect: serving the report; Ctrl-C ends it", quiet=quiet)

    run(
        server,
        asked,
        draw,
        browser=not live.no_browser,
        say=say,
        tell=lambda line: report(f"goinspect: {line}", quiet=quiet),
    )
