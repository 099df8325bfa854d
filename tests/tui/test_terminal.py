"""`goinspect flame --tui` in a real terminal: colours, signals, what is missing."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from tests.cli.runner import INTERRUPTIBLE, cli, environment, process
from tests.render.reports import STACKS

COLORS = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m")
KEPT, GIVEN_BACK = b"\x1b[?1049h", b"\x1b[?1049l"  # the other screen


# A session of its own has no terminal until it takes one.
_OWNED = "import fcntl, os, sys, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A process with a terminal of its own, and all that it wrote there."""

    def __init__(self, *arguments, stdin=None, **env):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x18\x00\x50\x00\x00\x00\x00\x00")  # 24 lines of 80
        self.child = subprocess.Popen(
            [sys.executable, "-c", _OWNED, *INTERRUPTIBLE, "flame", *map(str, arguments), "--tui"], stdin=slave if stdin is None else stdin, stdout=slave, stderr=slave,
            env=environment(TERM="xterm-256color", **env), start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.wrote = b""

    def until(self, text):
        """Read until this was written."""
        end = time.monotonic() + 30
        while text not in self.wrote:
            assert time.monotonic() < end, self.wrote
            self._read()

    def _read(self):
        if select.select([self.master], [], [], 1)[0]:
            try:
                self.wrote += os.read(self.master, 1 << 16)
            except OSError:  # it has ended
                return False
        return True

    def keys(self, text):
        os.write(self.master, text)

    def code(self):
        while self.child.poll() is None:
            self._read()
        while select.select([self.master], [], [], 0)[0] and self._read():
            pass
        return self.child.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.master)


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "a.folded"
    made.write_text(STACKS + "\n")
    return made


def test_colors_and_keys(path):
    with Terminal(path) as terminal:
        terminal.until(b"runtime.goexit")
        assert COLORS.search(terminal.wrote)
        terminal.keys(b"2")
        terminal.until(b"strings.Index")
        terminal.keys(b"q")
        assert terminal.code() == 0
        assert terminal.wrote.rindex(GIVEN_BACK) > terminal.wrote.rindex(KEPT)
        assert b"Traceback" not in terminal.wrote


def test_no_colors(path):
    with Terminal(path, NO_COLOR="1") as terminal:
        terminal.until(b"runtime.goexit")
        terminal.keys(b"\x03")
        assert terminal.code() == 130
        assert not COLORS.search(terminal.wrote)
        assert GIVEN_BACK in terminal.wrote


def test_ended_from_outside(path):
    with Terminal(path) as terminal:
        terminal.until(b"runtime.goexit")
        terminal.child.send_signal(signal.SIGTERM)
        assert terminal.code() == 143
        assert GIVEN_BACK in terminal.wrote


def test_a_profile_from_stdin(path):
    """Keys come from the terminal then."""
    with path.open("rb") as file, Terminal("-", stdin=file) as terminal:
        terminal.until(b"runtime.goexit")
        terminal.keys(b"q")
        assert terminal.code() == 0


def test_no_terminal(path):
    said = process("flame", path, "--tui")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "goinspect: --tui needs a terminal: --format top and tree are for files and pipes\n"


def test_without_the_extra(path):
    code = "import sys; sys.modules['textual'] = None; from goinspect.cli.app import main; sys.argv = ['goinspect', *sys.argv[1:]]; main()"
    said = subprocess.run(
        [sys.executable, "-c", code, "flame", path, "--tui"], capture_output=True, text=True, check=False, timeout=60, env=environment()
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr == "goinspect: --tui needs the extra: pip install 'goinspect[tui]'\n"


@pytest.mark.parametrize(
    "more", [["-o", "x"], ["--json"], ["--format", "html"], ["--http", "0"], ["--list-events"]]
)
def test_usage(path, more):
    said = cli("flame", path, "--tui", *more)
    assert said.code == 2
    assert "--tui" in said.err


def test_others_do_not_load_it(path):
    code = "import sys; from goinspect.cli.app import app; app(standalone_mode=False); print('textual' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code, "flame", path, "--format", "top"], capture_output=True, text=True, check=True, timeout=60, env=environment()
    )  # fmt: skip
    assert said.stdout.splitlines()[-1] == "False"
