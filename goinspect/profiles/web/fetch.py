"""A profile from a server, over HTTP or HTTPS.

The standard library's http.client: what is asked is one GET, and every library above it would follow redirects, take
proxies and wait by rules of its own. Certificates are checked against those that OpenSSL trusts (SSL_CERT_FILE names others).
"""

from __future__ import annotations

import base64
import http.client
import io
import ssl
import zlib
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import FileError, QueryError, UnsupportedError
from goinspect.profiles.web.address import address_of
from goinspect.profiles.web.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

    from goinspect.profiles.base import NamedStacks, Profile
    from goinspect.profiles.web.address import Address

__all__ = ["read_url"]

_MOST = 1 << 30  # bytes
_CONNECTING = 20.0  # seconds to reach a server
_GRACE = 5.0  # seconds beyond the time that an answer takes
_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE = 1 << 16
_TEXT = 2000  # bytes of an error's text that are shown
_ENCODINGS = ("", "identity", "gzip", "x-gzip")  # compressed data is unpacked by its first bytes


def read_url(
    url: str,
    read: Callable[[BinaryIO, str], Profile | NamedStacks],
    *,
    seconds: int | None = None,
    timeout: float | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> Profile | NamedStacks:
    """The profile at a URL.

    Args:
        url: beginning with ``http://`` or ``https://``; without a path that of the CPU profile.
        read: makes a profile of a stream and a name.
        seconds: to record, in place of what the URL says.
        timeout: seconds to wait for the answer; half as long again as it is to record unless given, else a minute.
        tell: is called with the address, the seconds that are recorded, and how many bytes there are so far, as they come.

    Raises:
        FileError: the server cannot be reached, does not answer in time, or has no such profile.
        QueryError: that is no URL.
        UnsupportedError: it is too large.
        And what `read` does.
    """
    address = address_of(url, seconds)
    name = str(address)
    tell = tell or (lambda _name, _seconds, _size: None)
    tell(name, address.seconds, 0)
    answer, last = _followed(address, timeout)
    with closing(answer):
        _check(answer.response, str(last))
        body = _Body(answer, str(last), lambda size: tell(name, address.seconds, size))
        profile = read(io.BufferedReader(body, _PIECE), name)
    if last == address:
        return profile
    return replace(profile, warnings=(f"{name}: the server redirected to {last}", *profile.warnings))


class _Answer(NamedTuple):
    """A response, and how long it may be silent."""

    response: http.client.HTTPResponse
    patience: float
    connection: http.client.HTTPConnection

    def close(self) -> None:
        """Hang up."""
        self.response.close()
        self.connection.close()


def _followed(address: Address, timeout: float | None) -> tuple[_Answer, Address]:
    """The answer, and who gave it: where redirects lead."""
    asked = address
    for _ in range(_MOST_REDIRECTS + 1):
        answer = _ask(asked, address.patience(timeout))
        location = answer.response.getheader("Location")
        if answer.response.status not in _REDIRECTS or not location:
            return answer, asked
        answer.close()
        try:
            asked = asked.redirected(location)
        except QueryError as error:
            raise FileError(f"the server redirects to {error}", path=str(asked)) from None
    raise FileError(
        f"the server redirects more than {_MOST_REDIRECTS} times, at last to {asked}", path=str(address)
    )


def _ask(address: Address, patience: float) -> _Answer:
    headers = {"User-Agent": "goinspect", "Accept-Encoding": "gzip", "Connection": "close"}
    if address.user:
        headers["Authorization"] = _basic(address.user)
    patience = min(patience, 10**6) + _GRACE
    with _explained(address, patience):
        connection, target = _connection(address, headers)
        try:
            with _connecting(address):
                connection.connect()
            connection.sock.settimeout(patience)
            connection.request("GET", target, headers=headers)
            return _Answer(connection.getresponse(), patience, connection)
        except BaseException:
            connection.close()
            raise


def _basic(user: str) -> str:
    user = user if ":" in user else f"{user}:"
    return f"Basic {base64.b64encode(user.encode()).decode()}"


def _connection(address: Address, headers: dict[str, str]) -> tuple[http.client.HTTPConnection, str]:
    """Whom to connect to, and what to ask there: of a proxy the whole URL, or a tunnel."""
    proxy, secure = _proxy(address), address.scheme == "https"
    host, port = (proxy.host, proxy.port) if proxy else (address.host, address.port)
    if secure:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=_CONNECTING, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_CONNECTING)
    if proxy is None:
        return connection, address.target
    allowed = {"Proxy-Authorization": _basic(proxy.user)} if proxy.user else {}
    if secure:
        connection.set_tunnel(address.host, address.port, allowed)
        return connection, address.target
    headers.update(allowed)
    return connection, str(address)


