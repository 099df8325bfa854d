"""Every test of DWARF runs twice: with entries read one by one, and in bulk wherever that is possible."""

from __future__ import annotations

import pytest

from goinspect.dwarf import columns


@pytest.fixture(autouse=True, params=["one by one", "in bulk"])
def engine(monkeypatch, request):
    monkeypatch.setattr(columns, "_OFTEN", 1 if request.param == "in bulk" else 1 << 62)
