"""String tables: names by their offset, with a limit on how much they may overlap."""

from __future__ import annotations

from goinspect.errors import MalformedError
from goinspect.objfile.image import MAX_OVERLAP

__all__ = ["StringTable"]

_SPARE = 1 << 16  # small tables may be shared more often


class StringTable:
    """The NUL-terminated names in `data`."""

    def __init__(self, data: memoryview) -> None:
        self._data = bytes(data)
        self._left = MAX_OVERLAP * len(self._data) + _SPARE

    def text(self, offset: int) -> str:
        """The name at `offset`, "" where there is none.

        Raises:
            MalformedError: the names that were asked for are many times as long as the table.
        """
        return self._data[offset : self.skip(offset)].decode("utf-8", "backslashreplace")

    def skip(self, offset: int) -> int:
        """Where the name at `offset` ends. Counts, and raises, as `text`."""
        if offset >= len(self._data):
            return offset
        end = self._data.find(b"\0", offset)
        end = len(self._data) if end < 0 else end
        self._left -= end - offset
        if self._left < 0:
            raise MalformedError("names overlap in the string table")
        return end
