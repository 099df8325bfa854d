"""Everything goinspect raises on purpose.

    GoinspectError                 base: has the file, the offset and the exit code
    ├── FileError                  the file cannot be opened or is not a regular file
    ├── UnrecognizedFormatError    no reader knows these bytes
    ├── UnsupportedError           known, but not handled (yet): says what is
    ├── NotGoError                 a sound executable without Go's tables
    ├── TruncatedError             a structure reaches past the end of the data
    ├── MalformedError             a structure contradicts itself or the format
    └── QueryError                 the question cannot be answered for this file

A query for something that is merely absent returns ``None`` or an empty tuple instead.
"""

from __future__ import annotations

__all__ = [
    "FileError",
    "GoinspectError",
    "MalformedError",
    "NotGoError",
    "QueryError",
    "TruncatedError",
    "UnrecognizedFormatError",
    "UnsupportedError",
]


class GoinspectError(Exception):
    """A known failure, told in one line.

    Attributes:
        path: the file it is about, filled in by whoever knows it.
        message: what was found and what was expected.
        offset: where, as a file offset or an address; ``None`` when no place is to blame.
    """

    def __init__(self, message: str, *, path: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.offset = offset

    def __str__(self) -> str:
        where = "" if self.offset is None else f", at offset {self.offset:#x}"
        prefix = "" if self.path is None else f"{self.path}: "
        return f"{prefix}{self.message}{where}"

    def about(self, path: str) -> GoinspectError:
        """Name the file, unless somebody closer to it already did; returns self for ``raise``."""
        if self.path is None:
            self.path = path
        return self


class FileError(GoinspectError):
    """The file cannot be opened, read, or is not a regular file."""


class UnrecognizedFormatError(GoinspectError):
    """No opener or profile reader knows these bytes."""


class UnsupportedError(GoinspectError):
    """The format is known, but this case is not handled."""


class NotGoError(GoinspectError):
    """A sound executable that was not linked by the Go toolchain, or whose tables are hidden."""


class TruncatedError(GoinspectError):
    """A structure reaches past the end of the data."""


class MalformedError(GoinspectError):
    """A structure contradicts itself or its format."""


class QueryError(GoinspectError):
    """A question (address, function, file:line) that cannot be understood or answered."""
