"""Requests: who may ask, what there is, and how it is answered."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from goinspect.errors import GoinspectError
from goinspect.render.svg.labels import visible
from goinspect.serve.place import answers_to

if TYPE_CHECKING:
    from goinspect.serve.server import Server

__all__ = ["Handler"]

_HTML, _JSON, _TEXT = "text/html", "application/json", "text/plain"
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of the page, its state, and functions."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds without a word

    def do_GET(self) -> None:
        """Answer, or say why not."""
        refused = self._refused()
        if refused:
            self.close_connection = True
            self._fail(*refused)
            return
        url = urlsplit(self.path)
        if url.path == "/":
            page = self.server.report.page()
            self._send(HTTPStatus.OK, page.text, _HTML, f"{page.policy}; frame-ancestors 'none'")
        elif url.path == "/state":
            state = self.server.report.state()
            self._send_json(HTTPStatus.OK, state._replace(error=visible(state.error))._asdict())
        elif url.path in ("/function", "/code"):
            self._function(url.path, parse_qs(url.query))
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there are /, /state, /function?name=… and /code?name=…")

    do_HEAD = do_GET  # noqa: N815  # as http.server looks for it

    def _refused(self) -> tuple[HTTPStatus, str] | None:
        """Why this request is not answered."""
        hosts = self.headers.get_all("Host") or []
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request has no contents here"
        if len(hosts) != 1 or not self.path.startswith("/"):
            return HTTPStatus.BAD_REQUEST, "expected a path, and one Host"
        if not answers_to(hosts[0], self.server.place.host, is_local=self.server.is_local):
            return (
                HTTPStatus.FORBIDDEN,
                "no answers under this name: ask by the address that goinspect printed",
            )
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site", "none")
        visits = self.headers.get("Sec-Fetch-Mode") == "navigate"
        if origin not in (None, f"http://{hosts[0]}") or not (visits or site in ("none", "same-origin")):
            return HTTPStatus.FORBIDDEN, "no answers to pages of others"
        return None

    def _function(self, path: str, query: dict[str, list[str]]) -> None:
        names, version = query.get("name", []), query.get("version", [self.server.report.version])
        if len(names) != 1:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": "expected ?name=FUNCTION"})
            return
        if version != [self.server.report.version]:
            self._send_json(HTTPStatus.CONFLICT, {"error": "the recording was replaced: load the page again"})
            return
        try:
            functions = self.server.functions
            told = functions.json(names[0]) if path == "/function" else json.dumps(functions.code(names[0]))
            self._send(HTTPStatus.OK, told, _JSON, _NOTHING)
        except (GoinspectError, MemoryError) as error:
            # The page asks for what there may not be, which is no failure of it.
            status = HTTPStatus.NOT_FOUND if path == "/function" else HTTPStatus.OK
            self._send_json(status, {"error": visible(str(error) or "out of memory")})

    def _send_json(self, status: HTTPStatus, answer: dict[str, object]) -> None:
        self._send(status, json.dumps(answer), _JSON, _NOTHING)

    def _send(self, status: int, text: str, kind: str, policy: str, **more: str) -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)), **more}
        for name, value in (_HEADERS | {"Content-Security-Policy": policy} | headers).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What `http.server` refuses by itself, without a page that repeats what was asked."""
        del message, explain
        self.close_connection = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._fail(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered", Allow="GET, HEAD")
        else:
            self._fail(HTTPStatus(code), "this is no request that is answered")

    def _fail(self, status: HTTPStatus, why: str, **headers: str) -> None:
        self._send(status, f"{status.phrase}: {why}\n", _TEXT, _NOTHING, **headers)

    def version_string(self) -> str:
        """What answers are signed with."""
        return "goinspect"

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
