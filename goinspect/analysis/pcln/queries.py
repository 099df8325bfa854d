"""Questions as text (addresses, functions, functions with an offset, ``file:line``) to PCs and ranges of PCs."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.analysis.pcln.names import FunctionNames
from goinspect.analysis.pcln.near import did_you_mean, near_files, near_names
from goinspect.analysis.pcln.places import Places, addresses
from goinspect.errors import GoinspectError, QueryError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from goinspect.analysis.pcln.segments import Segments
    from goinspect.binary import Binary

__all__ = ["Queries", "matching_paths"]

_ADDRESS = re.compile(r"(?:0[xX])?[0-9a-fA-F]+")
_OFFSET = re.compile(r"(?P<name>.+)\+(?P<offset>0[xX][0-9a-fA-F]+|[0-9]+)", re.DOTALL)
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[0-9]{1,9})", re.DOTALL)
_SHOWN = 8  # names in a message


class Queries:
    """Answers questions about one binary; what it reads for one of them serves the others."""

    def __init__(self, binary: Binary) -> None:
        self._binary = binary
        self._table = binary.go.table
        self._rows: list[tuple[int, int | None, str]] = []
        self._warnings: dict[str, None] = {}

    def places(self, queries: Sequence[str]) -> Places:
        """The PCs that `queries` mean.

        Raises:
            QueryError: one of them is none of the things it could be.
        """
        pcs = addresses(queries)
        if pcs is not None:
            return Places(pcs, None, queries)
        for query in queries:
            self._add(query)
        ends = [end for _, end, _ in self._rows]
        return Places(
            [pc for pc, _, _ in self._rows],
            ends if any(end is not None for end in ends) else None,
            [query for _, _, query in self._rows],
            tuple(self._warnings),
        )

    def functions(self, query: str) -> list[int]:
        """Numbers in functab of the functions that a name, or an address within, means.

        Raises:
            QueryError: there is none.
        """
        if _ADDRESS.fullmatch(query):
            index = self._table.find(int(query, 16))
            if index is None:
                raise self._error(f"no function holds {query}")
            return [index]
        found = self._names.find(query)
        if not found and self._inlined(query) is not None:
            raise self._error(f"{query!r} exists only inlined: it has no line table of its own")
        if not found:
            raise self._error(f"no function is called {query!r}{self._meant(query)}")
        self._tell_several(query, found)
        return found

    def functions_with_code(self, query: str) -> list[int]:
        """`functions`, where an answer is about machine code: of what exists only inlined, it is told where.

        Raises:
            QueryError: there is none.
        """
        found = None if _ADDRESS.fullmatch(query) or self._names.find(query) else self._inlined(query)
        if found is None:
            return self.functions(query)
        if not len(found.start):
            raise self._error(f"{query!r} exists only inlined, and nothing of its code is left")
        holders = dict.fromkeys(self._name(number) for number in found.func.tolist())
        raise self._error(f"{query!r} has no code of its own: it was inlined into {_listed(holders)}")

    def _name(self, number: int) -> str:
        try:
            func = self._table.func(number)
            return self._table.name(func) if func else "?"
        except GoinspectError:
            return "?"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to say about the answers so far."""
        return tuple(self._warnings)

    # --- one question ---

    def _add(self, query: str) -> None:
        if _ADDRESS.fullmatch(query):
            self._rows.append((int(query, 16), None, query))
        elif not (self._add_function(query) or self._add_inlined(query) or self._add_place(query)):
            raise self._error(
                f"{query!r} is neither a hexadecimal address nor a function or a place (FILE:LINE) of it"
                f"{self._meant(query)}"
            )

    def _add_function(self, query: str) -> bool:
        found, name, offset = self._names.find(query), query, 0
        match = _OFFSET.fullmatch(query)
        if not found and match:
            text, name = match["offset"].lower(), match["name"]
            found, offset = self._names.find(name), int(text, 16 if text.startswith("0x") else 10)
        self._tell_several(name, found)
        found = self._with_offset(query, name, offset, found)
        self._rows += [(self._table.entry(number) + offset, None, query) for number in found]
        return bool(found)

    def _with_offset(self, query: str, name: str, offset: int, found: list[int]) -> list[int]:
        """Those of the functions `found` that are larger than `offset`; what lies behind is another function's."""
        sizes = {number: self._table.entry(number + 1) - self._table.entry(number) for number in found}
        held = [number for number in found if offset < sizes[number] or not offset]
        if len(held) == len(found):
            return found
        few = sorted({size for number, size in sizes.items() if number not in held})
        told = " and ".join(f"{size:,}" for size in few[:3])
        if not held:
            raise self._error(f"{query!r} lies behind {name}, which has {told} bytes, padding included")
        self._warn(
            f"{query!r} is shown of {counted(len(held), 'function')} that large; others have {told} bytes"
        )
        return held

    def _tell_several(self, name: str, found: list[int]) -> None:
        if len(found) > 1:
            self._warn(f"{len(found)} functions are called {name!r}: all of them are shown")

    def _add_inlined(self, query: str) -> bool:
        found = self._inlined(query)
        if found is None:
            return False
        if not len(found.start):
            raise self._error(f"{query!r} exists only inlined, and nothing of its code is left")
        self._rows += [
            (start, end, query) for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True)
        ]
        self._warn(
            f"{query!r} exists only inlined: shown is where, in {len(set(found.func.tolist()))} functions"
        )
        return True

    def _add_place(self, query: str) -> bool:
        match = _PLACE.fullmatch(query)
        if not match:
            return False
        path, line = match["file"], int(match["line"])
        starts, ends, files = self._of_line(line)
        wanted = set(matching_paths(path, set(files)))
        if not wanted:
            raise self._no_code(query, path, line)
        self._rows += [
            (start, end, query)
            for start, end, file in zip(starts, ends, files, strict=True)
            if file in wanted
        ]
        if len(wanted) > 1:
            self._warn(f"{query!r} is a place in {len(wanted)} files: {_listed(sorted(wanted))}")
        return True

    def _of_line(self, line: int) -> tuple[list[int], list[int], list[str]]:
        """Ranges of PCs that have the line, in any file, and the file of each."""
        from goinspect.gosym.bulk.places import pcs_of_line  # numpy

        bulk = self._binary.bulk
        starts, ends = pcs_of_line(bulk, line)
        held = bulk.find(starts) >= 0  # else functions overlap: the table is damaged
        starts, ends = starts[held], ends[held]
        found = bulk.frames(starts, inlines=False)  # so that each has one
        files = [*found.files, ""]  # -1: unknown
        return starts.tolist(), ends.tolist(), [files[file] for file in found.file.tolist()]

    # --- what is read when it is needed ---

    @cached_property
    def _names(self) -> FunctionNames:
        return FunctionNames(self._table)

    def _inlined(self, query: str) -> Segments | None:
        """Where a function was inlined; None where no inline tree names it."""
        offsets = self._names.exact(query) or self._names.alike(query)
        if not offsets:
            return None
        from goinspect.analysis.pcln.inlined import ranges_of  # numpy

        return ranges_of(self._binary.bulk, offsets)

    # --- messages ---

    def _no_code(self, query: str, path: str, line: int) -> GoinspectError:
        from goinspect.analysis.pcln.segments import FileIndex  # numpy

        files = FileIndex(self._binary.bulk)
        matching = matching_paths(path, files.paths)
        if matching:
            return self._error(f"no code at {query!r}: {_nearest(files.lines(matching), line)}")
        base = path.rpartition("/")[2]
        same = sorted(known for known in files.paths if known.rpartition("/")[2] == base)
        hint = f"; there are {_listed(same)}" if same else did_you_mean(near_files(path, files.paths))
        return self._error(f"{query!r} is no function, and no code is of a file {path!r}{hint}")

    def _meant(self, query: str) -> str:
        """Names that are near one that there is not."""
        offset = _OFFSET.fullmatch(query)
        info = self._binary.go.build_info
        main = info.path if info is not None and info.path else "main"
        return did_you_mean(near_names(offset["name"] if offset else query, self._names.every(), main))

    def _warn(self, message: str) -> None:
        self._warnings[message] = None

    def _error(self, message: str) -> GoinspectError:
        return QueryError(message, path=self._binary.path)


def matching_paths(path: str, known: Collection[str]) -> list[str]:
    """Those of `known` that are `path`, or else end in it at a ``/``."""
    return [path] if path in known else [other for other in known if other.endswith("/" + path)]


def _nearest(lines: dict[str, list[int]], line: int) -> str:
    """What to say of the lines with code of some files, none of which is `line`."""
    said = []
    for file in sorted(lines, key=lambda file: min(abs(other - line) for other in lines[file])):
        before = max((other for other in lines[file] if other < line), default=None)
        after = min((other for other in lines[file] if other > line), default=None)
        near = " and ".join(str(other) for other in (before, after) if other is not None)
        said.append(f"{near} in {file}" if len(lines) > 1 else near)
    return f"the nearest with code: {_listed(said)}"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
