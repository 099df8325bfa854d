"""`goinspect disasm` as JSON: an instruction a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goinspect.model import Frame
    from goinspect.results.disasm import CodeRow, Disassembly, FunctionCode

__all__ = ["instruction", "render_json"]

_encode = json.JSONEncoder().encode


def render_json(result: Disassembly) -> str:
    """The whole answer; addresses are strings, bytes hexadecimal in the order of memory."""
    head = {
        "schema": result.schema, "binary": result.binary, "go_version": result.go_version, "arch": result.arch,
        "syntax": result.syntax,
    }  # fmt: skip
    sources = None
    if result.sources is not None:
        sources = [source._asdict() for source in result.sources]
    tail = {"sources": sources, "warnings": list(result.warnings)}
    functions = ",\n  ".join(map(_function, result.functions))
    listed = f"[\n  {functions}\n ]" if functions else "[]"
    return f'{json.dumps(head, indent=1)[:-2]},\n "functions": {listed},{json.dumps(tail, indent=1)[1:]}\n'


def _function(function: FunctionCode) -> str:
    head = {
        "query": function.query, "function": function.function, "entry": hex(function.entry), "end": hex(function.end),
        "file": function.file, "whole": function.whole,
    }  # fmt: skip
    rows = ",\n    ".join(_encode(instruction(row)) for row in function.rows)
    return f'{_encode(head)[:-1]},\n   "instructions": [\n    {rows}\n   ]}}'


def instruction(row: CodeRow) -> dict[str, Any]:
    """The fields of an instruction."""
    return {
        "pc": hex(row.pc), "bytes": row.code.hex(), "text": row.text, "kind": row.kind, "target": _address(row.target),
        "target_name": row.target_name, "label": row.label, "reference": _address(row.reference),
        "reference_name": row.reference_name, "string": row.string, "asked": row.asked,
        "frames": None if row.frames is None else [_frame(frame) for frame in row.frames],
    }  # fmt: skip


def _frame(frame: Frame) -> dict[str, Any]:
    return frame._asdict()


def _address(vaddr: int | None) -> str | None:
    return None if vaddr is None else hex(vaddr)
