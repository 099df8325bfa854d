"""Reader of what ``perf script`` prints."""

from __future__ import annotations

from goinspect.profiles.perfscript.grammar import sniff
from goinspect.profiles.perfscript.reader import parse, read

__all__ = ["parse", "read", "sniff"]
