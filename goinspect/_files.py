"""Files written whole or not at all, and those that the package has."""

from __future__ import annotations

import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from goinspect._paths import is_special
from goinspect.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["asset", "encoded", "write_file"]

_PIECE = 1 << 20  # characters


def asset(package: str, name: str) -> str:
    """A text of a package. `importlib.resources` finds the same, and loads archives and random numbers (4 ms) with it."""
    return (pkgutil.get_data(package, name) or b"").decode("utf-8")


def encoded(text: str | bytes | Iterable[str]) -> Iterator[bytes]:
    """UTF-8, piece by piece: a listing may have fifty megabytes, which need not be there twice. Bytes as they are."""
    if isinstance(text, bytes):
        yield text
        return
    for part in (text,) if isinstance(text, str) else text:
        for start in range(0, len(part), _PIECE):
            yield part[start : start + _PIECE].encode("utf-8", "backslashreplace")


def write_file(path: str, text: str | bytes | Iterable[str]) -> None:
    """Write a file that appears, or changes, only when it is complete; a device or a pipe as the text comes.

    Raises:
        FileError: the file cannot be written.
    """
    try:
        if is_special(path):
            with Path(path).open("wb") as special:
                special.writelines(encoded(text))
        else:
            _replace(Path(path).absolute(), encoded(text))
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror}", path=path) from None


def _replace(target: Path, content: Iterable[bytes]) -> None:
    import tempfile  # brings random and hashlib along

    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
