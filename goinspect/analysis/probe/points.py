"""Instructions of a function to put probes on: the first one, the one behind the stack check, those that leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.disasm import BRANCH, CALL, JUMP, OTHER, RETURN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goinspect.disasm import Instruction

__all__ = ["Exits", "behind_stack_check", "exits", "reached"]

_PROLOGUE = 16  # instructions before the last check
_SPILL = 64  # instructions around the call of runtime.morestack: each register of an argument takes two
_MORESTACK = "runtime.morestack"


class Exits(NamedTuple):
    """How a function is left."""

    returns: tuple[int, ...]
    tail_jumps: tuple[tuple[int, int], ...]  # address, target
    indirect_jumps: int


def exits(code: Sequence[Instruction], start: int, end: int) -> Exits:
    """What leaves the function at [start, end), by its instructions."""
    returns, jumps, indirect = [], [], 0
    for one in code:
        if one.kind == RETURN:
            returns.append(one.address)
        elif one.kind in (JUMP, BRANCH):
            if one.target is None:
                indirect += one.kind == JUMP
            elif not start <= one.target < end:
                jumps.append((one.address, one.target))
    return Exits(tuple(returns), tuple(jumps), indirect)


def reached(code: Sequence[Instruction], roots: Sequence[int]) -> list[Instruction]:
    """Those instructions that control comes upon from some addresses: what lies between may be no code, but constants."""
    index = {one.address: number for number, one in enumerate(code)}
    seen: set[int] = set()
    todo = [index[root] for root in roots if root in index]
    while todo:
        number = todo.pop()
        while number < len(code) and number not in seen:
            seen.add(number)
            one = code[number]
            if one.kind in (JUMP, BRANCH) and one.target in index:
                todo.append(index[one.target])
            if one.kind in (JUMP, RETURN):
                break
            number += 1
    return [code[number] for number in sorted(seen)]


def behind_stack_check(code: Sequence[Instruction], name: Callable[[int], str]) -> int | None:
    """The address that is come upon once for each call, whether the stack has to grow or not; None without a check.

    The check is a branch to, or around, a call of runtime.morestack after which the function begins anew.

    Args:
        code: the whole function.
        name: of the function at an address.
    """
    index = {one.address: number for number, one in enumerate(code)}
    found = None
    number = 0
    while number < min(len(code), _PROLOGUE):
        one = code[number]
        if one.kind == BRANCH and one.target in index:
            target = index[one.target]
            if _grows(code, target, name):
                found = one.end
            elif target > number and _grows(code, number + 1, name):
                found = one.target
                number = target
                continue
            elif found is None:
                return None
        elif one.kind != OTHER:
            break
        number += 1
    return found


def _grows(code: Sequence[Instruction], number: int, name: Callable[[int], str]) -> bool:
    """Does it run from here into a call of runtime.morestack, and then to the beginning?"""
    called = False
    for one in code[number : number + _SPILL]:
        if one.kind == CALL and one.target is not None and not called:
            if not name(one.target).startswith(_MORESTACK):
                return False
            called = True
        elif one.kind == JUMP:
            return called and one.target == code[0].address
        elif one.kind != OTHER:
            return False
    return False
