"""`goinspect compare` as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goinspect.render.json.info import info_object

if TYPE_CHECKING:
    from goinspect.results.compare import AgainstBase, ChangedSymbol, Comparison

__all__ = ["render"]


def render(comparison: Comparison) -> str:
    """One document; arrays ``per_binary``, ``bytes``, ``size`` … have an element for each file, in their order."""
    symbols, sizes = comparison.symbols, comparison.sizes
    document = {
        "schema": comparison.schema,
        "binaries": [info_object(info) for info in comparison.files],
        "tables": [
            {"name": row.name, "present": list(row.present), "bytes": list(row.bytes), "count": list(row.entries), "within": row.within}
            for row in comparison.parts
        ],
        "works": [
            {"consumer": row.consumer, "per_binary": [verdict._asdict() for verdict in row.per_binary]}
            for row in comparison.works
        ],
        "symbols": {
            "kept": symbols.kept,
            "lost": [_symbol(row) for row in symbols.lost],
            "gained": [_symbol(row) for row in symbols.gained],
            "moved": [one.moved for one in symbols.against],
            "resized": [_symbol(row) for row in symbols.resized],
            "against_base": [_against(one) for one in symbols.against],
        },
        "sizes": {
            "by": sizes.by, "kinds": list(sizes.kinds), "size_exact": sizes.sizes_exact,
            "rows": [{"name": row.name, "bytes": list(row.bytes)} for row in sizes.rows],
        },
        "checks": [check._asdict() for check in comparison.checks],
        "warnings": list(comparison.warnings),
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def _symbol(row: ChangedSymbol) -> dict[str, Any]:
    return {
        "name": row.name, "kind": row.kind, "package": row.package, "present": list(row.present),
        "address": [None if address is None else hex(address) for address in row.address], "size": list(row.size),
    }  # fmt: skip


def _against(one: AgainstBase) -> dict[str, Any]:
    return {
        "binary": one.path, "kept": one.kept, "lost": one.lost, "gained": one.gained, "moved": one.moved,
        "resized": one.resized, "distances": one.distances, "size_exact": one.sizes_exact,
        "shifts": [{"delta": shift.delta, "symbols": shift.symbols, "kinds": shift.kinds} for shift in one.shifts],
    }  # fmt: skip
