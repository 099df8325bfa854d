"""Write tests/fixtures/*/types.txt.xz: what debug/dwarf of Go says of the types of each fixture that has DWARF.

    python3 scripts/build_type_oracles.py --goroot GOROOT

Each line has the address of a type's descriptor, reflect.Kind, bytes of a value and name. DWARF has the address as an
offset from runtime.types, which nm.txt.xz has. Goinspect takes no part.
"""

from __future__ import annotations

import argparse
import ast
import lzma
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"
MODES = ("exe", "pie")  # those that are not stripped


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--goroot", type=Path, required=True)
    go = parser.parse_args().goroot / "bin/go"
    with tempfile.TemporaryDirectory() as name:
        tool, binary = Path(name) / "dwarf_types", Path(name) / "workload"
        settings = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"}
        subprocess.run([go, "build", "-o", tool, HERE / "dwarf_types.go"], check=True, env=settings)
        version = subprocess.run(
            [go, "version"], check=True, capture_output=True, text=True, env=settings
        ).stdout
        for folder in sorted(path for mode in MODES for path in FIXTURES.glob(f"go1.*-{mode}")):
            binary.write_bytes(lzma.decompress((folder / "workload.xz").read_bytes()))
            rows = subprocess.run(
                [tool, binary], check=True, capture_output=True, text=True
            ).stdout.splitlines()
            nm = lzma.decompress((folder / "nm.txt.xz").read_bytes()).decode().splitlines()
            base = next(int(line.split("\t")[0], 16) for line in nm if line.endswith("\truntime.types"))
            lines = [
                f"# address, kind, size, name; debug/dwarf of {version.split()[2]}: scripts/dwarf_types.go"
            ]
            for row in rows:
                offset, kind, size, _tag, quoted = row.split("\t")
                if int(offset, 16):
                    lines.append(f"{int(offset, 16) + base:#x}\t{kind}\t{size}\t{ast.literal_eval(quoted)}")
            text = "\n".join(lines) + "\n"
            (folder / "types.txt.xz").write_bytes(
                lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
            )
            print(f"{folder.name}: {len(lines) - 1} types")
    return 0


if __name__ == "__main__":
    sys.exit(main())
