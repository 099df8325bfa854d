"""Machines that are not this one: what goinspect may learn from the machine it runs on is written down here.

The suite runs on `NOWHERE` (tests/conftest.py): whatever kernel, caches and files the real machine has, an answer is the
same. A test about such a machine makes it; one about the real one asks for it with `on`.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goinspect.analysis.recordings.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = Machine(Path("/nonexistent"), node="nowhere", release="0.0.0")
_VDSO = 0x10_0000  # low, so that the memory of the machine's own process is a small file


@contextmanager
def on(machine: Machine) -> Iterator[None]:
    """goinspect runs on `machine`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "goinspect.analysis.stacks.recording.this_machine",
            "goinspect.analysis.recordings.finder.this_machine",
            "goinspect.analysis.symbolize.spaces.this_machine",
        ):
            patch.setattr(name, lambda: machine)
        yield


def fake_machine(
    root: Path,
    *,
    node: str = "fake",
    release: str = "1.2.3",
    kernel: str = "",
    kallsyms: str = "",
    modules: str = "",
    vdso: bytes = b"",
) -> Machine:
    """A machine below `root` whose kernel has the build ID `kernel`."""
    for name in ("proc/self", "sys/kernel", "cache"):
        (root / name).mkdir(parents=True, exist_ok=True)
    note = b"\4\0\0\0" + (len(kernel) // 2).to_bytes(4, "little") + b"\3\0\0\0GNU\0" + bytes.fromhex(kernel)
    (root / "sys/kernel/notes").write_bytes(note if kernel else b"")
    (root / "proc/kallsyms").write_text(kallsyms)
    (root / "proc/modules").write_text(modules)
    maps = f"{_VDSO:08x}-{_VDSO + len(vdso):08x} r-xp 00000000 00:00 0                  [vdso]\n"
    (root / "proc/self/maps").write_text(maps if vdso else "")
    with (root / "proc/self/mem").open("wb") as memory:
        memory.seek(_VDSO)
        memory.write(vdso)
    return Machine(root, node, release, (root / "cache",))
