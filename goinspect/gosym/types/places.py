"""Where the type data of a module is: the words of moduledata, believed when descriptors are where they lead.

The row of the binary's release is tried first, then those of other releases: of a version that nobody knows, and of
binaries that do not say theirs.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError, MalformedError
from goinspect.gosym.buildinfo.info import parse_version
from goinspect.gosym.layout import TYPE_LAYOUTS, sample, type_layout
from goinspect.gosym.types.descriptors import TypeReader
from goinspect.gosym.types.descriptors_old import OldTypeReader
from goinspect.gosym.types.itabs import adjoining_itabs, linked_itabs
from goinspect.gosym.types.kinds import INTERFACE
from goinspect.gosym.types.memory import TypeMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.gosym.layout import TypeLayout, Version
    from goinspect.gosym.module import GoModule
    from goinspect.gosym.moduledata import Moduledata
    from goinspect.gosym.types.itabs import ItabPlace
    from goinspect.objfile.image import Image

__all__ = ["TypePlaces", "find_places"]

_LISTED = 64  # descriptors that must make sense, or most of them
_MAX_LISTED = 1 << 24


class TypePlaces:
    """The parts of type data by the words of one row.

    Raises:
        GoinspectError: moduledata, or what it leads to, is not in the file, or contradicts itself.
    """

    def __init__(self, memory: TypeMemory, moduledata: Moduledata, layout: TypeLayout) -> None:
        self.layout, self.memory, self._moduledata = layout, memory, moduledata
        self.found_by = f"moduledata, found by {moduledata.found_by}"
        self.warnings: list[str] = []
        self._interfaces: dict[int, int | None] = {}  # how many methods each has
        self.address = self.bytes = 0
        self._links, self.listed_count = (
            self._slice(layout.md_typelinks) if layout.md_typelinks >= 0 else (0, 0)
        )
        self.reader: TypeReader | OldTypeReader
        if not layout.offsets:
            self.reader = OldTypeReader(memory, layout)
            self.bytes = self.reader.limit
            return
        self.address, end = moduledata.word(layout.md_types), moduledata.word(layout.md_etypes)
        if self.address % memory.ptrsize or end <= self.address:
            raise MalformedError(f"types at {self.address:#x} up to {end:#x}")
        data = memory.view(self.address, end - self.address)
        self.bytes = len(data)
        self.reader = TypeReader(data, self.address, layout, memory.byteorder, memory.ptrsize)
        if layout.md_typelinks < 0:
            self.listed_count = len(self.listed())

    def _slice(self, word: int) -> tuple[int, int]:
        start, count, capacity = (self._moduledata.word(word + i) for i in range(3))
        if count != capacity or count > _MAX_LISTED:
            raise MalformedError(f"a slice of {count} and capacity {capacity}")
        return start, count

    def listed(self) -> list[int]:
        """Addresses of the descriptors that reflection may look for."""
        memory = self.memory
        if not self.layout.offsets:
            return list(memory.words(self._links, self.listed_count))
        if self.layout.md_typelinks >= 0:
            data = memory.reader(self._links, 4 * self.listed_count).data
            mark = "<" if memory.byteorder == "little" else ">"
            return [self.address + at for at in struct.unpack(f"{mark}{self.listed_count}i", data)]
        if isinstance(self.reader, TypeReader):
            return list(self.reader.adjoining(self._moduledata.word(self.layout.md_types + 1)))
        return []

    def count_itabs(self) -> int:
        """How many itabs there are; as many as can be counted, and a warning, where the list is damaged."""
        count = 0
        try:
            if self.layout.md_itablinks >= 0:
                return self._slice(self.layout.md_itablinks)[1]
            for _ in self.itabs():
                count += 1
        except GoinspectError as error:
            self.warnings.append(f"itabs end early: {error.message}")
        return count

    def itabs(self) -> Iterator[ItabPlace]:
        """The itabs; raises GoinspectError where one is not in the file."""
        if self.layout.md_itablinks >= 0:
            yield from linked_itabs(self.memory, *self._slice(self.layout.md_itablinks))
        elif self.layout.md_itabs >= 0:
            start, size = (self._moduledata.word(self.layout.md_itabs + i) for i in range(2))
            if start + size > self.bytes:
                raise MalformedError(f"itabs up to {start + size:#x} of {self.bytes:#x} bytes")
            yield from adjoining_itabs(self.memory, self.address + start, size, self.layout, self._methods)

    def _methods(self, vaddr: int) -> int | None:
        if vaddr not in self._interfaces:
            found = self.reader.read(vaddr)
            is_one = found is not None and found.kind == INTERFACE
            self._interfaces[vaddr] = len(found.parts) if found is not None and is_one else None
        return self._interfaces[vaddr]

    def is_sound(self) -> bool:
        """Whether there are types, and those looked at make sense."""
        listed = self.listed()
        looked_at = [listed[i] for i in sample(len(listed), _LISTED)]
        sound = sum(map(self.reader.is_sound, looked_at))
        return sound * 10 >= 9 * len(looked_at) > 0


def find_places(
    image: Image, module: GoModule, moduledata: Moduledata, *, relocate: bool
) -> TypePlaces | None:
    """The type data that moduledata leads to, by the first row by which it makes sense."""
    relocated = TypeMemory(image)
    # Offsets and counts need no relocation, which takes a while for a large PIE.
    plain = relocated if relocate else TypeMemory(image, relocate=False)
    version = parse_version(module.go_version) if module.go_version else None
    rows = _rows(version, module.table.release.since)
    for number, layout in enumerate(rows):
        with suppress(GoinspectError):
            places = TypePlaces(plain if layout.md_itablinks >= 0 else relocated, moduledata, layout)
            if places.is_sound():
                if number and version is not None:
                    release = ".".join(map(str, layout.since))
                    places.warnings.append(
                        f"type data is not as Go of this version has it: read as that of {release}"
                    )
                return places
    return None


def _rows(version: Version | None, since: Version) -> list[TypeLayout]:
    """The rows to try. But for that of a known version, maps are told by their form, which a row may have wrong."""
    wanted = type_layout(version or since)
    tails = [tail for row in TYPE_LAYOUTS for tail in row.maps]
    rows = [row for row in reversed(TYPE_LAYOUTS) if row is not wanted]
    others = [row._replace(maps=tuple(dict.fromkeys((*row.maps, *tails)))) for row in rows]
    if wanted is None:
        return others
    return [
        wanted if version else wanted._replace(maps=tuple(dict.fromkeys((*wanted.maps, *tails)))),
        *others,
    ]
