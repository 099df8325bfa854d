"""Where the descriptors of Go's types are, as DWARF tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.dwarf.bulk.decode import numbers
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.dwarf.bulk.rows import Rows
    from goinspect.objfile.image import Image

__all__ = ["descriptors"]


def descriptors(image: Image, types: Rows, runtime_types: int | None) -> NDArray[np.uint64]:
    """The address of each type's descriptor; 0 where it has none, or none that can be believed.

    The attribute counts from ``runtime.types`` (seen in Go 1.12 to 1.27), but for uintptr, of which it is the address until
    Go 1.23. Which one it is shows in the descriptor: its first word is the size of a value (src/internal/abi/type.go,
    earlier src/runtime/type.go).

    Args:
        image: the file.
        types: its types.
        runtime_types: address of ``runtime.types``, None where it is not known.
    """
    out = np.zeros(len(types), dtype=np.uint64)
    left = np.flatnonzero((types.address > 0) & (types.size >= 0))
    if runtime_types is not None:
        found = left[_has_size(image, runtime_types, types.address[left], types.size[left])]
        out[found] = types.address[found] + np.uint64(runtime_types)
        left = left[out[left] == 0]
    bases = (0,) if runtime_types is None else (runtime_types, 0)
    for row in left.tolist():
        out[row] = _descriptor(image, int(types.address[row]), int(types.size[row]), bases)
    return out


def _has_size(
    image: Image, base: int, places: NDArray[np.uint64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether the word at each place behind `base` is the size; False for places outside of the segment."""
    try:
        data = image.tail(base)
    except GoinspectError:
        return np.zeros(len(places), dtype=np.bool_)
    inside = places < max(0, len(data) - image.ptrsize + 1)
    word = numbers(data, np.where(inside, places, 0).astype(np.int64), image.ptrsize, image.byteorder)
    found: NDArray[np.bool_] = inside & (word == sizes.astype(np.uint64))
    return found


def _descriptor(image: Image, place: int, size: int, bases: tuple[int, ...]) -> int:
    for base in bases:
        try:
            if int.from_bytes(image.read(base + place, image.ptrsize), image.byteorder) == size:
                return base + place
        except GoinspectError:
            continue
    return 0
