"""Where results go: stdout or a file written whole or not at all; colour; what is said on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from goinspect._files import encoded, write_file
from goinspect._paths import is_directory, is_special
from goinspect.errors import FileError, QueryError
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

__all__ = ["Color", "check_output", "report", "use_color", "warn", "write"]

STDOUT = "-"


class Color(StrEnum):
    """When to colour."""

    auto = "auto"
    always = "always"
    never = "never"


def use_color(mode: Color, stream: TextIO) -> bool:
    """Whether to write colour to `stream`: NO_COLOR, FORCE_COLOR and TERM=dumb are respected under "auto"."""
    if mode is not Color.auto:
        return mode is Color.always
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def check_output(path: str | None, *, picture: bool = False, binary: bool = False) -> None:
    """Fail before the work is done when its result could not be written.

    Raises:
        FileError: the directory does not exist or may not be written to, or the path is a directory.
        QueryError: a picture, or what is no text, would go to a terminal.
    """
    if path is None or path == STDOUT:
        if (picture or binary) and sys.stdout.isatty():
            what = "a picture" if picture else "bytes that are no text"
            raise QueryError(f"refusing to write {what} to the terminal: use -o FILE, or a pipe")
        return
    if is_special(path):
        if not os.access(path, os.W_OK):
            raise FileError("cannot be written: no permission", path=path)
        return
    folder = Path(path).absolute().parent
    if not is_directory(folder):
        raise FileError(f"cannot be written: {folder} is not a directory", path=path)
    if is_directory(path):
        raise FileError("cannot be written: it is a directory, expected a file name", path=path)
    if not os.access(folder, os.W_OK):
        raise FileError(f"cannot be written: no permission in {folder}", path=path)


def write(text: str | bytes | Iterable[str], path: str | None) -> None:
    """Write a result, whole or in pieces, to stdout, or to a file that appears only when it is complete.

    Raises:
        FileError: the file cannot be written.
    """
    if path is None or path == STDOUT:
        _write_stdout(text)
    else:
        write_file(path, text)


def _write_stdout(text: str | bytes | Iterable[str]) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(encoded(text))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still in the buffer would be written, and fail, again when Python ends.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise FileError(f"cannot be written: {error.strerror}", path="stdout") from None


def report(message: str, *, quiet: bool = False) -> None:
    """A line on stderr that is no warning."""
    if not quiet:
        print(escape_terminal(message), file=sys.stderr)


def warn(warnings: Iterable[str], *, quiet: bool = False) -> None:
    """Warnings on stderr, a line each."""
    for warning in warnings:
        report(f"goinspect: warning: {warning}", quiet=quiet)
