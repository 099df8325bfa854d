"""A Binary around a table that the builder wrote, or around one that a test damaged."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING

from goinspect.gosym.bulk.table import BulkTable

if TYPE_CHECKING:
    from goinspect.gosym.pclntab import PclnTable


class TableBinary:
    """What goinspect.analysis asks a Binary for, when there is no executable."""

    path = "table"
    warnings = ()

    def __init__(self, table: PclnTable) -> None:
        self.go = SimpleNamespace(
            table=table,
            build_info=None,
            header=table.header,
            found_by="test",
            text_from="test",
            gofunc_from="test",
            go_version=None,
            release_from="test",
        )

    @property
    def views(self) -> tuple[TableBinary, ...]:
        return (self,)

    @cached_property
    def bulk(self) -> BulkTable:
        return BulkTable(self.go.table)

    def bulk_frames(self, vaddrs, *, inlines=True, lines=True):
        return self.bulk.frames(vaddrs, inlines=inlines, lines=lines)
