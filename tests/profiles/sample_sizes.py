"""How many bytes the fields of a SAMPLE record take: a second, slow and complete decoder.

The order is that of perf_output_sample() in kernel/events/core.c. A record decoded with the right layout has no byte
left over; one decoded with a wrong one nearly always has.
"""

from __future__ import annotations

import struct
from typing import NamedTuple


class Shape(NamedTuple):
    """What a perf_event_attr says about its samples."""

    sample_type: int
    read_format: int
    branch_sample_type: int
    regs_user: int
    regs_intr: int

    @classmethod
    def of(cls, attr: bytes, mark: str) -> Shape:
        attr = attr.ljust(104, b"\0")

        def u64(at: int) -> int:
            return struct.unpack_from(mark + "Q", attr, at)[0]

        return cls(u64(24), u64(32), u64(72), u64(80), u64(96))


def left_over(shape: Shape, body: bytes, mark: str) -> int:
    """Bytes of a sample's body that no field explains; negative when fields claim more than there is."""
    kinds, at = shape.sample_type, 0

    def has(bit: int) -> bool:
        return bool(kinds >> bit & 1)

    def number(offset: int, code: str = "Q") -> int:
        return struct.unpack_from(mark + code, body, offset)[0]

    at = 8 * sum(map(has, (16, 0, 1, 2, 3, 6, 9, 7, 8)))
    if has(4):
        times = (shape.read_format & 3).bit_count()
        each = 1 + (shape.read_format & 0x14).bit_count()
        at += 8 * (1 + times + number(at) * each if shape.read_format & 8 else times + each)
    if has(5):
        at += 8 + 8 * number(at)
    if has(10):
        at += 4 + number(at, "I")
    if has(11):
        count = number(at)
        at += (
            8
            + 8 * (shape.branch_sample_type >> 17 & 1)
            + count * (24 + 8 * (shape.branch_sample_type >> 19 & 1))
        )
    if has(12):
        at += 8 + (8 * shape.regs_user.bit_count() if number(at) else 0)
    if has(13):
        size = number(at)
        at += 8 + (size + 8 if size else 0)
    at += 8 * (has(14) or has(24)) + 8 * has(15) + 8 * has(17)
    if has(18):
        at += 8 + (8 * shape.regs_intr.bit_count() if number(at) else 0)
    at += 8 * sum(map(has, (19, 21, 22, 23)))
    if has(20):
        at += 8 + number(at)
    return len(body) - at
