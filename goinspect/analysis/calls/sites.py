"""Places of calls: frames at many addresses, and names of functions, each looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.pcln.frames import frames_at
from goinspect.errors import GoinspectError
from goinspect.results.calls import CallSite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.analysis.calls.functions import Functions
    from goinspect.binary import Binary
    from goinspect.model import Frame

__all__ = ["Sites"]

_BULK_FROM = 16


class Sites:
    """What stands where in one file."""

    def __init__(self, binary: Binary, functions: Functions) -> None:
        self._binary, self._functions = binary, functions
        self._names: dict[int, str] = {}
        self.damaged: set[int] = set()

    def name(self, number: int) -> str:
        """Of a function; of one without a name its address."""
        if number not in self._names:
            try:
                name = self._functions.name(number)
            except GoinspectError:
                self.damaged.add(number)
                name = ""
            self._names[number] = name or f"{int(self._functions.starts[number]):#x}"
        return self._names[number]

    def at(self, pcs: Sequence[int]) -> list[CallSite]:
        """The frames at each address."""
        if len(pcs) >= _BULK_FROM:
            try:
                return self._many(pcs)
            except GoinspectError:  # one by one, a damaged function costs its own frames only
                pass
        return [CallSite(pc, self._frames(pc)) for pc in pcs]

    def _frames(self, pc: int) -> tuple[Frame, ...] | None:
        try:
            func = self._binary.function_at(pc)
        except GoinspectError:
            return None
        return None if func is None else frames_at(self._binary, func, pc, self.damaged)

    def _many(self, pcs: Sequence[int]) -> list[CallSite]:
        found = self._binary.bulk_frames(np.array(pcs, dtype=np.uint64))
        return [CallSite(pc, frames or None) for pc, frames in zip(pcs, found.each(), strict=True)]
