"""The vDSO of a machine's kernel, for recordings made under the same kernel; of a process, for its own addresses."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING

from goinspect.binary import Binary
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.analysis.recordings.machine import Machine

__all__ = ["own_vdso", "vdso_of"]

_LARGEST = 1 << 20


def own_vdso(machine: Machine) -> Binary | None:
    """The image that the kernel of `machine` has mapped into this process; None where there is none."""
    return vdso_of(machine.process("self"))


def vdso_of(process: Path) -> Binary | None:
    """The image that is mapped into the process with this directory in /proc; None where there is none to be read."""
    try:
        maps = (process / "maps").read_text("utf-8", "replace")
        match = re.search(r"^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$", maps, re.MULTILINE)
        if match is None:
            return None
        start, end = (int(part, 16) for part in match.groups())
        with (process / "mem").open("rb") as memory, tempfile.NamedTemporaryFile(prefix="vdso-") as file:
            memory.seek(start)
            file.write(memory.read(min(end - start, _LARGEST)))
            file.flush()
            return Binary(file.name)  # the file stays mapped when its name is gone
    except (OSError, ValueError, GoinspectError):
        return None