def _proxy(address: Address) -> Address | None:
    url = proxy_for(address)
    if not url:
        return None
    if not url.lower().startswith("http://"):
        raise FileError(
            f"the proxy {url.partition('://')[0]}://… of the environment is not used: only http:// is",
            path=str(address),
        )
    return address_of(url)


@contextmanager
def _connecting(address: Address) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError:
        raise
    except TimeoutError:
        raise FileError(
            f"no connection to {address.place} within {_CONNECTING:.0f} s", path=str(address)
        ) from None
    except OSError as error:
        through = _proxy(address)
        way = f" through the proxy {through.place}" if through else ""
        why = error.strerror or str(error)
        raise FileError(f"no connection to {address.place}{way}: {why}", path=str(address)) from None


@contextmanager
def _explained(address: Address | str, patience: float) -> Iterator[None]:
    """What goes wrong while a server is talked to, in one line."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not trusted: {error.verify_message}"
    except ssl.SSLError as error:
        why = f"no TLS there: {error.reason or error}"
    except TimeoutError:
        why = f"no answer within {patience:.0f} s (--timeout waits longer)"
    except http.client.IncompleteRead:
        why = "the answer is cut off: the connection ended before it did"
    except (http.client.HTTPException, ValueError) as error:
        why = f"no answer in HTTP ({type(error).__name__}: {str(error)[:80]!r})"
    except OSError as error:
        why = f"the connection broke: {error.strerror or error}"
    else:
        return
    raise FileError(why, path=str(address)) from None


def _check(response: http.client.HTTPResponse, name: str) -> None:
    """Is this a profile that can be read? Raises FileError, UnsupportedError."""
    kind = response.headers.get_content_type()
    if response.status != http.client.OK:
        text = _text(response, name) if kind == "text/plain" else ""
        reason = f"{response.status} {response.reason}".strip()
        raise FileError(f"the server answers {reason}{': ' if text else ''}{text}"[:_TEXT], path=name)
    if kind == "text/html":
        raise FileError(
            "the server answers with a page, not a profile (net/http/pprof has them at /debug/pprof/profile, …/heap and so on)",
            path=name,
        )
    encoding = (response.getheader("Content-Encoding") or "").strip().lower()
    transfer = (response.getheader("Transfer-Encoding") or "").strip().lower()
    if encoding not in _ENCODINGS or transfer not in ("", "chunked"):
        raise UnsupportedError(
            f"the server sends it as {encoding or transfer}, which was not asked for", path=name
        )
    if (response.length or 0) > _MOST:
        raise _too_large(name)


def _too_large(name: str) -> UnsupportedError:
    return UnsupportedError(f"more than {_MOST >> 20} MiB are not fetched: save it to a file", path=name)


def _text(response: http.client.HTTPResponse, name: str) -> str:
    """What the server says, in one line."""
    with _explained(name, 0):
        data = response.read(_TEXT)
    if "gzip" in (response.getheader("Content-Encoding") or ""):
        try:
            data = zlib.decompressobj(31).decompress(data, _TEXT)
        except zlib.error:
            data = b""
    return " ".join(data.decode("utf-8", "backslashreplace").split())


class _Body(io.RawIOBase):
    """What a server sends, all of it or an error."""

    def __init__(self, answer: _Answer, name: str, tell: Callable[[int], None]) -> None:
        super().__init__()
        self._answer, self._name, self._tell = answer, name, tell
        self._expected, self._received = answer.response.length, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _explained(self._name, self._answer.patience):
            size = self._answer.response.readinto(buffer)
        self._received += size
        self._tell(self._received)
        if self._received > _MOST:
            raise _too_large(self._name)
        if not size and self._expected is not None and self._received < self._expected:
            raise FileError(
                f"the answer is cut off: {self._received:,} of {self._expected:,} bytes", path=self._name
            )
        return size
