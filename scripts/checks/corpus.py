"""Real binaries that other people built, and the manifest that describes them: see check_corpus.py."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """Which binaries are to be checked, and how many at a time."""
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument(
        "--match", default="", metavar="REGEX", help="only rows of the manifest in which this is found"
    )
    parser.add_argument("--jobs", type=int, default=2)


def wanted_rows(manifest: Path, directory: Path, match: str) -> tuple[list[dict[str, str]], int]:
    """Rows of the manifest whose binary is there, and how many are absent; those are named."""
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    wanted = [row for row in rows if re.search(match, "\t".join(row.values()))]
    there = [row for row in wanted if (directory / row["path"]).exists()]
    for row in wanted:
        if row not in there:
            print(f"absent\t{row['path']}")
    return there, len(wanted) - len(there)
