"""Labels of samples: a column for each key, made when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.results.stacks import Label, Tag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.pprof.message import Labels, Strings

__all__ = ["LabelTable"]

_DIGITS = 18


class LabelTable:
    """What the samples of a profile are marked with.

    Args:
        labels: all of them.
        strings: of the profile.
        count: of the samples.
    """

    def __init__(self, labels: Labels, strings: Strings, count: int) -> None:
        self._labels, self._strings, self._count = labels, strings, count
        self._keys: dict[str, list[int]] = {}
        for number in np.unique(labels.key).tolist():
            self._keys.setdefault(strings[number], []).append(number)

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, sorted."""
        return tuple(sorted(self._keys))

    def column(self, key: str) -> Label | None:
        """The text of the label of each sample; of a sample with several of them, all; None: no sample has one."""
        found = self._held(key)
        return found and _merged([",".join(map(self._text, values)) for values in found[0]], found[1])

    def exact(self, key: str) -> Label | None:
        """The same, told apart by all that a label is: numbers are none of the texts that read the same."""
        found = self._held(key)
        if found is None:
            return None
        strings = self._strings
        tags = [
            tuple(
                Tag("", number, strings[unit]) if not text else Tag(strings[text])
                for text, number, unit in values
            )
            for values in found[0]
        ]
        ids: dict[tuple[Tag, ...], int] = {}
        row = np.array([*(ids.setdefault(values, len(ids)) for values in tags), -1], dtype=np.int32)[found[1]]
        texts = tuple(
            ",".join(tag.text or f"{tag.number} {tag.unit}".rstrip() for tag in values) for values in ids
        )
        return Label(texts, row, tuple(ids))

    def _held(self, key: str) -> tuple[list[tuple[tuple[int, int, int], ...]], NDArray[np.int32]] | None:
        """The distinct values with this key, of which a sample may have several, and that of each sample, -1: none."""
        if key not in self._keys:
            return None
        rows = np.flatnonzero(np.isin(self._labels.key, self._keys[key]))
        sample, text, number, unit = (
            column[rows].tolist()
            for column in (self._labels.sample, self._labels.text, self._labels.number, self._labels.unit)
        )
        held: dict[int, tuple[tuple[int, int, int], ...]] = {}
        for owner, *value in zip(sample, text, number, unit, strict=True):
            held[owner] = (*held.get(owner, ()), (value[0], value[1], value[2]))
        ids: dict[tuple[tuple[int, int, int], ...], int] = {}
        out = np.full(self._count, -1, dtype=np.int32)
        out[np.fromiter(held, np.int64, len(held))] = [
            ids.setdefault(values, len(ids)) for values in held.values()
        ]
        return list(ids), out

    def numbers(self, key: str) -> NDArray[np.int32] | None:
        """The label of each sample as a number that fits in 31 bits, -1 where it is none; None: no sample has one."""
        label = self.column(key)
        if label is None:
            return None
        values = [_number(value) for value in label.values]
        return np.array([*values, -1], dtype=np.int32)[label.row]

    def _text(self, value: tuple[int, int, int]) -> str:
        text, number, unit = value
        if text:
            return self._strings[text]
        name = self._strings[unit]
        return f"{number} {name}" if name else str(number)


def _merged(texts: list[str], row: NDArray[np.int32]) -> Label:
    """Values that read the same are one: strings may stand twice in the table."""
    ids: dict[str, int] = {}
    number = np.array([*(ids.setdefault(text, len(ids)) for text in texts), -1], dtype=np.int32)
    return Label(tuple(ids), number[row])


def _number(text: str) -> int:
    digits = text.partition(" ")[0]
    value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS else -1
    return value if value < 1 << 31 else -1
