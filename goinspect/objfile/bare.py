"""A gopclntab on its own: the section cut out of a program, or the table as found in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.errors import MalformedError
from goinspect.model import Section
from goinspect.objfile.image import MappedImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.model import Symbol
    from goinspect.objfile.image import Buffer

__all__ = ["BareTable"]

# Magics of Go 1.2, 1.16, 1.18 and 1.20: src/internal/abi/symtab.go and its predecessors.
_MAGICS = (0xFFFFFFFB, 0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1)


class BareTable(MappedImage):
    """A file that is a gopclntab: one section at address 0, no segments, no text.

    Raises:
        MalformedError: it does not start with the header of one.
    """

    container = "gopclntab"
    arch = ""
    type = "raw"
    entry = 0

    def __init__(self, path: str, mapped: Buffer) -> None:
        super().__init__(path, mapped)
        head = bytes(self._bytes[:8])
        little = int.from_bytes(head[:4], "little") in _MAGICS
        if not little and int.from_bytes(head[:4], "big") not in _MAGICS:
            raise MalformedError(f"starts with {head.hex(' ')}, expected the magic of a gopclntab", offset=0)
        if len(head) < 8 or head[4:6] != b"\0\0" or head[6] not in (1, 2, 4) or head[7] not in (4, 8):
            raise MalformedError(
                f"gopclntab header {head.hex(' ')}: quantum or pointer size invalid", offset=0
            )
        self.byteorder = "little" if little else "big"
        self.ptrsize = head[7]
        size = len(self._bytes)
        self.segments = ()
        self.sections = (Section(".gopclntab", 0, size, 0, size, 0, 1),)

    def _file_range(self, vaddr: int) -> tuple[int, int]:
        if 0 <= vaddr < len(self._bytes):
            return vaddr, len(self._bytes)
        raise MalformedError(f"address {vaddr:#x} is not in the table", path=self.path)

    def symbols(self) -> Iterator[Symbol]:
        return iter(())

    def build_id(self) -> str:
        return ""
