"""Kernel symbols: which kallsyms belongs to a recording, and its lookup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goinspect.errors import FileError, MalformedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.model import Mapping

__all__ = ["KernelSymbols", "find_kallsyms"]

_CODE_TYPES = frozenset(b"TtWw")
_NOTES = "/sys/kernel/notes"
_LIVE = "/proc/kallsyms"


class KernelSymbols:
    """A kallsyms table: "address type name [module]" per line, sorted here.

    Raises:
        FileError: it cannot be read.
        MalformedError: it holds no address, or only zeros (kptr_restrict).
    """

    def __init__(self, path: str) -> None:
        try:
            lines = Path(path).read_bytes().splitlines()
        except OSError as error:
            raise FileError(
                f"cannot be read: {error.strerror}, expected a kallsyms file", path=path
            ) from None
        addresses: list[int] = []
        names: list[bytes] = []
        anchors: dict[bytes, int] = {}
        for line in lines:
            fields = line.split(None, 3)
            try:
                address, kind, name = int(fields[0], 16), fields[1][0], fields[2]
            except (ValueError, IndexError):
                raise MalformedError(f"line {line[:40]!r}, expected 'address type name'", path=path) from None
            if name in (b"_text", b"_stext"):
                anchors.setdefault(name, address)
            if kind in _CODE_TYPES:
                addresses.append(address)
                names.append(b" ".join(fields[2:]))
        if not addresses or not any(addresses):
            raise MalformedError(
                "all addresses are hidden (kptr_restrict), expected kernel addresses", path=path
            )
        order = np.argsort(np.array(addresses, dtype=np.uint64), kind="stable")
        self._addresses = np.array(addresses, dtype=np.uint64)[order]
        self._names = [names[i] for i in order.tolist()]
        self._anchors = anchors
        self.path = path

    def shift_to(self, mapping: Mapping) -> int:
        """How far the recorded kernel lay from these addresses (KASLR), by the symbol the mapping is named after."""
        symbol = mapping.path.rpartition("]")[2].encode()
        known = self._anchors.get(symbol)
        return 0 if known is None or not mapping.pgoff else mapping.pgoff - known

    def lookup(self, addresses: NDArray[np.uint64]) -> list[tuple[str, str] | None]:
        """(symbol, module or "kernel") of each address; None below the first symbol."""
        index = np.searchsorted(self._addresses, addresses, side="right") - 1
        return [self._name(i) if i >= 0 else None for i in index.tolist()]

    def _name(self, index: int) -> tuple[str, str]:
        name, _, module = self._names[index].decode("utf-8", "backslashreplace").partition(" ")
        return name, module.strip("[]\t ") or "kernel"


def find_kallsyms(mapping: Mapping | None) -> str | None:
    """A kallsyms file of this machine that is known to fit the recorded kernel; None if there is none.

    perf's own cache is looked at first, then the running kernel, if its build ID is the recorded one.
    """
    if mapping is None or not mapping.build_id:
        return None
    cached = Path.home() / ".debug" / "[kernel.kallsyms]" / mapping.build_id / "kallsyms"
    if cached.is_file():
        return str(cached)
    try:
        if bytes.fromhex(mapping.build_id) in Path(_NOTES).read_bytes():
            return _LIVE
    except (OSError, ValueError):
        pass
    return None
