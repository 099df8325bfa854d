"""The line of a sample, taken apart once for all lines that differ in nothing but the digits of time and period."""

from __future__ import annotations

from goinspect.profiles.perfscript.grammar import Header, parse_header

__all__ = ["FieldReader", "Fields"]

_MOST = 1 << 14  # lines that are remembered
_LONGEST = 512  # bytes of such a line
_OTHER = bytes.maketrans(b"0123456789", b"1234567891")
_UNKNOWN = Header(None, None, None, None, 0, None, None, "", b"")


class Fields:
    """What lines have in common: `header`, whose time and period are those of one of them.

    Attributes:
        header: as `parse_header` answers; None: the line is none.
        numbers: whatever the reader made of it.
    """

    __slots__ = ("header", "numbers")

    def __init__(self, header: Header | None) -> None:
        self.header = header
        self.numbers: tuple[int, int, int, int, int] | None = None


class FieldReader:
    """Reads lines; in the text of one recording most of them are known but for two numbers."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, int, int, int, int], Fields] = {}

    def parse(self, line: bytes) -> tuple[Fields, int, int | None]:
        """The fields of a line, its time, and its period."""
        before, _, behind = line.partition(b": ")
        thread, _, stamp = before.rpartition(b" ")
        seconds, _, fraction = stamp.partition(b".")
        period, _, event = behind.lstrip(b" ").partition(b" ")
        if period.isdigit() and fraction.isdigit() and seconds.isdigit():
            key = (thread, event, len(seconds), len(fraction), len(period), len(line))
            fields = self._known.get(key)
            if fields is None and len(self._known) < _MOST and len(line) <= _LONGEST:
                fields = self._known[key] = _common(line, seconds, fraction, period)
            if fields is not None and fields.header is not _UNKNOWN:
                return fields, int(seconds) * 10**9 + int(fraction.ljust(9, b"0")), int(period)
        header = parse_header(line)
        return (Fields(header), header.time, header.period) if header else (Fields(None), 0, None)


def _common(line: bytes, seconds: bytes, fraction: bytes, period: bytes) -> Fields:
    """What holds for all lines with other digits in their place; `_UNKNOWN` where more than time and period would differ.

    Which characters are a field depends on nothing but which of them are digits, so that one other line shows it.
    """
    digits = b"%b.%b: " % (seconds, fraction)
    begin = line.index(digits)
    end = begin + len(digits)
    place = line.index(period, end)
    other = b"".join((
        line[:begin], digits.translate(_OTHER), line[end:place], period.translate(_OTHER), line[place + len(period) :],
    ))  # fmt: skip
    headers = [parse_header(each) for each in (line, other)]
    for header, table in zip(headers, (None, _OTHER), strict=True):
        time = int(seconds.translate(table)) * 10**9 + int(fraction.translate(table).ljust(9, b"0"))
        if header is None or (header.time, header.period) != (time, int(period.translate(table))):
            return Fields(_UNKNOWN)
    first, second = (header and header._replace(time=0, period=0) for header in headers)
    return Fields(headers[0] if first == second else _UNKNOWN)
