"""`goinspect annotate` as JSON: an instruction a line, with its weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goinspect.render.json.disasm import instruction

if TYPE_CHECKING:
    from goinspect.results.annotate import AnnotatedCode, Annotation, Unplaced

__all__ = ["render_json"]

_encode = json.JSONEncoder().encode


def render_json(result: Annotation) -> str:
    """The whole answer; addresses are strings, weights numbers in `unit`."""
    head = {
        "schema": result.schema, "profile": result.profile, "event": result.event, "unit": result.unit,
        "weight": result.weight, "function": result.function, "samples": result.samples, **result.cost._asdict(),
    }  # fmt: skip
    sources = None if result.sources is None else [source._asdict() for source in result.sources]
    parts = (
        ("functions", ",\n  ".join(map(_code, result.codes))),
        ("lines", ",\n  ".join(_encode(line._asdict()) for line in result.lines)),
        ("unplaced", ",\n  ".join(map(_unplaced, result.unplaced))),
    )
    lists = "".join(f' "{name}": [\n  {text}\n ],\n' if text else f' "{name}": [],\n' for name, text in parts)
    tail = json.dumps({"sources": sources, "warnings": list(result.warnings)}, indent=1)
    return f"{json.dumps(head, indent=1)[:-2]},\n{lists}{tail[2:]}\n"


def _code(one: AnnotatedCode) -> str:
    code = one.code
    head = {
        "binary": one.binary, "arch": one.arch, "syntax": one.syntax, "function": code.function, "entry": hex(code.entry),
        "end": hex(code.end), "file": code.file, "whole": code.whole, **one.cost._asdict(),
    }  # fmt: skip
    rows = ",\n    ".join(
        _encode({**cost._asdict(), **instruction(row)})
        for cost, row in zip(one.costs, code.rows, strict=True)
    )
    return f'{_encode(head)[:-1]},\n   "instructions": [\n    {rows}\n   ]}}'


def _unplaced(one: Unplaced) -> str:
    row: dict[str, Any] = {
        "binary": one.binary, "function": one.function, "calls": [hex(call) for call in one.calls], **one.cost._asdict(),
    }  # fmt: skip
    return _encode(row)
