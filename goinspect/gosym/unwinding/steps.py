"""From a frame to the one that called it, by what Go itself knows of its stacks. Whole arrays of frames at once.

gopclntab says for every PC how far SP has moved since the function's entry (the pcsp table), so each caller is found
without frame pointers, in prologues and in stripped binaries too. Exceptions are functions that load SP from
elsewhere: they are told by flags and funcIDs, and left by the frame pointer, if its frame is within reach.

Facts (src/runtime/traceback.go, ``unwinder.resolveInternal`` and ``next``; src/cmd/internal/obj/x86/obj6.go and
arm64/obj7.go; struct ucontext of Linux):

* amd64: a call pushes the return address, so it is at SP + pcsp; a function with a frame saves BP right below it.
* arm64: the return address is at SP once there is a frame, which is stored together with the change of SP; before
  that it is in the link register. The caller's frame pointer is one word below SP, and X29 points there.
* sigpanic, asyncPreempt and debugCallV2 look called by the instruction that was interrupted. On arm64 the link register
  at that point was pushed first, with 16 bytes of stack.
* the kernel leaves the registers of interrupted code above the frame of sigtramp.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from goinspect.gosym.unwinding.rules import Action, Rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

__all__ = ["ARCHES", "End", "Registers", "StackMemory", "Step", "step"]


class End(IntEnum):
    """Why a stack ends."""

    COMPLETE = 0  # at the first function of its stack
    CUT = 1  # where the copy of the stack ends
    SWITCHED = 2  # goes on on another stack, of which there is no copy
    LOST = 3  # nothing says how to go on
    OPEN = 4  # not yet


class Registers(NamedTuple):
    """Where some threads stand, one row each. ``lr`` is 0 where it holds no return address."""

    pc: Words
    sp: Words
    fp: Words
    lr: Words


class StackMemory(Protocol):
    """Copies of stacks."""

    def read(self, rows: NDArray[np.int64], addresses: Words) -> tuple[Words, Mask]:
        """The words at `addresses` of the stacks `rows`, and which of them are there."""


class Step(NamedTuple):
    """The callers of some frames. Where ``end`` is not OPEN there is none."""

    registers: Registers
    exact: Mask  # the PC itself, not a return address
    suspect: Mask  # right only if the caller's frame pointer is where the caller's frame has it
    end: NDArray[np.uint8]


class _Arch(NamedTuple):
    """What differs. Offsets of the ucontext's registers from the frame that the kernel made for a signal handler."""

    link_register: bool
    pc: int
    sp: int
    fp: int
    lr: int


# amd64: struct ucontext follows the return address; its gregs start at 40 and are r8…r15, di, si, bp, bx, dx, ax, cx,
# sp, ip. arm64: siginfo (128), then ucontext, whose mcontext starts at 176: fault address, x0…x30, sp, pc.
ARCHES: Final = {
    "amd64": _Arch(link_register=False, pc=168, sp=160, fp=120, lr=0),
    "arm64": _Arch(link_register=True, pc=568, sp=560, fp=544, lr=552),
}

_LEAF_STEP = np.uint64(8)


def step(
    arch: str,
    rules: Rules,
    registers: Registers,
    memory: StackMemory,
    rows: NDArray[np.int64],
    *,
    first: bool,
) -> Step:
    """The callers of frames.

    Args:
        arch: a key of `ARCHES`.
        rules: of each frame.
        registers: of each frame, as they are when what it called returns.
        memory: the stacks.
        rows: the stack of each frame, as `memory` numbers them.
        first: these are the innermost frames, whose registers are known and not derived.
    """
    stepper = _Stepper(ARCHES[arch], rules, registers, memory, rows)
    stepper.plain(first=first)
    stepper.foreign()
    stepper.described()
    stepper.switches(first=first)
    stepper.signals()
    return stepper.result()


