"""The packages that come with Go, by release: those of the standard library, and those of its tools below ``cmd/``.

They are in ``std_packages.tsv``, which ``scripts/fixtures/build_std_packages.py`` makes from the source trees of toolchains:
internal and vendored packages and those of other platforms and experiments included.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect._files import asset

if TYPE_CHECKING:
    from goinspect.gosym.layout import Version

__all__ = ["Distribution", "distribution", "is_tool"]

_TABLE: Final = "std_packages.tsv"


class Distribution(NamedTuple):
    """Packages of a release, and whether it may have others: one without toolchain may, when the table was made."""

    packages: frozenset[str]
    complete: bool = True
    newer: bool = False  # than those of the table, the newest of which stands for it


@lru_cache(maxsize=64)
def distribution(release: Version | None) -> Distribution:
    """What comes with `release`; where that is not known, what came with any."""
    (oldest, newest), rows = _read()
    if release is None:
        return Distribution(frozenset(package for package, _, _ in rows), complete=False)
    newer = release > (1, newest)
    minor = newest if newer else release[1]
    packages = frozenset(package for package, first, last in rows if first <= minor <= last)
    return Distribution(packages, complete=release >= (1, oldest) and not newer, newer=newer)


def is_tool(package: str) -> bool:
    """Whether a package that comes with Go is part of its tools, which programs do not import."""
    return package.startswith("cmd/")


@lru_cache(maxsize=1)
def _read() -> tuple[tuple[int, int], list[tuple[str, int, int]]]:
    """(minors of the oldest and the newest release, rows): package, minors of its first and its last release."""
    text = asset("goinspect.gosym.naming", _TABLE)
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    oldest, newest = (int(minor) for minor in lines[0])
    return (oldest, newest), [
        (package, int(first), int(last) if last else newest) for package, first, last in lines[1:]
    ]
