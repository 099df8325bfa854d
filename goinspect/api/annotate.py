"""A function's samples by instruction and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.analysis.options import FlameOptions
    from goinspect.profiles.base import NamedStacks, Profile
    from goinspect.results.annotate import Annotation

__all__ = ["Annotator", "annotation_of"]


def annotation_of(
    opened: Profile | NamedStacks,
    options: FlameOptions,
    function: str | None = None,
    *,
    syntax: str | None = None,
    source: Sequence[str] = (),
) -> Annotation:
    """What the samples of a profile that is open already cost the instructions of a function.

    Raises as `goinspect.annotate`.
    """
    from goinspect.analysis.annotate.annotate import annotate

    return annotate(opened, options, function, syntax=syntax, folders=source)


class Annotator:
    """Functions of a profile that is open already, one after another: its samples are taken once.

    Raises as `goinspect.annotate`.
    """

    def __init__(self, opened: Profile | NamedStacks, options: FlameOptions) -> None:
        from goinspect.analysis.annotate.annotate import chosen_samples

        self._path = opened.path
        self._chosen = chosen_samples(opened, options)

    @property
    def files(self) -> list[str]:
        """The binaries whose code it reads; one must not ask on when one of them has changed."""
        return [binary.path for binary in self._chosen.table.binaries]

    def annotation(
        self, function: str, *, syntax: str | None = None, source: Sequence[str] = ()
    ) -> Annotation:
        """What the samples cost the instructions of a function. Raises as `goinspect.annotate`."""
        from goinspect.analysis.annotate.annotate import describe
        from goinspect.analysis.annotate.asked import choose

        return describe(self._path, self._chosen, choose(self._chosen, function), syntax, source)
