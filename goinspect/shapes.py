"""Shape: what a calling convention has to know of a Go type, put together from its elements and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Shape", "ShapePart", "array", "complex_number", "scalar", "struct", "words"]

_MOST_PARTS = 64  # more than any machine has registers for


class ShapePart(NamedTuple):
    """A piece of a value that Go passes in one register. ``path`` leads to it from the value: ".ptr", ".b.len", ""."""

    path: str
    offset: int  # bytes from the beginning of the value
    size: int
    kind: str  # "int", "uint", "bool", "pointer", "float"; "text": of a string, its length comes next

    @property
    def is_float(self) -> bool:
        """Is it passed in a register for floating-point numbers?"""
        return self.kind == "float"


class Shape(NamedTuple):
    """A type. ``parts`` are None if it has an array of more than one element: then it is never passed in registers."""

    type: str
    size: int
    align: int
    parts: tuple[ShapePart, ...] | None


def scalar(name: str, size: int, word: int, kind: str) -> Shape:
    """A number, bool or pointer; an integer of two words is passed in two registers."""
    align = max(min(size, word), 1)
    if kind != "float" and size > word:
        return Shape(
            name, size, align, (ShapePart(".low", 0, word, "uint"), ShapePart(".high", word, word, kind))
        )
    return Shape(name, size, align, (ShapePart("", 0, size, kind),))


def complex_number(name: str, size: int, word: int) -> Shape:
    """Two floating-point numbers."""
    half = size // 2
    parts = (ShapePart(".real", 0, half, "float"), ShapePart(".imag", half, half, "float"))
    return Shape(name, size, max(min(half, word), 1), parts)


def words(name: str, kind: str, word: int) -> Shape:
    """A "string", "slice", "interface" with methods or "any"."""
    parts = tuple(
        ShapePart(f".{path}", number * word, word, what)
        for number, (path, what) in enumerate(_OF_WORDS[kind])
    )
    return Shape(name, word * len(parts), word, parts)


_OF_WORDS = {
    "string": (("ptr", "text"), ("len", "int")),
    "slice": (("ptr", "pointer"), ("len", "int"), ("cap", "int")),
    "interface": (("tab", "pointer"), ("data", "pointer")),
    "any": (("type", "pointer"), ("data", "pointer")),
}


def struct(name: str, size: int, fields: Sequence[tuple[str, Shape]]) -> Shape:
    """A struct of fields with names, which lie one behind the other."""
    align = max((shape.align for _, shape in fields), default=1)
    parts: list[ShapePart] | None = []
    at = 0
    for field, shape in fields:
        at = -(-at // shape.align) * shape.align
        if shape.parts is None or parts is None or len(parts) + len(shape.parts) > _MOST_PARTS:
            parts = None
            break
        parts += [part._replace(path=f".{field}{part.path}", offset=at + part.offset) for part in shape.parts]
        at += shape.size
    return Shape(name, size, align, None if parts is None else tuple(parts))


def array(name: str, element: Shape, count: int) -> Shape:
    """An array; of one element it is passed as that is."""
    parts: tuple[ShapePart, ...] | None = None
    if count == 0:
        parts = ()
    elif count == 1 and element.parts is not None:
        parts = tuple(part._replace(path=f"[0]{part.path}") for part in element.parts)
    return Shape(name, count * element.size, element.align, parts)
