"""Functions, variables and types of a file as its DWARF tells them.

Only entries that stand for something in the program count: subprograms with code of their own (no inlined instance, no
abstract one, no declaration), variables whose location is one fixed address, types that have a name. DWARF 2-5; split
debug information (``.dwo``, ``dwz``) and type units of DWARF 4 are not followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.dwarf.sections import find_section

if TYPE_CHECKING:
    from goinspect.dwarf.bulk.rows import Rows
    from goinspect.dwarf.columns import DwarfColumns
    from goinspect.dwarf.records import DwarfSymbols
    from goinspect.objfile.image import Image

__all__ = ["read_columns", "read_symbols"]


def read_columns(image: Image) -> DwarfColumns | None:
    """Everything DWARF names, None when the file has no ``.debug_info``.

    None as well, and a warning of the image, for a relocatable file: what its debug sections refer to is only there when
    they have been relocated. Damage ends the unit it is in, and is told in ``warnings``.

    Raises:
        MalformedError: the sections contradict their headers or the format, or there are more than `MAX_SYMBOLS`.
        TruncatedError: a section ends within its own header.
        UnsupportedError: they are compressed in a way that this Python cannot undo.
    """
    if find_section(image, "info") is None:
        return None
    if image.type == "rel":
        image.warnings.append(
            "DWARF of relocatable files is not read: it needs relocations that are not applied"
        )
        return None
    from goinspect.dwarf import columns  # numpy: a summary does without

    return columns.read_columns(image)


def read_symbols(image: Image) -> DwarfSymbols | None:
    """The same with a list for each column. Raises as `read_columns`."""
    found = read_columns(image)
    if found is None:
        return None
    from goinspect.dwarf.bulk.rows import WORDS
    from goinspect.dwarf.records import DwarfFunctions, DwarfSymbols, DwarfTypes, DwarfVariables

    types = found.types
    return DwarfSymbols(
        found.units,
        DwarfFunctions(*_lists(found, found.functions)),
        DwarfVariables(*_lists(found, found.variables)),
        DwarfTypes(
            types.name, [WORDS[kind] for kind in types.kind.tolist()], _known(types.size.tolist()),
            [place or None for place in types.address.tolist()], types.unit.tolist(), *_places(found, types),
        ),
        found.warnings,
    )  # fmt: skip


def _lists(
    found: DwarfColumns, rows: Rows
) -> tuple[list[str], list[int], list[int | None], list[int], list[str | None], list[int | None]]:
    return (
        rows.name, rows.address.tolist(), _known(rows.size.tolist()), rows.unit.tolist(), *_places(found, rows),
    )  # fmt: skip


def _known(sizes: list[int]) -> list[int | None]:
    return [None if size < 0 else size for size in sizes]


def _places(found: DwarfColumns, rows: Rows) -> tuple[list[str | None], list[int | None]]:
    places = found.places(rows, range(len(rows)))
    return [file for file, _ in places], [line for _, line in places]
