"""COMPRESSED records: what `perf record -z` packs with zstd.

Facts: ``tools/perf/util/zstd.c`` and ``session.c``: the bodies of all such records of a file are one zstd stream that
holds whole records end to end, but a body may end within one. COMPRESSED2 (since perf 6.16) tells the size of its
data, because it is padded to 8 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._zstd import load_zstd
from goinspect.profiles.perfdata.container.spool import Spool
from goinspect.profiles.unwrap import GROWTH

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Unpacker"]

_STEP = 1 << 17
_ALLOWANCE = 64 << 20


class Unpacker:
    """Unpacks the bodies of one file's records, in their order. ``packed``: how many records there were."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.spool = Spool()
        self.packed = 0
        self._warn = warn
        self._zstd = load_zstd()
        self._stream = self._zstd.ZstdDecompressor()
        self._taken = 0
        self._failed = False

    def feed(self, body: memoryview, offset: int) -> None:
        """Unpack one body, found at this offset; a damaged one and all after it are left out with a warning."""
        self.packed += 1
        self._taken += len(body)
        data = bytes(body)
        while not self._failed:
            try:
                out = self._stream.decompress(data, _STEP)
            except (self._zstd.ZstdError, EOFError) as error:
                self._fail(f"compressed records are damaged from offset {offset:#x} on ({error})")
                return
            self.spool.write(out)
            if self.spool.size > _ALLOWANCE + GROWTH * self._taken:
                self._fail(f"compressed records grow to more than {GROWTH} times their size at {offset:#x}")
            elif self._stream.eof:
                data = self._stream.unused_data
                self._stream = self._zstd.ZstdDecompressor()
                if not data:
                    return
            elif self._stream.needs_input:
                return
            else:
                data = b""

    def _fail(self, problem: str) -> None:
        self._failed = True
        self._warn(f"{problem}: read up to there")
