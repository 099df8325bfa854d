"""Go's assignment of arguments and results to registers and the stack (src/cmd/compile/abi-internal.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goinspect.shapes import Shape, ShapePart

__all__ = ["Assigned", "Frame", "assign"]


class Assigned(NamedTuple):
    """Where a value is passed: in registers, one for each of its parts, or on the stack."""

    shape: Shape
    registers: tuple[str, ...]  # of each part; () on the stack
    stack: int | None  # bytes from where arguments on the stack begin; None: in registers


class Frame(NamedTuple):
    """Of one function. ``size`` is that of its arguments on the stack with results and room for spilling."""

    arguments: tuple[Assigned, ...]
    results: tuple[Assigned, ...]
    size: int


class _Stack:
    """Fields one behind the other."""

    def __init__(self, word: int) -> None:
        self._word, self.size = word, 0

    def add(self, size: int, align: int) -> int:
        start = -(-self.size // align) * align
        self.size = start + size
        return start

    def align(self) -> None:
        self.add(0, self._word)


def assign(
    arguments: Iterable[Shape],
    results: Iterable[Shape],
    integers: Sequence[str],
    floats: Sequence[str],
    word: int,
) -> Frame:
    """Receiver and arguments, and results, of one function; without registers this is ABI0.

    Args:
        arguments: the receiver first.
        results: in order.
        integers: registers for integers and pointers.
        floats: registers for floating-point numbers.
        word: bytes of a pointer.
    """
    stack = _Stack(word)
    first = tuple(_assign(arguments, integers, floats, stack))
    stack.align()
    second = tuple(_assign(results, integers, floats, stack))
    stack.align()
    for one in first:
        if one.registers:
            stack.add(one.shape.size, one.shape.align)
    stack.align()
    return Frame(first, second, stack.size)


def _assign(
    shapes: Iterable[Shape], integers: Sequence[str], floats: Sequence[str], stack: _Stack
) -> Iterable[Assigned]:
    used = {False: 0, True: 0}
    for shape in shapes:
        parts: tuple[ShapePart, ...] = shape.parts or ()
        wanted = {is_float: sum(part.is_float is is_float for part in parts) for is_float in used}
        fits = used[False] + wanted[False] <= len(integers) and used[True] + wanted[True] <= len(floats)
        if not shape.size or shape.parts is None or not fits:
            yield Assigned(shape, (), stack.add(shape.size, shape.align))
            continue
        names = []
        for part in parts:
            names.append((floats if part.is_float else integers)[used[part.is_float]])
            used[part.is_float] += 1
        yield Assigned(shape, tuple(names), None)
