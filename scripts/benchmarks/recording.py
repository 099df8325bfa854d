"""A large recording to measure with."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.benchmarks.measuring import DEMO_WORKLOAD, BenchError, find, output_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

WANTED_SAMPLES = 300_000
MAX_RATE = Path("/proc/sys/kernel/perf_event_max_sample_rate")
MAX_PERCENT = Path("/proc/sys/kernel/perf_cpu_time_max_percent")  # 0: never lower the rate while recording


def count_samples(recording: Path) -> int:
    found = re.search(r"SAMPLE events:\s+(\d+)", output_of("perf", "report", "--stats", "-i", recording))
    return int(found[1]) if found else 0


def limit_sampling(rate: str, percent: str) -> None:
    """Set both limits of the kernel. While the percentage is 0 it does not let the rate be changed."""
    MAX_PERCENT.write_text("25")
    MAX_RATE.write_text(rate)
    MAX_PERCENT.write_text(percent)


@contextlib.contextmanager
def sampling_unlimited(rate: int) -> Iterator[int]:
    """Lift the limits so far that `rate` is possible, and put them back; yields the rate that is possible."""
    before = MAX_RATE.read_text(), MAX_PERCENT.read_text()
    try:
        try:
            limit_sampling(str(max(rate, int(before[0]))), "0")
        except OSError as error:
            print(
                f"  the kernel's limits stay, and recording takes longer ({error}); as root: "
                f"sysctl kernel.perf_event_max_sample_rate={rate} kernel.perf_cpu_time_max_percent=0"
            )
        yield min(rate, int(MAX_RATE.read_text()))
    finally:
        with contextlib.suppress(OSError):
            limit_sampling(*before)


def record(options: argparse.Namespace) -> bool:
    perf = find("perf")
    if not perf:
        raise BenchError("recording needs perf")
    directory: Path = options.directory
    directory.mkdir(parents=True, exist_ok=True)
    program, recording = directory / DEMO_WORKLOAD.name, directory / "perf.data"
    shutil.copy2(options.binary, program)
    program.chmod(0o755)
    milliseconds = 3_000
    with sampling_unlimited(options.frequency) as frequency:
        for _ in range(6):
            recording.unlink(missing_ok=True)  # perf would keep it as perf.data.old
            what = f"-q -e cpu-clock -F {frequency} -g -m 16M".split()
            output_of(perf, "record", *what, "-o", recording, "--", program.resolve(), str(milliseconds))
            samples = count_samples(recording)
            print(f"  {milliseconds} ms at {frequency} Hz: {samples:,} samples", flush=True)
            if samples >= options.samples:
                break
            milliseconds = int(milliseconds * min(20, 1.1 * options.samples / max(samples, 1)))
        else:
            raise BenchError(f"{options.samples:,} samples not reached")
    with contextlib.suppress(OSError):
        shutil.copy2("/proc/kallsyms", directory / "kallsyms")
    print(f"  {recording}: {recording.stat().st_size / 1e6:.0f} MB; the program and kallsyms lie beside it")
    return True
