"""What every answer of `goinspect pcln` says of the table it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.results.lines import PclntabInfo

if TYPE_CHECKING:
    from goinspect.binary import Binary

__all__ = ["pclntab_info"]


def pclntab_info(binary: Binary) -> PclntabInfo:
    """The header of the binary's gopclntab. Raises NotGoError."""
    go = binary.go
    header, table = go.header, go.table
    names = ("funcnametab", "cutab", "filetab", "pctab", "functab")
    parts = {name: getattr(header, name) for name in names}
    return PclntabInfo(
        generation=header.layout.generation,
        found_by=go.found_by,
        address=table.vaddr,
        text_start=table.text or table.entry(0),
        text_from=go.text_from,
        gofunc_from=go.gofunc_from or None,
        magic=header.layout.magic,
        byteorder=header.byteorder,
        quantum=header.quantum,
        ptrsize=header.ptrsize,
        nfunc=header.nfunc,
        nfiles=header.nfiles,
        size=len(table.data),
        layout=".".join(map(str, table.release.since)),
        layout_from=go.release_from,
        parts={name: offset for name, offset in parts.items() if offset > 0},
    )
