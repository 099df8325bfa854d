"""Reader of Linux ``perf.data`` recordings."""

from __future__ import annotations

from goinspect.profiles.perfdata.reader import parse, read, sniff

__all__ = ["parse", "read", "sniff"]
