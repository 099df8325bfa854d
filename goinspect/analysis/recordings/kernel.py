"""Kernel symbols: which kallsyms belongs to a recording, and its lookup."""

from __future__ import annotations

import itertools
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.recordings.kallsyms import read_kallsyms
from goinspect.errors import FileError, MalformedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.recordings.finder import BinaryFinder
    from goinspect.analysis.recordings.machine import Machine
    from goinspect.model import Mapping

__all__ = ["KernelSymbols", "find_kallsyms", "is_running", "module_of"]

_NOTES = "/sys/kernel/notes"
_MODULES = "/proc/modules"
_CORE = "kernel"
_MADE = ("bpf", "__builtin__")  # modules of code that comes and goes: what is there now says nothing of then
_LARGEST_GAP = 1 << 16  # behind the last symbol of a module anything may lie


class KernelSymbols:
    """A kallsyms table: "address type name [module]" per line, sorted here.

    Raises:
        FileError: it cannot be read.
        MalformedError: it holds no address, or only zeros (kptr_restrict).
    """

    def __init__(self, path: str, machine: Machine) -> None:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise FileError(
                f"cannot be read: {error.strerror}, expected a kallsyms file", path=path
            ) from None
        try:
            self._functions = read_kallsyms(data)
        except ValueError as error:
            line: bytes = error.args[0]
            raise MalformedError(f"line {line[:40]!r}, expected 'address type name'", path=path) from None
        self._addresses = self._functions.addresses
        if not self._addresses.any():
            raise MalformedError(
                "all addresses are hidden (kptr_restrict), expected kernel addresses", path=path
            )
        self._anchors = self._functions.anchors
        self._live = Path(path) == machine.kallsyms
        self._modules = machine.path(_MODULES)

    def shift_to(self, mapping: Mapping) -> int:
        """How far the recorded kernel lay from these addresses (KASLR), by the symbol the mapping is named after."""
        symbol = mapping.path.rpartition("]")[2].encode()
        known = self._anchors.get(symbol)
        return 0 if known is None or not mapping.pgoff else mapping.pgoff - known

    def has_moved(self, module: str, start: int) -> bool:
        """Does a module of the running kernel lie elsewhere than when it was recorded, at `start`?"""
        return self._live and self._bases.get(module, start) not in (0, start)

    @cached_property
    def _bases(self) -> dict[str, int]:
        """Where modules lie: "name size users … state address" per line of /proc/modules."""
        bases = {}
        try:
            for line in self._modules.read_text("ascii", "replace").splitlines():
                fields = line.split()
                bases[fields[0]] = int(fields[5], 16)
        except (OSError, ValueError, IndexError):
            pass
        return bases

    def lookup(self, addresses: NDArray[np.uint64]) -> list[tuple[str, str] | None]:
        """(symbol, module or "kernel") of each address; None where there is none."""
        index = np.searchsorted(self._addresses, addresses, side="right") - 1
        found = self._addresses[index]
        gap = addresses - found
        end = self._anchors.get(b"_etext")
        outside = np.zeros(len(addresses), dtype=np.bool_)
        if end is not None:  # what lies behind the text is no more the last function than anything else
            outside = (found <= np.uint64(end)) & (addresses >= np.uint64(end))
        return [
            self._name(i, int(distance)) if i >= 0 and not beyond else None
            for i, distance, beyond in zip(index.tolist(), gap.tolist(), outside.tolist(), strict=True)
        ]

    def _name(self, index: int, distance: int) -> tuple[str, str] | None:
        name, _, module = self._functions.name(index).decode("utf-8", "backslashreplace").partition(" ")
        module = module.strip("[]\t ")
        if not module:
            return name, _CORE
        if distance >= _LARGEST_GAP or (self._live and module.startswith(_MADE)):
            return None
        return name, module


def find_kallsyms(mapping: Mapping | None, finder: BinaryFinder, os_release: str = "") -> str | None:
    """A kallsyms file of this machine that is known to fit the recorded kernel; None if there is none.

    perf's own cache and archives are looked at first, then the running kernel, if its build ID is the recorded one.
    Where none was recorded, it has to be of the same release and lie at the same address, which differs from boot to
    boot.
    """
    if mapping is None:
        return None
    cached = finder.kallsyms(mapping.build_id) if mapping.build_id else None
    if cached is not None:
        return str(cached)
    places = finder.places
    here = is_running(mapping, places.machine, same_machine=places.same_machine, os_release=os_release)
    return str(places.machine.kallsyms) if here else None


def is_running(mapping: Mapping | None, machine: Machine, *, same_machine: bool, os_release: str) -> bool:
    """Is the recorded kernel the one that runs on `machine`?"""
    if mapping is None:
        return False
    if not mapping.build_id:
        return same_machine and os_release == machine.release and _lies_at(mapping, machine)
    try:
        return bytes.fromhex(mapping.build_id) in machine.path(_NOTES).read_bytes()
    except (OSError, ValueError):
        return False


def _lies_at(mapping: Mapping, machine: Machine) -> bool:
    """Has the running kernel its text where the recorded one had it?"""
    symbol = mapping.path.rpartition("]")[2].encode()
    try:
        with machine.kallsyms.open("rb") as file:
            for line in itertools.islice(file, 100_000):
                fields = line.split()
                if len(fields) == 3 and fields[2] == symbol:  # address type name: not of a module
                    return int(fields[0], 16) == mapping.pgoff != 0
    except (OSError, ValueError):
        pass
    return False


def module_of(mapping: Mapping) -> str:
    """The module that a mapping of the kernel is, as kallsyms spells it; "" for the kernel itself."""
    path = mapping.path
    if path.startswith("["):
        return "" if path.startswith(("[kernel", "[guest")) else path.strip("[]").replace("-", "_")
    name = PurePosixPath(path).name
    return name.partition(".ko")[0].replace("-", "_") if ".ko" in name else ""
