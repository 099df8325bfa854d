"""From the offsets that functab holds to addresses and back.

Until Go 1.17 functab holds addresses. Since 1.18 it holds offsets from ``runtime.text``; where an external linker may
put branch islands between them, the text is cut into several sections, and moduledata.textsectmap says where each
one ended up. Source: ``moduledata.textAddr`` and ``textOff`` in src/runtime/symtab.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TextMap", "TextSection"]

_MASK = (1 << 64) - 1


class TextSection(NamedTuple):
    """One section of text: offsets [start, end) lie at `vaddr`."""

    start: int
    end: int
    vaddr: int


class TextMap:
    """Offsets of one module's text. `shift`: on wasm, a function's number is its address >> 16 (Go 1.25+)."""

    def __init__(self, text: int, sections: Iterable[TextSection] = (), *, shift: int = 0) -> None:
        self.text = text
        self.shift = shift
        found = tuple(sections)
        self.sections = found if len(found) > 1 else ()

    def address(self, offset: int) -> int:
        """The address of a functab offset."""
        section = self._section(offset)
        return (
            (offset << self.shift) + self.text if section is None else offset - section.start + section.vaddr
        )

    def end(self, offset: int, following: int) -> int:
        """Where a function at `offset` ends, when the next one is at `following`: at most with its text section."""
        section = self._section(offset)
        if section is None:
            return self.address(following)
        return min(following, section.end) - section.start + section.vaddr

    def offset(self, vaddr: int) -> int | None:
        """The functab offset of an address; None before the text or between two sections of it."""
        if not self.sections:
            return None if vaddr < self.text else (vaddr - self.text) >> self.shift
        for section in reversed(self.sections):
            if vaddr >= section.vaddr:
                offset = vaddr - section.vaddr + section.start
                return offset if offset < section.end else None
        return None

    def _section(self, offset: int) -> TextSection | None:
        if not self.sections:
            return None
        return next((s for s in self.sections if offset < s.end), self.sections[-1])

    # --- the same for arrays ---

    def addresses(self, offsets: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """`address` of each offset."""
        import numpy as np

        if not self.sections:
            return (offsets << np.uint64(self.shift)) + np.uint64(self.text & _MASK)
        return offsets + self._deltas()[self._numbers(offsets)]

    def ends(self, offsets: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """`end` of all but the last offset, each followed by the next."""
        import numpy as np

        if not self.sections:
            return self.addresses(offsets[1:])
        number = self._numbers(offsets[:-1])
        last = np.array([section.end for section in self.sections], dtype=np.uint64)[number]
        return np.minimum(offsets[1:], last) + self._deltas()[number]

    def covers(self, vaddrs: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each address is in the text, not between two sections of it."""
        import numpy as np

        if not self.sections:
            return vaddrs >= np.uint64(self.text & _MASK)
        out = np.zeros(len(vaddrs), dtype=np.bool_)
        for section in self.sections:
            end = section.vaddr + section.end - section.start
            out |= (vaddrs >= np.uint64(section.vaddr)) & (vaddrs < np.uint64(end))
        return out

    def _numbers(self, offsets: NDArray[np.uint64]) -> NDArray[np.int64]:
        import numpy as np

        ends = np.array([section.end for section in self.sections[:-1]], dtype=np.uint64)
        return np.searchsorted(ends, offsets, side="right")

    def _deltas(self) -> NDArray[np.uint64]:
        import numpy as np

        return np.array([s.vaddr - s.start & _MASK for s in self.sections], dtype=np.uint64)
