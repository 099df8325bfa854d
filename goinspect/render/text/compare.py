"""`goinspect compare` for people: aligned text, or Markdown to paste into a pull request. Both from the same cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.render.text.columns import write_columns
from goinspect.render.values import escape_terminal, human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goinspect.results.compare import AgainstBase, ChangedSymbol, Comparison, GroupRow, PartRow
    from goinspect.results.info import Info

__all__ = ["render_markdown", "render_text"]

_GROUPS = 12  # of the sizes, unless more are asked for
_SAME = "="
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"
_COLORS = {"yes": "\x1b[32m", "partly": "\x1b[33m", "no": "\x1b[31m"}


class _Block(NamedTuple):
    """A table with a title, and remarks below it."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    align: str
    notes: list[str]


def render_text(
    comparison: Comparison, *, symbols: bool = False, limit: int | None = None, color: bool = False
) -> str:
    """Aligned columns.

    Args:
        comparison: what to show.
        symbols: list the symbols that differ by name.
        limit: rows of each list; None: all symbols, and the largest groups.
        color: headings in bold, verdicts in colours.
    """
    bold, reset = (_BOLD, _RESET) if color else ("", "")
    out = []
    for block in _blocks(comparison, symbols=symbols, limit=limit):
        body = write_columns(
            block.heads,
            list(map(list, zip(*block.rows, strict=True))) or [[] for _ in block.heads],
            block.align,
        )
        if color:
            body = "".join(_colored(line) for line in body.splitlines(keepends=True))
        out.append(f"{bold}{block.title}{reset}\n{body}" + "".join(f"{note}\n" for note in block.notes))
    return "\n".join(out)


def _colored(line: str) -> str:
    for word, code in _COLORS.items():
        line = line.replace(f"  {word} ", f"  {code}{word}{_RESET} ").replace(
            f"  {word}\n", f"  {code}{word}{_RESET}\n"
        )
    return line


def render_markdown(comparison: Comparison, *, symbols: bool = False, limit: int | None = None) -> str:
    """Tables of GitHub's Markdown."""
    from tabulate import tabulate  # 0.1 s

    out = []
    for block in _blocks(comparison, symbols=symbols, limit=limit):
        rows = [[_inert(cell) for cell in row] for row in block.rows]
        align = ["right" if side == "r" else "left" for side in block.align]
        heads = [_inert(head) for head in block.heads]
        body = (
            tabulate(rows, headers=heads, tablefmt="github", colalign=align, disable_numparse=True)
            if rows
            else ""
        )
        notes = "".join(f"- {_inert(note)}\n" for note in block.notes)
        out.append(f"#### {_inert(block.title)}\n\n{body}\n" + (f"\n{notes}" if notes else ""))
    return "\n".join(out)


_MARKS = str.maketrans({mark: "\\" + mark for mark in "\\`*_[]<>|#~&$"})


def _inert(text: str) -> str:
    """A name from a file says nothing to Markdown."""
    return text.translate(_MARKS)


def _blocks(comparison: Comparison, *, symbols: bool, limit: int | None) -> Iterator[_Block]:
    labels = [escape_terminal(label) for label in comparison.labels]
    if symbols:
        yield from _symbol_lists(comparison, labels, limit)
        return
    yield _Block("Builds", ["", *labels], _facts(comparison.files), "l" * (len(labels) + 1), [])
    parts = [[_part_name(row), *_part_cells(row)] for row in comparison.parts]
    yield _Block("What the files carry", ["bytes", *labels], parts, "l" + "r" * len(labels), [])
    yield _works(comparison, labels)
    yield _changes(comparison, labels)
    if any(row.bytes.count(row.bytes[0]) < len(row.bytes) for row in comparison.sizes.rows):
        yield _sizes(comparison, labels, limit)


# --- builds and parts ---


def _facts(files: Sequence[Info]) -> list[list[str]]:
    rows = [
        ("go version", [info.go_version or "-" for info in files]),
        ("build mode", [info.build_mode or "-" for info in files]),
        (
            "linked",
            [
                f"by {'Go' if info.linkmode == 'internal' else 'a C linker'}" if info.linkmode else "-"
                for info in files
            ],
        ),
        ("stripped", [info.stripped for info in files]),
        ("optimized", [{True: "yes", False: "no", None: "-"}[info.optimized] for info in files]),
    ]
    return [[name, *map(escape_terminal, cells)] for name, cells in rows]


def _part_name(row: PartRow) -> str:
    return f"  {row.name}" if row.within else row.name


def _part_cells(row: PartRow) -> list[str]:
    base = row.bytes[0] if row.present[0] else 0
    cells = [_bytes(row.bytes[0]) if row.present[0] else "-"]
    for there, size in zip(row.present[1:], row.bytes[1:], strict=True):
        if not there:
            cells.append("gone" if row.present[0] else "-")
        elif size == base and row.present[0]:
            cells.append(_SAME)
        else:
            cells.append(f"{_bytes(size)} {_change(base, size)}".rstrip())
    return cells


