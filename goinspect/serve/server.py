"""The server: `http.server` of the standard library, which is enough for one page and one reader."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import socketserver
import sys
import threading
import webbrowser
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NoReturn

from goinspect.errors import FileError
from goinspect.serve.functions import Functions
from goinspect.serve.handler import Handler
from goinspect.serve.place import Place
from goinspect.serve.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect.api.flame import Opened
    from goinspect.render.outputs import DrawOptions
    from goinspect.serve.report import Asked

__all__ = ["Server", "listen", "run"]

_CONNECTIONS = 64  # at a time
_ENDED = 128 + signal.SIGTERM


class Server(ThreadingHTTPServer):
    """Listens at once, and answers when `report` and `functions` are there."""

    daemon_threads = True
    request_queue_size = _CONNECTIONS
    block_on_close = False
    report: Report
    functions: Functions

    def __init__(self, place: Place, family: socket.AddressFamily, address: Any) -> None:
        self.address_family = family
        super().__init__(address, Handler)
        found, port = self.server_address[:2]
        self.place = Place(place.host, port)
        self.is_local = ipaddress.ip_address(str(found).partition("%")[0]).is_loopback
        self._free = threading.BoundedSemaphore(_CONNECTIONS)

    @property
    def url(self) -> str:
        """Where the page is, for a browser of this machine."""
        everywhere = ipaddress.ip_address(str(self.server_address[0]).partition("%")[0]).is_unspecified
        return f"http://{self.place._replace(host='localhost') if everywhere else self.place}/"

    def server_bind(self) -> None:
        """Bind, without asking for the names of the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, unless there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer what comes from one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever goes away goes away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def listen(place: Place) -> Server:
    """A server that listens there.

    Raises:
        FileError: there is no such host, or one may not listen there.
    """
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise FileError("cannot listen there: no host is called so", path=str(place)) from None
    for family, _, _, _, address in found:
        try:
            return Server(place, family, address)
        except OSError as error:
            failure = error
    why = {
        errno.EADDRINUSE: "the port is in use (port 0 picks one that is free)",
        errno.EACCES: "no permission (ports below 1024 are the system's)",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }.get(failure.errno or 0, failure.strerror)
    raise FileError(f"cannot listen there: {why}", path=str(place))


def run(
    server: Server,
    asked: Asked,
    draw: DrawOptions,
    *,
    browser: bool,
    say: Callable[[str], None],
    tell: Callable[[str], None],
) -> None:
    """Serve the report until the process is interrupted.

    Args:
        server: from `listen`.
        asked: what to show.
        draw: how.
        browser: open one.
        say: is told the URL.
        tell: is told what else there is to say.

    Raises:
        GoinspectError: the profile cannot be read.
    """
    with server, _ended_by_signal():
        kept: list[Opened] = []

        def opening(path: str) -> Opened:
            opened = asked.opening(path)
            if not asked.files:
                kept.append(opened)
            return opened

        server.report = Report(asked._replace(opening=opening), draw, tell)
        server.functions = Functions(server.report, asked, kept[: len(asked.paths)])
        for warning in server.report.flame.warnings:
            tell(f"warning: {warning}")
        tell(server.report.flame.summary)
        say(server.url)
        if browser and _has_browser():
            threading.Thread(target=_open_browser, args=(server.url,), daemon=True).start()
        server.serve_forever(poll_interval=3600)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """SIGTERM ends the server as Ctrl-C does, in order."""

    def end(*_: object) -> NoReturn:
        raise SystemExit(_ENDED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _has_browser() -> bool:
    """Is there a place for a window? Without one `webbrowser` would run a browser of text in this terminal."""
    named = any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    return named or sys.platform == "darwin"


def _open_browser(url: str) -> None:
    with suppress(webbrowser.Error, OSError):
        webbrowser.open(url)
