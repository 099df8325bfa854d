"""How the tests ask goinspect for frames: one shape for both engines, so that answers can be compared."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from goinspect.gosym import inline
from goinspect.model import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goinspect.gosym.bulk.table import BulkTable
    from goinspect.gosym.pclntab import PclnTable

Chain = tuple[Frame, ...]


def pure_frames(table: PclnTable, pc: int) -> Chain:
    """Frames by the pure engine; () where no function holds `pc`."""
    index = table.find(pc)
    func = table.func(index) if index is not None else None
    return inline.expand(table, func, pc) if func is not None else ()


def bulk_frames(
    bulk: BulkTable, pcs: Iterable[int], *, inlines: bool = True, lines: bool = True
) -> list[Chain]:
    """The same for many PCs by the bulk engine."""
    found = bulk.frames(np.array(list(pcs), dtype=np.uint64), inlines=inlines, lines=lines)
    rows = [
        Frame(
            found.names[name],
            found.files[file] if file >= 0 else None,
            line if file >= 0 else None,
            inlined=inlined,
        )
        for name, file, line, inlined in zip(
            found.function.tolist(),
            found.file.tolist(),
            found.line.tolist(),
            found.inlined.tolist(),
            strict=True,
        )
    ]
    starts = found.start.tolist()
    assert starts[0] == 0
    assert starts[-1] == len(rows)
    assert all(
        line == 0 for file, line in zip(found.file.tolist(), found.line.tolist(), strict=True) if file < 0
    )
    return [tuple(rows[a:b]) for a, b in pairwise(starts)]


def without_lines(chain: Chain) -> Chain:
    return tuple(frame._replace(file=None, line=None) for frame in chain)