class _Stepper:
    """One step of `step`; every method does the frames of some actions."""

    def __init__(
        self, arch: _Arch, rules: Rules, registers: Registers, memory: StackMemory, rows: NDArray[np.int64]
    ) -> None:
        self.arch, self.rules, self.old, self.memory, self.rows = arch, rules, registers, memory, rows
        count = len(rows)
        self.pc, self.sp = np.zeros(count, dtype=np.uint64), registers.sp.copy()
        self.fp, self.lr = registers.fp.copy(), np.zeros(count, dtype=np.uint64)
        self.exact, self.suspect = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
        self.end = np.full(count, End.LOST, dtype=np.uint8)
        self.end[rules.action == Action.TOP] = End.COMPLETE

    def result(self) -> Step:
        exact = self.exact | self.rules.trap
        return Step(Registers(self.pc, self.sp, self.fp, self.lr), exact, self.suspect, self.end)

    def _among(self, *actions: Action) -> NDArray[np.int64]:
        action = self.rules.action
        if len(actions) == 1:
            return np.flatnonzero(action == actions[0])
        return np.flatnonzero(np.isin(action, np.array(actions, dtype=np.uint8)))

    def plain(self, *, first: bool) -> None:
        """By the size of the frame."""
        at = self._among(Action.CALLER)
        if len(at):
            self._leave(at, self.old.sp[at], first=first)

    def _leave(self, at: NDArray[np.int64], sp: Words, *, first: bool) -> None:
        """Leave frames in which SP is `sp`."""
        delta = self.rules.delta[at].astype(np.uint64)
        slot = sp - _LEAF_STEP if self.arch.link_register else sp + delta - _LEAF_STEP
        if self.arch.link_register:
            held = delta == 0
            pc, there = self.memory.read(self.rows[at], sp)
            pc = np.where(held, self.old.lr[at], pc)
            self.end[at] = np.where(held, End.LOST, End.CUT)
            there = np.where(held, pc != 0, there)
            above = sp + delta
        else:
            pc, there = self.memory.read(self.rows[at], sp + delta)
            self.end[at] = End.CUT
            above = sp + delta + _LEAF_STEP
        fp = self.old.fp[at]
        own = (fp == slot) & (delta > 0)
        saved, found = self.memory.read(self.rows[at], slot)
        fp = np.where(own, np.where(found, saved, np.uint64(0)), fp)
        self.pc[at], self.sp[at], self.fp[at] = pc, above, fp
        self.end[at[there]] = End.OPEN
        if self.arch.link_register:
            self._injected(at[there & self.rules.trap[at]])

    def _injected(self, at: NDArray[np.int64]) -> None:
        """On arm64, the link register of interrupted code was pushed before the call that it never made."""
        if len(at):
            lr, there = self.memory.read(self.rows[at], self.sp[at])
            self.lr[at] = np.where(there, lr, np.uint64(0))
            self.sp[at] += np.uint64(16)

    def foreign(self) -> None:
        """By the frame pointer, which C code may or may not keep."""
        at = self._among(Action.FOREIGN)
        if len(at):
            self._by_frame_pointer(at, End.LOST)

    def _by_frame_pointer(self, at: NDArray[np.int64], otherwise: End) -> None:
        fp, sp = self.old.fp[at], self.old.sp[at]
        pc, there = self.memory.read(self.rows[at], fp + _LEAF_STEP)
        saved, found = self.memory.read(self.rows[at], fp)
        there &= found & (fp >= sp) & (pc != 0)
        self.pc[at], self.sp[at], self.fp[at] = pc, fp + np.uint64(16), saved
        self.end[at] = np.where(there, End.OPEN, otherwise)

    def described(self) -> None:
        """As call frame information says."""
        at = self._among(Action.BY_SP, Action.BY_FP)
        if not len(at):
            return
        rows, sp, fp = self.rows[at], self.old.sp[at], self.old.fp[at]
        by_fp = self.rules.action[at] == Action.BY_FP
        cfa = np.where(by_fp, fp, sp) + self.rules.delta[at].astype(np.uint64)
        ra_at, fp_at = self.rules.ra_at[at], self.rules.fp_at[at]
        pc, there = self.memory.read(rows, cfa + ra_at.astype(np.uint64))
        pc = np.where(ra_at != 0, pc, self.old.lr[at])
        there = np.where(ra_at != 0, there, pc != 0)
        saved, found = self.memory.read(rows, cfa + fp_at.astype(np.uint64))
        saved = np.where(found, saved, np.uint64(0))
        self.pc[at], self.sp[at], self.fp[at] = pc, cfa, np.where(fp_at != 0, saved, fp)
        end = np.where(by_fp & (fp < sp), End.LOST, End.CUT)
        end[there & (pc == 0)] = End.COMPLETE
        end[there & (pc != 0) & (cfa >= sp)] = End.OPEN
        self.end[at] = end

    def switches(self, *, first: bool) -> None:
        """Functions that load SP. Where they have not done so yet, or no more, they are as any other."""
        at = self._among(Action.SWITCH)
        if len(at):
            self._switches(at, first=first)
        at = self._among(Action.LEAVE, Action.PARK)
        if len(at) and first:
            self.suspect[at] = True
            self._leave(at, self.old.sp[at], first=first)
        elif len(at):
            park = self.rules.action[at] == Action.PARK
            self.end[at] = np.where(park, End.COMPLETE, End.SWITCHED)

    def _switches(self, at: NDArray[np.int64], *, first: bool) -> None:
        delta, framed = self.rules.delta[at].astype(np.uint64), self.rules.framed[at]
        sp, fp = self.old.sp[at], self.old.fp[at]
        own = sp - _LEAF_STEP if self.arch.link_register else sp + delta - _LEAF_STEP
        unmoved = framed & (fp == own) & (delta > 0)
        if first:
            unmoved |= (
                delta == 0
            )  # before the prologue, or without a frame: then the caller tells whether it is right
            self.suspect[at] = (delta == 0) & ~framed
        if unmoved.any():
            self._leave(at[unmoved], sp[unmoved], first=first)
        moved = ~unmoved
        inner = at[moved & framed & (fp >= sp) & (delta > 0)]
        if len(inner) and self.arch.link_register:
            self._leave(inner, self.old.fp[inner] + _LEAF_STEP, first=False)
            self.end[inner[self.end[inner] == End.CUT]] = End.SWITCHED
        elif len(inner):
            self._by_frame_pointer(inner, End.SWITCHED)
        rest = np.setdiff1d(at[moved], inner, assume_unique=True)
        self.end[rest] = End.SWITCHED

    def signals(self) -> None:
        """To the code that a signal interrupted."""
        at = self._among(Action.SIGNAL, Action.RESTORER)
        if not len(at):
            return
        rows, base = self.rows[at], self.old.sp[at].copy()
        handler = self.rules.action[at] == Action.SIGNAL
        size = self.rules.delta[at].astype(np.uint64) + (
            np.uint64(0) if self.arch.link_register else _LEAF_STEP
        )
        base += np.where(handler, size, np.uint64(0))
        there = np.ones(len(at), dtype=np.bool_)
        for column, offset in ((self.pc, self.arch.pc), (self.sp, self.arch.sp), (self.fp, self.arch.fp)):
            column[at], found = self.memory.read(rows, base + np.uint64(offset))
            there &= found
        if self.arch.lr:
            self.lr[at], _ = self.memory.read(rows, base + np.uint64(self.arch.lr))
        self.exact[at] = True
        self.end[at] = np.where(there, End.OPEN, End.CUT)
