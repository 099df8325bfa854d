"""`perf record -o - … | goinspect flame -`: recordings that come while they are made, and Ctrl-C."""

from __future__ import annotations

import fcntl
import signal
import struct
import subprocess
import termios
import time

import pytest

from tests.builders import perfcontainers as pc
from tests.builders import perfdata as pd
from tests.cli.runner import INTERRUPTIBLE, environment


def recording() -> bytes:
    data = pd.PerfData().comm(10, 10, "prog").mmap2(10, 0x400000, 0x10000, 0, "/none/prog")
    for number in range(10):
        data.sample(pd.Sample(time=1000 + number, chain=(pd.MARK_USER, 0x401000, 0x402000)))
    return pc.pipe(data)


@pytest.fixture
def reading():
    """goinspect, which waits for the rest of a recording."""
    raw = recording()
    process = subprocess.Popen(
        [*INTERRUPTIBLE, "flame", "-", "--format", "folded", "--weight", "samples"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(raw[:200])
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while waiting(process.stdin.fileno()) and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process, raw[200:]
    process.kill()
    process.communicate()


def waiting(descriptor: int) -> int:
    """Bytes in a pipe that nobody has read."""
    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]


def test_recording_that_is_being_made(reading):
    process, rest = reading
    out, err = process.communicate(rest, timeout=60)
    assert (process.returncode, out) == (0, b"prog;[prog];[prog] 10\n")
    assert b"10 samples" in err


def test_ctrl_c_ends_the_recorder_first(reading):
    process, rest = reading
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    out, _ = process.communicate(rest, timeout=60)
    assert (process.returncode, out) == (0, b"prog;[prog];[prog] 10\n")


def test_ctrl_c_twice(reading):
    process, _ = reading
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
