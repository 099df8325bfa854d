"""Addresses to frames: each distinct one is looked up once, in one batch per file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect._words import be, counted
from goinspect.analysis.symbolize.spaces import Source, open_space
from goinspect.errors import GoinspectError
from goinspect.maps import NO_SPACE, AddressSpaces, file_offset_to_vaddr
from goinspect.model import Frame, Mapping
from goinspect.results.processes.symbolize import SymbolizeReport, SymbolizeRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.symbolize.spaces import Space
    from goinspect.binary import Binary

__all__ = ["Names", "symbolize"]

_KERNEL = 1 << 63
_KERNEL_PATH = "[kernel.kallsyms]"
_TOP = (1 << 64) - 1
_MOST_KNOWN = 1 << 21
_LAST = 1 << 20  # bytes: what is so far behind the kernel's last function is none


def symbolize(addresses: Sequence[int], source: Source, *, callers: bool = False) -> SymbolizeReport:
    """What lies at addresses.

    Args:
        addresses: of the process, or of the binary.
        source: what they belong to.
        callers: they are return addresses: the frames are those of the calls before them.

    Raises:
        GoinspectError: the source cannot be read.
    """
    names = Names(open_space(source))
    rows = names.rows(addresses, callers=callers)
    return SymbolizeReport(rows, names.warnings)


class Names:
    """Names addresses of one space, batch by batch."""

    def __init__(self, space: Space, *, inlines: bool = True) -> None:
        self._space, self._inlines = space, inlines
        self._spaces = AddressSpaces()
        for mapping in space.mappings:
            self._spaces.mmap(mapping._replace(pid=1))
        self._number = int(self._spaces.space_of(np.array([1], np.int32), np.array([0], np.uint64))[0])
        self._known: dict[tuple[int, bool], SymbolizeRow] = {}
        self._shared: dict[tuple[Frame, ...], tuple[Frame, ...]] = {}
        self._failed: dict[str, None] = {}
        self._unfound: dict[str, int] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be named, and why."""
        told = self._space.files.warnings
        lost = [
            f"{path}: no file that is known to be it: {counted(count, 'address', 'addresses')} {be(count)} not named (--binary names one)"
            for path, count in self._unfound.items()
            if not any(warning.startswith(f"{path}: ") for warning in told)
        ]
        read = self._space.memory or self._space.binary
        damage = read.warnings if read is not None else ()
        return (*self._space.warnings, *damage, *told, *self._failed, *lost)

    def rows(self, addresses: Sequence[int], *, callers: bool | Sequence[bool] = False) -> list[SymbolizeRow]:
        """A row for each address.

        Args:
            addresses: any numbers.
            callers: of all, or of each: is it a return address?
        """
        flags = itertools.repeat(callers) if isinstance(callers, bool) else callers
        asked = list(zip(addresses, flags, strict=False))
        known = self._known
        if len(known) > _MOST_KNOWN:  # of a log without an end
            known.clear()
        new = [key for key in dict.fromkeys(asked) if key not in known]
        if new:
            known.update(zip(new, self._new(new), strict=True))
        return [known[key] for key in asked]

    def by_build_id(self, places: Sequence[tuple[str, int]], callers: Sequence[bool]) -> list[SymbolizeRow]:
        """A row for each place in a file: its build ID, and a file offset."""
        rows = [SymbolizeRow(offset, None, offset, None, build_id, None) for build_id, offset in places]
        by_id: dict[str, list[int]] = {}
        for number, (build_id, _) in enumerate(places):
            by_id.setdefault(build_id, []).append(number)
        for build_id, numbers in by_id.items():
            binary = self._space.files.with_build_id(build_id, self._space)
            if binary is None:
                self._unfound[f"build ID {build_id}"] = len(numbers)
                continue
            offsets = np.array([places[number][1] for number in numbers], dtype=np.uint64)
            less = np.array([callers[number] for number in numbers], dtype=np.uint64)
            vaddrs, mapped = file_offset_to_vaddr(binary.image.segments, offsets - np.minimum(less, offsets))
            frames = self._frames(binary, vaddrs)
            for number, vaddr, known, found in zip(
                numbers, (vaddrs + less).tolist(), mapped.tolist(), frames, strict=True
            ):
                if known:
                    rows[number] = rows[number]._replace(vaddr=vaddr, mapping=binary.path, frames=found)
        return rows

    def _new(self, asked: list[tuple[int, bool]]) -> list[SymbolizeRow]:
        rows = [SymbolizeRow(address, None, None, None, None, None) for address, _ in asked]
        caller = np.array([flag and 0 < address <= _TOP for address, flag in asked], dtype=np.uint64)
        pcs = np.array([address if 0 <= address <= _TOP else 0 for address, _ in asked], dtype=np.uint64)
        pcs -= caller
        there = np.array([0 <= address <= _TOP for address, _ in asked], dtype=np.bool_)
        kernel = there & (pcs >= np.uint64(_KERNEL))
        if self._space.binary is not None:
            self._of_binary(rows, np.flatnonzero(there & ~kernel), pcs, caller)
        else:
            self._of_mappings(rows, np.flatnonzero(there & ~kernel), pcs, caller)
        self._of_kernel(rows, np.flatnonzero(kernel), pcs)
        return rows

    def _of_binary(
        self,
        rows: list[SymbolizeRow],
        where: NDArray[np.int64],
        pcs: NDArray[np.uint64],
        caller: NDArray[np.uint64],
    ) -> None:
        """Addresses of the file itself."""
        binary = self._space.binary
        if binary is None:
            return
        build_id = binary.image.build_id() or None
        frames = self._frames(binary, pcs[where])
        segments = [s for s in binary.image.segments if s.file_size]
        for row, found in zip(where.tolist(), frames, strict=True):
            pc, address = int(pcs[row]), rows[row].address
            segment = next((s for s in segments if s.vaddr <= pc < s.vaddr + s.mem_size), None)
            if segment is None:
                rows[row] = rows[row]._replace(frames=found)
                continue
            offset = pc - segment.vaddr
            inside = segment.file_offset + offset + int(caller[row]) if offset < segment.file_size else None
            rows[row] = SymbolizeRow(address, None, inside, address, build_id, found)

    def _of_mappings(
        self,
        rows: list[SymbolizeRow],
        where: NDArray[np.int64],
        pcs: NDArray[np.uint64],
        caller: NDArray[np.uint64],
    ) -> None:
        in_memory = self._in_memory(pcs[where])
        space = np.full(len(where), self._number if self._space.mappings else NO_SPACE, dtype=np.int32)
        numbers, offsets = self._spaces.resolve(space, pcs[where])
        mappings = self._spaces.mappings
        by_file: dict[tuple[str, int], list[int]] = {}
        for number in distinct(numbers[numbers >= 0]).tolist():
            by_file.setdefault((mappings[number].path, mappings[number].inode), []).append(number)
        for position in np.flatnonzero(numbers < 0).tolist():
            if in_memory[position] is not None:
                rows[where[position]] = rows[where[position]]._replace(frames=in_memory[position])
        for (path, _), group in by_file.items():
            here = np.flatnonzero(np.isin(numbers, group))
            self._of_file(
                mappings[group[0]],
                path,
                rows,
                where[here],
                offsets[here],
                caller[where[here]],
                [in_memory[position] for position in here.tolist()],
            )

    def _of_file(
        self,
        mapping: Mapping,
        path: str,
        rows: list[SymbolizeRow],
        where: NDArray[np.int64],
        offsets: NDArray[np.uint64],
        caller: NDArray[np.uint64],
        in_memory: list[tuple[Frame, ...] | None],
    ) -> None:
        binary = self._space.files.find(mapping)
        shown = None if path.startswith("//") else path
        is_file = path.startswith("/") and shown is not None
        told = (offsets + caller).tolist()
        if binary is None:
            for row, offset, frames in zip(where.tolist(), told, in_memory, strict=True):
                rows[row] = SymbolizeRow(
                    rows[row].address, shown, offset if is_file else None, None, None, frames
                )
            unnamed = sum(frames is None for frames in in_memory)
            if is_file and unnamed:
                self._unfound[path] = self._unfound.get(path, 0) + unnamed
            return
        vaddrs, mapped = file_offset_to_vaddr(binary.image.segments, offsets)
        build_id = binary.image.build_id() or None
        found = self._frames(binary, vaddrs)
        own = (vaddrs + caller).tolist()
        for row, offset, vaddr, known, frames, other in zip(
            where.tolist(), told, own, mapped.tolist(), found, in_memory, strict=True
        ):
            rows[row] = SymbolizeRow(
                rows[row].address,
                shown,
                offset,
                vaddr if known else None,
                build_id,
                other or (frames if known else None),
            )

    def _in_memory(self, pcs: NDArray[np.uint64]) -> list[tuple[Frame, ...] | None]:
        """Frames by the tables that a core file holds."""
        out: list[tuple[Frame, ...] | None] = [None] * len(pcs)
        memory = self._space.memory
        if memory is None or memory.go_or_none is None:
            return out
        for view in memory.views:
            for position, frames in enumerate(self._go_frames(view, pcs)):
                out[position] = out[position] or frames
        return out

    def _frames(self, binary: Binary, vaddrs: NDArray[np.uint64]) -> list[tuple[Frame, ...] | None]:
        out: list[tuple[Frame, ...] | None] = [None] * len(vaddrs)
        if binary.go_or_none is not None:
            out = self._go_frames(binary, vaddrs)
        for position, vaddr in enumerate(vaddrs.tolist()):
            if out[position] is None:
                try:
                    name = self._space.files.native(binary, vaddr)
                except GoinspectError as error:
                    self._failed[f"{error.about(binary.path)}: not all is named"] = None
                    break
                if name is not None:
                    row = (Frame(name, None, None, inlined=False),)
                    out[position] = self._shared.setdefault(row, row)
        return out

    def _go_frames(self, binary: Binary, vaddrs: NDArray[np.uint64]) -> list[tuple[Frame, ...] | None]:
        try:
            found = binary.bulk_frames(vaddrs, inlines=self._inlines)
        except GoinspectError as error:
            self._failed[f"{error.about(binary.path)}: not all is named"] = None
            return [None] * len(vaddrs)
        shared = self._shared.setdefault
        return [shared(row, row) if row else None for row in found.each()]

    def _of_kernel(self, rows: list[SymbolizeRow], where: NDArray[np.int64], pcs: NDArray[np.uint64]) -> None:
        kernel = self._space.kernel
        if kernel is None or not len(kernel.addresses) or not len(where):
            return
        found = np.searchsorted(kernel.addresses, pcs[where], side="right") - 1
        beyond = pcs[where] > kernel.addresses[-1] + np.uint64(_LAST)
        for row, index, far in zip(where.tolist(), found.tolist(), beyond.tolist(), strict=True):
            if index < 0 or far:
                continue
            name, _, module = kernel.name(index).decode("utf-8", "backslashreplace").partition(" ")
            rows[row] = rows[row]._replace(
                mapping=module or _KERNEL_PATH, frames=(Frame(name, None, None, inlined=False),)
            )
