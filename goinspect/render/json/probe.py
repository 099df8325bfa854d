"""`goinspect probe` as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.probe import ProbeFunction, ProbePoint, ProbeReport, ProbeValue

__all__ = ["render_json"]


def render_json(result: ProbeReport) -> str:
    """The whole answer; addresses are strings, offsets within values and structures numbers."""
    goroutine = result.goroutine._asdict()
    goroutine["tls_word"] = _address(result.goroutine.tls_word)
    document = {
        "schema": result.schema, "binary": result.binary, "go_version": result.go_version, "arch": result.arch,
        "functions": [_function(function) for function in result.functions], "goroutine": goroutine,
        "registers": {
            "integers": list(result.integers), "floats": list(result.floats), "context": result.context,
            "stack": result.stack, "sp": result.sp,
        },
        "warnings": list(result.warnings),
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def _function(function: ProbeFunction) -> dict[str, Any]:
    return {
        "query": function.query, "function": function.function, "entry": hex(function.entry), "end": hex(function.end),
        "file": function.file, "abi": function.abi, "abi_from": function.abi_from, "types_from": function.types_from,
        "arguments": _values(function.arguments), "results": _values(function.results), "closure": function.closure,
        "points": [_point(point) for point in function.points], "in_symbol_table": function.in_symbol_table,
        "indirect_jumps": function.indirect_jumps,
    }  # fmt: skip


def _point(point: ProbePoint) -> dict[str, Any]:
    return {
        "kind": point.kind, "vaddr": hex(point.vaddr), "file_offset": _address(point.file_offset), "line": point.line,
        "target": point.target, "again": point.again,
    }  # fmt: skip


def _values(values: Sequence[ProbeValue] | None) -> list[dict[str, Any]] | None:
    if values is None:
        return None
    return [{**value._asdict(), "parts": [part._asdict() for part in value.parts]} for value in values]


def _address(number: int | None) -> str | None:
    return None if number is None else hex(number)
