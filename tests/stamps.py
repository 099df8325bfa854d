"""tests/fixtures/stamps: a program whose variables the linker set, and what it printed of them."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from pathlib import Path

from tests.unpacked import unpack_tar

FOLDER = Path(__file__).parent / "fixtures" / "stamps"


@functools.cache
def folder() -> Path:
    """The unpacked archive: a directory for each build."""
    root = Path(tempfile.mkdtemp(prefix="stamps-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    unpack_tar(FOLDER / "stamps.tar.xz", root)
    return root


def builds() -> list[str]:
    """Names of all builds."""
    return sorted(path.name for path in folder().iterdir())


def binary(build: str) -> Path:
    """The executable of a build."""
    return folder() / build / "stamps"


def as_dict(output: str) -> dict[str, str]:
    """The values of the program's variables, as it printed them."""
    return dict(line.split("=", 1) for line in output.splitlines())


def printed(build: str) -> dict[str, str]:
    """What the program of a build printed."""
    return as_dict((folder() / build / "output.txt").read_text("utf-8"))


def flags() -> list[dict[str, str | None]]:
    """Ways to write -ldflags, and what the program printed when it was linked so; None: it could not be linked."""
    answers: list[dict[str, str | None]] = json.loads((FOLDER / "flags.json").read_text("utf-8"))
    return answers
