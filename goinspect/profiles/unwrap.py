"""Compressed files: gzip, zstd and xz are taken off piece by piece, whatever is inside."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["GROWTH", "Wrapping", "wrapping_of"]

GROWTH = 1000  # times: no recording packs better; more is made to fill disks
_ALLOWANCE = 64 << 20
_STEP = 1 << 20  # bytes unpacked at once


class _Gzip:
    """zlib with the interface of the other two (`lzma.LZMADecompressor`)."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=256 << 20)


def _zstd() -> Any:
    from goinspect._zstd import load_zstd

    return load_zstd().ZstdDecompressor()  # refuses windows of more than 128 MiB


class Wrapping(NamedTuple):
    """A compression format by its first bytes."""

    name: str
    magic: bytes
    start: Callable[[], Any]

    def unwrap(self, pieces: Iterable[bytes], warn: Callable[[str], None]) -> Iterator[bytes]:
        """What is inside, as far as it goes; data behind the last frame is left out with a warning.

        Raises:
            MalformedError: nothing can be unpacked, or it grows without measure.
        """
        stream, taken, given = self.start(), 0, 0
        started = False  # has this frame got any input?
        for piece in pieces:
            taken += len(piece)
            data = piece
            while True:
                if not started and given and data and not data.strip(b"\0"):
                    break  # padding behind the last frame
                try:
                    out = stream.decompress(data, _STEP)
                except Exception as error:  # noqa: BLE001  # each library has its own; the backport's has no base
                    if not given:
                        raise MalformedError(f"damaged {self.name} data: {error}", offset=0) from None
                    warn(f"damaged {self.name} data ({error}): read as far as it goes")
                    return
                started = True
                given += len(out)
                if given > _ALLOWANCE + GROWTH * taken:
                    raise MalformedError(
                        f"{self.name} data that grows to more than {GROWTH} times its size: no recording does"
                    )
                if out:
                    yield out
                if stream.eof:
                    data, stream, started = stream.unused_data, self.start(), False
                    if not data:
                        break
                elif stream.needs_input:
                    break
                else:
                    data = b""
        if started:
            warn(f"the {self.name} data is cut off: read as far as it goes")


_WRAPPINGS = (
    Wrapping("gzip", b"\x1f\x8b", _Gzip),
    Wrapping("zstd", b"\x28\xb5\x2f\xfd", _zstd),
    Wrapping("xz", b"\xfd7zXZ\0", _xz),
)


def wrapping_of(head: bytes) -> Wrapping | None:
    """The compression that these first bytes announce."""
    return next((known for known in _WRAPPINGS if head.startswith(known.magic)), None)
