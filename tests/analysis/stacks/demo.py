"""The recording of the demo, folded with options."""

from __future__ import annotations

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.fold import fold
from goinspect.render.folded import render_folded
from tests.conftest import FIXTURES

BUILD = "go1.27-piestripped"
DIRECTORY = FIXTURES / BUILD
KALLSYMS = str(DIRECTORY / "kallsyms")
BINARY = str(DIRECTORY / "workload")


def folded(profile, **options):
    return fold(profile, FlameOptions(**{"binaries": [BINARY], "kallsyms": KALLSYMS} | options))


def lines(profile, **options):
    """Stack -> weight, as folded text tells."""
    text = render_folded(folded(profile, **options))
    return {
        tuple(line.rpartition(" ")[0].split(";")): int(line.rpartition(" ")[2]) for line in text.splitlines()
    }