def _bytes(size: int | None) -> str:
    return "?" if size is None else human_bytes(size)


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return ""
    if not before:
        return "new"
    share = 100 * (after - before) / before
    return f"{share:+.1f}%" if abs(share) < 1000 else f"x{after / before:.0f}"


# --- what still works ---


def _works(comparison: Comparison, labels: list[str]) -> _Block:
    rows = [[row.consumer, *(verdict.answer for verdict in row.per_binary)] for row in comparison.works]
    notes: list[str] = []
    for row in comparison.works:
        reasons: dict[tuple[str, str], list[str]] = {}
        for label, verdict in zip(labels, row.per_binary, strict=True):
            if verdict.answer != "yes":
                reasons.setdefault((verdict.answer, verdict.why), []).append(label)
        for (answer, why), where in reasons.items():
            places = "everywhere" if len(where) == len(labels) else ", ".join(where)
            notes.append(f"{row.consumer}: {answer} ({places}): {escape_terminal(why)}")
    return _Block("What still works", ["", *labels], rows, "l" * (len(labels) + 1), notes)


# --- symbols ---


def _changes(comparison: Comparison, labels: list[str]) -> _Block:
    against = comparison.symbols.against
    rows = [
        ["kept", *(f"{sum(one.kept.values()):,}" for one in against)],
        ["lost", *(_counts(one.lost) for one in against)],
        ["gained", *(_counts(one.gained) for one in against)],
        ["resized", *(f"{one.resized:,}" for one in against)],
        ["moved", *(f"{one.moved:,}" for one in against)],
    ]
    notes = [
        f"{label}: {text}" for label, one in zip(labels[1:], against, strict=True) for text in _remarks(one)
    ]
    return _Block(f"Symbols against {labels[0]}", ["", *labels[1:]], rows, "l" * len(labels), notes)


def _counts(counts: Mapping[str, int]) -> str:
    whole = sum(counts.values())
    if not whole:
        return "0"
    kinds = ", ".join(
        f"{count:,} {kind}{'s' if count != 1 and kind != 'notype' else ''}" for kind, count in counts.items()
    )
    return kinds if len(counts) == 1 else f"{whole:,} ({kinds})"


def _remarks(one: AgainstBase) -> Iterator[str]:
    if one.shifts:
        told = sum(shift.symbols for shift in one.shifts)
        parts = [f"{_counts(shift.kinds)} by {shift.delta:+#x}" for shift in one.shifts]
        rest = (
            f"; {one.moved - told:,} by {one.distances - len(one.shifts):,} other distances"
            if told < one.moved
            else ""
        )
        yield f"moved: {'; '.join(parts)}{rest}"
    if not one.sizes_exact:
        yield "sizes are compared with the padding behind functions, since gopclntab has no others"


def _symbol_lists(comparison: Comparison, labels: list[str], limit: int | None) -> Iterator[_Block]:
    changes = comparison.symbols
    for title, rows in (("Lost", changes.lost), ("Gained", changes.gained), ("Resized", changes.resized)):
        ordered = sorted(rows, key=_weight)
        shown = ordered if limit is None else ordered[:limit]
        cells = [[row.kind, *map(_size, row.size, row.present), escape_terminal(row.name)] for row in shown]
        notes = [f"and {len(rows) - len(shown):,} more"] if len(shown) < len(rows) else []
        yield _Block(
            f"{title}: {len(rows):,}", ["kind", *labels, "name"], cells, "l" + "r" * len(labels) + "l", notes
        )


def _weight(row: ChangedSymbol) -> tuple[int, str]:
    sizes = [size or 0 for size in row.size]
    return -max(abs(size - sizes[0]) if row.present[0] else size for size in sizes), row.name


def _size(size: int | None, present: bool) -> str:
    return "-" if not present else "?" if size is None else f"{size:,}"


# --- sizes ---


def _sizes(comparison: Comparison, labels: list[str], limit: int | None) -> _Block:
    sizes = comparison.sizes
    changed = [row for row in sizes.rows if len(set(row.bytes)) > 1]
    shown = changed[: _GROUPS if limit is None else limit]
    cells = [_group_cells(row) for row in shown]
    whole = tuple(sum(row.bytes[at] for row in sizes.rows) for at in range(len(labels)))
    notes = [
        f"counted: {', '.join(sizes.kinds)}" + ("" if sizes.sizes_exact else ", functions with their padding")
    ]
    if len(shown) < len(changed):
        notes.append(f"and {len(changed) - len(shown):,} more (-n shows more)")
    rows = [*cells, ["(all)", *_sum_cells(whole)]]
    return _Block(f"What grew, by {sizes.by}", [sizes.by, *labels], rows, "l" + "r" * len(labels), notes)


def _group_cells(row: GroupRow) -> list[str]:
    return [escape_terminal(row.name), *_sum_cells(row.bytes)]


def _sum_cells(sizes: Sequence[int]) -> list[str]:
    base = sizes[0]
    return [f"{base:,}", *(_SAME if size == base else f"{size:,} ({size - base:+,})" for size in sizes[1:])]
