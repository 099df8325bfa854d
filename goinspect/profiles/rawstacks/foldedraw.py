"""Folded stacks with addresses for names, root first: ``comm;0xaddr;0xaddr COUNT``, of bcc's ``profile -f`` and others."""

from __future__ import annotations

import re

from goinspect.results.processes.symbolize import RawStack

__all__ = ["parse", "sniff"]

_KERNEL = 1 << 63
_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{3,16})(_\[k\])?")
_LINE = re.compile(rb"[^\n]*;[^\n]* \d{1,18}\r?")
_RAW = re.compile(rb"(?:;|^)0[xX][0-9a-fA-F]{3,16}(?:_\[k\])?(?=[; ])", re.MULTILINE)
_DELIMITER = "-"  # of bcc's -d, between the kernel's frames and the others
_BLANK = (b"", b"\r")


def sniff(head: bytes) -> bool:
    """Are all lines folded stacks, some with addresses?"""
    lines = [line for line in head.split(b"\n")[:-1] or [head] if line not in _BLANK]
    return bool(lines) and all(map(_LINE.fullmatch, lines)) and _RAW.search(head) is not None


def parse(data: bytes) -> list[RawStack]:
    """A stack for each line; those that are none have no weight and are passed over."""
    out = []
    for line in data.decode("utf-8", "backslashreplace").splitlines():
        stack, _, weight = line.rpartition(" ")
        if not stack or not (weight.isascii() and weight.isdigit()) or len(weight) > 18:
            continue
        frames: list[int | str] = []
        for text in reversed(stack.split(";")):
            match = _ADDRESS.fullmatch(text)
            frames.append(int(match[1], 16) if match else text)
        kernel = max((i + 1 for i, frame in enumerate(frames) if _is_kernel(frame)), default=0)
        out.append(RawStack(tuple(frames), int(weight), kernel=kernel))
    return out


def _is_kernel(frame: int | str) -> bool:
    if isinstance(frame, int):
        return frame >= _KERNEL
    return frame == _DELIMITER or frame.endswith("_[k]")
