"""Runs the command line: in process where many answers are wanted, as a real process where the process counts."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "goinspect"]
# A shell starts what runs in the background with SIGINT ignored, which is inherited.
_RESTORE = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
INTERRUPTIBLE = [sys.executable, "-c", _RESTORE, *COMMAND]


@contextmanager
def _typer_and_click_differ():
    """typer 0.25 asks click 8.5 for names that click 9 will not have."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'click", category=DeprecationWarning)
        yield


with _typer_and_click_differ():
    from typer.testing import CliRunner

    from goinspect.cli.app import app


class Answer(NamedTuple):
    code: int
    out: str
    err: str


def cli(*args: object, stdin: str | None = None, env: dict[str, str] | None = None) -> Answer:
    """`goinspect args…` in this process; an exception that would be a traceback is raised here."""
    clean = {"NO_COLOR": None, "FORCE_COLOR": None, "GOINSPECT_DEBUG": None, "COLUMNS": "200", **(env or {})}
    with _typer_and_click_differ():
        result = CliRunner().invoke(
            app, [str(arg) for arg in args], input=stdin, env=clean, catch_exceptions=False
        )
    return Answer(result.exit_code, result.stdout, result.stderr)


def environment(**more: str) -> dict[str, str]:
    """Of a process, whatever the person who runs the tests wants, and keeps at home."""
    personal = ("NO_COLOR", "FORCE_COLOR", "GOINSPECT_DEBUG", "COLUMNS", "PERF_BUILDID_DIR", "TERM")
    clean = {key: value for key, value in os.environ.items() if key not in personal}
    return clean | {"PYTHONPATH": str(ROOT), "HOME": "/nonexistent"} | more


def process(*args: object, env: dict[str, str] | None = None, **kwargs) -> subprocess.CompletedProcess[str]:
    """`goinspect args…` as a process of its own."""
    return subprocess.run(
        [*COMMAND, *(str(arg) for arg in args)], capture_output=True, text=True, check=False, timeout=60,
        env=environment(**(env or {})), **kwargs,
    )  # fmt: skip
