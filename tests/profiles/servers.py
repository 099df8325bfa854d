"""Servers on this machine: of HTTP, answering by path, and one that sends whatever bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


class Served:
    """A server: where it is, and what it was asked, headers included."""

    def __init__(self, port: int, scheme: str) -> None:
        self.place = f"127.0.0.1:{port}"
        self.url = f"{scheme}://{self.place}"
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []


@contextmanager
def serving(
    answers: Callable[[BaseHTTPRequestHandler], None], context: ssl.SSLContext | None = None
) -> Iterator[Served]:
    """A server whose answers this function writes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            served.headers.append(dict(self.headers))
            answers(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:  # a client that goes away
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    served = Served(server.server_address[1], "https" if context else "http")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(
    handler: BaseHTTPRequestHandler,
    body: bytes = b"",
    status: int = 200,
    length: int | None = None,
    **headers: str,
) -> None:
    """Write an answer; names of headers with _ for -."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def sending(data: bytes) -> Iterator[Served]:
    """A server that sends these bytes, whatever it is asked, and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                asked = b""
                while b"\r\n\r\n" not in asked and (more := connection.recv(4096)):
                    asked += more
                connection.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Served(listening.getsockname()[1], "http")
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
