"""Reader of Linux ``perf.data`` recordings."""

from __future__ import annotations

from goinspect.profiles.perfdata.reader import read, sniff

__all__ = ["read", "sniff"]
