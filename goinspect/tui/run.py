"""Starts it, and says what is missing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from goinspect.errors import QueryError, UnsupportedError

if TYPE_CHECKING:
    from goinspect.results.flame import FlameProfile

__all__ = ["check_terminal", "run"]


def check_terminal() -> None:
    """Fail before a profile is read that could not be shown.

    Raises:
        UnsupportedError: the extra is not installed.
        QueryError: there is no terminal.
    """
    if find_spec("textual") is None:
        raise UnsupportedError("--tui needs the extra: pip install 'goinspect[tui]'")
    shown = sys.__stderr__  # where textual draws
    if shown is None or not shown.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        raise QueryError("--tui needs a terminal: --format top and tree are for files and pipes")


def run(profile: FlameProfile, path: str, title: str | None = None) -> int:
    """Show a profile until it is left; the exit code.

    Raises:
        QueryError: there is no keyboard.
    """
    if not sys.stdin.isatty():  # the profile came from there
        try:
            os.dup2(os.open("/dev/tty", os.O_RDWR), 0)
        except OSError:
            raise QueryError(
                "--tui needs a keyboard: the profile came from stdin, and there is no terminal besides"
            ) from None
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # set to nothing, it asks for nothing
    from goinspect.tui.app import FlameApp
    from goinspect.tui.model import Model

    app = FlameApp(Model(profile, path, title))
    with suppress(KeyboardInterrupt):
        app.run()
    return app.return_code or 0
