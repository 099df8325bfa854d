"""The instructions of the functions that most samples ended in, with what they cost: all of them at once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect.analysis.annotate.annotate import Tally
from goinspect.analysis.annotate.codes import Codes
from goinspect.analysis.annotate.places import Described, Place, occurrences, split_key
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER, Flag
from goinspect.results.annotate import HotCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.annotate.chosen import Chosen
    from goinspect.binary import Binary

__all__ = ["MOST", "hottest"]

MOST: Final = 30  # functions
_LONG: Final = 1_200  # bytes of a function of which only what is near to samples is taken, as much of it
_AROUND: Final = 32  # bytes


class _Physical(NamedTuple):
    """A function that has code: number of its file, and its name."""

    file: int
    name: str


def hottest(chosen: Chosen) -> tuple[HotCode, ...]:
    """The functions that most of the samples that count ended in, the hottest first, as far as their code is at hand.

    Raises:
        UnsupportedError: the code cannot be decoded.
    """
    return _Hottest(chosen).codes()


def _near(addresses: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """The ranges around these; of those that come last what has no room is left out."""
    out: list[tuple[int, int]] = []
    for address in addresses:
        start, end = address - _AROUND, address + _AROUND
        touching = [one for one in out if start <= one[1] and one[0] <= end]
        joined = min([start, *(one[0] for one in touching)]), max([end, *(one[1] for one in touching)])
        grown = [*(one for one in out if one not in touching), joined]
        if sum(last - first for first, last in grown) > _LONG:
            break
        out = grown
    return tuple(sorted(out))


class _Hottest:
    def __init__(self, chosen: Chosen) -> None:
        self._chosen, self._table = chosen, chosen.table
        self._here: list[str] = []  # of each expansion, the function that has the code
        self._above: list[str] = []  # a restored caller of it
        for rows in self._table.expansions:
            frames = [self._table.frames[row] for row in rows]
            frames = [frame for frame in frames if frame.name != HIDDEN_CALLER]
            self._here.append(next((frame.name for frame in frames if not frame.restored), ""))
            self._above.append(frames[0].name if frames and frames[0].restored else "")
        # Of long functions what is shown; None: all of it.
        self._wanted: dict[_Physical, tuple[tuple[int, int], ...] | None] = {}
        for physical, locations in islice(self._ranked(), MOST):
            self._wanted[physical] = self._part(physical, locations)

    def codes(self) -> tuple[HotCode, ...]:
        """Each of them with its costs."""
        found = occurrences(self._chosen, self._locations(), self._describe)
        places = [place for some in found.places for place in some]
        codes = Codes(
            None,
            places,
            self._chosen.taken,
            syntax=None,
            inlines=self._chosen.inlines,
            part=lambda file, piece: self._wanted.get(_Physical(file, piece.query)),
        )
        if not codes.shown:
            return ()
        tally = Tally(found, codes, self._chosen.taken.weight)
        unplaced: dict[tuple[str | None, str | None], int] = {}
        for one in tally.unplaced():
            if len(one.calls) < 2:  # at an instruction that is not shown
                continue
            key = one.binary, one.function
            unplaced[key] = unplaced.get(key, 0) + one.cost.total
        return tuple(HotCode(one, unplaced.get((one.binary, one.code.function), 0)) for one in tally.codes())

    # --- which functions ---

    def _ranked(self) -> Iterator[tuple[_Physical, list[int]]]:
        """Functions by what ended in them, each with the locations where that was."""
        table, own = self._table, self._chosen.own
        known = (table.file >= 0) & (table.flags & np.uint8(Flag.NAMED) > 0) & (own > 0)
        weight: dict[_Physical, int] = {}
        locations: dict[_Physical, list[int]] = {}
        for row in np.flatnonzero(known).tolist():
            physical = _Physical(int(table.file[row]), self._here[table.expansion[row]])
            weight[physical] = weight.get(physical, 0) + int(own[row])
            locations.setdefault(physical, []).append(row)
        for physical in sorted(weight, key=lambda one: (-weight[one], one)):
            yield physical, locations[physical]

    def _part(self, physical: _Physical, locations: Sequence[int]) -> tuple[tuple[int, int], ...] | None:
        """Of a long function what is near to where most ended."""
        address = self._table.vaddr[locations]
        if self._size(self._table.binaries[physical.file], int(address[0])) <= _LONG:
            return None
        own = self._chosen.own[locations]
        return _near(address[np.lexsort((address, ~own))].tolist())

    def _size(self, binary: Binary, address: int) -> int:
        """Of the function at an address; 0 where none is known."""
        if binary.go_or_none is not None:
            func = binary.function_at(address) or binary.function_at(address + 1)
            if func is not None:
                return func.end - func.entry
        natives = self._chosen.taken.natives
        symbol = (natives(binary) if natives else binary.native).find(address)
        return symbol.size if symbol is not None else 0

    # --- where they are ---

    def _locations(self) -> NDArray[np.bool_]:
        """Those with a frame of one of the functions."""
        table = self._table
        out = np.zeros(len(table.expansion), dtype=np.bool_)
        for file in {physical.file for physical in self._wanted}:
            some = [
                _Physical(file, here) in self._wanted
                or bool(above and _Physical(file, above) in self._wanted)
                for here, above in zip(self._here, self._above, strict=True)
            ]
            out |= np.array(some, dtype=np.bool_)[table.expansion] & (table.file == file)
        return out

    def _describe(self, key: int) -> Described:
        table = self._table
        shown, walked, below = split_key(key)
        expansion = table.expansion[shown]
        here, above = self._here[expansion], self._above[expansion]
        places = []
        inside = _Physical(int(table.file[walked]), here) in self._wanted
        if inside:
            places.append(Place(int(table.file[walked]), (int(table.vaddr[walked]),), here, below))
        if above and _Physical(int(table.file[shown]), above) in self._wanted:
            calls = tuple(after - 1 for after in table.sites.get(shown, ()))
            places.append(Place(int(table.file[shown]) if calls else -1, calls, above))
        return Described(tuple(places), inside, inlined=False)
