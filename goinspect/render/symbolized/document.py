"""`goinspect symbolize` as JSON: an address a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.model import Frame
    from goinspect.results.process.symbolize import SymbolizeReport, SymbolizeRow

__all__ = ["render_json"]

_encode = json.JSONEncoder().encode


def render_json(report: SymbolizeReport) -> Iterator[str]:
    """The whole answer in pieces; addresses are strings."""
    yield f'{{\n "schema": {_encode(report.schema)},\n "rows": ['
    lead, end = "\n  ", ""
    known: dict[tuple[Frame, ...] | None, str] = {}
    for row in report.rows:
        if row.frames not in known:
            known[row.frames] = _encode(
                None if row.frames is None else [frame._asdict() for frame in row.frames]
            )
        yield lead + _row(row, known[row.frames])
        lead, end = ",\n  ", "\n "
    if report.stacks is not None:
        stacks = ",\n  ".join(_encode(stack._asdict()) for stack in report.stacks)
        yield f'{end}],\n "stacks": ['
        yield f"\n  {stacks}" if stacks else ""
        end = "\n " if stacks else ""
    yield f'{end}],\n "warnings": {_encode(list(report.warnings))}\n}}\n'


def _row(row: SymbolizeRow, frames: str) -> str:
    return (
        f'{{"address": "{row.address:#x}", "mapping": {_encode(row.mapping)}, "file_offset": {_hex(row.file_offset)}, '
        f'"vaddr": {_hex(row.vaddr)}, "build_id": {_encode(row.build_id)}, "frames": {frames}}}'
    )


def _hex(number: int | None) -> str:
    return "null" if number is None else f'"{number:#x}"'
