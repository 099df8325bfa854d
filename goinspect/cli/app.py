"""The command line: commands, and how errors become one line and an exit code.

Exit codes: 0 done, 1 could not, 2 usage, 3 a requested check failed, 130 interrupted, 141 the reader went away.
"""

from __future__ import annotations

import gc

# Loading typer makes many objects and no garbage: looking for some meanwhile takes a tenth of a lookup's whole time.
_COLLECTING = gc.isenabled()
gc.disable()

import os
import signal
import sys
from importlib import import_module
from typing import Annotated, Any

import click
import typer
from typer.core import TyperGroup

from goinspect import __version__
from goinspect.errors import GoinspectError

__all__ = ["app", "main"]

# Command -> module of `commands` that holds a function of the same name. Only the one that runs is imported.
_COMMANDS = (
    "flame",
    "annotate",
    "pgo",
    "pcln",
    "symbolize",
    "disasm",
    "calls",
    "probe",
    "symbols",
    "compare",
    "info",
    "maps",
    "ps",
)
_COLLECT_AFTER = 100_000  # objects
_SETTINGS = {"help_option_names": ["-h", "--help"]}


class _LazyCommands(dict[str, Any]):
    """Commands by name, made when they are asked for: half of a lookup's time would go into the options of others."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_COMMANDS))

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  # that would be this very method

    def __getitem__(self, name: str) -> Any:
        if super().__getitem__(name) is None:
            function = getattr(import_module(f"goinspect.cli.commands.{name}"), name)
            single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_SETTINGS)
            single.command(name)(function)
            self[name] = typer.main.get_command(single)
        return super().__getitem__(name)

    def items(self) -> Any:
        return {name: self[name] for name in self}.items()


class _Group(TyperGroup):
    """Turns every known failure of any command into its line and exit code."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _LazyCommands()

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does it; what may have been meant is said once, whichever of typer and click would say it."""
        try:
            return click.Group.resolve_command(self, ctx, args)
        except click.UsageError:
            from difflib import get_close_matches

            near = " or ".join(repr(name) for name in get_close_matches(args[0], list(self.commands)))
            hint = f" Did you mean {near}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except GoinspectError as error:
            self._tell(str(error))
        except MemoryError:
            self._tell("out of memory")
        raise typer.Exit(1)

    @staticmethod
    def _tell(message: str) -> None:
        from goinspect.render.values import escape_terminal

        if os.environ.get("GOINSPECT_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        print(f"goinspect: {escape_terminal(message)}", file=sys.stderr)


app = typer.Typer(
    name="goinspect",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"goinspect {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Inspect Go executables and name every frame of a profile, stripped and PIE binaries included."""


gc.freeze()  # all of it stays until the end
if _COLLECTING:
    gc.enable()


def main() -> None:
    """Entry point of the console script."""
    # A reader that closes its end (`| head`) ends us as it ends every other program: quietly, by SIGPIPE.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # No linear algebra is done here: numpy's library for it would start a thread per core, in 50 ms of CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A command makes many records and hardly a cycle: looking for some after every 700 objects takes a twentieth of its time.
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    try:
        app()
    finally:
        gc.freeze()  # as it ends, Python looks for cycles in all that is left: 5 % of the time of a long listing
