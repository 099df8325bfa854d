"""pprof's own test files, where they are present: profiles open, everything else is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from goinspect.errors import UnrecognizedFormatError
from goinspect.profiles import open_profile

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("GOINSPECT_SHARED", ROOT.parent / "shared")) / "perfdata-samples" / "pprof"
FILES = sorted(path for path in SAMPLES.glob("*/*") if path.is_file())

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"no profiles of other projects in {SAMPLES} (set GOINSPECT_SHARED)"
)


@pytest.mark.parametrize("path", FILES or [Path()], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_opens_or_is_named(path):
    if path.name == "go.nomappings.crash":  # addresses without mappings
        profile = open_profile(path)
        assert profile.values.columns.tolist()[1] == [818615, 947340]
        return
    with pytest.raises(UnrecognizedFormatError) as found:
        open_profile(path)
    assert found.value.message.startswith("is ")
