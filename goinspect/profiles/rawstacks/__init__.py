"""Stacks of addresses as tracers of eBPF print and dump them: a table of formats, each `sniff` and `parse`.

A format yields `RawStack`s, which become names with the address space that somebody else knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.profiles.rawstacks import bpftool, bpftrace, foldedraw, jsonlines

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.results.processes.symbolize import RawStack

__all__ = ["stacks_reader"]

_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], list[RawStack]]], ...] = (
    (bpftool.sniff, bpftool.parse),
    (bpftrace.sniff, bpftrace.parse),
    (jsonlines.sniff, jsonlines.parse),
    (foldedraw.sniff, foldedraw.parse),
)


def stacks_reader(head: bytes) -> Callable[[bytes], list[RawStack]] | None:
    """What reads a text that begins so; None where it is no format of stacks."""
    return next((parse for sniff, parse in _FORMATS if sniff(head)), None)
