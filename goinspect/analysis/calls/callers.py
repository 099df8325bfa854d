"""The callers that a walk by frame pointers passed over, deduced from the machine code.

A leaf L without a frame of its own lets the walk start at the frame pointer of its caller H. The first return address
R that it finds is H's: it follows a call in the caller of H. Is that call direct, then its target is H, or jumps on to
it; that H calls L, as it must, is the proof. Behind a call through a pointer H is known where only one function calls
L at all. Where H has one call to L, or all agree, its line and the calls inlined around it are known, too.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.calls.functions import Functions
from goinspect.analysis.calls.graph import CallGraph
from goinspect.analysis.calls.slots import Slots
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
_SHARE = 4  # one in so many has to keep frame pointers


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
        narrow: tell calls through pointers apart by where they take the address from, for which types are read.
    """

    def __init__(self, binary: Binary, natives: NativeSymbols | None = None, *, narrow: bool = False) -> None:
        self._slots = Slots(binary) if narrow else None
        self._binary = binary
        self.functions = Functions(binary, natives)
        self.graph = CallGraph(binary.image, self.functions, exact=False)
        self._taken: NDArray[np.bool_] | None = None
        self._only: dict[int, Deduced] = {}
        self._not_called = frozenset(self.functions.named(NOT_CALLED))

    def deduce(
        self, leaves: NDArray[np.int64], afters: NDArray[np.uint64], links: NDArray[np.uint64] | None = None
    ) -> tuple[list[Deduced], NDArray[np.int64]]:
        """The callers of leaves.

        Args:
            leaves: numbers of functions, -1 where there is none.
            afters: the return addresses that walks found first.
            links: the return addresses of the leaves, where a link register had them; 0 elsewhere.

        Returns:
            What is known, and for each leaf which of it.
        """
        called = np.full(len(leaves), -1, dtype=np.int64)
        if self.graph.possible:
            called = self.graph.called_before(afters)
        count = len(self.functions) + 1
        link, link_number = np.unique(
            np.zeros(len(leaves), dtype=np.uint64) if links is None else links, return_inverse=True
        )
        keys, which = np.unique(
            (leaves * count + called + 1) * len(link) + link_number, return_inverse=True
        )  # fmt: skip
        pairs, link_number = np.divmod(keys, max(len(link), 1))
        leaf, target = np.divmod(pairs, count)
        target -= 1
        known = (target >= 0) & (leaf >= 0)
        sites = self.graph.reach.all_sites(target[known], leaf[known]) if known.any() else []
        self._look_up(leaf, target, known, sites)
        each = iter(sites)
        out = []
        columns = (leaf.tolist(), target.tolist(), known.tolist(), link[link_number].tolist())
        go, not_called = self.functions.go, self._not_called
        for one, called_one, there, address in zip(*columns, strict=True):
            found = next(each) if there else ()
            if found and not address and one < go and one not in not_called:  # most are so
                out.append(Deduced(called_one, found))
                continue
            by_link = self._linked(one, address) if address and one not in not_called else None
            out.append(by_link or self._deduced(one, called_one, found))
        return out, which

    def _linked(self, leaf: int, after: int) -> Deduced | None:
        """The caller that the link register says, if that is behind a call that may lead to the leaf."""
        addresses = np.array([after], dtype=np.uint64)
        (caller,) = self.functions.find(addresses - np.uint64(1)).tolist()
        (called,) = self.graph.called_before(addresses).tolist()
        if caller < 0 or leaf < 0:
            return None
        leads = leaf in self.graph.leads(called) if called >= 0 else after in self.graph.indirect.of(caller)
        return Deduced(caller, (after,)) if leads else None

    def _deduced(self, leaf: int, called: int, sites: tuple[int, ...]) -> Deduced:
        """`sites` are the calls in `called` that lead to the leaf."""
        if leaf < 0 or not self.graph.possible or leaf in self._not_called:
            return _UNKNOWN
        if called < 0:
            return self._only[leaf] if leaf < self.functions.go else _UNKNOWN
        return self._behind(leaf, called, sites)

    def _behind(self, leaf: int, called: int, sites: tuple[int, ...]) -> Deduced:
        """R's call is a direct one to `called`."""
        if called == leaf and not sites:
            return Deduced(-1, complete=True)
        foreign = leaf >= self.functions.go
        if sites and not foreign:
            return Deduced(called, sites)
        candidates = self.graph.leads(called)
        if foreign and leaf in candidates:  # its frame may be set up: then it is R's
            return _UNKNOWN
        for caller in candidates:
            found = sites if caller == called else self.graph.calls(caller, leaf)
            if found and (not foreign or self._framed(caller, leaf)):
                return Deduced(caller, found)
        if foreign:  # of C code no more can be said
            return _UNKNOWN
        for caller in candidates:
            found = self.graph.indirect.of(caller)
            if found:
                return Deduced(caller, self._narrowed(leaf, caller, found))
        return _UNKNOWN

    def _narrowed(self, leaf: int, caller: int, sites: tuple[int, ...]) -> tuple[int, ...]:
        """The calls of `caller` through pointers that may lead to the leaf."""
        if self._slots is None or len(sites) == 1:
            return sites
        code = partial(self.graph.instructions, caller)
        return self._slots.narrowed(self.functions.name(leaf), caller, code, sites)

    def _framed(self, caller: int, leaf: int) -> bool:
        """C code may keep no frame pointers at all: then what a walk finds are stale words.

        Functions of the file must set theirs up, the caller among them, and the leaf, too, or leave it alone.
        """
        graph = self.graph
        return (
            self.keeps_frame_pointers
            and graph.sets_frame_up(caller)
            and (graph.sets_frame_up(leaf) or not graph.uses_frame_pointer(leaf))
        )

    @cached_property
    def keeps_frame_pointers(self) -> bool:
        """Does C code in the file set up frame pointers? Where it does not by rule, some functions need one all the same."""
        known = np.arange(self.functions.go, len(self.functions))
        known = known[self.functions.ends[known] - self.functions.starts[known] >= np.uint64(_SMALL)]
        some = known[:: max(len(known) // _SOME, 1)].tolist()
        return sum(map(self.graph.sets_frame_up, some)) * _SHARE > len(some)

    def _look_up(
        self,
        leaf: NDArray[np.int64],
        target: NDArray[np.int64],
        known: NDArray[np.bool_],
        sites: list[tuple[int, ...]],
    ) -> None:
        """Ask at once for all that pairs without a direct call will ask for one by one."""
        go, graph = self.functions.go, self.graph
        if not graph.possible:
            return
        without = np.array([not found for found in sites], dtype=np.bool_)
        rows = np.flatnonzero(known)[without]
        rows = rows[(leaf[rows] < go) & (leaf[rows] != target[rows])]
        graph.indirect.look_up(
            function for called in distinct(target[rows]).tolist() for function in graph.leads(called)
        )
        alone = distinct(leaf[(target < 0) & (leaf >= 0) & (leaf < go)]).tolist()
        wanted = [one for one in alone if one not in self._only and one not in self._not_called]
        if wanted:
            self._only.update(self._only_callers(wanted))

    def _only_callers(self, leaves: list[int]) -> dict[int, Deduced]:
        """R's call goes through a pointer: to whom it may have gone, and calls the leaf."""
        reach, known = self.graph.reach, {}
        for leaf, callers in zip(leaves, reach.all_callers(leaves), strict=True):
            found = [] if self._by_pointer(leaf) else [one for one in callers if self._by_pointer(one)]
            if len(found) == 1:
                known[leaf] = found[0]
        sites = reach.all_sites(np.array(list(known.values())), np.array(list(known))) if known else []
        out = dict.fromkeys(leaves, _UNKNOWN)
        for (leaf, caller), returns in zip(known.items(), sites, strict=True):
            out[leaf] = Deduced(caller, returns)
        return out

    def _by_pointer(self, number: int) -> bool:
        """May the function be called through a pointer?"""
        if self._taken is None:
            self._taken = address_taken(self._binary, self.functions)
        return bool(self._taken[number])
