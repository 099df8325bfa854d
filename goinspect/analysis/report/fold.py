"""Stacks with what the report tells beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from goinspect.analysis.annotate.chosen import Chosen
from goinspect.analysis.annotate.hottest import hottest
from goinspect.analysis.report.binaries import binaries, modules
from goinspect.analysis.report.sources import sources
from goinspect.analysis.stacks.fold import fold, folded, waits_of
from goinspect.analysis.stacks.recording import take_samples
from goinspect.errors import GoinspectError
from goinspect.profiles.base import NamedStacks
from goinspect.results.annotate import Details

if TYPE_CHECKING:
    from goinspect.analysis.options import FlameOptions
    from goinspect.profiles.base import Profile
    from goinspect.results.annotate import HotCode
    from goinspect.results.flame import FlameProfile

__all__ = ["fold_detailed"]


def fold_detailed(profile: Profile | NamedStacks, options: FlameOptions) -> FlameProfile:
    """The same as `fold` with the details, where the profile has addresses. Raises as `fold`."""
    if isinstance(profile, NamedStacks):
        return fold(profile, options)
    taken = take_samples(profile, options)
    out = folded(taken, options)
    warnings = list(out.warnings)
    chosen = Chosen(taken, replace(options, hidden_callers=False))
    codes, note = _codes(chosen)
    files = sources(out.stacks, taken.table.binaries, options.source, warnings) if options.source else None
    details = Details(binaries(chosen), modules(taken), codes, note, files)
    return out._replace(details=details, warnings=tuple(warnings), waits=waits_of(profile, options))


def _codes(chosen: Chosen) -> tuple[tuple[HotCode, ...], str]:
    try:
        found = hottest(chosen)
    except GoinspectError as error:
        return (), str(error)
    return found, ""
