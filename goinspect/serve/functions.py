"""Functions on demand: samples beside source and instructions."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from goinspect.api.annotate import Annotator
from goinspect.errors import QueryError
from goinspect.render.html.listings import code_table
from goinspect.render.json.annotate import render_json
from goinspect.render.svg.labels import visible
from goinspect.results.annotate import HotCode
from goinspect.serve.report import signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.api.flame import Opened
    from goinspect.results.annotate import Annotation
    from goinspect.serve.report import Asked, Report, Signature

__all__ = ["Functions"]

_KEPT = 64  # answers


class Functions:
    """What `goinspect annotate` says of functions, as JSON or for the page. Profiles are read again for the first of them.

    Args:
        report: whose functions.
        asked: what it shows.
        kept: profiles that can be read only once.
    """

    def __init__(self, report: Report, asked: Asked, kept: Sequence[Opened]) -> None:
        self._report, self._asked, self._kept = report, asked, kept
        self._lock = threading.Lock()
        self._version = ""
        self._profiles: list[Annotator] = []
        self._files: Signature = ()
        self._names: dict[str, str] = {}  # as they are shown, as they are
        self._answers: dict[str, Annotation] = {}

    def json(self, name: str) -> str:
        """The answer of the first profile with samples in this function.

        Raises:
            GoinspectError: none has, its code is not at hand, or a profile cannot be read.
        """
        return render_json(self._annotation(name))

    def code(self, name: str) -> dict[str, Any]:
        """Its instructions as the page holds those of the hottest functions. Raises as `json`."""
        annotation = self._annotation(name)
        unplaced: Counter[tuple[str | None, str | None]] = Counter()
        for one in annotation.unplaced:
            unplaced[one.binary, one.function] += one.cost.total
        codes = [HotCode(one, unplaced[one.binary, one.code.function]) for one in annotation.codes]
        details = self._report.flame.profile.details
        head, columns = code_table(codes, details.binaries if details else ())
        return head | {"column": {name: column.tolist() for name, column in columns.items()}}

    def _annotation(self, name: str) -> Annotation:
        with self._lock:
            version = self._report.version
            # A file that is mapped and then cut off would end the process.
            if self._version != version or self._files != signature(self._binaries()):
                self._profiles = [Annotator(opened, self._asked.options) for opened in self._opened()]
                self._files = signature(self._binaries())
                self._names = {visible(frame.name): frame.name for frame in self._report.flame.stacks.frames}
                self._version, self._answers = version, {}
            if name not in self._answers:
                if len(self._answers) >= _KEPT:
                    self._answers.pop(next(iter(self._answers)))
                self._answers[name] = self._answered(self._names.get(name, name))
            return self._answers[name]

    def _binaries(self) -> list[str]:
        return [file for profile in self._profiles for file in profile.files]

    def _opened(self) -> Sequence[Opened]:
        return self._kept or [self._asked.opening(path) for path in self._asked.paths]

    def _answered(self, name: str) -> Annotation:
        failures = []
        for profile in self._profiles:
            try:
                return profile.annotation(name, source=self._asked.options.source)
            except QueryError as error:
                failures.append(error)
        raise failures[0]
