"""tests/fixtures/modes: one program built with different flags, and what other tools could do with each build.

    for series in modes.SERIES:
        for mode in modes.kept(series):
            modes.binary(series, mode)                        # the executable
            modes.text(series, mode, "nm.txt")                # what a tool said of it
            modes.verdicts(series)[mode, "perf names"]        # yes, partly or no, and the evidence
            modes.facts(series)[mode]["gopclntab"]            # bytes, sizes of parts, sha256

An archive is unpacked when something of it is first asked for, once per process. `verdicts` and `facts` also cover the
builds that are too big to keep.
"""

from __future__ import annotations

import atexit
import csv
import functools
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.unpacked import unpack_tar

FOLDER = Path(__file__).parent / "fixtures" / "modes"
SERIES = tuple(sorted(path.name.removesuffix(".tar.xz") for path in FOLDER.glob("go*.tar.xz")))
# The builds of the docs page, in its order.
EIGHT = ("default", "w", "s-w", "strip", "pie", "pie-s-w", "external", "noopt")


class Verdict(NamedTuple):
    """What a tool could do with a build."""

    verdict: str  # yes, partly or no
    evidence: str


@functools.cache
def folder(series: str) -> Path:
    """The unpacked archive of a Go series such as go1.27: a directory for each build."""
    root = Path(tempfile.mkdtemp(prefix=f"modes-{series}-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    unpack_tar(FOLDER / f"{series}.tar.xz", root)
    return root


def kept(series: str) -> list[str]:
    """The builds whose binaries are in the repository."""
    return [mode for mode in facts(series) if (folder(series) / mode).is_dir()]


def binary(series: str, mode: str) -> Path:
    """The executable of a build."""
    return folder(series) / mode / "modes"


def text(series: str, mode: str, name: str) -> str:
    """A file beside it: recipe.txt, nm.txt, version.txt, sections.txt, outputs.txt or truth.txt."""
    return (folder(series) / mode / name).read_text("utf-8")


def _rows(series: str, name: str) -> list[dict[str, str]]:
    with (FOLDER / series / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@functools.cache
def verdicts(series: str) -> dict[tuple[str, str], Verdict]:
    """(build, consumer): what that tool could do with it."""
    return {
        (row["build"], row["consumer"]): Verdict(row["verdict"], row["evidence"])
        for row in _rows(series, "verdicts.tsv")
    }


@functools.cache
def facts(series: str) -> dict[str, dict[str, str]]:
    """Build: bytes, sha256, and the sizes of what it carries as readelf and `go tool nm` see it."""
    return {row["build"]: row for row in _rows(series, "builds.tsv")}
