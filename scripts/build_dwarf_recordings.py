"""Record copies of stacks (``perf record --call-graph dwarf``) for tests/fixtures/recordings/dwarf-*.

The binaries are those of tests/fixtures/go1.*, and a program with C code of recordings/programs.tar.xz. What is true of a recording is in it: the frame pointers in the copies,
which tests follow without goinspect. For arm64, which is not recorded here, ``frame-sizes`` says by readelf how far the CFA is
from SP in the program of tests/fixtures/matrix. Needs Linux on x86-64, root, perf and readelf.

    sudo python3 scripts/build_dwarf_recordings.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.build_address_recordings import binary
from scripts.build_fixtures import FIXTURES, NEUTRAL, run, tool_environment, write_table, write_xz
from scripts.toolchains import fetch_toolchain
from tests.unpacked import unpack_tar

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
    Case("dwarf-cgo", "cgo", 4096, 499),
)


GO = "1.27.3"  # of which tests/fixtures/matrix has a build for arm64


def write_frame_sizes() -> None:
    """PC and CFA - SP at every place where it changes, from .debug_frame of a build with the same code."""
    go = fetch_toolchain(GO, NEUTRAL / "wheels", NEUTRAL) / "bin" / "go"
    AT.mkdir(parents=True, exist_ok=True)
    environment = tool_environment() | {"GOOS": "linux", "GOARCH": "arm64", "CGO_ENABLED": "0"}
    command = [
        str(go),
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags=-compressdwarf=false",
        "-o",
        str(AT / "twin"),
        ".",
    ]
    subprocess.run(command, cwd=FIXTURES / "matrix" / "src", env=environment, check=True)
    rows, end = [], 0
    for line in run(["readelf", "--debug-dump=frames-interp", str(AT / "twin")], cwd=AT).splitlines():
        if match := re.search(r" pc=[0-9a-f]+\.\.([0-9a-f]+)$", line):
            end = int(match[1], 16)
        elif (match := re.match(r"([0-9a-f]{16}) sp\+(\d+) ", line)) and int(match[1], 16) < end - 1:
            rows.append((f"{int(match[1], 16):x}", match[2]))
    out = OUT / "frame-sizes"
    out.mkdir(parents=True, exist_ok=True)
    write_table(
        out / "go1.27-linux-arm64.txt.xz", f"readelf --debug-dump=frames-interp, go{GO} (pc, CFA - SP)", rows
    )


def main() -> None:
    write_frame_sizes()
    unpack_tar(OUT / "programs.tar.xz", NEUTRAL / "programs", "cgo")  # of build_address_recordings.py
    for case in CASES:
        shutil.rmtree(AT, ignore_errors=True)
        (NEUTRAL / "programs").mkdir(parents=True, exist_ok=True)
        AT.mkdir(parents=True)
        shutil.copy2(binary(case.workload, NEUTRAL / "programs"), AT / "workload")
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(case.frequency), "--call-graph", f"dwarf,{case.size}",
                   "-o", "perf.data", "--", "env", "-i", "./workload", str(MILLISECONDS)]  # fmt: skip
        # Copies of a stack that reach its start hold the environment: there is none.
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
