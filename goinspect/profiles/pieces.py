"""A file of text, handed to its parser piece by piece."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from goinspect.errors import FileError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

__all__ = ["parse_file"]

_CHUNK = 1 << 20  # bytes read at once
T = TypeVar("T")


def parse_file(path: str | os.PathLike[str], parse: Callable[[Iterable[bytes], str], T]) -> T:
    """What `parse` makes of the pieces of a file and its name. Raises FileError, and what `parse` raises."""
    name = str(path)
    try:
        with Path(name).open("rb") as file:
            return parse(iter(partial(file.read, _CHUNK), b""), name)
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", path=name) from None
