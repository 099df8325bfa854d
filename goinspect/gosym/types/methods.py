"""The types of a method's receiver, parameters and results, from the method tables of type data: stripped files have them.

A table lists the methods that reflection or an interface may call, each with the type of a func without receiver, and
two offsets of code from the text: the second is that of the method itself (src/internal/abi/type.go, Method.Tfn).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError
from goinspect.gosym.types import kinds
from goinspect.gosym.types.descriptors import TypeReader
from goinspect.gosym.types.places import find_places
from goinspect.shapes import Shape, array, complex_number, scalar, words
from goinspect.shapes import struct as struct_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.gosym.module import GoModule
    from goinspect.objfile.image import Image

__all__ = ["MethodTables", "MethodTypes"]

_ROW = 16
_MAX_DEPTH = 32
_FARTHEST = 1 << 16  # bytes from a descriptor to a row of its methods
_COMPLEX = ("complex64", "complex128")


class MethodTypes(NamedTuple):
    """Of a method. ``receiver`` is None where it cannot be told."""

    receiver: Shape | None
    arguments: tuple[Shape, ...]
    results: tuple[Shape, ...]


class MethodTables:
    """The method tables of one module.

    Args:
        image: the file.
        module: its Go.
    """

    def __init__(self, image: Image, module: GoModule) -> None:
        self._text, self._word = module.table.text, image.ptrsize
        self._mark = "<" if image.byteorder == "little" else ">"
        self._reader: TypeReader | None = None
        self._address, self._data = 0, b""
        try:
            places = None
            if module.moduledata is not None:
                places = find_places(image, module, module.moduledata, relocate=True)
            if places is not None and isinstance(places.reader, TypeReader):
                self._data = bytes(places.memory.view(places.address, places.bytes))
                self._reader, self._address = places.reader, places.address
        except GoinspectError:
            return

    def of(self, entry: int, receiver: str) -> Iterator[MethodTypes]:
        """What may be the types of the method that begins at an address: hardly ever more than one looks like it.

        Args:
            entry: vaddr.
            receiver: as the function's name has it: "*T" or "T", of which only the star counts.
        """
        reader, offset = self._reader, entry - self._text
        if reader is None or not 0 <= offset < 1 << 31:
            return
        shapes = _Shapes(reader, self._word)
        for row, function in self._rows(offset):
            signature = reader.read(self._address + function)
            if signature is None or signature.kind != kinds.FUNC:
                continue
            inputs = signature.number if signature.number >= 0 else -1 - signature.number
            found = [shapes.of(vaddr) for vaddr in signature.elems]
            known = tuple(shape for shape in found if shape is not None)
            if len(known) < len(found):
                continue
            if receiver.startswith("*"):
                mine: Shape | None = scalar(receiver, self._word, self._word, "pointer")
            else:
                mine = shapes.holding(self._address + row)
            yield MethodTypes(mine, known[:inputs], known[inputs:])

    def _rows(self, offset: int) -> Iterator[tuple[int, int]]:
        """(place, offset of the func's type) of what may be rows with that method."""
        data, wanted = self._data, struct.pack(self._mark + "i", offset)
        at = data.find(wanted)
        while at >= 0:
            row = at - _ROW + 4
            if at % 4 == 0 and row >= 0:
                name, function, _, _ = struct.unpack_from(self._mark + "4i", data, row)
                if 0 < name < len(data) and 0 < function < len(data):
                    yield row, function
            at = data.find(wanted, at + 1)


class _Shapes:
    """Shapes of types by the address of their descriptors."""

    def __init__(self, reader: TypeReader, word: int) -> None:
        self._reader, self._word = reader, word
        self._known: dict[int, Shape | None] = {}

    def of(self, vaddr: int, depth: int = _MAX_DEPTH) -> Shape | None:
        """None where it cannot be read."""
        if vaddr not in self._known:
            self._known[vaddr] = None  # for a type that contains itself
            self._known[vaddr] = self._made(vaddr, depth) if depth else None
        return self._known[vaddr]

    def holding(self, row: int) -> Shape | None:
        """The type whose methods are listed at an address: its descriptor is the nearest one before it."""
        start = row - row % self._word
        for vaddr in range(start, start - _FARTHEST, -self._word):
            if self._reader.offset(vaddr) < 0:
                return None
            found = self._reader.read(vaddr)
            if found is not None and vaddr + found.extent > row:
                return self.of(vaddr)
        return None

    def _made(self, vaddr: int, depth: int) -> Shape | None:
        found = self._reader.read(vaddr)
        if found is None:
            return None
        kind, word = kinds.KINDS[found.kind], self._word
        if kind in _COMPLEX:
            return complex_number(found.text, found.size, word)
        if kind in ("string", "slice"):
            return words(found.text, kind, word)
        if found.kind == kinds.INTERFACE:
            return words(found.text, "interface" if found.parts else "any", word)
        if found.kind == kinds.ARRAY:
            element = self.of(found.elems[0], depth - 1)
            return None if element is None else array(found.text, element, found.number)
        if found.kind == kinds.STRUCT:
            fields = [(part.name, self.of(part.type, depth - 1)) for part in found.parts]
            known = [(name, shape) for name, shape in fields if shape is not None]
            return struct_shape(found.text, found.size, known) if len(known) == len(fields) else None
        return scalar(found.text, found.size, word, _scalar_kind(kind))


def _scalar_kind(kind: str) -> str:
    for start in ("int", "uint", "bool", "float"):
        if kind.startswith(start):
            return start
    return "pointer"
