"""What `goinspect symbolize` answers: where addresses lie, and the frames there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.model import Frame

__all__ = ["NamedStack", "RawStack", "SymbolizeReport", "SymbolizeRow"]


class SymbolizeRow(NamedTuple):
    """An address and what is known of it, step by step; None where that is not known.

    Frames are innermost first; those of a return address are the frames of the call before it.
    """

    address: int
    mapping: str | None  # path of what is mapped there
    file_offset: int | None
    vaddr: int | None
    build_id: str | None
    frames: tuple[Frame, ...] | None


class RawStack(NamedTuple):
    """A stack as a tracer counted it, leaf first: addresses, and texts where it had names.

    ``kernel`` of the frames are the kernel's, at the leaf's end.
    """

    frames: tuple[int | str | tuple[str, int], ...]  # (build ID, file offset) where these are told
    weight: int = 1
    roots: tuple[str, ...] = ()  # what stands above: process, thread
    pid: int | None = None
    stack_id: int | None = None
    kernel: int = 0


class NamedStack(NamedTuple):
    """A stack of names, root first; an address that has none is written as such."""

    frames: tuple[str, ...]
    weight: int
    pid: int | None = None
    stack_id: int | None = None


class SymbolizeReport(NamedTuple):
    """`goinspect symbolize`. Of stacks, the rows are their distinct addresses."""

    rows: Sequence[SymbolizeRow]
    warnings: tuple[str, ...] = ()
    stacks: Sequence[NamedStack] | None = None

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.symbolize/1"

    @property
    def named(self) -> int:
        """How many addresses have a name."""
        return sum(row.frames is not None for row in self.rows)
