"""Numbers that `perf script` printed, as addresses of the file that they belong to.

Depending on perf's version, and on where it prints them, they are file offsets or addresses at run time. The latter
are the file's own where it is loaded at a fixed address, and of no use otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.maps import file_offset_to_vaddr
from goinspect.profiles.base import UNPLACED_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.recordings.callsites import Agreement
    from goinspect.model import Mapping, Segment

__all__ = ["are_addresses", "is_unplaced", "to_vaddrs"]


def is_unplaced(mapping: Mapping) -> bool:
    """Is it not known where the file was mapped?"""
    return mapping.end == 0


def are_addresses(
    segments: Sequence[Segment],
    mapping: Mapping,
    numbers: NDArray[np.uint64],
    agreement: Callable[[NDArray[np.uint64], NDArray[np.bool_]], Agreement],
) -> bool:
    """Are the numbers of an unplaced mapping addresses, and not offsets? Of all versions of perf the newer print these.

    Args:
        segments: of the file.
        mapping: of all numbers.
        numbers: as printed.
        agreement: how far the locations fit the file, given their vaddrs and which of them have one.
    """
    if mapping[:2] == UNPLACED_ADDRESS:
        return True
    offsets, addresses = (
        agreement(*to_vaddrs(segments, numbers, addresses=addresses)).wrong for addresses in (False, True)
    )
    return addresses < offsets


def to_vaddrs(
    segments: Sequence[Segment], numbers: NDArray[np.uint64], *, addresses: bool
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Addresses of code in a file (0 where there is none), and where there is one."""
    if addresses:
        vaddrs, known = numbers, np.ones(len(numbers), dtype=np.bool_)
    else:
        vaddrs, known = file_offset_to_vaddr(segments, numbers)
    inside = np.zeros(len(numbers), dtype=np.bool_)
    for segment in segments:
        if segment.executable and segment.mem_size:
            start = np.uint64(segment.vaddr)
            inside |= known & (vaddrs >= start) & (vaddrs - start < np.uint64(segment.mem_size))
    return np.where(inside, vaddrs, np.uint64(0)), inside
