"""goinspect: inspect Go executables and name every frame of a profile.

    >>> import goinspect
    >>> with goinspect.open("./server") as binary:                  # doctest: +SKIP
    ...     print(binary.info.go_version, len(binary.functions))
    ...     for frame in binary.frames(0x4a1c2d):
    ...         print(frame.function, frame.file, frame.line, frame.inlined)
    >>> flame = goinspect.flame("perf.data", focus="main")       # doctest: +SKIP
    >>> flame.save("flame.svg")                                     # doctest: +SKIP

docs/python.md shows what there is. Heavy libraries (numpy, lief, capstone, tabulate) are imported when something needs
them, never by this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Literal

    from goinspect.api.binary import Executable
    from goinspect.api.flame import Flame
    from goinspect.api.pgo import Pgo
    from goinspect.profiles.base import NamedStacks, Profile
    from goinspect.results.annotate import Annotation
    from goinspect.results.compare import Comparison
    from goinspect.results.processes.maps import MapReport
    from goinspect.results.processes.ps import ProcessList
    from goinspect.results.processes.symbolize import SymbolizeReport

__all__ = [
    "__version__",
    "annotate",
    "compare",
    "flame",
    "memory_map",
    "open",
    "open_profile",
    "pgo",
    "processes",
    "symbolize",
]

__version__ = "0.1.0"


def open(  # reads as goinspect.open(), like gzip.open()
    path: str | os.PathLike[str],
    *,
    arch: str | None = None,
    raw: bool = False,
    text_start: int | None = None,
) -> Executable:
    """Open an executable, an object, a core file, a process's memory; only headers are read now.

    Args:
        path: of the file; ``/proc/PID/mem`` opens the memory of a process.
        arch: which slice of a universal Mach-O file, by GOARCH.
        raw: the file is a bare gopclntab.
        text_start: the address of ``runtime.text``, in place of the one that the file gives.

    Raises:
        goinspect.errors.GoinspectError: it cannot be read, or is no executable.
    """
    from goinspect.api.binary import Executable

    return Executable(path, arch=arch, raw=raw, text_start=text_start)


def open_profile(path: str | os.PathLike[str], *, timeout: float | None = None) -> Profile | NamedStacks:
    """Read a recording (``perf.data``) or pprof profile, whose addresses are normalised and not named yet, or folded stacks.

    Args:
        path: of a file, or the URL of a profile.
        timeout: seconds to wait for the answer to a URL; by what it asks for unless given.

    Raises:
        goinspect.errors.GoinspectError: it cannot be read, or is no profile.
    """
    from goinspect.profiles import open_profile

    return open_profile(path, timeout=timeout)


def flame(
    path: str | os.PathLike[str],
    *more: str | os.PathLike[str],
    binaries: Sequence[str | os.PathLike[str]] = (),
    symfs: str | os.PathLike[str] | None = None,
    kallsyms: str | os.PathLike[str] | None = None,
    event: str | None = None,
    weight: str = "period",
    by: str = "process",
    pids: Sequence[int] = (),
    tids: Sequence[int] = (),
    comms: Sequence[str] = (),
    cpus: Sequence[int] = (),
    seconds: tuple[float | None, float | None] = (None, None),
    inlines: bool = True,
    kernel: bool = True,
    lines: bool = False,
    focus: str | None = None,
    ignore: str | None = None,
    hide: str | None = None,
    reverse: bool = False,
    unit: str | None = None,
    off_cpu: bool = False,
    repair: bool = False,
    hidden_callers: bool = False,
    restore: bool = True,
    labels: Sequence[tuple[str, str]] = (),
    timeout: float | None = None,
    diff: str | os.PathLike[str] | None = None,
    diff_absolute: bool = False,
    source: Sequence[str | os.PathLike[str]] = (),
) -> Flame:
    """Read a profile, name its frames and merge its stacks: what `goinspect flame` draws.

    Args:
        path: a recording of perf, a pprof profile, the text of perf script, or folded stacks; or the URL of one, as of
            net/http/pprof.
        more: further ones, which are added up.
        binaries: use these files for mappings with their build IDs or base names.
        symfs: look for binaries below this directory first.
        kallsyms: kernel symbols of the recorded machine.
        event: its name, or "#2" for the second; the first with samples unless given. Of a pprof profile: a sample type
            ("inuse_space"); its own default unless given, else the last.
        weight: "period" or "samples".
        by: what stands above stacks: "process", "thread", "comm", "cgroup", "container", "label:KEY" or "none".
        pids: only these processes; likewise `tids`, `comms` (names of threads) and `cpus`.
        tids: threads.
        comms: names of threads.
        cpus: processors.
        seconds: only from and to, counted from the first sample; None: no limit.
        inlines: frames for inlined calls.
        kernel: frames of the kernel.
        lines: file and line of each frame.
        focus: only stacks with a frame that this regular expression finds; `ignore`: without one.
        ignore: no such stacks.
        hide: no such frames.
        reverse: leaf first.
        unit: what folded stacks weigh.
        off_cpu: the time threads waited.
        repair: put cut stacks on the roots of whole ones.
        hidden_callers: a frame where a caller must be missing.
        labels: only samples of a pprof profile with these labels: keys, and regular expressions that find their values.
        restore: put callers in place that a walk by frame pointers passed over, where the machine code proves them.
        timeout: seconds to wait for the answer to a URL; by what it asks for unless given.
        diff: a profile to compare with: what the others' stacks weighed there is beside their weights.
        diff_absolute: weights are compared as they are, not per sample.
        source: directories with the source of frames, which the report (html) is to hold.

    Raises:
        goinspect.errors.GoinspectError: the profile cannot be read, or does not hold what is asked for.
    """
    from functools import partial

    from goinspect.analysis.options import FlameOptions
    from goinspect.api.flame import Flame, open_input

    def text(value: str | os.PathLike[str] | None) -> str | None:
        return None if value is None else str(value)

    options = FlameOptions(
        tuple(str(binary) for binary in binaries), text(symfs), text(kallsyms), event, weight, by, pids, tids, comms,
        cpus, seconds, inlines, kernel, lines, focus, ignore, hide, reverse, unit, off_cpu, repair, hidden_callers,
        restore, labels, source=tuple(map(str, source)),
    )  # fmt: skip
    return Flame.read(
        [str(path), *map(str, more)], options, opening=partial(open_input, timeout=timeout), diff=text(diff),
        absolute=diff_absolute,
    )  # fmt: skip


def annotate(
    path: str | os.PathLike[str],
    function: str | None = None,
    *,
    binaries: Sequence[str | os.PathLike[str]] = (),
    symfs: str | os.PathLike[str] | None = None,
    kallsyms: str | os.PathLike[str] | None = None,
    event: str | None = None,
    weight: str = "period",
    pids: Sequence[int] = (),
    tids: Sequence[int] = (),
    comms: Sequence[str] = (),
    cpus: Sequence[int] = (),
    seconds: tuple[float | None, float | None] = (None, None),
    inlines: bool = True,
    kernel: bool = True,
    focus: str | None = None,
    ignore: str | None = None,
    off_cpu: bool = False,
    repair: bool = False,
    restore: bool = True,
    syntax: Literal["go", "intel", "att", "gnu"] | None = None,
    source: Sequence[str | os.PathLike[str]] = (),
    timeout: float | None = None,
) -> Annotation:
    """A function's samples by line and by instruction: what `goinspect annotate` shows.

    Args:
        path: a recording of perf, or the text of perf script; or the URL of one.
        function: its name, or FILE:NAME; the one that most samples ended in unless given.
        binaries: as of `flame`, and so all up to `restore`.
        symfs: look for binaries below this directory first.
        kallsyms: kernel symbols of the recorded machine.
        event: its name, or "#2" for the second; the first with samples unless given.
        weight: "period" or "samples".
        pids: only these processes.
        tids: threads.
        comms: names of threads.
        cpus: processors.
        seconds: only from and to, counted from the first sample; None: no limit.
        inlines: inlined calls are functions of their own.
        kernel: the kernel's time is its own, not that of the instruction that entered it.
        focus: only stacks with a frame that this regular expression finds; `ignore`: without one.
        ignore: no such stacks.
        off_cpu: the time threads waited.
        repair: put cut stacks on the roots of whole ones.
        restore: put callers in place that a walk by frame pointers passed over, where the machine code proves them.
        syntax: in which instructions are written; None: Go's, where there is a writer for the architecture.
        source: directories whose lines are told with the instructions.
        timeout: seconds to wait for the answer to a URL; by what it asks for unless given.

    Raises:
        goinspect.errors.GoinspectError: the profile cannot be read, holds no addresses, or has no sample in the function.
    """
    from goinspect.analysis.options import FlameOptions
    from goinspect.api.annotate import annotation_of
    from goinspect.api.flame import open_input

    def text(value: str | os.PathLike[str] | None) -> str | None:
        return None if value is None else str(value)

    options = FlameOptions(
        binaries=tuple(str(binary) for binary in binaries), symfs=text(symfs), kallsyms=text(kallsyms), event=event,
        weight=weight, pids=pids, tids=tids, comms=comms, cpus=cpus, time=seconds, inlines=inlines, kernel=kernel,
        focus=focus, ignore=ignore, off_cpu=off_cpu, repair=repair, restore=restore,
    )  # fmt: skip
    folders = [str(folder) for folder in source]
    return annotation_of(
        open_input(str(path), timeout=timeout), options, function, syntax=syntax, source=folders
    )


def compare(*paths: str | os.PathLike[str], by: str = "package") -> Comparison:
    """Builds of a program side by side, the first one the base: what `goinspect compare` shows.

    Args:
        paths: two or more.
        by: what sizes are summed by: "package", "module", "section" or "kind".

    Raises:
        goinspect.errors.GoinspectError: one cannot be read.
        ValueError: fewer than two are given.
    """
    from goinspect.analysis.builds.compare import compare

    if len(paths) < 2:
        raise ValueError("two files or more are needed")
    return compare([open(path) for path in paths], by=by)


def pgo(
    path: str | os.PathLike[str],
    *more: str | os.PathLike[str],
    binaries: Sequence[str | os.PathLike[str]] = (),
    symfs: str | os.PathLike[str] | None = None,
    event: str | None = None,
    pids: Sequence[int] = (),
    tids: Sequence[int] = (),
    comms: Sequence[str] = (),
    cpus: Sequence[int] = (),
    seconds: tuple[float | None, float | None] = (None, None),
    labels: Sequence[tuple[str, str]] = (),
    check: str | os.PathLike[str] | None = None,
) -> Pgo:
    """A profile for ``go build -pgo`` of recordings of a Go program: what `goinspect pgo` writes.

    Args:
        path: a recording of perf, the text of perf script, or a pprof profile.
        more: further ones of any builds of the program, which are added up.
        binaries: use these files for mappings with their build IDs or base names; where one is a Go program, that is taken.
        symfs: look for binaries below this directory first.
        event: as of `flame`, and so all up to `labels`.
        pids: only these processes.
        tids: threads.
        comms: names of threads.
        cpus: processors.
        seconds: only from and to, counted from the first sample; None: no limit.
        labels: only samples of a pprof profile with these labels.
        check: another profile of the program, whose hot calls are compared.

    Raises:
        goinspect.errors.GoinspectError: a profile cannot be read, tells no lines, or is of another program than the first.
    """
    from goinspect.analysis.options import FlameOptions
    from goinspect.api.pgo import Pgo

    options = FlameOptions(
        binaries=tuple(str(binary) for binary in binaries), symfs=None if symfs is None else str(symfs), event=event,
        pids=pids, tids=tids, comms=comms, cpus=cpus, time=seconds, labels=labels,
    )  # fmt: skip
    return Pgo.read([str(path), *map(str, more)], options, check=None if check is None else str(check))


def memory_map(
    target: str | int | os.PathLike[str],
    *addresses: str | int,
    binaries: Sequence[str | os.PathLike[str]] = (),
    symfs: str | os.PathLike[str] | None = None,
    resident: bool | None = None,
) -> MapReport:
    """What is in the memory of a process: what `goinspect maps` shows.

    Args:
        target: a PID, or a saved ``/proc/PID/maps``, ``smaps`` or core file.
        addresses: numbers, or hexadecimal texts, to explain.
        binaries: use these files for mapped ones of their base names.
        symfs: look for mapped files below this directory first.
        resident: ask what is in memory; None: unless there are very many mappings.

    Raises:
        goinspect.errors.GoinspectError: there is no such process or file, or it tells of no memory.
    """
    from goinspect.api.processes import memory_map

    return memory_map(
        target if isinstance(target, int) else str(target), addresses, binaries=tuple(map(str, binaries)),
        symfs=None if symfs is None else str(symfs), resident=resident,
    )  # fmt: skip


def processes() -> ProcessList:
    """The Go programs that run on this machine: what `goinspect ps` lists."""
    from goinspect.api.processes import go_processes

    return go_processes()


def symbolize(
    addresses: Sequence[int],
    *,
    pid: int | None = None,
    maps: str | os.PathLike[str] | None = None,
    core: str | os.PathLike[str] | None = None,
    binaries: Sequence[str | os.PathLike[str]] = (),
    symfs: str | os.PathLike[str] | None = None,
    kallsyms: str | os.PathLike[str] | None = None,
    callers: bool = False,
) -> SymbolizeReport:
    """What lies at addresses: mapping, file offset, vaddr, and the frames there: what `goinspect symbolize` answers.

    Args:
        addresses: of the process of `pid`, `maps` or `core`; without these, of the one binary itself.
        pid: a process that lives.
        maps: a saved /proc/PID/maps.
        core: a core file.
        binaries: use these files for mappings with their build IDs or base names.
        symfs: look for files below this directory first.
        kallsyms: names of the kernel's functions.
        callers: they are return addresses: the frames are those of the calls before them.

    Raises:
        goinspect.errors.GoinspectError: what they belong to cannot be read, or is not given.
    """
    from goinspect.analysis.symbolize.names import symbolize
    from goinspect.analysis.symbolize.spaces import Source

    def text(value: str | os.PathLike[str] | None) -> str | None:
        return None if value is None else str(value)

    source = Source(pid, text(maps), text(core), tuple(map(str, binaries)), text(symfs), text(kallsyms))
    return symbolize(addresses, source, callers=callers)
