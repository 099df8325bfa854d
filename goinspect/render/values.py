"""Untrusted names made safe to show, and numbers made easy to read."""

from __future__ import annotations

import re

__all__ = ["base_name", "escape_terminal", "exact_weight", "human_bytes", "human_weight"]

# Control characters would drive the terminal, bidirectional marks reorder what is read, lone surrogates do not encode.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_terminal(text: str) -> str:
    r"""Text from a file with everything a terminal would act on written as ``\xNN`` or ``\uNNNN``."""
    return _UNSAFE.sub(_escaped, text) if _UNSAFE.search(text) else text


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def base_name(path: str) -> str:
    """The last part of a path, of Windows too."""
    return path.replace("\\", "/").rpartition("/")[2]


def human_weight(value: int, unit: str) -> str:
    """A weight as a person says it: ``1.23 s``, ``456 ms``, ``1.2 MB``, ``12,345 samples``, ``12,345``.

    The script of a flame graph writes the same: change it here and in ``flame.js`` together.
    """
    if value < 0:  # as in a difference of profiles, which no picture shows
        return f"-{human_weight(-value, unit)}"
    places, unit = _whole_unit(unit)
    if places:
        thousandths = (value * 1000 + 10**places // 2) // 10**places
        return f"{_decimal(thousandths, 3)} {unit}" if thousandths or not value else f"<0.001 {unit}"
    if unit == "bytes":
        return human_bytes(value)
    if unit != "ns":
        noun = "" if unit == "count" else " sample" if (value, unit) == (1, "samples") else f" {unit}"
        return f"{value:,}{noun}"
    for size, name in ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")):
        if value >= size:
            amount = value / size
            return f"{amount:,.{2 if amount < 10 else 1 if amount < 100 else 0}f} {name}"
    return f"{value} ns" if value else "0"


def _whole_unit(unit: str) -> tuple[int, str]:
    """Decimal places of weights that are counted in parts, and what they are parts of: "thousandths of samples"."""
    from goinspect.results.stacks import PARTS  # 3 ms, and every lookup loads this module

    part, of, whole = unit.partition(" of ")
    return (PARTS[part], whole) if of and part in PARTS else (0, unit)


def exact_weight(value: int, unit: str) -> str:
    """The digits of a weight in its whole unit: 1500 thousandths are ``1.5``."""
    places, _ = _whole_unit(unit)
    return _decimal(value, places).replace(",", "") if places else str(value)


def _decimal(value: int, places: int) -> str:
    whole, fraction = divmod(value, 10**places)
    return f"{whole:,}.{fraction:0{places}}".rstrip("0").rstrip(".")


def human_bytes(size: int) -> str:
    """Bytes in powers of 1000, as in 1.2 MB; halves are rounded up, as the script of a flame graph does it."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size * 20_000 >= scale * 19_999:  # less would be written with the next smaller unit, below 1,000.0
            tenths = (size * 10 + scale // 2) // scale
            return f"{tenths // 10:,}.{tenths % 10} {unit}"
    return f"{size} B"
