"""Opening what a command is given: files, stdin beside a recorder, and URLs, with what is said meanwhile."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from goinspect._paths import is_url
from goinspect.cli.interrupt import recorder_interrupted_first

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goinspect.api.flame import Opened
    from goinspect.cli.profileoptions import Input

__all__ = ["opening"]

_CLEAR = "\r\x1b[K"
_STEP = 1 << 18  # bytes between two lines


def opening(paths: Sequence[str], input_: Input, *, quiet: bool) -> Callable[[str], Opened]:
    """What opens each of these paths. Raises a usage error: options of URLs, and none is one."""
    for option, value in (("--seconds", input_.seconds), ("--timeout", input_.timeout)):
        if value is not None and not any(map(is_url, paths)):
            raise typer.BadParameter(
                f"{option} is for profiles from a server: http://HOST:PORT/debug/pprof/…"
            )

    def opened(path: str) -> Opened:
        from goinspect.api.flame import open_input

        shown = _Shown() if is_url(path) and not quiet and sys.stderr.isatty() else None
        try:
            with recorder_interrupted_first() if path == "-" else nullcontext():
                return open_input(path, seconds=input_.seconds, timeout=input_.timeout, tell=shown)
        finally:
            if shown:
                shown.clear()

    return opened


class _Shown:
    """One line of a terminal: what is being fetched."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self, name: str, seconds: int, size: int) -> None:
        from goinspect.render.values import escape_terminal, human_bytes

        if size and self._last and size - self._last < _STEP:
            return
        self._last = size
        state = f": {human_bytes(size)}" if size else f", which records for {seconds} s" if seconds else ""
        print(
            f"{_CLEAR}goinspect: fetching {escape_terminal(name)}{state}", end="", file=sys.stderr, flush=True
        )

    def clear(self) -> None:
        """Take it away: what is said next begins a line."""
        print(_CLEAR, end="", file=sys.stderr, flush=True)
