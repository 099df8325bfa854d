"""What the C library is asked for, once, by commands that go through large data."""

from __future__ import annotations

__all__ = ["keep_freed_memory"]

_BLOCK = 16 << 20  # bytes


def keep_freed_memory(block: int = _BLOCK) -> None:
    """Let memory that was freed be used again rather than be given back and fetched anew, page by page.

    Arrays come and go, and glibc returns the end of its heap when 128 KiB of it are free: page faults took a tenth of the
    time. Once a larger block was freed it waits for twice as much (mallopt(3), M_MMAP_THRESHOLD). The block here is not
    written to, and so takes no memory. 32 MiB are too many: from there on nothing is kept (DEFAULT_MMAP_THRESHOLD_MAX).
    """
    import numpy as np

    np.empty(block, dtype=np.uint8)
