"""Aligned columns for people: quick for a hundred thousand rows, nothing cut, no cell taken for a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["column_pieces", "column_width", "escape_all", "write_columns"]

# One very long name must not push the next column of every row out of sight: it pushes that of its own row only.
_MAX_WIDTH = 80
_PIECE = 1 << 12  # rows
_LONG = 1 << 20
_FIRST, _LAST = ord(" "), ord("~")  # of the printable ASCII characters


def escape_all(texts: Sequence[str]) -> list[str]:
    """`escape_terminal` of each: hardly ever is there anything to do, and one look at all of them finds that."""
    joined = "".join(texts)
    if _is_harmless(joined):
        return list(texts)
    return [escape_terminal(text) for text in texts]


def _is_harmless(text: str) -> bool:
    """Whether nothing in a text is acted on by a terminal; False is no proof of the contrary."""
    if len(text) > _LONG:
        import numpy as np  # whoever has a million characters has it loaded

        letters = np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        others = letters[(letters < _FIRST) | (letters > _LAST)]
        text = others.tobytes().decode("utf-8", "surrogatepass")
    return text.isprintable()


def write_columns(heads: Sequence[str], columns: Sequence[Sequence[str]], align: str) -> str:
    """All of `column_pieces`."""
    return "".join(column_pieces(heads, columns, align))


def column_pieces(
    heads: Sequence[str], columns: Sequence[Sequence[str]], align: str, *, tails: Sequence[str] | None = None
) -> Iterator[str]:
    """Rows of `columns` under `heads`, two spaces between, some thousand lines at a time.

    Args:
        heads: one per column.
        columns: cells, already safe to show.
        align: a letter per column: "l" or "r". The last column is not padded if it is "l".
        tails: what ends each row, right behind the last cell, which is not padded.
    """
    padded = len(columns) - (align[-1] == "l" or tails is not None)
    lengths = [set(map(len, cells)) for cells in columns[:padded]]
    widths = [_width(head, known) for head, known in zip(heads, lengths, strict=False)]
    cells = [f"%{'-' if side == 'l' else ''}{width}s" for side, width in zip(align, widths, strict=False)]
    form = "  ".join([*cells, *["%s"] * (len(columns) - padded)])
    yield (form % tuple(heads)).rstrip() + "\n"
    form += "%s\n" if tails is not None else "\n"
    shown = [*columns, tails] if tails is not None else columns
    for start in range(0, len(columns[0]), _PIECE):
        part = [column[start : start + _PIECE] for column in shown]
        flat: list[str | None] = [None] * (len(part) * len(part[0]))
        for at, column in enumerate(part):
            flat[at :: len(part)] = column
        yield form * len(part[0]) % tuple(flat)  # all at once: a quarter quicker than cell by cell


def column_width(head: str, cells: Iterable[str]) -> int:
    """How wide a column of such cells is."""
    return _width(head, set(map(len, cells)))


def _width(head: str, lengths: set[int]) -> int:
    return min(max(len(head), *lengths) if lengths else len(head), _MAX_WIDTH)
