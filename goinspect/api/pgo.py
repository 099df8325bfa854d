"""Profiles for `go build -pgo`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from goinspect._files import write_file
from goinspect.api.flame import open_input
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from goinspect.analysis.options import FlameOptions
    from goinspect.results.pgo import PgoProfile, PgoReport
    from goinspect.results.stacks import Stacks

__all__ = ["Pgo"]


class Pgo:
    """The stacks of one program, as the Go compiler wants them: what `goinspect pgo` writes.

    Attributes:
        report: the hot calls, and what the profile has and lacks.
    """

    def __init__(self, profile: PgoProfile) -> None:
        self._profile = profile
        self.report: PgoReport = profile.report

    @classmethod
    def read(
        cls,
        paths: Sequence[str],
        options: FlameOptions,
        *,
        check: str | None = None,
        reading: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> Pgo:
        """The profile of recordings of one program.

        Args:
            paths: what to read; "-" is stdin.
            options: of each.
            check: another profile of the program, whose hot calls are compared.
            reading: is entered with a path while it is read.

        Raises:
            GoinspectError: one cannot be read, tells too little, or is of another program.
        """
        from goinspect.analysis.options import FlameOptions
        from goinspect.analysis.pgo.gather import Gathered, checked, edges_of

        gathered = Gathered(options)
        for path in paths:
            with reading(path):
                opened = open_input(path)
            try:
                gathered.add(opened, path)
            except GoinspectError as error:
                raise error.about(path) from None
            del opened
        profile = gathered.profile()
        if check is not None:
            try:
                found = edges_of(
                    open_input(check), FlameOptions(binaries=options.binaries, symfs=options.symfs)
                )
            except GoinspectError as error:
                raise error.about(check) from None
            profile = profile._replace(report=checked(profile.report, found, check))
        return cls(profile)

    @property
    def stacks(self) -> Stacks:
        """The stacks, in columns."""
        return self._profile.stacks

    def binary(self) -> bytes:
        """The profile, as its file holds it."""
        from goinspect import __version__
        from goinspect.render.pprof.pgo import render

        return render(self._profile, f"goinspect {__version__}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the profile to a file, whole or not at all. Raises FileError where it cannot be written."""
        write_file(str(path), self.binary())

    def __repr__(self) -> str:
        report = self.report
        return f"<profile for the Go compiler: {report.taken:,} samples, {len(report.hot):,} hot calls>"
