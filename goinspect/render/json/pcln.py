"""Answers of `goinspect pcln` as JSON: the rows are written by hand, one a line, for there may be a hundred thousand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goinspect.results.functions import FunctionList, FunctionRows, InlinedList, SizeRow
from goinspect.results.lines import LineReport, LineRows, LineTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goinspect.results.functions import SizeReport
    from goinspect.results.lines import PclntabInfo

    Report = FunctionList | InlinedList | LineReport | LineTable | SizeReport

__all__ = [
    "render",
    "render_functions",
    "render_inlined",
    "render_line_table",
    "render_lines",
    "render_sizes",
]

_encode = json.JSONEncoder().encode
_CHUNK = 1 << 14  # rows whose columns become Python objects at a time


def _pclntab(info: PclntabInfo) -> dict[str, Any]:
    return {
        "generation": info.generation, "layout": info.layout, "layout_from": info.layout_from, "found_by": info.found_by, "address": hex(info.address),
        "text_start": hex(info.text_start), "text_from": info.text_from, "gofunc_from": info.gofunc_from,
        "magic": hex(info.magic), "byteorder": info.byteorder, "quantum": info.quantum, "ptrsize": info.ptrsize,
        "nfunc": info.nfunc, "nfiles": info.nfiles, "size": info.size, "parts": info.parts,
    }  # fmt: skip


def _document(report: Report, rows: Iterable[str], **more: Any) -> str:
    head = {
        "schema": report.schema, "binary": report.binary, "go_version": report.go_version,
        "pclntab": _pclntab(report.pclntab),
    }  # fmt: skip
    start = json.dumps(head, indent=1)[:-2]
    end = json.dumps({**more, "warnings": list(report.warnings)}, indent=1)[1:]
    body = ",\n  ".join(rows)
    listed = f"[\n  {body}\n ]" if body else "[]"
    return f'{start},\n "rows": {listed},{end}\n'


def render(report: Report) -> str:
    """Any of the answers."""
    if isinstance(report, LineReport):
        return render_lines(report)
    if isinstance(report, LineTable):
        return render_line_table(report)
    if isinstance(report, FunctionList):
        return render_functions(report)
    return render_inlined(report) if isinstance(report, InlinedList) else render_sizes(report)


def render_lines(report: LineReport) -> str:
    """`goinspect pcln BIN PC…`: rows of one PC, or of a range of them, which have an ``end`` too."""
    rows = LineRows.of(report.rows)
    return _document(report, _lines(rows))


def _lines(rows: LineRows) -> Iterator[str]:
    names = [_encode(name) for name in rows.names]
    frames = _frames(rows, names)
    ends = _ends(rows)
    for pc, end, entry, first, last in zip(
        rows.pc, ends, rows.entry, rows.start, rows.start[1:], strict=False
    ):
        if first == last:
            yield f'{{"pc": "{pc:#x}"{end}, "function": null, "entry": null, "offset": null, "frames": null}}'
        else:
            inner = frames[first] if last - first == 1 else ", ".join(frames[first:last])
            yield (
                f'{{"pc": "{pc:#x}"{end}, "function": {names[rows.function[last - 1]]}, "entry": "{entry:#x}", '
                f'"offset": {pc - entry}, "frames": [{inner}]}}'
            )


def _ends(rows: LineRows) -> list[str]:
    if rows.end is None:
        return [""] * len(rows)
    return ["" if end is None else f', "end": "{end:#x}"' for end in rows.end]


def _frames(rows: LineRows, names: list[str]) -> list[str]:
    files = [_encode(path) for path in rows.files]
    return [
        f'{{"function": {names[function]}, "file": {files[file]}, "line": {line}, "inlined": {flag}}}'
        if file >= 0
        else f'{{"function": {names[function]}, "file": null, "line": null, "inlined": {flag}}}'
        for function, file, line, flag in zip(
            rows.function, rows.file, rows.line, _flags(rows.inlined), strict=True
        )
    ]


def _flags(values: list[bool]) -> list[str]:
    return ["true" if value else "false" for value in values]


def render_line_table(table: LineTable) -> str:
    """`goinspect pcln BIN --lines FUNC`."""
    rows = LineRows.of(table.rows)
    return _document(table, _ranges(rows))


def _ranges(rows: LineRows) -> Iterator[str]:
    names = [_encode(name) for name in rows.names]
    files = [_encode(path) for path in rows.files]
    frames = _frames(rows, names)
    for i, (pc, entry, first, last) in enumerate(
        zip(rows.pc, rows.entry, rows.start, rows.start[1:], strict=False)
    ):
        file = rows.file[first]
        place = f'{files[file]}, "line": {rows.line[first]}' if file >= 0 else 'null, "line": null'
        end = rows.end[i] if rows.end is not None else None
        yield (
            f'{{"pc": "{pc:#x}", "end": "{end or pc:#x}", "entry": "{entry:#x}", "offset": {pc - entry}, '
            f'"file": {place}, "depth": {last - first - 1}, "function": {names[rows.function[first]]}, '
            f'"frames": [{", ".join(frames[first:last])}]}}'
        )


def render_functions(functions: FunctionList) -> str:
    """`goinspect pcln BIN --functions` and `--header`."""
    return _document(functions, _functions(FunctionRows.of(functions.rows)) if functions.rows else ())


def _functions(rows: FunctionRows) -> Iterator[str]:
    files = [*(_encode(path) for path in rows.files), "null"]
    inlined = [_encode(name) for name in rows.inlined_names]
    ids = [_encode(name) for name in rows.func_ids]
    flags = [_encode(list(names)) for names in rows.flag_sets]
    start = rows.inline_start.tolist()
    for begin in range(0, len(rows), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        names = [
            inlined[number]
            for number in rows.inlined[start[begin] : start[min(begin + _CHUNK, len(rows))]].tolist()
        ]
        for entry, end, name, file, line, frame, args, func_id, flag, deferred, first, last in zip(
            rows.entry[part].tolist(), rows.end[part].tolist(), rows.name[part], rows.file[part].tolist(),
            rows.start_line[part].tolist(), rows.frame_size[part].tolist(), rows.args_size[part].tolist(),
            rows.func_id[part].tolist(), rows.flag[part].tolist(), rows.deferreturn[part].tolist(), start[part],
            start[begin + 1 : begin + 1 + _CHUNK], strict=False,
        ):  # fmt: skip
            yield (
                f'{{"entry": "{entry:#x}", "end": "{end:#x}", "name": {_encode(name)}, "file": {files[file]}, '
                f'"start_line": {line or "null"}, "frame_size": {frame if frame >= 0 else "null"}, '
                f'"args_size": {args if args >= 0 else "null"}, "func_id": {ids[func_id]}, "flags": {flags[flag]}, '
                f'"inlined": [{", ".join(names[first - start[begin] : last - start[begin]])}], '
                f'"deferreturn": {_address(entry + deferred) if deferred else "null"}}}'
            )


def _address(vaddr: int) -> str:
    return f'"{vaddr:#x}"'


def render_inlined(inlined: InlinedList) -> str:
    """`goinspect pcln BIN --inlined-only`."""
    return _document(inlined, (_encode(row._asdict()) for row in inlined.rows))


def render_sizes(sizes: SizeReport) -> str:
    """`goinspect pcln BIN --sizes`: bytes, largest first; the parts add up to ``size``."""
    numbers = ", ".join(f'"{name}": %d' for name in SizeRow._fields[2:])
    shape = f'{{"name": %s, "entry": %s, {numbers}}}'
    rows = (
        shape % (_encode(row.name), "null" if row.entry is None else f'"{row.entry:#x}"', *row[2:])
        for row in sizes.rows
    )
    parts = [part._asdict() for part in sizes.parts]
    return _document(sizes, rows, parts=parts, size=sizes.size)
