"""Locations to frames: every distinct address of a profile is looked up once, in one batch per binary.

The result maps each location to an *expansion*: its frames from the physical function inwards, inlined calls
included. Two PCs with the same frames share an expansion, so that stacks can be compared as small integers.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct, first_seen
from goinspect._words import be, counted
from goinspect.analysis.recordings.callsites import Agreement, CallCheck
from goinspect.analysis.recordings.finder import mapped_name
from goinspect.analysis.recordings.kernelnames import KernelNamer, grouped
from goinspect.analysis.recordings.perfmap import PerfMap, find_perf_map
from goinspect.analysis.recordings.printed import are_addresses, is_unplaced, to_vaddrs
from goinspect.analysis.stacks.goframes import GoFrames
from goinspect.analysis.stacks.hiddencallers import caller_hidden
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER, Flag, SymbolTable, rule
from goinspect.analysis.stacks.textnames import PrintedNames
from goinspect.errors import GoinspectError
from goinspect.maps import ANONYMOUS, file_offset_to_vaddr
from goinspect.model import FrameKind
from goinspect.profiles.base import KIND_GUEST, KIND_USER
from goinspect.results.stacks import StackFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from goinspect.analysis.recordings.finder import BinaryFinder
    from goinspect.binary import Binary, NativeSymbols
    from goinspect.model import Mapping
    from goinspect.profiles.base import Locations, Profile

__all__ = ["SymbolizeOptions", "Symbolizer"]

# Where JIT compilers put code.
_COMPILED = (*ANONYMOUS, "/memfd:", "[heap]", "[anon")


class SymbolizeOptions(NamedTuple):
    """What to put into frames."""

    inlines: bool = True
    lines: bool = False
    kallsyms: str | None = None


class Symbolizer:
    """Symbolizes the locations of one profile."""

    def __init__(self, profile: Profile, finder: BinaryFinder, options: SymbolizeOptions) -> None:
        self._mappings = profile.mappings
        self._calls = CallCheck(profile)
        self._printed = PrintedNames(profile)
        self._addresses: dict[tuple[str, int], bool] = {}  # do unplaced mappings of a file hold addresses?
        self._checked = False  # later locations are corrections of the profile's own
        self._jits: dict[int, PerfMap | None] = {}
        self._finder = finder
        self._options = options
        self._frame_ids: dict[StackFrame, int] = {}
        self._expansion_ids: dict[tuple[int, ...], int] = {}
        self._go_frames = GoFrames(self._frame_ids, inlines=options.inlines, lines=options.lines)
        self.table = SymbolTable()
        self._kernel = KernelNamer(profile, finder, options.kallsyms, self.table.warnings.append)

    def add(self, locations: Locations) -> SymbolTable:
        """Look up `locations`; rows are appended to the table, which is returned."""
        count = len(locations.mapping)
        self._expansion = np.zeros(count, dtype=np.int32)
        self._flags = np.zeros(count, dtype=np.uint8)
        self._file, self._vaddr = np.full(count, -1, np.int32), np.zeros(count, np.uint64)
        printed = self._printed.known(locations)
        complete = np.zeros(count, np.bool_) if locations.complete is None else locations.complete
        kernel = (locations.kind != KIND_USER) & (locations.kind != KIND_GUEST)
        self._kernel_rows(np.flatnonzero(kernel & ~printed), locations)
        for key, rows in self._by_file(np.flatnonzero(~kernel & ~complete), locations):
            if key is None:
                self._label(rows, "[unknown]", Flag.BAD)
            elif not self._printed.suffice(rows, locations):
                self._file_rows(key, rows, locations)
        self._printed_rows(np.flatnonzero(printed & (self._flags & np.uint8(Flag.GO) == 0)), locations)
        self._flags[complete] = Flag.NAMED  # stacks that somebody has gone over already: nothing is cut
        self._checked = True
        table = self.table
        table.frames, table.expansions = list(self._frame_ids), list(self._expansion_ids)
        table.expansion = np.concatenate((table.expansion, self._expansion))
        table.flags = np.concatenate((table.flags, self._flags))
        table.file = np.concatenate((table.file, self._file))
        table.vaddr = np.concatenate((table.vaddr, self._vaddr))
        table.mapping = np.concatenate((table.mapping, locations.mapping))
        table.runtime_addr = np.concatenate((table.runtime_addr, locations.runtime_addr))
        table.caller = np.concatenate((table.caller, np.zeros(count, np.uint64)))
        return table

    def add_expansions(
        self,
        expansions: list[tuple[int, ...]],
        like: NDArray[np.int32],
        flags: NDArray[np.uint8],
        caller: NDArray[np.uint64],
    ) -> int:
        """Locations with other frames than those of the locations `like`; the number of the first one.

        Args:
            expansions: rows of frames, outermost first.
            like: for each, the location whose place and rules it has.
            flags: for each, a bit more, in place of Flag.HIDDEN.
            caller: for each, where the restored caller is, or 0.
        """
        table, first = self.table, len(self.table.expansion)
        known = self._expansion_ids
        ids = np.array([known.setdefault(frames, len(known)) for frames in expansions], dtype=np.int32)
        table.frames, table.expansions = list(self._frame_ids), list(self._expansion_ids)
        table.expansion = np.concatenate((table.expansion, ids))
        changed = table.flags[like] & np.uint8(0xFF & ~Flag.HIDDEN) | flags
        table.flags = np.concatenate((table.flags, changed))
        table.file = np.concatenate((table.file, table.file[like]))
        table.vaddr = np.concatenate((table.vaddr, table.vaddr[like]))
        table.mapping = np.concatenate((table.mapping, table.mapping[like]))
        table.runtime_addr = np.concatenate((table.runtime_addr, table.runtime_addr[like]))
        table.caller = np.concatenate((table.caller, caller))
        return first

    def mark_hidden(self) -> None:
        """Put a frame where a caller is hidden, at each location that hides one."""
        marker = self._frame(HIDDEN_CALLER, FrameKind.UNKNOWN)
        table, expansions = self.table, list(self._expansion_ids)
        for row in np.flatnonzero(table.flags & np.uint8(Flag.HIDDEN)).tolist():
            table.expansion[row] = self._expand(marker, *expansions[table.expansion[row]])
        table.frames, table.expansions = list(self._frame_ids), list(self._expansion_ids)

    def frame_row(self, frame: StackFrame) -> int:
        """The row of a frame."""
        return self._frame_ids.setdefault(frame, len(self._frame_ids))

    def frame_rows(self) -> list[StackFrame]:
        """All frames by their rows."""
        return list(self._frame_ids)

    def natives(self, binary: Binary) -> NativeSymbols:
        """What names the functions of a file that are not Go's."""
        return self._finder.native(binary)

    def callers(
        self, binary: Binary, vaddrs: NDArray[np.uint64]
    ) -> tuple[list[StackFrame], list[tuple[int, ...]]]:
        """Frames of deduced callers, and which ones each of the addresses in Go functions has, the physical one first."""
        return self._go_frames.frames(binary, vaddrs, restored=True)

    def _by_file(
        self, rows: NDArray[np.int64], locations: Locations
    ) -> Iterable[tuple[Mapping | None, NDArray[np.int64]]]:
        """Rows grouped by file: mappings of one file in many processes are one group."""
        groups: dict[tuple[str, str, int] | None, tuple[Mapping | None, list[NDArray[np.int64]]]] = {}
        for mapping_index, part in grouped(locations.mapping[rows], rows):
            mapping = self._mappings[mapping_index] if mapping_index >= 0 else None
            key = None if mapping is None else _identity(mapping)
            groups.setdefault(key, (mapping, []))[1].append(part)
        return [(mapping, np.concatenate(parts)) for mapping, parts in groups.values()]

    # --- frames and expansions ---

    def _frame(
        self, name: str, kind: str, package: str = "", *, inlined: bool = False, file: str = "", line: int = 0
    ) -> int:
        return self._frame_ids.setdefault(
            StackFrame(name, kind, package, inlined, file, line), len(self._frame_ids)
        )

    def _expand(self, *frames: int) -> int:
        return self._expansion_ids.setdefault(frames, len(self._expansion_ids))

    def _label(self, rows: NDArray[np.int64], name: str, flags: int, kind: str = FrameKind.UNKNOWN) -> None:
        self._expansion[rows] = self._expand(self._frame(name, kind))
        self._flags[rows] = flags

    def _printed_rows(self, rows: NDArray[np.int64], locations: Locations) -> None:
        """Names that came with the profile, where its files gave none that are better: perf had the very files."""
        for row, frames in self._printed.frames(rows, locations, lines=self._options.lines):
            shown = frames if self._options.inlines else frames[:1]
            ids = (self._frame_ids.setdefault(frame, len(self._frame_ids)) for frame in shown)
            self._expansion[row] = self._expand(*ids)
            self._flags[row] = Flag.NAMED | rule(frames[0].name)

    # --- kernel ---

    def _kernel_rows(self, rows: NDArray[np.int64], locations: Locations) -> None:
        for part, name, module, certain in self._kernel.names(rows, locations):
            self._expansion[part] = self._expand(self._frame(name, FrameKind.KERNEL, module))
            self._flags[part] = Flag.NAMED if certain else 0

    # --- files ---

    def _file_rows(self, mapping: Mapping, rows: NDArray[np.int64], locations: Locations) -> None:
        path = mapped_name(mapping.path)
        base = PurePosixPath(path).name or path
        label = base if base.startswith("[") else f"[{base}]"
        self._label(rows, "[anon]" if path.startswith("//") else label, Flag.BAD)
        binary = self._finder.find(mapping, None if self._checked else self._check(rows, locations))
        if binary is None:
            if path.startswith(_COMPILED):
                self._compiled_rows(mapping.pid, rows, locations)
            elif base.startswith("["):  # [vdso]: no file to name it, but certainly code
                self._flags[rows] = 0
            return
        vaddrs, mapped = self._vaddrs(binary, rows, locations)
        nameless = ~mapped & self._unplaced(rows, locations) & ~self._printed.known(locations)[rows]
        if lost := int(np.count_nonzero(nameless)):
            self.table.warnings.append(
                f"{path}: {counted(lost, 'address', 'addresses')} {be(lost)} none of its own, and the text does not tell where it was mapped"
                " (perf script --show-mmap-events does)"
            )
        rows, vaddrs = rows[mapped], vaddrs[mapped]
        self._file[rows], self._vaddr[rows] = self._number(binary), vaddrs
        try:
            if binary.go_or_none is not None:
                rest = self._go_rows(binary, rows, vaddrs, locations)
                rows, vaddrs = rows[rest], vaddrs[rest]
            if len(rows):
                self._native_rows(binary, rows, vaddrs, base)
        except GoinspectError as error:
            self.table.warnings.append(f"{path}: {error.message}: its frames are not all named")

    def _number(self, binary: Binary) -> int:
        files = self.table.binaries
        if not any(known is binary for known in files):
            files.append(binary)
        return next(i for i, known in enumerate(files) if known is binary)

    def _vaddrs(
        self, binary: Binary, rows: NDArray[np.int64], locations: Locations
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The addresses in a file of locations that are in it, and which have one."""
        segments = binary.image.segments
        numbers, offsets = locations.mapping[rows], locations.file_offset[rows]
        unplaced = [n for n in distinct(numbers).tolist() if is_unplaced(self._mappings[n])]
        vaddrs, mapped = file_offset_to_vaddr(segments, offsets)
        for number in unplaced:
            here = np.flatnonzero(numbers == number)
            key = binary.path, number
            if key not in self._addresses:
                check = partial(self._agreement, binary, rows[here])
                self._addresses[key] = are_addresses(segments, self._mappings[number], offsets[here], check)
            vaddrs[here], mapped[here] = to_vaddrs(segments, offsets[here], addresses=self._addresses[key])
        return vaddrs, mapped

    def _unplaced(self, rows: NDArray[np.int64], locations: Locations) -> NDArray[np.bool_]:
        unplaced = np.array([is_unplaced(mapping) for mapping in self._mappings], dtype=np.bool_)
        return unplaced[locations.mapping[rows]]

    def _agreement(
        self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64], mapped: NDArray[np.bool_]
    ) -> Agreement:
        found = self._calls.agreement(binary, rows[mapped], vaddrs[mapped])
        if found.wrong and self._printed.exist:  # of --call-graph dwarf perf prints return addresses less one
            less_one = self._calls.agreement(binary, rows[mapped], vaddrs[mapped] + np.uint64(1))
            found = min(found, less_one, key=lambda fit: fit.wrong)
        if not found.total:
            found = self._printed.agreement(binary, rows[mapped], vaddrs[mapped])
        beyond = int(np.count_nonzero(~mapped))
        return found._replace(total=found.total + beyond, wrong=found.wrong + beyond)

    def _check(self, rows: NDArray[np.int64], locations: Locations) -> Callable[[Binary], Agreement]:
        """How far a file fits what was recorded of these locations."""

        def check(binary: Binary) -> Agreement:
            vaddrs, mapped = self._vaddrs(binary, rows, locations)
            told = np.ones(len(rows), dtype=np.bool_)
            unplaced = self._unplaced(rows, locations)
            if not (mapped & unplaced).any():  # addresses at run time, which say nothing of the file
                told = ~unplaced
            return self._agreement(binary, rows[told], vaddrs[told], mapped[told])

        return check

    def _compiled_rows(self, pid: int, rows: NDArray[np.int64], locations: Locations) -> None:
        """Code that a JIT compiler made in memory, by the names that it told."""
        if pid not in self._jits:
            self._jits[pid] = find_perf_map(pid, self._finder.places, self.table.warnings.append)
        names = self._jits[pid]
        if names is None:
            return
        for row, address in zip(rows.tolist(), locations.runtime_addr[rows].tolist(), strict=True):
            name = names.find(address)
            if name is not None:
                self._expansion[row] = self._expand(self._frame(name, FrameKind.NATIVE, "jit"))
                self._flags[row] = Flag.NAMED

    def _go_rows(
        self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64], locations: Locations
    ) -> NDArray[np.bool_]:
        """Name what lies in Go functions; returns the mask of what does not."""
        exact = locations.exact[rows]
        vaddrs = _at_entries(binary, vaddrs, exact)
        asked, which = first_seen(vaddrs)  # processes of one program have the same addresses
        told = np.zeros((2, len(asked)), dtype=np.int32)
        found = list(self._go_frames.rows(binary, asked))
        frames, flags = self.frame_rows(), {row[0]: 0 for row in found if row}
        for row in flags:
            flags[row] = Flag.NAMED | Flag.GO | rule(frames[row].name)
        expanded = self._expansion_ids
        told[0] = [expanded.setdefault(ids, len(expanded)) if ids else 0 for ids in found]
        told[1] = [flags[ids[0]] if ids else 0 for ids in found]
        nameless = np.array([not ids for ids in found], dtype=np.bool_)[which]
        named = ~nameless
        self._expansion[rows[named]], self._flags[rows[named]] = told[:, which[named]]
        walked = exact
        if locations.unwound is not None:  # the callers of an unwound leaf are its own, whatever it is
            walked = exact & ~locations.unwound[rows]
            self._flags[rows[exact & ~walked]] &= np.uint8(0xFF & ~(Flag.CUT | Flag.ROOT))
        self._hide_callers(binary, rows[walked], vaddrs[walked])
        return nameless

    def _hide_callers(self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64]) -> None:
        """Mark the exact PCs whose caller is missing in stacks walked by frame pointers. A thread's root has none."""
        hidden = rows[caller_hidden(binary, vaddrs)]
        hidden = hidden[self._flags[hidden] & np.uint8(Flag.CUT | Flag.ROOT) == 0]
        self._flags[hidden] |= np.uint8(Flag.HIDDEN)

    def _native_rows(
        self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64], base: str
    ) -> None:
        find = self._finder.native(binary).find
        for row, vaddr in zip(rows.tolist(), vaddrs.tolist(), strict=True):
            symbol = find(vaddr)
            if symbol is not None:
                self._expansion[row] = self._expand(self._frame(symbol.name, FrameKind.NATIVE, base))
                self._flags[row] = Flag.NAMED | rule(symbol.name)
            elif binary.go_or_none is None:
                self._flags[row] = 0  # code of a library without symbols is not garbage


def _identity(mapping: Mapping) -> tuple[str, str, int]:
    """What mappings of one file have in common; compiled code is each process's own."""
    path = mapped_name(mapping.path)
    if path.startswith(_COMPILED):
        return path, mapping.build_id, mapping.pid
    return path, mapping.build_id, 0 if mapping.build_id else mapping.inode


def _at_entries(binary: Binary, vaddrs: NDArray[np.uint64], exact: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Undo "return address - 1" where the address was the entry of a function and no call precedes it.

    The kernel pushes the entry of the signal restorer as if it were a return address; one byte before it is the
    padding of another function. A call that ends a function also returns to the next one's entry: there the byte
    before has a line.
    """
    table, entries = binary.go.table, binary.bulk.entries
    index = np.minimum(np.searchsorted(entries, vaddrs + np.uint64(1)), len(entries) - 1)
    at_entry = np.flatnonzero(~exact & (entries[index] == vaddrs + np.uint64(1)))
    vaddrs = vaddrs.copy()
    for row in at_entry.tolist():
        func = binary.function_at(int(vaddrs[row]))
        if func is None or table.position(func, int(vaddrs[row])) == (None, None):
            vaddrs[row] += np.uint64(1)
    return vaddrs
