"""Source and machine code in the report.

``files`` of the frames have ``sources``: [row in files, text or null, note]. Each of ``codes`` is a function with code:
[function, binary, entry, end, is it whole, weight that ended in it, that went through it, that is at no one instruction, number
of its instructions]. Of all instructions, one after another: ``code_at`` is the address behind the entry, ``code_size`` how many
bytes it has, ``code_text`` and ``code_note`` are rows of ``texts``, ``code_label`` is the number of its label or 0, ``code_stack`` the
row in ``inlines``: calls inlined there, the innermost first, as [name, file, line], rows of ``names`` twice; ``code_own`` and
``code_total`` are weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.render.svg.labels import all_visible, visible
from goinspect.render.text.disasm import comment
from goinspect.render.values import base_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.results.annotate import HotCode
    from goinspect.results.disasm import CodeRow
    from goinspect.results.places import BinaryUse, SourceFile

__all__ = ["code_table", "source_table"]


class _Words:
    """Texts, each once."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def row(self, text: str) -> int:
        return self._rows.setdefault(text, len(self._rows))

    def shown(self) -> list[str]:
        return all_visible(list(self._rows))


def code_table(
    codes: Sequence[HotCode], binaries: Sequence[BinaryUse]
) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    """What the line of JSON tells of code, and the columns."""
    fileless = {use.found: use.path for use in binaries if use.path.startswith("[")}  # the vdso
    texts, names = _Words(), _Words()
    inlines: dict[tuple[tuple[int, int, int], ...], int] = {}
    columns: dict[str, list[int]] = {
        name: [] for name in ("at", "size", "text", "note", "label", "stack", "own", "total")
    }

    def stack(row: CodeRow) -> int:
        frames = tuple(
            (names.row(frame.function), names.row(frame.file or ""), frame.line or 0)
            for frame in row.frames or ()
        )
        return inlines.setdefault(frames, len(inlines))

    told = []
    for hot in codes:
        one, code = hot.annotated, hot.annotated.code
        labels = {pc: int(label[1:]) for pc, label in code.labels().items()}
        for row, cost in zip(code.rows, one.costs, strict=True):
            values = (
                row.pc - code.entry, len(row.code), texts.row(row.text), texts.row(comment(row)), labels.get(row.pc, 0), stack(row), cost.here,
                cost.total,
            )  # fmt: skip
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        told.append([
            visible(code.function or ""), visible(fileless.get(one.binary) or base_name(one.binary)), hex(code.entry), hex(code.end), code.whole, one.cost.here,
            one.cost.total, hot.unplaced, len(code.rows),
        ])  # fmt: skip
    head = {"codes": told, "texts": texts.shown(), "names": names.shown(), "inlines": list(inlines)}
    return head, {f"code_{name}": np.array(column, dtype=np.int64) for name, column in columns.items()}


def source_table(
    sources: Sequence[SourceFile] | None, files: Sequence[str]
) -> list[tuple[int, str | None, str]] | None:
    """The source of `files`, as they are shown; None: it was not asked for."""
    if sources is None:
        return None
    row = {file: number for number, file in enumerate(files)}
    return [
        (row[shown], None if one.text is None else _shown(one.text), one.note)
        for one in sources
        if (shown := visible(one.file)) in row
    ]


def _shown(text: str) -> str:
    return "\n".join("\t".join(all_visible(line.split("\t"))) for line in text.split("\n"))
