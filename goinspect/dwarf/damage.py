"""What could not be read: the first few of it in words, the rest counted. A hostile file can have any amount."""

from __future__ import annotations

__all__ = ["Damage"]

_SHOWN = 3


class Damage:
    """Notes, of which few are kept."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._more = 0

    def note(self, what: object) -> None:
        """Add one; the same twice counts once, as long as it is among those kept."""
        text = str(what)
        if text in self._notes:
            return
        if len(self._notes) < _SHOWN:
            self._notes.append(text)
        else:
            self._more += 1

    def lines(self) -> tuple[str, ...]:
        """As warnings."""
        more = (f"DWARF: {self._more} more like these",) if self._more else ()
        return (*(f"DWARF: {note}" for note in self._notes), *more)
