"""What the kinds of Go types have in common in every release: names, sizes of their values, how their names begin.

Source: src/internal/abi/type.go (before Go 1.21 src/runtime/typekind.go), src/reflect/type.go (``kindNames``).
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ARRAY",
    "CHAN",
    "DIRECTIONS",
    "FUNC",
    "INTERFACE",
    "KINDS",
    "KIND_MASK",
    "MAP",
    "POINTER",
    "SLICE",
    "STRUCT",
    "forms_of",
    "has_its_form",
    "is_open",
    "size_of_values",
]

KINDS: Final = (
    "invalid", "bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "uintptr", "float32", "float64", "complex64", "complex128", "array", "chan", "func", "interface", "map", "ptr",
    "slice", "string", "struct", "unsafe.Pointer",
)  # fmt: skip
KIND_MASK: Final = 0x1F  # above it are flags up to Go 1.25
ARRAY, CHAN, FUNC, INTERFACE, MAP, POINTER, SLICE, STRUCT = 17, 18, 19, 20, 21, 22, 23, 25
DIRECTIONS: Final = {1: "<-chan ", 2: "chan<- ", 3: "chan "}  # of a chan, and how its name begins

# kind -> bytes of a value; negative: so many words.
_SIZES = {
    1: 1, 2: -1, 3: 1, 4: 2, 5: 4, 6: 8, 7: -1, 8: 1, 9: 2, 10: 4, 11: 8, 12: -1, 13: 4, 14: 8, 15: 8, 16: 16,
    CHAN: -1, FUNC: -1, INTERFACE: -2, MAP: -1, POINTER: -1, SLICE: -3, 24: -2, 26: -1,
}  # fmt: skip
# kind -> how the name of an unnamed type begins. "map." are structs that the compiler makes for maps.
_FORMS: dict[int, tuple[str, ...]] = {
    ARRAY: ("[",), CHAN: ("chan ", "<-chan ", "chan<- "), FUNC: ("func(",), INTERFACE: ("interface {",),
    MAP: ("map[",), POINTER: ("*",), SLICE: ("[]",), STRUCT: ("struct {", "map."),
}  # fmt: skip


def size_of_values(kind: int, ptrsize: int) -> int | None:
    """Bytes of a value of that kind, None where types of the kind differ."""
    size = _SIZES.get(kind)
    return size if size is None or size > 0 else -size * ptrsize


def has_its_form(kind: int, text: str) -> bool:
    """Whether a type of that kind and without a name of its own can be written so."""
    forms = _FORMS.get(kind)
    return text == KINDS[kind] if forms is None else text.startswith(forms)


def forms_of(kind: int) -> tuple[str, ...]:
    """How the names of types of that kind without a name of their own begin; the whole name where the kind is not open."""
    return _FORMS.get(kind, (KINDS[kind],))


def is_open(kind: int) -> bool:
    """Whether more may follow the form of that kind."""
    return kind in _FORMS
