"""Words that text and picture share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from goinspect._words import counted
from goinspect.render.values import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.results.processes.maps import Image, MapReport, Region

__all__ = ["Drawn", "bar_share", "big", "build_words", "drawn", "heading", "main_image", "state_words"]

_STATES = {
    "R": "running", "S": "sleeping", "D": "waiting, not to be interrupted", "T": "stopped", "t": "traced", "Z": "a zombie",
    "I": "idle", "X": "dead", "P": "parked",
}  # fmt: skip
_STATES_EXE = {
    "deleted": "deleted since it was started", "replaced": "replaced since it was started: another file is there now",
    "memfd": "in memory only (memfd)", "unknown": "what is there now may not be looked at",
}  # fmt: skip
_SHOWN = 40  # regions
_PAGE_BITS, _MOST_BITS = 12, 40  # of sizes whose bars are shortest and longest
_FIRST = ("code", "stack", "heap", "Go heap")


class Drawn(NamedTuple):
    """A line of the layout: a region, or some that are too small to be drawn; then the hole behind it."""

    region: Region | None
    left_out: int
    size: int
    hole: int


def state_words(state: str | None) -> str:
    """What the letter of proc(5) means."""
    return _STATES.get(state or "", "")


def exe_words(state: str | None) -> str:
    """What became of the executable; "" where nothing did."""
    return _STATES_EXE.get(state or "", "")


def big(size: int) -> str:
    """Bytes, up to the whole of an address space."""
    for unit, scale in (("EB", 10**18), ("PB", 10**15), ("TB", 10**12)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}"
    return human_bytes(size)


def main_image(report: MapReport) -> Image | None:
    """The program itself."""
    exe = report.process.exe if report.process else None
    same = (image for image in report.images if exe and image.path.removesuffix(" (deleted)") == exe)
    first = report.images[0] if report.images else None
    return next(same, first if report.process is None or exe is None else None)


def build_words(image: Image) -> str:
    """Release, module and kind of a program."""
    if not image.facts.go:
        return "no Go program" if image.opened else f"unknown: {image.why_not}"
    words = [image.facts.go_version or "Go of an unknown release"]
    if image.facts.module:
        words.append(f"{image.facts.module} {image.facts.module_version or ''}".strip())
    if image.facts.pie:
        words.append("PIE")
    words.append("not stripped" if image.facts.stripped == "no" else f"without {image.facts.stripped}")
    return ", ".join(words)


def heading(report: MapReport) -> str:
    """The process, in a few words."""
    process = report.process
    if process is None:
        return report.source
    name = f"{process.name} ({process.pid})" if process.pid is not None else process.name
    return f"{name}: {counted(len(process.threads), 'thread')}" if process.threads else name


def bar_share(size: int) -> float:
    """How long the bar of a size is, 0 to 1: the same step for each factor, so different are the sizes of one process."""
    return max(0.0, min(1.0, (math.log2(size) - _PAGE_BITS) / (_MOST_BITS - _PAGE_BITS)))


def drawn(regions: Sequence[Region]) -> Iterator[Drawn]:
    """The largest regions in order, and how many lie between them."""
    order = sorted(
        range(len(regions)),
        key=lambda number: (regions[number].kind not in _FIRST, regions[number].start - regions[number].end),
    )
    shown = set(order[:_SHOWN])
    left_out = size = hole = 0
    for number, region in enumerate(regions):
        if number in shown:
            if left_out:
                yield Drawn(None, left_out, size, hole)
                left_out = size = hole = 0
            yield Drawn(region, 0, region.end - region.start, region.hole)
        else:
            left_out, size, hole = left_out + 1, size + region.end - region.start, hole + region.hole
    if left_out:
        yield Drawn(None, left_out, size, 0)
