"""Where a profile is on a server: what `go tool pprof` makes of a URL (adjustURL of cmd/pprof)."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

from goinspect.errors import QueryError

__all__ = ["Address", "address_of"]

_DEFAULT = "/debug/pprof/profile"
_PORTS = {"http": 80, "https": 443}
_KEPT = "%/:@!$&'()*+,;=~-._"  # of a path; all else is escaped
_LONGEST = 10**6  # seconds
_WAITS = 60.0  # seconds for an answer that is not said to take any


class Address(NamedTuple):
    """What to ask whom."""

    scheme: str
    host: str
    port: int
    target: str  # path and query
    user: str = ""  # and password, with a colon between

    @property
    def place(self) -> str:
        """Host and port, as in a URL; without the port that the scheme means."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """The URL, without user and password."""
        return f"{self.scheme}://{self.place}{self.target}"

    @property
    def seconds(self) -> int:
        """How long the server is asked to record, 0 where it is not."""
        found = dict(parse_qsl(urlsplit(self.target).query)).get("seconds", "")
        plain = found.isascii() and found.isdecimal() and len(found) <= len(str(_LONGEST))
        return min(int(found), _LONGEST) if plain else 0

    def patience(self, timeout: float | None) -> float:
        """Seconds to wait for the answer: half as long again as it takes."""
        return timeout or self.seconds * 1.5 or _WAITS

    def redirected(self, location: str) -> Address:
        """Where the server sends us. Raises QueryError: that is no URL of HTTP."""
        return address_of(urljoin(str(self), location))


def address_of(url: str, seconds: int | None = None) -> Address:
    """The address that a URL is.

    Args:
        url: beginning with ``http://`` or ``https://``.
        seconds: to record, in place of what the URL says.

    Raises:
        QueryError: it is not.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError as error:
        raise QueryError(f"no URL: {error}", path=_without_password(url)) from None
    if scheme not in _PORTS or not host:
        raise QueryError("expected http://HOST:PORT/PATH or https://…", path=_without_password(url))
    query = parts.query
    if seconds is not None:
        others = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "seconds"]
        query = urlencode([*others, ("seconds", str(seconds))])
    path = quote(parts.path if parts.path not in ("", "/") else _DEFAULT, safe=_KEPT)
    target = path + (f"?{quote(query, safe=_KEPT + '?')}" if query else "")
    user = unquote(parts.netloc.rpartition("@")[0])
    return Address(scheme, host, _PORTS[scheme] if port is None else port, target, user)


def _without_password(url: str) -> str:
    scheme, sign, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return scheme + sign + place.rpartition("@")[2] + slash + path
