"""Profiles: a table of readers. `open_profile` finds the one that knows the first bytes.

A reader is a module with `sniff(head)`, which answers True, False, or None where the bytes do not tell, and
`read(path)`; one whose format can be read from front to end has `parse(pieces, name)` too, and so reads pipes.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from goinspect._paths import is_fifo, is_regular, is_unsized, is_url
from goinspect.errors import FileError, GoinspectError, UnrecognizedFormatError, UnsupportedError
from goinspect.objfile import map_file
from goinspect.profiles.others import other_of
from goinspect.profiles.unwrap import wrapping_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from goinspect.profiles.base import NamedStacks, Profile

__all__ = ["open_profile", "read_profile"]

_HEAD = 1 << 16  # bytes that readers are shown
_MOST_WRAPPINGS = 3  # compressed more often than that is nothing but a trap


class _Reader(NamedTuple):
    """A row of the table."""

    what: str
    sniff: Callable[[bytes], bool | None]
    read: Callable[[str], Profile | NamedStacks]
    parse: Callable[[Iterable[bytes], str], Profile | NamedStacks] | None = None


def _readers() -> tuple[_Reader, ...]:
    """The table. Where no reader is sure, the first one that may know the bytes gets them."""
    from goinspect.profiles import folded, perfdata, perfscript, pprof  # numpy comes with them

    return (
        _Reader("a perf.data recording (PERFILE2)", perfdata.sniff, perfdata.read, perfdata.parse),
        _Reader("a pprof profile", pprof.sniff, pprof.read, pprof.parse),
        _Reader("text of perf script", perfscript.sniff, perfscript.read, perfscript.parse),
        _Reader("folded stacks (frame;frame WEIGHT)", folded.sniff, folded.read, folded.parse),
    )


def open_profile(
    path: str | os.PathLike[str],
    *,
    seconds: int | None = None,
    timeout: float | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> Profile | NamedStacks:
    """Read a profile, whatever its format; gzip, zstd and xz are taken off.

    Args:
        path: of a file, or a URL of HTTP.
        seconds: of a URL: how long the server is to record.
        timeout: of a URL: how many seconds to wait for the answer.
        tell: of a URL: what to call while it is fetched, as of `goinspect.profiles.web.read_url`.

    Raises:
        FileError: it cannot be read.
        UnrecognizedFormatError: no reader knows it.
        TruncatedError, MalformedError, UnsupportedError: as the reader of its format says.
    """
    name = os.fspath(path)
    if is_url(name):
        from goinspect.profiles.web import read_url

        return read_url(name, read_profile, seconds=seconds, timeout=timeout, tell=tell)
    if is_regular(Path(name) / "data"):  # a recording of perf record --threads
        return _readers()[0].read(name)
    if is_fifo(name):  # <(zcat stacks.folded.gz)
        return _read_fifo(name)
    with map_file(name, "a perf.data recording, a pprof profile or folded stacks") as mapped:
        head = mapped[:_HEAD]
        if is_unsized(name):  # of the kernel's own, below /proc: what was read of it is all that there is
            return read_profile(io.BytesIO(mapped), name)
    if wrapping_of(head) is None:
        return _chosen(head, name).read(name)
    try:
        with Path(name).open("rb") as stream:
            return read_profile(stream, name)
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", path=name) from None


def read_profile(stream: BinaryIO, name: str) -> Profile | NamedStacks:
    """Read a profile from a pipe; `name` is what messages call it. Raises what `open_profile` does."""
    told: list[str] = []
    try:
        head, pieces = _peek(iter(partial(stream.read, _HEAD), b""))
        if not head:
            raise FileError("is empty, expected a recording, a profile or folded stacks", path=name)
        inside, pieces = _unwrapped(head, pieces, told)
        if not inside:
            why = told[0] if told else "nothing is inside"
            raise FileError(f"{why}, expected a recording, a profile or folded stacks", path=name)
        reader = _chosen(inside, name, wrapped=inside is not head)
        if reader.parse is None:
            raise UnsupportedError(f"{reader.what} cannot be read from a pipe: save it to a file", path=name)
        profile = reader.parse(pieces, name)
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", path=name) from None
    except GoinspectError as error:
        raise error.about(name) from error
    return replace(profile, warnings=(*told, *profile.warnings)) if told else profile


def _peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    return head[:_HEAD], chain([head] if head else [], pieces)


def _unwrapped(head: bytes, pieces: Iterator[bytes], told: list[str]) -> tuple[bytes, Iterator[bytes]]:
    """The same of what is inside compressed data."""
    for _ in range(_MOST_WRAPPINGS):
        wrapping = wrapping_of(head)
        if wrapping is None:
            break
        head, pieces = _peek(wrapping.unwrap(pieces, told.append))
    return head, pieces


def _read_fifo(name: str) -> Profile | NamedStacks:
    try:
        # Opened this way, a pipe that nobody writes to is empty; any other open would wait for a writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(descriptor, True)
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", path=name) from None
    with os.fdopen(descriptor, "rb") as stream:
        return read_profile(stream, name)


def _chosen(head: bytes, name: str, *, wrapped: bool = False) -> _Reader:
    readers = _readers()
    other = other_of(head)
    if other is None or not other.certain:
        verdicts = [reader.sniff(head) for reader in readers]
        for verdict in (True,) if other else (True, None):
            if verdict in verdicts:
                return readers[verdicts.index(verdict)]
    found = other.what if other else None
    if found is None:
        readable = head[:8].isascii() and head[:8].decode().isprintable()
        found = f"starts with {head[:8].decode()!r}" if readable else f"starts with {head[:8].hex(' ')}"
    if wrapped:
        found = f"is compressed, and what is inside {found}"
    expected = " or ".join(reader.what for reader in readers)
    raise UnrecognizedFormatError(f"{found}, expected {expected}", path=name, offset=0)
