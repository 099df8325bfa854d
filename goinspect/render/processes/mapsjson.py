"""`goinspect maps` as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goinspect.results.processes.maps import Explained, Image, MappingRow, MapReport, Process

__all__ = ["render_json"]


def render_json(report: MapReport) -> str:
    """The whole answer; addresses are strings, as are offsets in files."""
    document = {
        "schema": report.schema, "source": report.source,
        "process": _process(report.process) if report.process is not None else None,
        "images": [_image(image) for image in report.images],
        "mappings": [],
        "totals": [total._asdict() for total in report.totals],
        "regions": [
            {**region._asdict(), "start": hex(region.start), "end": hex(region.end)} for region in report.regions
        ],
        "addresses": [_address(one) for one in report.addresses], "denied": report.denied,
        "warnings": list(report.warnings),
    }  # fmt: skip
    # A line for each mapping: indentation takes Python's own encoder, and there may be very many.
    rows = ",\n  ".join(json.dumps(_mapping(row)) for row in report.mappings)
    text = json.dumps(document, indent=1) + "\n"
    return text.replace('"mappings": []', f'"mappings": [\n  {rows}\n ]', 1) if rows else text


def _image(image: Image) -> dict[str, Any]:
    told = image._asdict() | {"bias": _hex(image.bias)} | image.facts._asdict()
    del told["facts"]
    return told


def _process(process: Process) -> dict[str, Any]:
    return {**process._asdict(), "threads": [thread._asdict() for thread in process.threads]}


def _mapping(row: MappingRow) -> dict[str, Any]:
    return {
        **row._asdict(), "start": hex(row.start), "end": hex(row.end), "offset": hex(row.offset), "vaddr": _hex(row.vaddr),
        "size": row.size,
    }  # fmt: skip


def _address(one: Explained) -> dict[str, Any]:
    return {
        **one._asdict(), "address": hex(one.address), "file_offset": _hex(one.file_offset), "vaddr": _hex(one.vaddr),
        "entry": _hex(one.entry), "frames": [frame._asdict() for frame in one.frames],
        "steps": [{"step": name, "text": text} for name, text in one.steps],
    }  # fmt: skip


def _hex(number: int | None) -> str | None:
    return None if number is None else hex(number)
