"""What the C library is asked for, once, by commands that go through large data."""

from __future__ import annotations

import os

__all__ = ["keep_freed_memory"]

_BLOCK = 16 << 20  # bytes


def keep_freed_memory() -> None:
    """Let memory that was freed be used again rather than be given back and fetched anew, page by page.

    Arrays come and go, and glibc returns the end of its heap when 128 KiB of it are free: page faults took a tenth of the
    time. Once a larger block was freed it waits for twice as much (mallopt(3), M_MMAP_THRESHOLD). The block here is not
    written to, and so takes no memory. numpy asks for huge pages, which a machine that has run for a while has to make room for
    first: without them a large recording takes a fiftieth less, with labels and places a twelfth.
    """
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # read by numpy when it is loaded
    import numpy as np

    np.empty(_BLOCK, dtype=np.uint8)
