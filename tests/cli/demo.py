"""The recording of the demo and its program, as arguments of commands."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.runner import cli
from tests.conftest import FIXTURES

FOLDER = FIXTURES / "go1.27-piestripped"
BINARY, RECORDING, KALLSYMS = FOLDER / "workload", FOLDER / "perf.data", FOLDER / "kallsyms"
MAPS = FIXTURES / "maps" / "workload.maps"
FLAME = ["flame", RECORDING, "--kallsyms", KALLSYMS]


def document(*args: object, **kwargs: Any) -> tuple[int, Any]:
    """Exit code and JSON of `goinspect pcln` about the program."""
    answer = cli("pcln", BINARY, *args, "--json", **kwargs)
    return answer.code, json.loads(answer.out)
