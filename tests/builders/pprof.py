"""Writes profile.proto: what a test says, packed or not, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORD = (1 << 64) - 1


def varint(value: int) -> bytes:
    value &= WORD
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field_: int, value: int) -> bytes:
    return varint(field_ << 3) + varint(value) if value else b""


def blob(field_: int, data: bytes) -> bytes:
    return varint(field_ << 3 | 2) + varint(len(data)) + data


def numbers(field_: int, values: Iterable[int], *, packed: bool = True) -> bytes:
    if packed:
        data = b"".join(map(varint, values))
        return blob(field_, data) if data else b""
    return b"".join(varint(field_ << 3) + varint(value) for value in values)


@dataclass
class Profile:
    """A profile in the making: `function`, `location` and `mapping` answer with ids, `sample` takes those of locations."""

    types: Sequence[tuple[str, str]] = (("samples", "count"), ("cpu", "nanoseconds"))
    packed: bool = True
    step: int = 1  # between ids
    texts: dict[str, int] = field(default_factory=lambda: {"": 0})
    functions: list[bytes] = field(default_factory=list)
    locations: list[bytes] = field(default_factory=list)
    mappings: list[bytes] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)
    more: list[bytes] = field(default_factory=list)

    def text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def mapping(
        self, start: int, limit: int, offset: int, file: str, build_id: str = "", flags: int = 0
    ) -> int:
        identity = (len(self.mappings) + 1) * self.step
        data = number(1, identity) + number(2, start) + number(3, limit) + number(4, offset)
        data += number(5, self.text(file)) + number(6, self.text(build_id))
        self.mappings.append(data + b"".join(number(7 + bit, 1) for bit in range(4) if flags >> bit & 1))
        return identity

    def function(self, name: str, file: str = "", start_line: int = 0, system_name: str = "") -> int:
        identity = (len(self.functions) + 1) * self.step
        data = number(1, identity) + number(2, self.text(name)) + number(3, self.text(system_name))
        self.functions.append(data + number(4, self.text(file)) + number(5, start_line))
        return identity

    def location(self, *lines: tuple[int, int], address: int = 0, mapping: int = 0) -> int:
        """Lines are (function, line), the innermost first."""
        identity = (len(self.locations) + 1) * self.step
        data = number(1, identity) + number(2, mapping) + number(3, address)
        self.locations.append(data + b"".join(blob(4, number(1, f) + number(2, n)) for f, n in lines))
        return identity

    def sample(self, locations: Iterable[int], values: Iterable[int], **labels: object) -> None:
        """Leaf first. A label is text, a number, or a number and its unit."""
        data = numbers(1, locations, packed=self.packed) + numbers(2, values, packed=self.packed)
        for key, value in labels.items():
            for one in value if isinstance(value, list) else [value]:
                data += blob(3, number(1, self.text(key)) + self._label(one))
        self.samples.append(data)

    def _label(self, value: object) -> bytes:
        if isinstance(value, str):
            return number(2, self.text(value))
        count, unit = value if isinstance(value, tuple) else (value, "")
        return number(3, count) + number(4, self.text(unit))

    def fact(self, field_: int, value: int | str) -> None:
        self.more.append(number(field_, value if isinstance(value, int) else self.text(value)))

    def build(self) -> bytes:
        types = [number(1, self.text(name)) + number(2, self.text(unit)) for name, unit in self.types]
        tables = ((1, types), (2, self.samples), (3, self.mappings), (4, self.locations), (5, self.functions))
        out = b"".join(blob(field_, data) for field_, rows in tables for data in rows)
        out += b"".join(blob(6, text.encode("utf-8", "surrogateescape")) for text in self.texts)
        return out + b"".join(self.more)


def folded(stacks: Iterable[tuple[Sequence[str], int]], **options: object) -> bytes:
    """A profile of stacks of names, from the root on, with a weight each."""
    profile = Profile(**options)  # type: ignore[arg-type]
    places: dict[str, int] = {}
    for names, weight in stacks:
        for name in names:
            if name not in places:
                places[name] = profile.location((profile.function(name, "x.go", 1), 2))
        profile.sample([places[name] for name in reversed(names)], [weight] * len(profile.types))
    return profile.build()
