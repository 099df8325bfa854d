"""Where to listen: ``[HOST:]PORT``, and whose names a browser may call it by."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import NamedTuple

from goinspect.errors import QueryError

__all__ = ["Place", "answers_to", "parse_place"]

_LOCAL = "127.0.0.1"
_MOST = 65535


class Place(NamedTuple):
    """A host and a port; 0: any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_place(text: str) -> Place:
    """``8080``, ``:8080``, ``localhost:0``, ``[::1]:8080``; without a host that of this machine alone.

    Raises:
        QueryError: it is none of these.
    """
    match = re.fullmatch(r"(?:(?:\[([^\[\]]*)\]|([^:\[\]]*)):)?([0-9]{1,5})", text.strip(), re.ASCII)
    if match is None or int(match[3]) > _MOST:
        raise QueryError(f"{text!r}: expected [HOST:]PORT, as 8080, localhost:0 or [::1]:8080")
    host = match[1] if match[1] is not None else match[2] or _LOCAL
    if match[1] is not None and not _is_literal(host):
        raise QueryError(f"{text!r}: no address of IPv6 is between the brackets")
    return Place(host, int(match[3]))


def answers_to(header: str, host: str, *, is_local: bool) -> bool:
    """Is that what a browser may call a server that was asked to listen on `host`?

    A name that is led to this address by its owner's DNS is not: his page must not read the profile. The port may be another
    one, that of a tunnel.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@]+)(?::[0-9]+)?", header, re.ASCII)
    if match is None:
        return False
    name = match[1].strip("[]").lower().removesuffix(".")
    if name in ("localhost", host.lower()):
        return True
    if not _is_literal(name):
        return False
    return not is_local or ipaddress.ip_address(name).is_loopback


def _is_literal(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False
