"""The zstd module: of the standard library since Python 3.14, its backport before. Imported when something needs it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from goinspect.errors import UnsupportedError

__all__ = ["load_zstd"]


def load_zstd() -> Any:
    """The module `compression.zstd`, or the one that has its contents. Raises UnsupportedError when it is not there."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnsupportedError(f"compressed with zstd, which needs the module {name}") from None
