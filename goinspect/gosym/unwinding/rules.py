"""How the frames of functions are left: what gopclntab says of each PC, and which functions are no ordinary ones.

Facts: the pcsp table and funcIDs (src/runtime/symtab.go); which functions load SP, are first on their stack, or are
made to look called (src/runtime/traceback.go, ``unwinder.resolveInternal``; src/runtime/asm_*.s, sys_linux_*.s).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect.errors import GoinspectError
from goinspect.gosym.layout import FLAG_SPWRITE, FLAG_TOPFRAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.gosym.bulk.table import BulkTable

    Words = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

__all__ = ["Action", "Rules", "rules_of"]


class Action(IntEnum):
    """How a frame is left."""

    NOTHING = 0  # no code there
    FOREIGN = 1  # code that gopclntab does not describe: by frame pointer
    CALLER = 2  # as pcsp says
    TOP = 3  # the first frame of its stack
    SWITCH = 4  # it came from another stack
    SIGNAL = 5  # called by the kernel: the interrupted code's registers are behind it
    RESTORER = 6  # the same where SP points at them already
    LEAVE = 7  # it never returns to the stack that it came from, and cannot be left
    PARK = 8  # the same where nothing of that stack belongs to this one
    BY_SP = 9  # code of others whose frames are described: from SP
    BY_FP = 10  # from the frame pointer


# Of functions by funcID, which survives obfuscated names, else by name.
_SPECIAL: Final = {
    "goexit": Action.TOP, "rt0_go": Action.TOP, "mstart": Action.TOP, "mcall": Action.PARK,
    "systemstack": Action.SWITCH, "asmcgocall": Action.SWITCH, "gogo": Action.LEAVE, "morestack": Action.LEAVE,
    "cgocallback": Action.CALLER, "cgocallback_gofunc": Action.CALLER,
    "sigtramp": Action.SIGNAL, "cgoSigtramp": Action.SIGNAL,
    "sigreturn": Action.RESTORER, "sigreturn__sigaction": Action.RESTORER,
}  # fmt: skip
_TRAPS: Final = frozenset({"sigpanic", "asyncPreempt", "debugCallV1", "debugCallV2"})
# Before Go 1.17 no flag tells which functions load SP.
_SWITCHING: Final = frozenset({
    "walltime", "walltime1", "nanotime", "nanotime1", "sigfwd",
})  # fmt: skip
_RUNTIME = "runtime."


class Rules(NamedTuple):
    """What it takes to leave the frames of some PCs, one row each.

    ``ra_at`` and ``fp_at`` are for BY_SP and BY_FP: where return address and frame pointer of the caller are, from the
    CFA; 0: in their registers.
    """

    action: NDArray[np.uint8]
    delta: NDArray[np.int64]  # bytes SP has moved since the function's entry; of BY_*: the CFA from there
    framed: Mask  # of SWITCH: the function keeps a frame pointer of its own
    trap: Mask  # the caller was interrupted, not calling: its PC is exact
    ra_at: NDArray[np.int64]
    fp_at: NDArray[np.int64]

    @classmethod
    def blank(cls, count: int, action: Action) -> Rules:
        """Rows without any number."""
        return cls(
            np.full(count, action, dtype=np.uint8), np.zeros(count, np.int64), np.zeros(count, np.bool_),
            np.zeros(count, np.bool_), np.zeros(count, np.int64), np.zeros(count, np.int64),
        )  # fmt: skip

    def only(self, rows: NDArray[Any]) -> Rules:
        """Those of some rows."""
        return Rules(
            self.action[rows],
            self.delta[rows],
            self.framed[rows],
            self.trap[rows],
            self.ra_at[rows],
            self.fp_at[rows],
        )

    def followed_by(self, more: Rules) -> Rules:
        """These and then those."""
        return Rules(
            np.append(self.action, more.action), np.append(self.delta, more.delta), np.append(self.framed, more.framed),
            np.append(self.trap, more.trap), np.append(self.ra_at, more.ra_at), np.append(self.fp_at, more.fp_at),
        )  # fmt: skip


def rules_of(bulk: BulkTable, pcs: Words) -> Rules:
    """The rules for frames that stand at `pcs`, vaddrs: of a caller, an address inside of the call instruction."""
    rules = Rules.blank(len(pcs), Action.FOREIGN)
    found = bulk.find(pcs)
    inside = np.flatnonzero(found >= 0)
    funcs = distinct(found[inside])
    if len(funcs):
        row = np.searchsorted(funcs, found[inside])
        kinds = _Functions(bulk, funcs)
        pcsp = bulk.records.field(funcs, "pcsp")
        target = (pcs[inside] - bulk.entries[funcs][row]).astype(np.int64)
        depth = bulk.pctab.tables(pcsp).lookup(pcsp[row], target).astype(np.int64)
        known = (depth >= 0) & (depth & 7 == 0)
        # Host objects have no table; padding has no value.
        without = np.where(pcsp[row] == 0, np.uint8(Action.FOREIGN), np.uint8(Action.NOTHING))
        rules.action[inside] = np.where(known, kinds.action[row], without)
        rules.delta[inside] = np.where(known, depth, 0)
        rules.framed[inside], rules.trap[inside] = kinds.framed[row], kinds.trap[row]
    return rules


class _Functions:
    """The same of whole functions."""

    def __init__(self, bulk: BulkTable, funcs: NDArray[np.int64]) -> None:
        table, release = bulk.table, bulk.table.release
        flags = bulk.records.flag(funcs)
        self.action = np.full(len(funcs), Action.CALLER, dtype=np.uint8)
        self.action[flags & FLAG_SPWRITE != 0] = Action.SWITCH
        self.action[flags & FLAG_TOPFRAME != 0] = Action.TOP
        self.framed = np.zeros(len(funcs), dtype=np.bool_)
        self.trap = np.zeros(len(funcs), dtype=np.bool_)
        for row, name in enumerate(_runtime_names(bulk, funcs)):
            if not name:
                continue
            self.trap[row] = name in _TRAPS
            if not release.has_flag and name in _SWITCHING:
                self.action[row] = Action.SWITCH
            self.action[row] = _SPECIAL.get(name, self.action[row])
        for row in np.flatnonzero(self.action == Action.SWITCH).tolist():
            try:
                func = table.func(int(funcs[row]))
                self.framed[row] = func is not None and bool(table.frame_size(func))
            except GoinspectError:
                self.action[row] = Action.LEAVE


def _runtime_names(bulk: BulkTable, funcs: NDArray[np.int64]) -> list[str]:
    """What funcIDs, or names, say that functions of the runtime are; "" for all others."""
    ids = bulk.records.func_id(funcs).tolist()
    names = bulk.names(bulk.records.field(funcs, "name_off"))
    known = bulk.table.release.func_ids
    return [
        known[number] if 0 < number < len(known) and known[number] != "wrapper"
        else name.removeprefix(_RUNTIME).removesuffix(".abi0") if name.startswith(_RUNTIME) else ""
        for number, name in zip(ids, names, strict=True)
    ]  # fmt: skip
