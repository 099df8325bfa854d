"""Of tests with many cases a part: the places of scripts/elsewhere.py share them, so that each case is run in two of four.

GOINSPECT_PART is ``1/2`` for the second half; unset, all are run.
"""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["left_out"]

MANY = 6  # cases of a test that is run whole


def left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """The cases that another place runs."""
    part = os.environ.get("GOINSPECT_PART")
    if not part:
        return []
    mine, of = map(int, part.split("/"))
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    many = [group for group in cases.values() if len(group) > MANY]
    return [
        item for group in many for number, item in zip(count(), group, strict=False) if number % of != mine
    ]
