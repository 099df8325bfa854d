#!/usr/bin/env python3
"""Measure goinspect beside its peers: whole processes, runs taken in turns (A B A B), medians, ratios with their range.

CPU is user + system time of every process involved, from wait4; memory is the peak of one process. A peer that is
not installed is named and left out. Linux only. Exit code 1 when a target was missed.

    scripts/bench.py record /tmp/bench                    # a recording of 300,000 samples or more (perf, root)
    scripts/bench.py flame /tmp/bench/perf.data           # against perf script, and perf script | inferno
    scripts/bench.py pprof --megabytes 50                 # against go tool pprof -raw, and that with inferno
    scripts/bench.py pcln tests/fixtures/go1.27-piestripped/workload 0x49b71d --go "$(command -v go)"
    scripts/bench.py tables BIG [--goresym BIN_GO_1_24]   # lookups of 1, 1,000, 100,000 PCs; all functions; full decode
    scripts/bench.py scale BIG/perf.data                  # how the cost of flame grows with the recording
    scripts/bench.py symbols BIG OTHER                    # lists against go tool nm; compare of both; info
    scripts/bench.py text [/tmp/bench/perf.data] [--symbols BIG] [--inferno-dir DIR]   # folded stacks, perf script, tables
    scripts/bench.py report                               # size, first paint, zoom, search, switches, brush (Chromium)
    scripts/bench.py startup
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.benchmarks.binaries import bench_pcln, bench_startup, bench_symbols, bench_tables
from scripts.benchmarks.flames import bench_flame, bench_scale
from scripts.benchmarks.measuring import DEMO_WORKLOAD, BenchError, print_machine
from scripts.benchmarks.profiles import bench_pprof
from scripts.benchmarks.recording import WANTED_SAMPLES, record
from scripts.benchmarks.reports import bench_report
from scripts.benchmarks.texts import bench_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--goinspect", metavar="PATH", help="program under test (default: .venv, then PATH)")
    common.add_argument("--runs", type=int, help="measured runs of each (default: %(default)s)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    flame = commands.add_parser("flame", parents=[common], help="recording to SVG")
    flame.add_argument("recording", type=Path)
    flame.add_argument(
        "binary", type=Path, nargs="?", help="the recorded program (default: workload beside it)"
    )
    flame.add_argument(
        "--inferno-dir", type=Path, metavar="DIR", help="where inferno's programs are (default: PATH)"
    )
    flame.set_defaults(action=bench_flame, runs=5)

    scale = commands.add_parser("scale", parents=[common], help="growing recordings to SVG")
    scale.add_argument("recording", type=Path)
    scale.add_argument(
        "binary", type=Path, nargs="?", help="the recorded program (default: workload beside it)"
    )
    scale.set_defaults(action=bench_scale, runs=1)

    pprof = commands.add_parser("pprof", parents=[common], help="pprof profile to SVG")
    pprof.add_argument("--megabytes", type=int, default=20, help="of the profile (default: %(default)s)")
    pprof.add_argument("--go", default="go", metavar="PATH", help="a go command (default: %(default)s)")
    pprof.add_argument(
        "--inferno-dir", type=Path, metavar="DIR", help="where inferno's programs are (default: PATH)"
    )
    pprof.set_defaults(action=bench_pprof, runs=3)

    pcln = commands.add_parser("pcln", parents=[common], help="one PC to function and line")
    pcln.add_argument("binary", type=Path)
    pcln.add_argument("pc")
    pcln.add_argument(
        "--go", action="append", metavar="PATH", help="a go command; may be repeated (default: go)"
    )
    pcln.set_defaults(action=bench_pcln, runs=15)

    tables = commands.add_parser(
        "tables", parents=[common], help="batches of PCs, all functions, full decode"
    )
    tables.add_argument("binary", type=Path, help="a Go binary of 80 MB or more")
    tables.add_argument("--go", default="go", metavar="PATH", help="a go command (default: %(default)s)")
    tables.add_argument(
        "--goresym",
        type=Path,
        metavar="BIN",
        help="a binary that GoReSym (on PATH) can read: Go 1.24 or older",
    )
    tables.set_defaults(action=bench_tables, runs=7)

    symbols = commands.add_parser("symbols", parents=[common], help="symbols, compare, info")
    symbols.add_argument("binary", type=Path, help="a Go binary with 150,000 symbols or more")
    symbols.add_argument("other", type=Path, help="another build of it")
    symbols.add_argument("--go", default="go", metavar="PATH", help="a go command (default: %(default)s)")
    symbols.set_defaults(action=bench_symbols, runs=5)

    text = commands.add_parser(
        "text", parents=[common], help="folded stacks, text of perf script, tables of symbols"
    )
    text.add_argument("recording", type=Path, nargs="?", help="whose text is read; its program beside it")
    text.add_argument(
        "--symbols",
        type=Path,
        action="append",
        default=[],
        metavar="BIN",
        help="a big binary; may be repeated",
    )
    text.add_argument(
        "--inferno-dir", type=Path, metavar="DIR", help="where inferno's programs are (default: PATH)"
    )
    text.set_defaults(action=bench_text, runs=7)

    report = commands.add_parser("report", parents=[common], help="the HTML report in headless Chromium")
    report.set_defaults(action=bench_report, runs=20)

    startup = commands.add_parser("startup", parents=[common], help="goinspect --help")
    startup.set_defaults(action=bench_startup, runs=15)

    making = commands.add_parser("record", help="make a large recording of a stripped PIE")
    making.add_argument("directory", type=Path)
    making.add_argument("--binary", type=Path, default=DEMO_WORKLOAD, help="takes its running time in ms")
    making.add_argument("--samples", type=int, default=WANTED_SAMPLES, help="at least (default: %(default)s)")
    making.add_argument("--frequency", type=int, default=20_000, help="in Hz (default: %(default)s)")
    making.set_defaults(action=record)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    if sys.platform != "linux":
        print("bench: wait4 and perf figures are read as Linux gives them", file=sys.stderr)
        return 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed programs start from compiled modules
    print_machine()
    try:
        return 0 if options.action(options) else 1
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
