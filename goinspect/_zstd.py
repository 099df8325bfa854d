"""The zstd module: of the standard library since Python 3.14, its backport before. Imported when something needs it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["load_zstd"]


def load_zstd() -> Any:
    """The module `compression.zstd`, or the one that has its contents."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
