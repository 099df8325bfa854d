"""`goinspect info` as JSON, and as ``go version -m`` prints it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.info import Info, InfoReport, ModuleRow, TableRow

__all__ = ["info_object", "render_go_version", "render_json"]


def render_json(report: InfoReport, *, several: bool) -> str:
    """One file as an object; `several` files, of which some may have failed, as objects in a list."""
    objects = [{"schema": info.schema} | info_object(info) for info in report.files]
    if not several and len(objects) == 1:
        return json.dumps(objects[0], indent=1) + "\n"
    return json.dumps({"schema": report.schema, "binaries": objects, "warnings": []}, indent=1) + "\n"


def info_object(info: Info) -> dict[str, Any]:
    """What the JSON says of one file; field names are those of `Info`, but for ``class``."""
    values = info._asdict()
    return {
        "path": info.path, "container": info.container, "class": info.bits,
        **{name: values[name] for name in ("byteorder", "arch", "os", "type", "size")},
        "entry": hex(info.entry),
        **{name: values[name] for name in (
            "go", "packed", "build_mode", "pie", "linkmode", "stripped", "cgo", "static", "interpreter")},
        "libraries": list(info.libraries),
        **{name: values[name] for name in (
            "trimpath", "optimized", "sanitizer", "fips140", "pgo", "go_version", "go_version_from", "go_build_id",
            "gnu_build_id", "main_package")},
        "module": _module(info.module) if info.module else None,
        "deps": [_module(module) for module in info.deps],
        "settings": dict(info.settings),
        "linker_strings": [string._asdict() for string in info.linker_strings],
        "vcs": info.vcs._asdict() if info.vcs else None,
        "tables": [_table(row, info.size) for row in info.tables],
        "reasons": dict(info.reasons),
        "warnings": list(info.warnings),
    }  # fmt: skip


def _module(module: ModuleRow) -> dict[str, Any]:
    replaced = _module(module.replaced_by) if module.replaced_by else None
    return module._asdict() | {"replaced_by": replaced}


def _table(row: TableRow, size: int) -> dict[str, Any]:
    share = None if row.bytes is None or not size else round(row.bytes / size, 6)
    address = None if row.address is None else hex(row.address)
    return {
        "name": row.name, "present": row.present, "bytes": row.bytes, "count": row.count, "address": address,
        "found_by": row.found_by, "share": share, "within": row.within, "detail": row.detail or None,
    }  # fmt: skip


def render_go_version(files: Sequence[Info]) -> str:
    """What ``go version -m`` prints for these files, those without a Go version left out."""
    return "".join(_go_version(info) for info in files if info.go_version)


def _go_version(info: Info) -> str:
    lines = [f"{escape_terminal(info.path)}: {escape_terminal(info.go_version or '')}"]
    if info.build_info:
        rows = (line.split("\t") for line in info.build_info[:-1].split("\n"))
        lines += ["\t" + "\t".join(map(escape_terminal, row)) for row in rows]
    return "\n".join(lines) + "\n"
