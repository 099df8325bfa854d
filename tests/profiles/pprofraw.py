"""What `go tool pprof -raw` prints of a profile, expanded to stacks of names; shares no code with goinspect."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

_LINE = re.compile(r"(.*?) ?([^ ]*?):(-?\d+)(?::\d+)? s=(-?\d+)(?:\(.*\))?")
_LOCATION = re.compile(r"\s*(\d+): (0x[0-9a-f]+) (?:M=(\d+) )?(?:\[F\] )?(.*)")


class RawFrame(NamedTuple):
    """A line of a location; all but the last one of a location are inlined calls."""

    name: str
    file: str
    line: int
    start_line: int
    inlined: bool


class Raw(NamedTuple):
    """Types as "name/unit"; of each sample its values, its frames from the root on, and the text of its labels."""

    types: list[str]
    default: str
    samples: list[tuple[tuple[int, ...], tuple[RawFrame, ...], str]]

    def weights(self, type_: str) -> Counter[tuple[RawFrame, ...]]:
        """What each stack weighs."""
        column = self.types.index(type_)
        out: Counter[tuple[RawFrame, ...]] = Counter()
        for values, frames, _ in self.samples:
            out[frames] += values[column]
        return +out


def parse(text: str) -> Raw:
    head, _, rest = text.partition("\nSamples:\n")
    assert head.startswith("PeriodType: ")
    samples, _, places = rest.partition("\nLocations\n")
    places, _, _ = places.partition("\nMappings\n")
    locations: dict[int, list[RawFrame]] = {}
    current: list[list[str]] = []
    for line in places.splitlines():
        found = _LOCATION.fullmatch(line)
        if found:
            current = []
            locations[int(found[1])] = current
        printed = (found[4] if found else line).strip()
        if printed:
            current.append(printed)
    expanded = {number: _frames(lines) for number, lines in locations.items()}
    names, *rows = samples.splitlines()
    types = [name.removesuffix("[dflt]") for name in names.split()]
    default = next(
        (name.removesuffix("[dflt]") for name in names.split() if name.endswith("[dflt]")), types[-1]
    )
    out: list[tuple[tuple[int, ...], tuple[RawFrame, ...], str]] = []
    for row in rows:
        found = re.fullmatch(r"\s*((?:-?\d+\s*)+): ((?:\d+ )*)", row)
        if found is None:
            values, frames, labels = out[-1]
            out[-1] = values, frames, f"{labels} {row.strip()}".strip()
            continue
        stack = [frame for number in reversed(found[2].split()) for frame in reversed(expanded[int(number)])]
        out.append((tuple(map(int, found[1].split())), tuple(stack), ""))
    return Raw(types, default, out)


def _frames(lines: list[str]) -> list[RawFrame]:
    """Innermost first, as they are printed."""
    out = []
    for number, line in enumerate(lines):
        found = _LINE.fullmatch(line)
        assert found is not None, line
        out.append(
            RawFrame(found[1] or "[unknown]", found[2], int(found[3]), int(found[4]), number < len(lines) - 1)
        )
    return out
