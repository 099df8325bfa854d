"""How many examples Hypothesis makes: the share GOINSPECT_EXAMPLES of what a test asks for (1 unless it is set)."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

SHARE = float(os.environ.get("GOINSPECT_EXAMPLES") or 1)


def examples(count: int, **options: Any) -> settings:
    """The settings of a test that wants so many examples, however slow the machine makes them."""
    return settings(max_examples=max(5, round(count * SHARE)), deadline=None, **options)
