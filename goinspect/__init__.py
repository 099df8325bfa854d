"""goinspect: inspect Go executables and name every frame of a profile."""

from __future__ import annotations

__version__ = "0.1.0"
