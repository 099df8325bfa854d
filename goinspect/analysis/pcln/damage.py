"""Which functions of a damaged table cannot be read: they are answered as far as they can be, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.gosym.bulk.table import BulkTable

__all__ = ["count_damaged"]


def count_damaged(bulk: BulkTable, funcs: NDArray[np.int64]) -> int:
    """How many of `funcs` have a name, a file or a line table that lies outside of the table."""
    table, header = bulk.table, bulk.table.header
    names_end = header.cutab - header.funcnametab if header.layout.has_cutab else len(table.data)
    bad = bulk.records.field(funcs, "name_off") >= names_end
    for name in ("pcsp", "pcfile", "pcln"):
        bad |= bulk.records.field(funcs, name) >= len(table.pctab)
    return int(np.count_nonzero(bad))
