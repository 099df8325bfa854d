"""Reader of pprof profiles: profile.proto, as Go programs and many other tools write it."""

from __future__ import annotations

from goinspect.profiles.pprof.reader import parse, read
from goinspect.profiles.pprof.sniffing import sniff

__all__ = ["parse", "read", "sniff"]
