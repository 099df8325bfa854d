"""Names, sizes and types from DWARF. Knows no Go tables; what goes wrong in it spoils nothing else."""

from __future__ import annotations

from goinspect.dwarf.summary import DwarfSummary, summarize

__all__ = ["DwarfSummary", "summarize"]
