"""Which calls through a pointer may lead to a function, by where they take the address from.

A call through an interface takes it from the itab, at the place of the method; a call of a function value takes it from the
first word that the value points to (src/cmd/compile/internal/ssagen/ssa.go, ``state.call``). So in a function with several such
calls a method is called by those that take an address from a place where some interface has a method of its name, or
by those of function values.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from goinspect.disasm.instruction import BRANCH, CALL, JUMP
from goinspect.gosym.types.data import method_slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goinspect.binary import Binary
    from goinspect.disasm.instruction import Instruction

__all__ = ["Slots", "loaded_from"]

_NEAR = 16  # instructions between taking the address and the call, at most
_FUNCTION_VALUE = frozenset((0,))
# The register that a call goes through, and an instruction that loads a register from a place behind what another one points to.
_PLACE = r"\[\w+(?:(?:, #| \+ )(0x[0-9a-f]+|\d+))?\]"
_LOADS = {
    "amd64": ("mov", re.compile(rf"(\w+), qword ptr {_PLACE}"), re.compile(rf"qword ptr {_PLACE}")),
    "arm64": ("ldr", re.compile(rf"(\w+), {_PLACE}"), None),
}


class Slots:
    """Of one file."""

    def __init__(self, binary: Binary) -> None:
        self._binary = binary
        self._places: dict[int, dict[int, int | None]] = {}  # by the number of a function

    @cached_property
    def _of_methods(self) -> dict[str, frozenset[int]] | None:
        if self._binary.image.arch not in _LOADS or self._binary.go_or_none is None:
            return None
        return method_slots(self._binary.image, self._binary.go)

    def narrowed(
        self, callee: str, caller: int, code: Callable[[], Iterable[Instruction]], sites: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Those of `sites` from which the function may have been called; all where it cannot be told.

        Args:
            callee: its name.
            caller: number of the function that has the calls.
            code: decodes that one.
            sites: the addresses behind them.
        """
        slots = self._of_methods
        if slots is None:
            return sites
        if caller not in self._places:
            self._places[caller] = loaded_from(code(), self._binary.image.arch)
        places = self._places[caller]
        allowed = slots.get(_method(callee), frozenset()) | _FUNCTION_VALUE
        left = tuple(site for site in sites if places.get(site) is None or places[site] in allowed)
        return left or sites


def loaded_from(code: Iterable[Instruction], arch: str) -> dict[int, int | None]:
    """For each call through a pointer, by the address behind it: how far behind what a register points to it finds the address."""
    mnemonic, load, direct = _LOADS[arch]
    out: dict[int, int | None] = {}
    recent: list[Instruction] = []
    for one in code:
        if one.kind == CALL and one.target is None:
            found = direct.fullmatch(one.operands) if direct is not None else None
            out[one.end] = _number(found[1]) if found else _loaded(one.operands, recent, mnemonic, load)
        if one.kind in (CALL, JUMP, BRANCH):
            recent.clear()
        else:
            recent.append(one)
    return out


def _loaded(register: str, recent: list[Instruction], mnemonic: str, load: re.Pattern[str]) -> int | None:
    for one in recent[: -_NEAR - 1 : -1]:
        if one.operands.partition(",")[0] == register:
            found = load.fullmatch(one.operands) if one.mnemonic == mnemonic else None
            return _number(found[2]) if found else None
    return None


def _number(text: str | None) -> int:
    return int(text, 0) if text else 0


def _method(name: str) -> str:
    """``M`` of ``pkg.(*T).M`` and ``pkg.T[...].M``."""
    return name.rpartition("]")[2].rpartition(".")[2]
