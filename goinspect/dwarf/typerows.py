"""Rows for types: their kind and size, and one row for what Go describes by two entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.dwarf import constants as dw
from goinspect.dwarf.records import DwarfTypes
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from goinspect.dwarf.info.entries import Entry
    from goinspect.dwarf.info.files import FileNames
    from goinspect.dwarf.info.resolve import Resolver
    from goinspect.objfile.image import Image

__all__ = ["TypeRows", "descriptors"]

_MAX_SIZE = 1 << 62


class TypeRows:
    """Collects types; sizes that depend on other types are settled in `distinct`."""

    def __init__(self, resolver: Resolver, files: FileNames) -> None:
        self._resolver, self._files = resolver, files
        self._rows = DwarfTypes()
        self._offsets: list[int] = []
        self._go_names: dict[int, int] = {}  # row of a typedef of Go -> offset of what it names

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, entry: Entry, number: int) -> None:
        """Enter a type of unit `number`."""
        unit, values, found, tag = entry.unit, entry.values, entry.forms, entry.abbrev.tag
        name = unit.text(values, found, dw.DW_AT_NAME)
        if not name:
            return
        size = values.get(dw.DW_AT_BYTE_SIZE)
        if isinstance(size, int) and 0 <= size <= _MAX_SIZE:
            self._resolver.sizes[entry.offset] = size
        elif tag in dw.POINTER_TAGS:
            self._resolver.sizes[entry.offset] = unit.header.address_size
        elif tag in dw.ALIAS_TAGS:
            target = unit.reference(values, found, dw.DW_AT_TYPE)
            if target is not None:
                self._resolver.aliases[entry.offset] = target
                if unit.language == dw.LANG_GO and dw.DW_AT_GO_KIND not in values:
                    self._go_names[len(self._offsets)] = target
        rows, place = self._rows, values.get(dw.DW_AT_GO_RUNTIME_TYPE)
        file, line = values.get(dw.DW_AT_DECL_FILE), values.get(dw.DW_AT_DECL_LINE)
        rows.name.append(name)
        rows.kind.append(_kind(values.get(dw.DW_AT_GO_KIND), tag))
        rows.size.append(None)
        rows.runtime_type.append(place if isinstance(place, int) and place else None)
        rows.unit.append(number)
        rows.file.append(self._files.name(unit, file) if isinstance(file, int) else None)
        rows.line.append(line if isinstance(line, int) else None)
        self._offsets.append(entry.offset)

    def distinct(self) -> DwarfTypes:
        """The rows, without those that only give a Go type the name it has anyway."""
        rows, resolver = self._rows, self._resolver
        rows.size[:] = [resolver.size(offset) for offset in self._offsets]
        index = {offset: row for row, offset in enumerate(self._offsets)}
        twice = {
            row
            for row, target in self._go_names.items()
            if target in index and rows.name[index[target]] == rows.name[row]
        }
        keep = [row for row in range(len(self._offsets)) if row not in twice]
        return DwarfTypes(
            [rows.name[row] for row in keep], [rows.kind[row] for row in keep], [rows.size[row] for row in keep],
            [rows.runtime_type[row] for row in keep], [rows.unit[row] for row in keep],
            [rows.file[row] for row in keep], [rows.line[row] for row in keep],
        )  # fmt: skip


def _kind(value: object, tag: int) -> str:
    kind = value & dw.GO_KIND_MASK if isinstance(value, int) else 0
    return dw.GO_KINDS[kind] if 0 < kind < len(dw.GO_KINDS) else dw.TYPE_TAGS[tag]


def descriptors(image: Image, types: DwarfTypes, runtime_types: int | None) -> list[int | None]:
    """The address of each type's descriptor; None where it has none, or none that can be believed.

    The attribute counts from ``runtime.types`` (seen in Go 1.12 to 1.27), but for uintptr, of which it is the address until
    Go 1.23. Which one it is shows in the descriptor: its first word is the size of a value (src/internal/abi/type.go,
    earlier src/runtime/type.go).

    Args:
        image: the file.
        types: its types.
        runtime_types: address of ``runtime.types``, None where it is not known.
    """
    bases = (0,) if runtime_types is None else (runtime_types, 0)
    return [
        None if place is None or size is None else _descriptor(image, place, size, bases)
        for place, size in zip(types.runtime_type, types.size, strict=True)
    ]


def _descriptor(image: Image, place: int, size: int, bases: tuple[int, ...]) -> int | None:
    for base in bases:
        try:
            if int.from_bytes(image.read(base + place, image.ptrsize), image.byteorder) == size:
                return base + place
        except GoinspectError:
            continue
    return None
