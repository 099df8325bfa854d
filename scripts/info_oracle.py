"""Write tests/analysis/builds/info_oracle.json: what the go command and readelf say of every binary among the fixtures.

    python3 scripts/info_oracle.py [--go GO]

GO is the go command, 1.26 or later (the one on PATH). goinspect takes no part.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent.parent / "tests"
FIXTURES = TESTS / "fixtures"
PATTERNS = {
    "class": r"Class:\s+ELF(\d+)",
    "byteorder": r"Data:.*(little|big) endian",
    "type": r"Type:\s+(\w+)",
    "entry": r"Entry point address:\s+(0x[0-9a-f]+)",
    "interpreter": r"Requesting program interpreter: (.*)\]",
    "gnu_build_id": r"Build ID: ([0-9a-f]+)",
}


def binaries(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name, unpacked file) of every binary."""
    for directory in sorted(FIXTURES.glob("go1.*")):
        packed, plain = directory / "workload.xz", directory / "workload"
        if packed.exists():
            plain = folder / directory.name
            plain.write_bytes(lzma.decompress(packed.read_bytes()))
        yield directory.name, plain
    for archive in sorted((FIXTURES / "matrix").glob("*.tar.xz")):
        unpack_tar(archive, folder / "matrix")
    for directory in sorted((folder / "matrix").iterdir()):
        yield f"matrix/{directory.name}", directory / "workload"


def run(*command: str | Path) -> str:
    env = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "LC_ALL": "C"}
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False, env=env)
    return done.stdout.decode() if done.returncode == 0 else ""


def answer(go: str, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {
        "go_version_m": run(go, "version", "-m", path).partition(": ")[2],
        "go_build_id": run(go, "tool", "buildid", path).strip(),
        "size": path.stat().st_size,
    }
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return found
    text = run("readelf", "-hlnW", path)
    found["elf"] = {key: match[1] if (match := re.search(pattern, text)) else None
                    for key, pattern in PATTERNS.items()}  # fmt: skip
    found["elf"]["libraries"] = re.findall(r"Shared library: \[(.*)\]", run("readelf", "-dW", path))
    found["elf"]["sections"] = {
        name: int(size, 16)
        for name, size in re.findall(r"\] (\S+)\s+[A-Z_]+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", run("readelf", "-SW", path))
    }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--go", default="go")
    go = parser.parse_args().go
    with tempfile.TemporaryDirectory() as folder:
        answers = {name: answer(go, path) for name, path in binaries(Path(folder))}
    output = TESTS / "analysis" / "builds" / "info_oracle.json"
    output.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    print(f"{output}: {len(answers)} binaries")


if __name__ == "__main__":
    main()
