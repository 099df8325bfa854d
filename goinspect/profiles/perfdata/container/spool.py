"""Spool: bytes that come piece by piece and are then read anywhere: in memory while few, else in a temporary file."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

from goinspect.errors import FileError
from goinspect.profiles.perfdata.container.source import map_file, releaser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Spool"]

_IN_MEMORY = 16 << 20
_FILE_BUFFER = 1 << 20


class Spool:
    """What is written, end to end. ``size`` in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises FileError when the temporary file cannot be written."""
        self.size += len(data)
        try:
            if self._file is None and self.size > _IN_MEMORY:
                self._file = tempfile.TemporaryFile(buffering=_FILE_BUFFER)  # noqa: SIM115  # closed by view()
                self._file.write(self._memory)
                self._memory = bytearray()
            if self._file is None:
                self._memory += data
            else:
                self._file.write(data)
        except OSError as error:
            raise _failure(error) from None

    def view(self) -> tuple[memoryview, Callable[[], None]]:
        """All that was written, and what lets go of the memory of pages read; nothing can be written any more."""
        if self._file is None:
            return memoryview(self._memory), lambda: None
        try:
            with self._file as file:
                file.flush()
                mapped = map_file(file.fileno())
        except OSError as error:
            raise _failure(error) from None
        return memoryview(mapped), releaser(mapped)


def _failure(error: OSError) -> FileError:
    return FileError(
        f"a temporary file is needed, which cannot be written to {tempfile.gettempdir()} (TMPDIR): {error.strerror}"
    )
