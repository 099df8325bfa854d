"""How to record, or to read, so that more is known: commands that follow from what a profile lacks."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from goinspect._words import be, counted
from goinspect.model import FrameKind
from goinspect.results.flame import OFF_CPU

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.flame import FlameProfile
    from goinspect.results.places import BinaryUse

__all__ = ["Advice", "advice"]

_FEW = 1000  # samples: an error of 3 % of all of them, of more of each part
_UNNAMED = 0.02  # of a kind of frames, that are worth a word


class Advice(NamedTuple):
    """What was found, what would help, and the commands."""

    found: str
    helps: str
    commands: tuple[str, ...]


def advice(profile: FlameProfile, path: str) -> list[Advice]:
    """What to do, the most useful first."""
    given = "perf.data" if path == "-" or "://" in path else shlex.quote(path)
    found = [*_binaries(profile, given)]
    if profile.recorded and not profile.profiled:
        found += [*_stacks(profile, given), *_kernel(profile, given), *_losses(profile)]
    return found


def _binaries(profile: FlameProfile, path: str) -> Iterator[Advice]:
    missing, refused = sorted(profile.missing), sorted(profile.refused)
    if missing:
        first = shlex.quote(missing[0])
        yield Advice(
            f"{counted(len(missing), 'binary', 'binaries')} not found: their frames have no names",
            "Give the file that ran; or a copy of the machine's file system, with the file at the path that was recorded; or "
            "put it beside the recording. perf archive, on the machine that recorded, packs all of them.",
            (
                f"goinspect flame {path} -b {_base(first)} -o report.html",
                f"goinspect flame {path} --symfs ROOT -o report.html",
                f"perf archive {path}",
            ),
        )
    if refused:
        yield Advice(
            f"{counted(len(refused), 'binary', 'binaries')} found and not used: not the one that ran, or it may not be",
            "Give the file that ran. What is given by hand is used, with a warning where its build ID is another one.",
            (f"goinspect flame {path} -b {_base(shlex.quote(refused[0]))} -o report.html",),
        )
    uses = profile.details.binaries if profile.details else ()
    files = [use for use in uses if use.path.startswith("/") and not use.path.startswith("//")]
    nameless = [use for use in files if not use.build_id and not use.kernel]
    if nameless and profile.recorded and not profile.profiled:
        yield Advice(
            f"{counted(len(nameless), 'binary', 'binaries')} recorded without a build ID",
            "With build IDs it is certain which file ran, also when it was replaced since, or perf was killed.",
            ("perf record --buildid-mmap -g …", "perf record --buildid-all -g …"),
        )


def _stacks(profile: FlameProfile, path: str) -> Iterator[Advice]:
    totals = profile.totals
    known = (
        not profile.missing and not profile.refused
    )  # without its binary a copy of a stack leads to no caller
    if known and totals.frames < 2 * totals.samples and profile.event != OFF_CPU:
        yield Advice("Most samples have no callers", "Record call chains.", ("perf record -g …",))
    if totals.cut_by_dump:
        yield Advice(
            f"{counted(totals.cut_by_dump, 'stack')} cut where the copy of the stack ends",
            "Copy more of each stack; or walk by frame pointers, which Go keeps and which has no such limit.",
            ("perf record --call-graph dwarf,65528 …", "perf record --call-graph fp …"),
        )
    cut = totals.truncated - totals.cut_by_dump
    if cut > 0:
        yield Advice(
            f"{counted(cut, 'stack')} cut at the recorder's limit of frames",
            "Let the kernel record deeper stacks. Of this recording, --repair puts cut stacks on the roots of whole ones.",
            (
                "sudo sysctl kernel.perf_event_max_stack=1024 && perf record --call-graph fp …",
                *(() if totals.repaired else (f"goinspect flame {path} --repair -o report.html",)),
            ),
        )
    if totals.hidden_callers:
        yield Advice(
            f"The caller of {counted(totals.hidden_callers, 'leaf', 'leaves')} is not known",
            "A walk by frame pointers passes over the caller of functions without a frame of their own; copies of stacks have it.",
            (
                "perf record --call-graph dwarf,16384 …",
                f"goinspect flame {path} --hidden-callers -o report.html",
            ),
        )


def _kernel(profile: FlameProfile, path: str) -> Iterator[Advice]:
    uses = profile.details.binaries if profile.details else ()
    kernel = [use for use in uses if use.kernel]
    if _unnamed(kernel) > _UNNAMED or any("kallsyms" in warning for warning in profile.warnings):
        yield Advice(
            "Not all frames of the kernel are named for certain",
            "Kernel symbols are those of the machine that recorded; it hides their addresses unless it is told not to.",
            (
                "sudo sysctl kernel.kptr_restrict=0 && perf record -g …",
                f"sudo cat /proc/kallsyms > kallsyms && goinspect flame {path} --kallsyms kallsyms -o report.html",
            ),
        )
    kinds = {frame.kind for frame in profile.stacks.frames}
    if profile.stacks.frames and FrameKind.KERNEL not in kinds and profile.event.endswith(":u"):
        yield Advice(
            "Only user space was recorded",
            "Let perf record the kernel, too.",
            ("sudo sysctl kernel.perf_event_paranoid=1 && perf record -g …",),
        )


def _unnamed(uses: list[BinaryUse]) -> float:
    frames = sum(use.frames for use in uses)
    return 1 - sum(use.named for use in uses) / frames if frames else 0.0


def _losses(profile: FlameProfile) -> Iterator[Advice]:
    totals = profile.totals
    if totals.lost:
        yield Advice(
            f"{counted(totals.lost, 'sample')} lost: perf did not read its buffer in time",
            "Take a larger buffer, or fewer samples a second.",
            ("perf record -m 16M -g …", "perf record -F 99 -g …"),
        )
    if totals.throttled:
        yield Advice(
            f"Sampling was throttled {counted(totals.throttled, 'time')}",
            "Take fewer samples a second, or let the kernel spend more time on them.",
            ("perf record -F 99 -g …", "sudo sysctl kernel.perf_cpu_time_max_percent=50"),
        )
    if 0 < totals.samples < _FEW and profile.event != OFF_CPU:
        yield Advice(
            f"There {be(totals.samples)} {counted(totals.samples, 'sample')}: small shares are uncertain",
            "Record for longer, or take more samples a second.",
            ("perf record -F 999 -g -p PID -- sleep 30",),
        )
    if totals.waits_stackless:
        yield Advice(
            f"{counted(totals.waits_stackless, 'wait')} without a stack",
            "Record the event of the switches themselves with call chains.",
            ("perf record -g -e sched:sched_switch --switch-events …",),
        )


def _base(path: str) -> str:
    quote = path[:1] if path[:1] in "'\"" else ""
    return f"{quote}./{path.rpartition('/')[2]}"
