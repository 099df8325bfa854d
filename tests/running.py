"""Go programs that run, for tests that look at processes: started, waited for, and stopped, so that nothing changes."""

from __future__ import annotations

import platform
import signal
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="runs programs for Linux on amd64"
)
_LONG = 30  # s
_AT_ENTRY = 9


def wait_for(what, pid: int) -> None:
    """Until `what` holds of a process."""
    end = time.monotonic() + _LONG
    while not what():
        assert time.monotonic() < end, f"process {pid} never came that far"
        time.sleep(0.005)


def state_of(pid: int) -> str:
    """Its letter in /proc."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _states(pid: int) -> list[str]:
    """Of its threads; of one that ends meanwhile a running one's."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found.append((task / "stat").read_text().rpartition(")")[2].split()[0])
        except OSError:
            found.append("R")
    return found


@contextmanager
def stopped(path: object, **options: object) -> Iterator[int]:
    """The PID of the fixtures' workload, which has begun to work and is stopped."""
    try:
        child = subprocess.Popen(
            [str(path), "600000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
        )
    except OSError as error:
        pytest.skip(f"programs cannot be started here: {error}")
    try:
        wait_for(lambda: len([*Path(f"/proc/{child.pid}/task").iterdir()]) >= 3, child.pid)
        child.send_signal(signal.SIGSTOP)
        wait_for(lambda: all(state in "Tt" for state in _states(child.pid)), child.pid)
        yield child.pid
    finally:
        child.kill()
        child.wait()


def load_bias(pid: int, path: Path) -> int:
    """By the auxiliary vector and the ELF header: where it starts less where it would."""
    data = Path(f"/proc/{pid}/auxv").read_bytes()
    entry = dict(struct.iter_unpack("QQ", data))[_AT_ENTRY]
    return entry - struct.unpack_from("<Q", path.read_bytes()[:64], 24)[0]
