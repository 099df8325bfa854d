"""Two profiles as one flame graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._paths import is_url
from goinspect.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goinspect.analysis.options import FlameOptions
    from goinspect.api.flame import Opened
    from goinspect.render.outputs import Output
    from goinspect.results.flame import FlameProfile

__all__ = ["compared", "refuse_one_sided"]


def compared(
    paths: Sequence[str],
    base: str,
    options: FlameOptions,
    *,
    opening: Callable[[str], Opened],
    absolute: bool = False,
) -> tuple[FlameProfile, str]:
    """The profiles at `paths`, added up, with the weights of that at `base` beside theirs; and what they are called.

    Raises:
        QueryError: they do not weigh the same, or one is empty.
    """
    from goinspect.analysis.stacks.difference import difference, unfiltered
    from goinspect.analysis.stacks.fold import fold
    from goinspect.analysis.stacks.together import Together

    together = Together(unfiltered(options), len(paths) + 1)
    shown = []
    for path in (*paths, base):
        opened = opening(path)
        shown.append(opened.path if is_url(path) else path)
        folded = fold(opened, together.options_for(opened))
        if len(shown) <= len(paths):
            together.add(folded, shown[-1])
        del opened
    together.check(folded, shown[-1], "compared with")
    named = shown[0] if len(paths) == 1 else f"{len(paths)} profiles"
    sides = difference(folded, together.profile(), options, paths=(shown[-1], named), absolute=absolute)
    return sides, named


def refuse_one_sided(output: Output) -> None:
    """Raise QueryError where a format holds one profile."""
    if not output.two_sided:
        from goinspect.render.outputs import OUTPUTS

        able = ", ".join(other.name for other in OUTPUTS if other.two_sided)
        raise QueryError(f"--diff: {output.name} holds one profile; two are in {able}")
