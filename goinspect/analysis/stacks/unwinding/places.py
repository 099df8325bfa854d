"""The distinct PCs that unwinding comes upon: where each lies, and how the frame there is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.recordings.places import mapped_name
from goinspect.dwarf.callframes import CallFrames
from goinspect.errors import GoinspectError
from goinspect.gosym.unwinding.rules import Action, Rules, rules_of
from goinspect.gosym.unwinding.steps import ARCHES, Registers
from goinspect.maps import file_offset_to_vaddr
from goinspect.profiles.base import KIND_USER, Locations
from goinspect.profiles.intern import MAX_TAG, AddressInterner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.maps import AddressSpaces
    from goinspect.model import Mapping

__all__ = ["Places", "file_of"]

_ONE, _WORD = np.uint64(1), np.uint64(8)


def file_of(mapping: Mapping) -> tuple[str, str]:
    """What mappings of one file have in common."""
    return mapped_name(mapping.path), mapping.build_id


class Places:
    """Gives every distinct (address space, PC, exact) an id, and knows the rule of each.

    Args:
        mappings: of the recording.
        spaces: who had what mapped.
        find: the file behind a mapping.
    """

    def __init__(
        self, mappings: Sequence[Mapping], spaces: AddressSpaces, find: Callable[[Mapping], Binary | None]
    ) -> None:
        self._mappings, self._spaces, self._find = mappings, spaces, find
        self._interner = AddressInterner()
        self._rules = Rules.blank(0, Action.NOTHING)
        self._described: dict[str, CallFrames | None] = {}
        self._known = 0

    def look(
        self, spaces: NDArray[np.int32], pcs: NDArray[np.uint64], exact: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """The ids of PCs; what is looked up of a return address is the byte before it."""
        tags = np.minimum(spaces.astype(np.int64) << 1 | exact, MAX_TAG)
        ids = self._interner.intern(tags, pcs - (~exact).astype(np.uint64))
        if len(self._interner) > self._known:
            self._learn()
        return ids

    def rules(self, ids: NDArray[np.int32]) -> Rules:
        """How the frames at these places are left."""
        return self._rules.only(ids)

    @staticmethod
    def keeps(rules: Rules, at: Registers, arch: str) -> NDArray[np.bool_]:
        """Is the frame pointer, after a function that may have loaded SP from elsewhere, that of the frame there?"""
        slot = at.sp - _WORD
        if not ARCHES[arch].link_register:
            slot = slot + rules.delta.astype(np.uint64)
        return np.asarray((rules.action == Action.CALLER) & (rules.delta > 0) & (at.fp == slot))

    def locations(self) -> Locations:
        """All places, as a profile has them."""
        tags, addresses = self._interner.tags, self._interner.addresses.copy()
        mapping, offset = self._spaces.resolve(tags >> 1, addresses)
        count = len(tags)
        return Locations(
            mapping, offset, addresses, np.full(count, KIND_USER, np.uint8), tags & 1 == 1, None, np.ones(count, np.bool_)
        )  # fmt: skip

    def _learn(self) -> None:
        """The rules of the places that came since the last time."""
        new = slice(self._known, len(self._interner))
        self._known = len(self._interner)
        spaces, addresses = self._interner.tags[new] >> 1, self._interner.addresses[new].copy()
        mapping, offset = self._spaces.resolve(spaces, addresses)
        rules = Rules.blank(len(addresses), Action.NOTHING)
        for number in distinct(mapping).tolist():
            if number < 0 or not self._mappings[number].executable:
                continue
            rows = np.flatnonzero(mapping == number)
            rules.action[rows] = Action.FOREIGN
            binary = self._find(self._mappings[number])
            if binary is not None:
                vaddrs, mapped = file_offset_to_vaddr(binary.image.segments, offset[rows])
                rows, vaddrs = rows[mapped], vaddrs[mapped]
                if binary.go_or_none is not None:
                    self._go(binary, rows, vaddrs, rules)
                self._native(binary, rows, vaddrs, rules)
        self._rules = self._rules.followed_by(rules)

    @staticmethod
    def _go(binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64], rules: Rules) -> None:
        try:
            found = rules_of(binary.bulk, vaddrs)
        except GoinspectError:
            return
        rules.action[rows], rules.delta[rows] = found.action, found.delta
        rules.framed[rows], rules.trap[rows] = found.framed, found.trap

    def _native(
        self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64], rules: Rules
    ) -> None:
        """What call frame information says of code that is not Go's."""
        other = np.flatnonzero(rules.action[rows] == Action.FOREIGN)
        frames = self._frames_of(binary) if len(other) else None
        if frames is None:
            return
        for row, vaddr in zip(rows[other].tolist(), vaddrs[other].tolist(), strict=True):
            found = frames.find(vaddr)
            if found is None:
                continue
            frame, signal = found
            if frame.root or signal:
                rules.action[row] = Action.TOP if frame.root else Action.RESTORER
                continue
            rules.action[row] = Action.BY_FP if frame.by_fp else Action.BY_SP
            rules.delta[row] = frame.offset
            rules.ra_at[row], rules.fp_at[row] = frame.ra_at or 0, frame.fp_at or 0

    def _frames_of(self, binary: Binary) -> CallFrames | None:
        if binary.path not in self._described:
            try:
                self._described[binary.path] = CallFrames(binary.image)
            except GoinspectError:
                self._described[binary.path] = None
        return self._described[binary.path]
