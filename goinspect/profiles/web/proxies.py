"""Which proxy the environment names for an address, as Go programs read it (golang.org/x/net/http/httpproxy)."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.profiles.web.address import Address

__all__ = ["proxy_for"]


def proxy_for(address: Address, environment: Mapping[str, str] = os.environ) -> str:
    """The URL of the proxy, "" where there is none: never for this machine itself, nor for what NO_PROXY names."""
    name = f"{address.scheme}_proxy"
    proxy = environment.get(name.upper()) or environment.get(name) or ""
    if not proxy or (address.scheme == "http" and environment.get("REQUEST_METHOD")):
        return ""  # in a CGI program HTTP_PROXY is what a client sent as the header Proxy
    without = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if _is_local(address.host) or any(_names(part, address) for part in without.split(",")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_local(host: str) -> bool:
    ip = _ip(host)
    return host == "localhost" or (ip is not None and ip.is_loopback)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _names(part: str, address: Address) -> bool:
    """Does this entry of NO_PROXY mean the address? It is a host, a domain or a network, or "*"."""
    part, host = part.strip().lower(), address.host.lower().rstrip(".")
    if part in ("", "*"):
        return part == "*"
    ip = _ip(host)
    if "/" in part:
        try:
            return ip is not None and ip in ipaddress.ip_network(part, strict=False)
        except ValueError:
            return False
    if _ip(part.strip("[]")) is None and part.rpartition(":")[2].isdecimal():
        part, _, port = part.rpartition(":")
        if int(port) != address.port:
            return False
    part = part.strip("[]").removeprefix("*")
    if ip is not None:
        return _ip(part) == ip
    return host.endswith(part) if part.startswith(".") else host == part or host.endswith(f".{part}")
