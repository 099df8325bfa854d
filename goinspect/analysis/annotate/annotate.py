"""A recording and a function to annotated code: `goinspect annotate`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.annotate.asked import choose
from goinspect.analysis.annotate.chosen import Chosen
from goinspect.analysis.annotate.codes import Codes
from goinspect.analysis.annotate.costs import summed, through
from goinspect.analysis.annotate.places import find_places
from goinspect.analysis.disasm.sources import source_lines
from goinspect.analysis.stacks.recording import take_samples
from goinspect.errors import GoinspectError, QueryError
from goinspect.profiles.base import NamedStacks
from goinspect.results.annotate import AnnotatedCode, AnnotatedLine, Annotation, Cost, Unplaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.annotate.chosen import Wanted
    from goinspect.analysis.annotate.codes import Line
    from goinspect.analysis.annotate.places import Occurrences, Place
    from goinspect.analysis.options import FlameOptions
    from goinspect.profiles.base import Profile
    from goinspect.results.disasm import SourceLine

__all__ = ["Tally", "annotate", "chosen_samples", "describe"]


def annotate(
    profile: Profile | NamedStacks,
    options: FlameOptions,
    function: str | None = None,
    *,
    syntax: str | None = None,
    folders: Sequence[str] = (),
) -> Annotation:
    """The samples of a function by instruction and by line.

    Args:
        profile: a recording.
        options: what of it; ``hide``, ``by`` and what only pictures show are left aside.
        function: its name, or FILE:NAME; None: the one that most samples ended in.
        syntax: in which instructions are written; None: that of the architecture.
        folders: directories with the source.

    Raises:
        QueryError: the profile has no addresses, or the function no samples, or options ask for what was not recorded.
        UnsupportedError: the code cannot be decoded, or not be written so.
    """
    chosen = chosen_samples(profile, options)
    try:
        return describe(profile.path, chosen, choose(chosen, function), syntax, folders)
    except GoinspectError as error:
        raise error.about(profile.path) from None


def chosen_samples(profile: Profile | NamedStacks, options: FlameOptions) -> Chosen:
    """What of a profile is annotated. Raises QueryError as `annotate`."""
    try:
        if isinstance(profile, NamedStacks):
            raise QueryError("annotate needs a recording: folded stacks hold names, and no addresses")
        options = replace(options, by="none", lines=False, hidden_callers=False, hide=None)
        return Chosen(take_samples(profile, options), options)
    except GoinspectError as error:
        raise error.about(profile.path) from None


def describe(
    path: str, chosen: Chosen, wanted: Wanted, syntax: str | None = None, folders: Sequence[str] = ()
) -> Annotation:
    """What the chosen samples of a profile say of a function. Raises as `annotate`."""
    taken = chosen.taken
    found = find_places(chosen, wanted)
    places = [place for some in found.places for place in some]
    codes = Codes(wanted.name, places, taken, syntax=syntax, inlines=chosen.inlines)
    if not codes.shown:
        told = next(iter(codes.warnings), f"no instruction of {wanted.name!r} is known where its samples are")
        raise QueryError(told)
    tally = Tally(found, codes, taken.weight)
    sources = _sources(codes, folders) if folders else None
    return Annotation(
        path,
        taken.event,
        taken.unit,
        chosen.weight,
        wanted.name,
        len(distinct(found.sample)),
        tally.cost,
        tuple(tally.codes()),
        tally.lines(),
        tally.unplaced(),
        sources,
        tuple(dict.fromkeys((*taken.warnings, *chosen.warnings, *codes.warnings))),
    )


class Tally:
    """What each instruction, line and piece of code has.

    Instructions are followed by what has none: calls of which it is not known which one was running, and at last what is nowhere.
    """

    def __init__(self, found: Occurrences, codes: Codes, weight: NDArray[np.uint64]) -> None:
        self._found, self._codes, self._weight = found, codes, weight
        self._instructions = codes.lines()
        self._loose: dict[tuple[int | None, int, tuple[int, ...]], int] = {}
        at = [[self._number(place) for place in some] for some in found.places]
        ended = found.leaf & found.own[found.kind]
        inside = found.leaf & found.inlined[found.kind]
        # A stack that ends in the function ends at the first place of the kind.
        ends = np.array([some[0] for some in at], dtype=np.int64)
        count = codes.count + len(self._loose)
        self._own = self._sum(ended, ends, count)
        self._inlined = self._sum(inside, ends, count)
        self._total = self._through([sorted(set(some)) for some in at], count)
        total = int(weight[distinct(found.sample)].sum())
        self.cost = Cost(int(self._own.sum()), int(self._inlined.sum()), total)
        self._ended = self._sum(ended | inside, np.arange(len(found.places)), len(found.places))

    def _number(self, place: Place) -> int:
        numbers = self._codes.instructions(place)
        if len(numbers) == 1:
            return numbers[0]
        calls = tuple(self._codes.address(number) for number in numbers)
        key = self._codes.code_of(place), place.file, calls
        return self._codes.count + self._loose.setdefault(key, len(self._loose))

    def _sum(self, which: NDArray[np.bool_], things: NDArray[np.int64], count: int) -> NDArray[np.uint64]:
        found = self._found
        return summed(things[found.kind[which]], self._weight[found.sample[which]], count)

    def _through(self, things: list[list[int]], count: int) -> NDArray[np.uint64]:
        return through(self._found.sample, self._found.kind, things, self._weight, count)

    def _cost(self, number: int) -> Cost:
        return Cost(int(self._own[number]), int(self._inlined[number]), int(self._total[number]))

    def codes(self) -> list[AnnotatedCode]:
        """Each piece of code with its costs."""
        codes = self._codes
        owner = [
            sorted({number for place in some if (number := codes.code_of(place)) is not None})
            for some in self._found.places
        ]
        total = self._through(owner, len(codes.shown))
        out = []
        for number, shown in enumerate(codes.shown):
            costs = [self._cost(shown.first + row) for row in range(len(shown.code.rows))]
            loose = [self._cost(codes.count + at) for key, at in self._loose.items() if key[0] == number]
            every = costs + loose
            cost = Cost(sum(one.own for one in every), sum(one.inlined for one in every), int(total[number]))
            out.append(
                AnnotatedCode(
                    shown.binary.path, shown.binary.image.arch, shown.syntax, shown.code, cost, tuple(costs)
                )
            )
        return sorted(out, key=lambda one: (-one.cost.here, -one.cost.total, one.binary, one.code.entry))

    def lines(self) -> tuple[AnnotatedLine, ...]:
        """Each line with samples, the hottest first."""
        known: dict[Line, int] = {}
        things: list[list[int]] = []
        inner: list[int] = []
        for some in self._found.places:
            lines = [self._lines_of(place) for place in some]
            mine = {line for each in lines for line in each}
            things.append(sorted(known.setdefault(line, len(known)) for line in mine))
            inner.append(known[lines[0][0]] if lines[0] else -1)
        total = self._through(things, len(known))
        has = np.array(inner, dtype=np.int64)
        own = summed(has[has >= 0], self._ended[has >= 0], len(known))
        physical = self._codes.physical
        rows = [
            AnnotatedLine(*line, line not in physical, int(own[number]), int(total[number]))
            for line, number in known.items()
        ]
        return tuple(sorted(rows, key=lambda row: (-row.own, -row.total, row.file, row.line, row.function)))

    def _lines_of(self, place: Place) -> tuple[Line, ...]:
        """The lines of a place, the innermost first; of several instructions, what all have."""
        numbers = self._codes.instructions(place)
        if not numbers:
            return ()
        first, *others = (self._instructions[number] for number in numbers)
        return tuple(line for line in first if all(line in other for other in others))

    def unplaced(self) -> tuple[Unplaced, ...]:
        """What is in the function, and in none of its instructions."""
        rows = []
        for (code, _, calls), number in self._loose.items():
            shown = None if code is None else self._codes.shown[code]
            rows.append(
                Unplaced(
                    shown and shown.binary.path,
                    shown and shown.code.function,
                    calls,
                    self._cost(self._codes.count + number),
                )
            )
        return tuple(sorted(rows, key=lambda row: (-row.cost.total, row.calls)))


def _sources(codes: Codes, folders: Sequence[str]) -> tuple[SourceLine, ...]:
    """The lines of all frames of the code; what several files have, once."""
    out: dict[tuple[str, int], SourceLine] = {}
    for shown in codes.shown:
        places = [
            (frame.file, frame.line)
            for row in shown.code.rows
            for frame in row.frames or ()
            if frame.file is not None and frame.line is not None
        ]
        go = shown.binary.go_or_none
        for line in source_lines(places, folders, go.build_info if go else None):
            known = out.get((line.file, line.line))
            if known is None or known.text is None:
                out[line.file, line.line] = line
    if out and all(line.text is None for line in out.values()):
        codes.warnings[f"no source of this code is below {', '.join(folders)}"] = None
    return tuple(out.values())
