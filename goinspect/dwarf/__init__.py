"""Names, sizes and types from DWARF. Knows no Go tables; what goes wrong in it spoils nothing else."""

from __future__ import annotations

from goinspect.dwarf.summary import DwarfSummary, summarize
from goinspect.dwarf.symbols import read_columns, read_symbols

__all__ = ["DwarfSummary", "read_columns", "read_symbols", "summarize"]
