"""Record copies of stacks (``perf record --call-graph dwarf``) for tests/fixtures/recordings/dwarf-*.

The binaries are those of tests/fixtures/go1.*. What is true of a recording is in it: the frame pointers in the copies,
which tests follow without goinspect. Needs Linux on x86-64, root and perf.

    sudo python3 scripts/build_dwarf_recordings.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.build_address_recordings import binary
from scripts.build_fixtures import FIXTURES, NEUTRAL, run, write_xz

OUT = FIXTURES / "recordings"
AT = NEUTRAL / "dwarf"
MILLISECONDS = 1200


class Case(NamedTuple):
    """A recording of a fixture's workload."""

    name: str
    workload: str
    size: int
    frequency: int


CASES = (
    Case("dwarf-go1.24-exe", "go1.24-exe", 8192, 299),
    Case("dwarf-go1.27-piestripped", "go1.27-piestripped", 8192, 299),
    Case("dwarf-cut", "go1.27-exe", 512, 499),
)


def main() -> None:
    for case in CASES:
        shutil.rmtree(AT, ignore_errors=True)
        (NEUTRAL / "programs").mkdir(parents=True, exist_ok=True)
        AT.mkdir(parents=True)
        shutil.copy2(binary(case.workload, NEUTRAL / "programs"), AT / "workload")
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(case.frequency), "--call-graph", f"dwarf,{case.size}",
                   "-o", "perf.data", "--", "./workload", str(MILLISECONDS)]  # fmt: skip
        # A UTS namespace of its own: the header of a recording holds the host name.
        script = 'echo fixture > /proc/sys/kernel/hostname && exec "$@"'
        run(["unshare", "--uts", "sh", "-c", script, "sh", *command], cwd=AT)
        out = OUT / case.name
        out.mkdir(parents=True, exist_ok=True)
        write_xz(out / "perf.data.xz", (AT / "perf.data").read_bytes())
        lines = [
            "Registers and copies of stacks, of which perf makes one user frame per sample", "",
            "Made by scripts/build_dwarf_recordings.py", run(["perf", "--version"]).strip(), "",
            f"cd {AT}", f"# workload is {case.workload}", " ".join(command),
        ]  # fmt: skip
        (out / "recipe.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(case.name, (out / "perf.data.xz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
