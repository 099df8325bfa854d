"""What ``bpftool map dump`` prints of a BPF_MAP_TYPE_STACK_TRACE, as text and as JSON (-j, -p).

A value is an array of addresses, or of struct bpf_stack_build_id {s32 status; u8 build_id[20]; u64 offset or address}
(include/uapi/linux/bpf.h). What of it is not used is 0.
"""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Any

from goinspect.results.processes.symbolize import RawStack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parse", "sniff"]

_KERNEL = 1 << 63
_JSON = re.compile(rb'\s*\[\s*\{\s*"key"\s*:')
_TEXT = re.compile(rb"\s*key:\s+(?:[0-9a-f]{2}[ \t\r\n]+){4,}")
_ENTRY = re.compile(r"key:\s+((?:[0-9a-f]{2}\s+)+)value:\s+((?:[0-9a-f]{2}(?:\s+|$))+)")
_BUILD_ID = struct.Struct("<i20sQ")
_EMPTY, _VALID, _ADDRESS = 0, 1, 2  # status


def sniff(head: bytes) -> bool:
    """Does a dump of a map begin so?"""
    return bool(_JSON.match(head) or _TEXT.match(head))


def parse(data: bytes) -> list[RawStack]:
    """A stack for each entry, which tells no count: each weighs 1."""
    text = data.decode("utf-8", "backslashreplace")
    found = _of_json(text) if _JSON.match(data) else _of_text(text)
    stacks = []
    for key, value in found:
        frames = _frames(value)
        if frames:
            number = int.from_bytes(key[:4], "little")
            kernel = sum(isinstance(frame, int) and frame >= _KERNEL for frame in frames)
            stacks.append(RawStack(tuple(frames), 1, stack_id=number, kernel=kernel))
    return stacks


def _of_text(text: str) -> Iterator[tuple[bytes, bytes]]:
    for key, value in _ENTRY.findall(text):
        yield bytes.fromhex("".join(key.split())), bytes.fromhex("".join(value.split()))


def _of_json(text: str) -> Iterator[tuple[bytes, bytes]]:
    try:
        rows: Any = json.loads(text)
    except (ValueError, RecursionError):
        return
    for row in rows if isinstance(rows, list) else ():
        key, value = (
            (_bytes(row.get(name)) for name in ("key", "value")) if isinstance(row, dict) else (b"", b"")
        )
        if key and value:
            yield key, value


def _bytes(values: Any) -> bytes:
    """Of ``["0x1f","0x00",…]``."""
    try:
        return bytes(int(value, 16) for value in values)
    except (TypeError, ValueError):
        return b""


def _frames(value: bytes) -> list[int | tuple[str, int]]:
    if _has_build_ids(value):
        return list(_with_build_ids(value))
    words = struct.unpack(f"<{len(value) // 8}Q", value[: len(value) // 8 * 8])
    return list(words[: words.index(0)] if 0 in words else words)


def _has_build_ids(value: bytes) -> bool:
    """Addresses are no small numbers, as a status is."""
    if len(value) < _BUILD_ID.size or len(value) % _BUILD_ID.size:
        return False
    status, _, number = _BUILD_ID.unpack_from(value)
    return status in (_VALID, _ADDRESS) and number > 0


def _with_build_ids(value: bytes) -> Iterator[int | tuple[str, int]]:
    for status, build_id, number in _BUILD_ID.iter_unpack(value):
        if status == _VALID:
            yield build_id.rstrip(b"\0").hex(), number
        elif status == _ADDRESS:
            yield number
        elif status == _EMPTY:
            return
