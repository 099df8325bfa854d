"""JSON lines ``{"pid", "tgid", "comm", "stack_id", "user": […], "kernel": […], "count"}``, leaf first, as programs of one's own write them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from goinspect.results.processes.symbolize import RawStack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parse", "sniff"]

_HEAD = re.compile(rb'\s*\{[^\n]*"(?:user|kernel)"\s*:\s*\[')
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
_MOST = 1 << 64


def sniff(head: bytes) -> bool:
    """Is the first line such an object?"""
    return _HEAD.match(head) is not None


def parse(data: bytes) -> list[RawStack]:
    """A stack for each line that is one."""
    return list(_stacks(data.decode("utf-8", "backslashreplace")))


def _stacks(text: str) -> Iterator[RawStack]:
    for line in text.splitlines():
        try:
            row: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(row, dict):
            continue
        kernel, user = _frames(row.get("kernel")), _frames(row.get("user"))
        count, comm = row.get("count", 1), row.get("comm")
        pid = _whole(row.get("tgid"), _whole(row.get("pid"), None))
        if kernel or user:
            yield RawStack(
                (*kernel, *user), _whole(count, 1) or 0, (comm,) if isinstance(comm, str) else (), pid,
                _whole(row.get("stack_id"), None), len(kernel),
            )  # fmt: skip


def _whole(value: Any, default: int | None) -> int | None:
    return value if type(value) is int and 0 <= value < _MOST else default


def _frames(values: Any) -> list[int | str]:
    out: list[int | str] = []
    for value in values if isinstance(values, list) else ():
        if isinstance(value, str) and value:
            out.append(int(value, 16) if _ADDRESS.fullmatch(value) else value)
        elif (number := _whole(value, None)) is not None:
            out.append(number)
    return out
