"""`goinspect symbolize` as JSON: an address a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.processes.symbolize import SymbolizeReport, SymbolizeRow

__all__ = ["render_json"]

_CHUNK = 4096  # rows written at a time

_encode = json.JSONEncoder().encode


def render_json(report: SymbolizeReport) -> Iterator[str]:
    """The whole answer in pieces; addresses are strings."""
    yield f'{{\n "schema": {_encode(report.schema)},\n "rows": ['
    lead, end = "\n  ", ""
    known: dict[int, str] = {id(None): "null"}  # by identity: rows share the frames that are the same
    paths: dict[str | None, str] = {}
    for begin in range(0, len(report.rows), _CHUNK):
        lines = []
        for row in report.rows[begin : begin + _CHUNK]:
            if id(row.frames) not in known:
                known[id(row.frames)] = _encode([frame._asdict() for frame in row.frames or ()])
            if row.mapping not in paths:
                paths[row.mapping] = _encode(row.mapping)
            lines.append(_row(row, paths[row.mapping], known[id(row.frames)]))
        yield lead + ",\n  ".join(lines)
        lead, end = ",\n  ", "\n "
    if report.stacks is not None:
        stacks = ",\n  ".join(_encode(stack._asdict()) for stack in report.stacks)
        yield f'{end}],\n "stacks": ['
        yield f"\n  {stacks}" if stacks else ""
        end = "\n " if stacks else ""
    yield f'{end}],\n "warnings": {_encode(list(report.warnings))}\n}}\n'


def _row(row: SymbolizeRow, mapping: str, frames: str) -> str:
    return (
        f'{{"address": "{row.address:#x}", "mapping": {mapping}, "file_offset": {_hex(row.file_offset)}, '
        f'"vaddr": {_hex(row.vaddr)}, "build_id": {_string(row.build_id)}, "frames": {frames}}}'
    )


def _string(build_id: str | None) -> str:
    return "null" if build_id is None else f'"{build_id}"'  # hexadecimal digits


def _hex(number: int | None) -> str:
    return "null" if number is None else f'"{number:#x}"'
