"""Columns of numbers in a document, for a script: deflated, in as few bytes as they need, behind a line of JSON."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["pack"]


def pack(head: dict[str, Any], columns: Mapping[str, NDArray[np.int64]], level: int) -> str:
    """A line of JSON with `head`, and the columns; `level`: how hard to compress (zlib)."""
    narrow = {name: _narrow(column) for name, column in columns.items()}
    told = [[name, column.dtype.str[1:], len(column)] for name, column in narrow.items()]
    squeeze = zlib.compressobj(level)
    line = json.dumps(head | {"columns": told}, separators=(",", ":"))
    packed = [squeeze.compress(line.encode("ascii") + b"\n")]
    packed += [squeeze.compress(column.tobytes()) for column in narrow.values()]
    return base64.b64encode(b"".join([*packed, squeeze.flush()])).decode("ascii")


def _narrow(column: NDArray[np.int64]) -> NDArray[Any]:
    """The same numbers, none of which is negative, little-endian in 1, 2 or 4 bytes; as floating point beyond."""
    most = int(column.max(initial=0))
    kinds = (("<u1", 1 << 8), ("<u2", 1 << 16), ("<u4", 1 << 32))
    return column.astype(next((kind for kind, end in kinds if most < end), "<f8"))
