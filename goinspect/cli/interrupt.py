"""Ctrl-C while something records into our stdin."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["recorder_interrupted_first"]


@contextlib.contextmanager
def recorder_interrupted_first() -> Iterator[None]:
    """Leave the first Ctrl-C to the recorder: the terminal sends it to every program of a pipeline.

    `perf record … -o - | goinspect flame -` is stopped that way, and then is the time to draw. The second one is ours.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave_it(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, leave_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
