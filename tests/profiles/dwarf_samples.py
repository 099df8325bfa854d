"""Registers and copies of stacks of a perf.data file, and a walk along the frame pointers in them.

Independent of the reader: only what `perf record --call-graph dwarf` of one event writes, by struct.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

SAMPLE, MMAP2 = 9, 10
BP, SP, IP = 6, 7, 8


class Copy(NamedTuple):
    """One sample."""

    time: int
    tid: int
    pc: int
    sp: int
    bp: int
    stack: bytes


class Mapped(NamedTuple):
    start: int
    size: int
    offset: int
    path: str


def read(data: bytes) -> tuple[list[Copy], list[Mapped]]:
    """All samples that have a copy, and all executable mappings."""

    def numbers(at: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}Q", data, at)

    attrs, _, at, size = numbers(24, 4)
    kinds, mask = numbers(attrs + 24, 1)[0], numbers(attrs + 80, 1)[0]
    rank = {number: (mask & ((1 << number) - 1)).bit_count() for number in (BP, SP, IP)}
    copies, maps, end = [], [], at + size
    while at < end:
        kind, _, length = struct.unpack_from("<IHH", data, at)
        if kind == MMAP2:
            prot = struct.unpack_from("<I", data, at + 64)[0]
            start, size, offset = numbers(at + 16, 3)
            if prot & 4:
                path = data[at + 72 : data.index(b"\0", at + 72)].decode()
                maps.append(Mapped(start, size, offset, path))
        elif kind == SAMPLE:
            place = at + 8 + 8 * (kinds >> 16 & 1) + 8
            tid = struct.unpack_from("<II", data, place)[1]
            time = numbers(place + 8, 1)[0]
            place += 16 + 8 * sum(kinds >> bit & 1 for bit in (3, 6, 9, 7, 8))
            place += 8 + 8 * numbers(place, 1)[0]
            if numbers(place, 1)[0]:
                registers = numbers(place + 8, mask.bit_count())
                place += 8 + 8 * len(registers)
                room = numbers(place, 1)[0]
                if room:
                    valid = numbers(place + 8 + room, 1)[0]
                    pc, sp, bp = (registers[rank[number]] for number in (IP, SP, BP))
                    copies.append(Copy(time, tid, pc, sp, bp, data[place + 8 : place + 8 + valid]))
        at += length
    return copies, maps


def frame_pointer_walk(copy: Copy) -> list[int]:
    """The return addresses that the frame pointers lead to."""
    found, bp = [], copy.bp
    while copy.sp <= bp <= copy.sp + len(copy.stack) - 16:
        above, address = struct.unpack_from("<QQ", copy.stack, bp - copy.sp)
        found.append(address)
        if above <= bp:
            break
        bp = above
    return found
