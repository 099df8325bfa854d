"""Which function is meant: by name, by file and name, or the hottest."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from goinspect._words import counted
from goinspect.analysis.annotate.chosen import Wanted
from goinspect.analysis.pcln.near import did_you_mean, near_names
from goinspect.analysis.stacks.symboltable import Flag
from goinspect.errors import QueryError
from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.analysis.annotate.chosen import Chosen

__all__ = ["choose"]

_SHOWN = 3  # names in a message


def choose(chosen: Chosen, function: str | None) -> Wanted:
    """The function that is meant; None: the one that most samples ended in.

    Raises:
        QueryError: there is none, several are, or no code of it is at hand.
    """
    if not chosen.wanted.any():
        raise QueryError("no sample to annotate: none was recorded, or none is left by the options")
    question = _Question(chosen)
    return question.hottest() if function is None else question.named(function)


class _Question:
    def __init__(self, chosen: Chosen) -> None:
        self._chosen, self._table, self._names = chosen, chosen.table, chosen.names
        taken = chosen.taken
        self._missing = sorted({*taken.missing, *taken.refused})[:_SHOWN]

    def hottest(self) -> Wanted:
        """The function that most samples ended in, of those whose code is at hand."""
        ranked = self._ranked()
        row = next((row for row, (_, file) in enumerate(ranked) if file is not None), None)
        if row is None:
            raise QueryError(f"no sample ended in code that is at hand{self._not_found()}")
        name, file = ranked[row]
        if row:
            hotter = _listed([other for other, _ in ranked[:row]])
            self._chosen.warnings.append(f"{hotter} took more, but no code is at hand")
        files = self._files_of(name)
        if len(files) < 2:
            return Wanted(name)
        others = " and ".join(self._spelled(other, name) for other in files if other != file)
        self._chosen.warnings.append(f"there is more than one {name}: {others} shows another one")
        return Wanted(name, file)

    def named(self, function: str) -> Wanted:
        """What a name means."""
        for name, files in self._readings(function):
            held = self._files_of(name)
            if files is not None:
                held = [file for file in held if file in files]
            if len(held) > 1:
                which = " or ".join(self._spelled(file, name) for file in held)
                raise QueryError(f"{counted(len(held), 'file')} have samples in {name!r}: ask for {which}")
            if held:
                return Wanted(name, None if files is None else held[0])
            if files is None and len(self._chosen.seen(self._chosen.has(Wanted(name)))):
                raise QueryError(f"the code of {name!r} is not at hand{self._why(name)}")
        raise QueryError(f"no sample is in {function!r}{self._meant(function)}")

    def _ranked(self) -> list[tuple[str, int | None]]:
        """Functions by own weight, with the file that has most of each; None: no code of it is at hand."""
        table, own = self._table, self._chosen.own
        total: dict[str, int] = {}
        by_file: dict[str, dict[int, int]] = {}
        known = (table.file >= 0) & (table.flags & np.uint8(Flag.NAMED) > 0)
        for location in np.flatnonzero(own).tolist():
            name = self._names[table.expansions[table.expansion[location]][-1]]
            weight = int(own[location])
            total[name] = total.get(name, 0) + weight
            if known[location]:
                files, file = by_file.setdefault(name, {}), int(table.file[location])
                files[file] = files.get(file, 0) + weight
        ranked = sorted(total, key=lambda name: (-total[name], name))
        most = {name: max(files, key=files.__getitem__) for name, files in by_file.items()}
        return [(name, most.get(name)) for name in ranked]

    def _files_of(self, name: str) -> list[int]:
        """The files whose function of that name has samples."""
        table = self._table
        known = (table.file >= 0) & (table.flags & np.uint8(Flag.NAMED) > 0)
        seen = self._chosen.seen(self._chosen.has(Wanted(name)) & known)
        return sorted(set(table.file[seen].tolist()))

    def _spelled(self, file: int, name: str) -> str:
        """The base name of a file, or its path where it is not the only one of that name."""
        path = self._table.binaries[file].path
        base = PurePath(path).name
        same = sum(PurePath(binary.path).name == base for binary in self._table.binaries)
        return f"{base if same == 1 else path}:{name}"

    def _readings(self, function: str) -> Iterator[tuple[str, list[int] | None]]:
        """The name itself; a name in a file; one that it is short for."""
        known = set(self._names)
        if function in known:
            yield function, None
        for at in (match.start() for match in re.finditer(":", function)):
            path, name = function[:at], function[at + 1 :]
            files = [
                number
                for number, binary in enumerate(self._table.binaries)
                if path in (binary.path, PurePath(binary.path).name)
            ]
            if files and name in known:
                yield name, files
        if function not in known:
            alike = sorted(name for name in known if _is_short_for(function, name))
            if len(alike) > 1:
                raise QueryError(f"{function!r} may be {_listed(alike)}: ask for one of them")
            yield from ((name, None) for name in alike)

    def _why(self, name: str) -> str:
        if all(frame.kind == FrameKind.KERNEL for frame in self._table.frames if frame.name == name):
            return ": it is the kernel's"
        return self._not_found()

    def _not_found(self) -> str:
        what = ", ".join(self._missing)
        return f": not found, or not the file that ran: {what} (-b names a file)" if what else ""

    def _meant(self, function: str) -> str:
        """Names with samples that are near, and the hottest ones."""
        table = self._table
        rows = {table.expansions[number] for number in table.expansion[self._chosen.seen()].tolist()}
        near = near_names(function, sorted({self._names[row] for expansion in rows for row in expansion}))
        hottest = [name for name, file in self._ranked() if file is not None][:_SHOWN]
        if not hottest:
            return did_you_mean(near) or f", nor in any other code that is at hand{self._not_found()}"
        told = f"the hottest: {', '.join(hottest)}"
        return f"{did_you_mean(near)} ({told})" if near else f"; {told}"


def _is_short_for(short: str, name: str) -> bool:
    """``[...]`` stands for any type arguments, and ``.`` for the middle dot as well."""
    if "." not in short:
        return False
    head, mark, tail = short.replace("·", ".").partition("[...]")
    plain = name.replace("·", ".")
    if not mark:
        return plain == head
    return plain.startswith(f"{head}[") and plain[len(head) + 1 :].endswith(f"]{tail}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
