"""Profiles straight from servers, as `go tool pprof` takes them from net/http/pprof."""

from __future__ import annotations

from goinspect.profiles.web.fetch import read_url

__all__ = ["read_url"]
