"""What tests of perf.data share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.profiles.perfdata import read
from tests.builders.perfdata import PerfData

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goinspect.profiles.base import Profile


@pytest.fixture
def load(tmp_path: Path) -> Callable[[PerfData | bytes], Profile]:
    def load(data: PerfData | bytes) -> Profile:
        path = tmp_path / "perf.data"
        path.write_bytes(data.build() if isinstance(data, PerfData) else data)
        return read(path)

    return load
