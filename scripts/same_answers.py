"""Do two states of the code give the same answers? For changes that are not meant to change any.

    git worktree add /tmp/before COMMIT
    .venv/bin/python scripts/same_answers.py /tmp/before . [--keep DIR] [--only TEXT]

Runs several hundred commands over all fixtures of this checkout, with the package of either state, and compares to the
byte what they print, what they complain of, and how they exit. Differences are listed; `--keep` keeps both answers.
Exit code 1 if there are any. The Python it runs with needs goinspect's dependencies.
"""

from __future__ import annotations

import argparse
import itertools
import lzma
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

BINARY = (
    "info {0}", "info --json {0}", "info --format go-version {0}",
    "pcln {0}", "pcln --header --json {0}", "pcln --functions {0}", "pcln --functions --json {0}",
    "pcln --sizes --by package {0}", "pcln --inlined-only {0}", "pcln {0} main.main", "pcln --json {0} main.main",
    "pcln {0} main.go:30", "pcln --lines main.main {0}", "pcln --format addr2line {0} 401000 49b5a0",
    "symbols {0}", "symbols --json {0}", "symbols --format nm {0}", "symbols --format csv {0}", "symbols --format folded {0}", "symbols --format html {0}",
    "symbols --by package {0}", "symbols --by module {0}", "symbols --by section {0}", "symbols --by kind {0}",
    "symbols --kind type --sort size -n 20 {0}", "symbols --filter main {0}",
    "disasm {0} main.main", "disasm --syntax intel --bytes {0} main.main", "disasm --json {0} runtime.memequal",
    "calls {0} main.main --depth 2", "calls --json {0} runtime.memequal --callers", "calls --format dot {0} main.main",
    "probe {0} main.main", "probe --json {0} runtime.mallocgc", "probe --format bpftrace {0} main.main",
)  # fmt: skip
RECORDING = (
    "flame {0} --format folded -o -", "flame {0} --format folded --annotate --lines -o -", "flame {0} --format svg -o -",
    "flame {0} --format json -o -", "flame {0} --format top -o -", "flame {0} --format svg --reverse --inverted -o -",
    "flame {0} --format folded --no-inline --no-kernel -o -", "flame {0} --format folded --by thread --weight samples -o -",
    "flame {0} --format folded --focus main --hide runtime -o -", "flame {0} --format folded --hidden-callers --repair -o -",
    "flame --diff {0} {0} --format folded -o -", "flame --diff {0} {0} --format svg -o -",
    "flame {0} --format folded --off-cpu -o -", "flame {0} --list-events", "flame {0} --format svg --min-width 3 -o -",
    "flame {0} --format folded --by comm --time 10%-60% -o -", "flame {0} --format folded --no-restore --lines -o -",
    "flame {0} --format html -o -", "flame {0} --format collapsed -o -", "flame {0} --format tree -o -", "flame {0} --format speedscope -o -",
    "flame {0} --format cpuprofile -o -", "annotate {0}", "annotate --json --min 0 {0}", "pgo {0} -o /dev/null", "pgo {0} -o /dev/null --json",
)  # fmt: skip
PAIR = (
    "compare {0} {1}",
    "compare --json {0} {1}",
    "compare --symbols --by package {0} {1}",
    "compare --format markdown {0} {1}",
    "compare --format html {0} {1}",
)
GENERAL = (
    "--help",
    "flame --help",
    "pgo --help",
    "pcln --help",
    "symbols --help",
    "info --help",
    "compare --help",
    "disasm --help",
    "calls --help",
    "probe --help",
    "annotate --help",
    "flam",
    "--version",
)


def unpack(folder: Path) -> None:
    """All fixtures below `folder`, as plain files."""
    source = ROOT / "tests/fixtures"
    for path in sorted(source.rglob("*")):
        place = folder / path.relative_to(source)
        if path.name.endswith(".tar.xz"):
            unpack_tar(path, place.with_name(path.name.removesuffix(".tar.xz")))
        elif path.suffix == ".xz":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        elif path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return (
            file.read(4) in (b"\x7fELF", b"MZ\x90\x00", b"\xcf\xfa\xed\xfe", b"\0asm") and path.name != "src"
        )


def commands(folder: Path) -> Iterator[str]:
    """Every command, of paths below `folder`."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    binaries = [path for path in files if is_binary(folder / path)]
    recordings = [path for path in files if path.name.endswith("perf.data")]
    recordings += [path for path in files if path.name.endswith((".pprof", ".pb.gz"))]
    recordings += sorted({path.parent for path in files if path.parent.name == "perf.data"})
    texts = [
        path
        for path in files
        if path.name == "script.txt" or ("printed" in path.parts and path.suffix == ".txt")
    ]
    yield from GENERAL
    for path in binaries:
        yield from (command.format(path) for command in BINARY)
    for one, other in itertools.pairwise(binaries):
        yield from (command.format(one, other) for command in PAIR)
    for path in [*recordings, *texts]:
        kallsyms = path.with_name("kallsyms")
        more = f" --kallsyms {kallsyms}" if kallsyms in files else ""
        yield from (command.format(path) + more for command in RECORDING)


def answer_all(checkout: Path, out: Path) -> None:
    """Answer the commands on stdin with the package of `checkout`; a file each below `out`."""
    sys.path[0] = str(checkout)
    import click
    from typer.testing import CliRunner

    import goinspect
    from goinspect.cli.app import app

    assert Path(goinspect.__file__).is_relative_to(checkout), goinspect.__file__
    for line in sys.stdin.read().splitlines():
        number, _, command = line.partition(" ")
        result = CliRunner().invoke(app, command.split(" "), env={"COLUMNS": "200"}, prog_name="goinspect")
        failure = (
            result.exception if not isinstance(result.exception, SystemExit | click.ClickException) else None
        )
        text = f"{result.exit_code}\n{result.stderr}\n{failure or ''}\n{result.stdout}"
        (out / number).write_text(text, "utf-8", errors="surrogateescape")


def run_all(checkout: Path, fixtures: Path, lines: list[str], out: Path) -> None:
    """Two processes, half of the commands each."""
    out.mkdir()
    workers = []
    for half in (lines[::2], lines[1::2]):
        worker = subprocess.Popen(
            [sys.executable, __file__, "--answer", checkout.resolve(), out], stdin=subprocess.PIPE, text=True, cwd=fixtures
        )  # fmt: skip
        workers.append((worker, half))
    for worker, half in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n".join(half))
        worker.stdin.close()
    if any(worker.wait() for worker, _ in workers):
        sys.exit(f"{checkout}: could not answer")


def main() -> None:
    if sys.argv[1:2] == ["--answer"]:
        answer_all(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--keep", type=Path, help="keep the answers that differ in this directory")
    parser.add_argument("--only", default="", help="only commands that contain this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        fixtures = Path(scratch) / "fixtures"
        unpack(fixtures)
        asked = [command for command in commands(fixtures) if options.only in command]
        lines = [f"{number} {command}" for number, command in enumerate(asked)]
        for name, checkout in (("before", options.before), ("after", options.after)):
            run_all(checkout, fixtures, lines, Path(scratch) / name)
        differing = []
        for number, command in enumerate(asked):
            one, other = (Path(scratch) / name / str(number) for name in ("before", "after"))
            if one.read_bytes() != other.read_bytes():
                differing.append(command)
                print(f"differs: goinspect {command}")
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(one, options.keep / f"{number}.before")
                    shutil.copyfile(other, options.keep / f"{number}.after")
    print(f"{len(asked):,} commands, {len(differing):,} answers differ")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
