"""How much is tried: the share GOINSPECT_EXAMPLES of what a test asks for, of Hypothesis or of a program (1 unless set)."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

SHARE = float(os.environ.get("GOINSPECT_EXAMPLES") or 1)


def examples(count: int, **options: Any) -> settings:
    """The settings of a test that wants so many examples, however slow the machine makes them."""
    return settings(max_examples=max(5, round(count * SHARE)), deadline=None, **options)


def step(every: int = 1) -> int:
    """Of how many functions of a program one is looked at, where a test that has the time looks at one in `every`."""
    return max(every, round(every / SHARE))
