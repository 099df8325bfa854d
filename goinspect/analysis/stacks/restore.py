"""The callers that a walk by frame pointers passed over, deduced from the machine code.

A leaf L without a frame of its own lets the walk start at the frame pointer of its caller H. The first return address
R that it finds is H's: it follows a call in the caller of H. Is that call direct, then its target is H, or jumps on to
it; that H calls L, as it must, is the proof. Behind a call through a pointer H is known where only one function calls
L at all. Where H has one call to L, or all agree, its line and the calls inlined around it are known, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.calls.functions import Functions
from goinspect.analysis.calls.graph import CallGraph
from goinspect.analysis.calls.taken import address_taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.binary import Binary, NativeSymbols

__all__ = ["NOT_CALLED", "Callers", "Deduced"]

# Nobody calls these: they interrupt, begin a thread (clone returns in two), or stand in for a prologue that has not run
# yet, so that two callers are missing.
NOT_CALLED = frozenset({
    "runtime.asyncPreempt", "runtime.sigpanic", "runtime.sigpanic0", "runtime.debugCallV2", "runtime.sigtramp",
    "runtime.sigreturn__sigaction", "runtime.sigreturn", "runtime.cgoSigtramp", "runtime.morestack",
    "runtime.morestack_noctxt", "runtime.morestackc", "runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.clone",
})  # fmt: skip
_SOME, _SMALL = 256, 32  # functions that tell for all of a file; bytes of one that hardly needs a frame


class Deduced(NamedTuple):
    """What is known of the caller of a leaf.

    ``caller`` is a function's number, -1 where it is not known; ``sites`` are the return addresses it may have.
    ``complete``: nothing was passed over, the call at R leads to the leaf itself.
    """

    caller: int
    sites: tuple[int, ...] = ()
    complete: bool = False


_UNKNOWN = Deduced(-1)


class Callers:
    """Deduces callers in one file.

    Args:
        binary: the file.
        natives: functions of its symbol tables, where leaves that are not Go's shall have callers.
    """

    def __init__(self, binary: Binary, natives: NativeSymbols | None = None) -> None:
        self._binary = binary
        self.functions = Functions(binary, natives)
        self.graph = CallGraph(binary.image, self.functions)
        self._keeps: bool | None = None
        self._taken: NDArray[np.bool_] | None = None
        self._only: dict[int, Deduced] = {}
        self._names: dict[int, str] = {}

    def deduce(
        self, leaves: NDArray[np.int64], afters: NDArray[np.uint64]
    ) -> tuple[list[Deduced], NDArray[np.int64]]:
        """The callers of leaves.

        Args:
            leaves: numbers of functions, -1 where there is none.
            afters: the return addresses that walks found first.

        Returns:
            What is known, and for each leaf which of it.
        """
        called = np.full(len(leaves), -1, dtype=np.int64)
        if self.graph.possible:
            called = self.graph.called_before(afters)
        keys, which = np.unique(
            leaves * (len(self.functions) + 1) + called + 1, return_inverse=True
        )  # fmt: skip
        pairs = zip(*(part.tolist() for part in np.divmod(keys, len(self.functions) + 1)), strict=True)
        return [self._deduced(leaf, target - 1) for leaf, target in pairs], which

    def _deduced(self, leaf: int, called: int) -> Deduced:
        if leaf < 0 or not self.graph.possible or self._name(leaf) in NOT_CALLED:
            return _UNKNOWN
        if called < 0:
            return self._only_caller(leaf) if leaf < self.functions.go else _UNKNOWN
        return self._behind(leaf, called)

    def _behind(self, leaf: int, called: int) -> Deduced:
        """R's call is a direct one to `called`."""
        sites = self.graph.calls(called, leaf)
        if called == leaf and not sites:
            return Deduced(-1, complete=True)
        foreign = leaf >= self.functions.go
        if sites and not foreign:
            return Deduced(called, sites)
        candidates = self.graph.leads(called)
        if foreign and leaf in candidates:  # its frame may be set up: then it is R's
            return _UNKNOWN
        for caller in candidates:
            sites = self.graph.calls(caller, leaf)
            if sites and (not foreign or self._framed(caller, leaf)):
                return Deduced(caller, sites)
        if foreign:  # of C code no more can be said
            return _UNKNOWN
        for caller in candidates:
            sites = self.graph.indirect(caller)
            if sites:
                return Deduced(caller, sites)
        return _UNKNOWN

    def _framed(self, caller: int, leaf: int) -> bool:
        """C code may keep no frame pointers at all: then what a walk finds are stale words.

        Most functions of the file must set theirs up, the caller among them, and the leaf, too, or leave it alone.
        """
        graph = self.graph
        if self._keeps is None:
            known = np.arange(self.functions.go, len(self.functions))
            known = known[self.functions.ends[known] - self.functions.starts[known] >= np.uint64(_SMALL)]
            some = known[:: max(len(known) // _SOME, 1)].tolist()
            self._keeps = sum(map(graph.sets_frame_up, some)) * 2 > len(some)
        return (
            self._keeps
            and graph.sets_frame_up(caller)
            and (graph.sets_frame_up(leaf) or not graph.uses_frame_pointer(leaf))
        )

    def _only_caller(self, leaf: int) -> Deduced:
        """R's call goes through a pointer: to whom it may have gone, and calls the leaf."""
        if leaf not in self._only:
            by_pointer = self._by_pointer(leaf)
            found = [] if by_pointer else [one for one in self.graph.callers(leaf) if self._by_pointer(one)]
            known = len(found) == 1
            self._only[leaf] = Deduced(found[0], self.graph.calls(found[0], leaf)) if known else _UNKNOWN
        return self._only[leaf]

    def _by_pointer(self, number: int) -> bool:
        """May the function be called through a pointer?"""
        if self._taken is None:
            self._taken = address_taken(self._binary, self.functions)
        return bool(self._taken[number])

    def _name(self, number: int) -> str:
        if number not in self._names:
            self._names[number] = self.functions.name(number)
        return self._names[number]
