"""Names of the kernel's locations: of itself, of its modules, and of code that it made while it ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.recordings.kernel import KernelSymbols, find_kallsyms, module_of
from goinspect.errors import GoinspectError
from goinspect.maps import KERNEL_SYMBOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from goinspect.analysis.recordings.finder import BinaryFinder
    from goinspect.model import Mapping
    from goinspect.profiles.base import Locations, Profile

__all__ = ["NAMELESS", "KernelName", "KernelNamer", "grouped"]

NAMELESS = "kernel frames have no names"  # begins what is said of them


class KernelName(NamedTuple):
    """Locations that are called the same; not `certain`: all that is known is what they lie in."""

    rows: NDArray[np.int64]
    name: str
    module: str
    certain: bool


class KernelNamer:
    """Names locations of the kernel of one profile.

    Args:
        profile: whose locations are asked about.
        finder: knows perf's cache and archives.
        kallsyms: a file given by hand; None to look for one.
        warn: is told why there are no names.
    """

    def __init__(
        self, profile: Profile, finder: BinaryFinder, kallsyms: str | None, warn: Callable[[str], None]
    ) -> None:
        self._mappings = profile.mappings
        self._os_release = profile.metadata.get("os_release", "")
        self._finder = finder
        self._given = kallsyms
        self._warn = warn
        self._looked = False
        self._symbols: KernelSymbols | None = None

    def names(self, rows: NDArray[np.int64], locations: Locations) -> Iterator[KernelName]:
        """What `rows` are called, the more certain names last.

        Raises:
            FileError, MalformedError: the file given by hand cannot be used.
        """
        if not len(rows):
            return
        base = next((m for m in self._mappings if m.kernel and m.path.startswith("[kernel")), None)
        symbols = self._found(base)
        shift = symbols.shift_to(base) if symbols is not None and base is not None else 0
        yield KernelName(rows, "[kernel]", "", certain=False)
        for number, part in grouped(locations.mapping[rows], rows):
            mapping = self._mappings[number] if number >= 0 else None
            if mapping is not None and mapping.path.startswith(KERNEL_SYMBOL):
                yield KernelName(part, mapping.path.removeprefix(KERNEL_SYMBOL), "bpf", certain=True)
                continue
            module = "" if mapping is None else module_of(mapping)
            if module:
                yield KernelName(part, f"[{module}]", "", certain=False)
            moved = module and mapping is not None and symbols and symbols.has_moved(module, mapping.start)
            if symbols is not None and not moved:
                yield from _symbols_of(part, locations.runtime_addr[part], symbols, shift, module)

    def _found(self, base: Mapping | None) -> KernelSymbols | None:
        if self._looked:
            return self._symbols
        self._looked = True
        path = self._given or find_kallsyms(base, self._finder, self._os_release)
        if path is None:
            self._warn(f"{NAMELESS}: no kallsyms of the recorded kernel here (see --kallsyms)")
            return None
        try:
            self._symbols = KernelSymbols(path, self._finder.places.machine)
        except GoinspectError as error:
            if self._given:
                raise
            self._warn(f"{NAMELESS}: {error}")
        return self._symbols


def _symbols_of(
    rows: NDArray[np.int64], addresses: NDArray[np.uint64], symbols: KernelSymbols, shift: int, module: str
) -> Iterator[KernelName]:
    """Name what lies in the kernel, or in `module`; a module is not moved along with the kernel."""
    found = symbols.lookup(addresses - np.uint64(shift % (1 << 64)))
    for index, symbol in enumerate(found):
        if symbol is None or (module and symbol[1] != module) or (shift and symbol[1] != "kernel"):
            continue
        yield KernelName(rows[index : index + 1], *symbol, certain=True)


def grouped(numbers: NDArray[np.int32], rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """(number, the rows that have it) for each number, in its order; rows keep theirs."""
    if not len(rows):
        return
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for part in np.split(order, cuts):
        yield int(numbers[part[0]]), rows[part]
