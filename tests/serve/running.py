"""`goinspect flame … --http`, as a process of its own, and how it is asked."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import NamedTuple

from tests.cli.runner import INTERRUPTIBLE, environment

__all__ = ["Reply", "Running", "running"]


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Running:
    """A server that has said its URL."""

    def __init__(self, child):
        self.child = child
        self.said = []  # before the URL, on stderr, is read when it has ended
        self.url = child.stdout.readline().strip()
        found = re.fullmatch(r"http://(.+):(\d+)/", self.url)
        assert found, (self.url, child.stderr.read())
        self.host, self.port = found[1].strip("[]"), int(found[2])

    def ask(self, path="/", method="GET", **headers):
        """A reply, by a connection of its own; names of headers with _ for -."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request(
                method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.getheaders()), reply.read().decode())
        finally:
            connection.close()

    def until(self, path, holds):
        """Ask until the reply is as expected."""
        for _ in range(200):
            reply = self.ask(path)
            if holds(reply.text):
                return reply
            time.sleep(0.05)
        raise AssertionError(reply)

    def end(self, number=signal.SIGINT):
        """Exit code and stderr."""
        self.child.send_signal(number)
        out, err = self.child.communicate(timeout=20)
        assert out == ""
        return self.child.returncode, err


@contextmanager
def running(*arguments, stdin=None, browser=None, **env):
    """Serve at a free port; `browser`: a program that is to be opened in place of none."""
    command = [*INTERRUPTIBLE, "flame", *map(str, arguments), *([] if browser else ["--no-browser"])]
    if "--http" not in command:
        command += ["--http", "0"]
    with subprocess.Popen(
        command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(**env, **({"BROWSER": str(browser)} if browser else {})),
    ) as child:  # fmt: skip
        try:
            yield Running(child)
        finally:
            if child.poll() is None:
                child.kill()
