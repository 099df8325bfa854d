"""The recording of the demo, read once for each module."""

from __future__ import annotations

import pytest

from goinspect.profiles import open_profile
from tests.analysis.stacks.demo import DIRECTORY


@pytest.fixture(scope="module")
def profile():
    return open_profile(DIRECTORY / "perf.data")
