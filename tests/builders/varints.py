"""Numbers of as many bytes as they need, seven bits in each, the lowest first: LEB128, and what Go calls varints."""

from __future__ import annotations


def uleb(value: int, width: int = 0) -> bytes:
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        more = value or len(out) + 1 < width
        out.append(byte | (0x80 if more else 0))
        if not more:
            return bytes(out)


def sleb(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        done = (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40)
        out.append(byte if done else byte | 0x80)
        if done:
            return bytes(out)
