"""Comparison of builds, and the conditions that one may have to meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.builds.compare import Condition, compare, parse_condition

if TYPE_CHECKING:
    from goinspect.api.flame import Flame
    from goinspect.binary import Binary

__all__ = ["Condition", "compare", "parse_condition", "sizes"]


def sizes(base: Binary, other: Binary) -> Flame:
    """Bytes of two builds by package, type and symbol, to look at: `Flame.save` writes a report of what grew.

    Only what both name is compared, as `compare` does it.
    """
    from goinspect.analysis.builds.differences import read_build
    from goinspect.analysis.builds.growth import size_sides
    from goinspect.analysis.stacks.difference import difference
    from goinspect.analysis.stacks.fold import fold
    from goinspect.analysis.symbols.sizes import named_sizes
    from goinspect.api.flame import Flame, FlameOptions
    from goinspect.results.annotate import Details

    binaries = (base, other)
    options = FlameOptions()
    stacks = size_sides(binaries, list(map(read_build, binaries)))
    before, now = (fold(named_sizes(side), options) for side in stacks)
    sides = difference(before, now, options, paths=(base.path, other.path), absolute=True)
    details = Details(modules={**stacks[0].modules, **stacks[1].modules})
    return Flame(sides._replace(warnings=(*before.warnings, *now.warnings), details=details), path=other.path)
