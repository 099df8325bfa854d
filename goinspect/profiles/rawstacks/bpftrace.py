"""bpftrace's maps with stacks in their keys: ``@[kstack, ustack, comm]: 5``, as text and as JSON (-f json).

A stack is a run of indented lines, leaf first; what stands beside stacks in a key tells whose they are.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from goinspect.results.processes.symbolize import RawStack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parse", "sniff"]

_KERNEL = 1 << 63
_START = re.compile(rb"^@\w*\[[ \t,]*\r?\n[ \t]+\S", re.MULTILINE)
_JSON = re.compile(rb'\{"type": *"\w+", *"data": *\{')
_ENTRY = re.compile(r"^@\w*\[((?:(?!^@)[^\0])*?)\]: (\d+)$", re.MULTILINE)
_ADDRESS = re.compile(r"(?:0x)?([0-9a-f]{3,16})(?: \(?\[unknown\]\)?.*)?")
_PERF = re.compile(r"[0-9a-f]{6,16} (\S.*?)(?:\+(?:0x)?[0-9a-f]+)? \(.*\)")
_OFFSET = re.compile(r"\+(?:0x[0-9a-f]+|\d+)(?: \(.*\))?$")


def sniff(head: bytes) -> bool:
    """Is there a key with a stack?"""
    return bool(_START.search(head) or _JSON.match(head.lstrip()))


def parse(data: bytes) -> list[RawStack]:
    """All stacks that are counted; other maps and lines are passed over."""
    text = data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    if _JSON.match(data.lstrip()):
        return list(_of_json(text))
    return [_stack(key, int(weight)) for key, weight in _ENTRY.findall(text) if "\n" in key]


def _of_json(text: str) -> Iterator[RawStack]:
    for line in text.splitlines():
        try:
            entry: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        data = entry.get("data") if isinstance(entry, dict) and entry.get("type") == "map" else None
        for rows in data.values() if isinstance(data, dict) else ():
            for key, weight in rows.items() if isinstance(rows, dict) else ():
                if type(weight) is int and weight >= 0 and "\n" in key:
                    yield _stack(key, weight)


def _stack(key: str, weight: int) -> RawStack:
    groups: list[list[int | str]] = []
    roots: list[str] = []
    inside = False
    for line in key.split("\n"):
        frame = line.strip()
        if line[:1] in (" ", "\t") and frame and frame != ",":
            if not inside:
                groups.append([])
            groups[-1].append(_frame(frame))
            inside = True
        else:
            inside = False
            roots += [part for part in (part.strip() for part in frame.split(",")) if part]
    kernel = next((group for group in groups if any(_is_kernel(frame) for frame in group)), None)
    if kernel is None and len(groups) > 1:
        kernel = next(
            (group for group in groups if all(isinstance(frame, str) for frame in group)), groups[0]
        )
    user = [frame for group in groups if group is not kernel for frame in group]
    # The name of a process stands above its number, whatever the order in the key.
    roots.sort(key=str.isdigit)
    pid = next((int(root) for root in roots if root.isdigit() and len(root) < 10), None)
    frames = (*(kernel or ()), *user)
    return RawStack(frames, weight, tuple(roots), pid, kernel=len(kernel or ()))


def _frame(text: str) -> int | str:
    """An address, or a name without the offset behind it."""
    if match := _ADDRESS.fullmatch(text):
        return int(match[1], 16)
    if match := _PERF.fullmatch(text):
        return match[1]
    return _OFFSET.sub("", text)


def _is_kernel(frame: int | str) -> bool:
    return isinstance(frame, int) and frame >= _KERNEL
