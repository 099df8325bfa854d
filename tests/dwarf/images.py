"""An image that has nothing but the sections a test gives it."""

from __future__ import annotations

from typing import Any, cast

from goinspect.errors import MalformedError
from goinspect.model import Section

COMPRESSED = 0x800


class SectionImage:
    """Sections by full name; ``flags`` for those that have some, ``memory`` is what `read` finds, from address 0."""

    path = "test"
    arch = "amd64"

    def __init__(
        self,
        sections: dict[str, bytes],
        *,
        byteorder: str = "little",
        ptrsize: int = 8,
        container: str = "ELF",
        flags: dict[str, int] | None = None,
        type: str = "exec",
        memory: bytes = b"",
    ) -> None:
        self.byteorder, self.ptrsize, self.container, self.type = byteorder, ptrsize, container, type
        self.warnings: list[str] = []
        self.memory = memory
        self._bytes = b""
        rows = []
        for name, content in sections.items():
            rows.append(
                Section(name, 0, len(content), len(self._bytes), len(content), (flags or {}).get(name, 0), 1)
            )
            self._bytes += content
        self.sections = tuple(rows)

    def section(self, name: str) -> Section | None:
        return next((section for section in self.sections if section.name == name), None)

    def data(self, section: Section) -> memoryview:
        return memoryview(self._bytes)[section.file_offset : section.file_offset + section.file_size]

    def read(self, vaddr: int, size: int) -> memoryview:
        if not 0 <= vaddr <= len(self.memory) - size:
            raise MalformedError("not there")
        return memoryview(self.memory)[vaddr : vaddr + size]

    def tail(self, vaddr: int) -> memoryview:
        return self.read(vaddr, len(self.memory) - vaddr)


def image_of(dwarf: Any, **options: Any) -> Any:
    """The image of what a `Dwarf` writes."""
    sections = {f".debug_{name}": content for name, content in dwarf.write().items()}
    return cast(
        "Any",
        SectionImage(sections, byteorder=dwarf.byteorder, ptrsize=min(dwarf.address_size, 8), **options),
    )
