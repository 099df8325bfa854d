"""Options of commands that read profiles, in groups; see `groups`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import click
import typer

from goinspect.cli.options import JsonOption, OutputOption, QuietOption, VerboseOption
from goinspect.render.outputs import OUTPUTS

if TYPE_CHECKING:
    from goinspect.api.flame import FlameOptions, TimeBound

__all__ = [
    "Files",
    "Form",
    "Frames",
    "Input",
    "Picture",
    "Samples",
    "Selection",
    "Shape",
    "Talk",
    "moments",
    "options_of",
    "samples_of",
]


class Weight(StrEnum):
    """What a sample counts for."""

    period = "period"
    samples = "samples"


_BY = ("process", "thread", "comm", "cgroup", "container", "none")
_LABEL = "label:"


def _by(value: str) -> str:
    """Check a word for a root frame, or the label that stands for one."""
    if value in _BY or (value.startswith(_LABEL) and value != _LABEL):
        return value
    raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, _BY))} or '{_LABEL}KEY'.")


# Where binaries are.
_Binaries = Annotated[
    list[str] | None,
    typer.Option(
        "--binary",
        "-b",
        metavar="PATH",
        show_default=False,
        help="Use this file for mappings with its build ID or base name; or an archive of `perf archive` (repeatable).",
    ),
]
_Symfs = Annotated[
    str | None,
    typer.Option(
        "--symfs", metavar="DIR", help="Look for binaries below this directory first.", show_default=False
    ),
]


class Input(NamedTuple):
    """How a profile is read and named."""

    binary: _Binaries = None
    symfs: _Symfs = None
    kallsyms: Annotated[
        str | None,
        typer.Option(
            "--kallsyms", metavar="FILE", help="Kernel symbols of the recorded machine.", show_default=False
        ),
    ] = None
    seconds: Annotated[
        int | None,
        typer.Option(
            "--seconds",
            metavar="N",
            min=1,
            max=100_000,
            help="Of a URL: how long the server is to record, in place of seconds=N in the URL.",
            show_default=False,
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            max=100_000,
            help="Of a URL: how long to wait for the answer; default: half as long again as it is to record, else 60.",
            show_default=False,
        ),
    ] = None


class Files(NamedTuple):
    """Where binaries are, for what the kernel has no part in."""

    binary: _Binaries = None
    symfs: _Symfs = None


class Form(NamedTuple):
    """What to write, and where."""

    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            click_type=click.Choice([output.name for output in OUTPUTS]),
            help="Default: by the suffix of -o, else svg. html is a report in one file: flame graph, table, callers and callees, search.",
            show_default=False,
        ),
    ] = None
    json: JsonOption = False
    output: OutputOption = None


# Which samples.
_Event = Annotated[
    str | None,
    typer.Option(
        "--event",
        "--sample-type",
        metavar="TEXT",
        help="Event, or sample type of a pprof profile, to draw: a name or #2, the second of --list-events; default: the first with samples; of pprof the profile's own default, else the last.",
        show_default=False,
    ),
]
_Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="KEY=REGEX",
        help="Only samples of a pprof profile with this label (repeatable: with all of them).",
        show_default=False,
    ),
]
_Pids = Annotated[
    list[int] | None, typer.Option("--pid", help="Only this process (repeatable).", show_default=False)
]
_Tids = Annotated[
    list[int] | None, typer.Option("--tid", help="Only this thread (repeatable).", show_default=False)
]
_Comms = Annotated[
    list[str] | None,
    typer.Option("--comm", help="Only threads of this name (repeatable).", show_default=False),
]
_Cpus = Annotated[
    list[int] | None, typer.Option("--cpu", help="Only this CPU (repeatable).", show_default=False)
]
_Time = Annotated[
    str | None,
    typer.Option(
        "--time",
        metavar="FROM,TO",
        help="Only these seconds from the first sample, either may be empty; also 10%-20%, or @FROM,@TO as perf script prints times.",
        show_default=False,
    ),
]


class Selection(NamedTuple):
    """Which samples, and what they count for."""

    event: _Event = None
    list_events: Annotated[
        bool, typer.Option("--list-events", help="List the recorded events, or sample types, and stop.")
    ] = False
    weight: Annotated[Weight, typer.Option("--weight", help="What a sample counts for.")] = Weight.period
    off_cpu: Annotated[
        bool, typer.Option("--off-cpu", help="Draw the time threads waited, from recorded context switches.")
    ] = False
    label: _Labels = None
    pid: _Pids = None
    tid: _Tids = None
    comm: _Comms = None
    cpu: _Cpus = None
    time: _Time = None


class Samples(NamedTuple):
    """Which samples, where each counts for one."""

    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            "--sample-type",
            metavar="TEXT",
            help="Event, or sample type of a pprof profile, to count samples of; default: the first with samples; of pprof cpu or samples.",
            show_default=False,
        ),
    ] = None
    label: _Labels = None
    pid: _Pids = None
    tid: _Tids = None
    comm: _Comms = None
    cpu: _Cpus = None
    time: _Time = None


class Frames(NamedTuple):
    """Which frames and stacks are wanted."""

    no_inline: Annotated[bool, typer.Option("--no-inline", help="Leave inlined calls out.")] = False
    no_kernel: Annotated[bool, typer.Option("--no-kernel", help="Leave kernel frames out.")] = False
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Put stacks cut at the recorder's depth limit on the roots of whole ones."
        ),
    ] = False
    no_restore: Annotated[
        bool,
        typer.Option(
            "--no-restore",
            help="Leave out callers that the recorder passed over and the program's code proves; show what was recorded.",
        ),
    ] = False
    focus: Annotated[
        str | None,
        typer.Option(
            "--focus", metavar="REGEX", help="Only stacks with a matching frame.", show_default=False
        ),
    ] = None
    ignore: Annotated[
        str | None,
        typer.Option(
            "--ignore", metavar="REGEX", help="No stacks with a matching frame.", show_default=False
        ),
    ] = None


class Shape(NamedTuple):
    """What becomes of the stacks."""

    by: Annotated[
        str,
        typer.Option(
            "--by",
            callback=_by,
            metavar=f"[{'|'.join(_BY)}|{_LABEL}KEY]",
            help="What the root frame is; cgroup and container need --all-cgroups or --namespaces when recording, label:KEY a pprof profile.",
        ),
    ] = "process"
    hidden_callers: Annotated[
        bool,
        typer.Option(
            "--hidden-callers",
            help="Show where a leaf's caller is missing and not known: the frame pointer was not set up.",
        ),
    ] = False
    hide: Annotated[
        str | None,
        typer.Option("--hide", metavar="REGEX", help="Leave matching frames out.", show_default=False),
    ] = None
    inverted: Annotated[bool, typer.Option("--inverted", help="Root at the top (icicle).")] = False
    reverse: Annotated[bool, typer.Option("--reverse", help="Merge stacks from the leaf.")] = False
    lines: Annotated[
        bool, typer.Option("--lines", help="Tell file and line in frames: one frame per call site.")
    ] = False
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Add _[k] and _[i] to kernel and inlined frames (folded).")
    ] = False
    unit: Annotated[
        str | None,
        typer.Option(
            "--unit",
            help="What folded stacks weigh: samples, bytes, ns, us, ms, s, count…",
            show_default=False,
        ),
    ] = None


class Picture(NamedTuple):
    """How a picture looks."""

    title: Annotated[
        str | None, typer.Option("--title", help="Title of the picture.", show_default=False)
    ] = None
    width: Annotated[
        int | None,
        typer.Option(
            "--width",
            min=200,
            max=100_000,
            help="Fixed width in pixels; default: as wide as the window.",
            show_default=False,
        ),
    ] = None
    min_width: Annotated[
        float | None,
        typer.Option(
            "--min-width",
            min=0.0,
            help="Leave out frames narrower than this many pixels; default: 0.1, and more in pictures of over 4,000 frames or 1 MB.",
            show_default=False,
        ),
    ] = None
    min_percent: Annotated[
        float,
        typer.Option(
            "--min-percent", min=0.0, max=100.0, help="Leave out call paths with a smaller share (tree)."
        ),
    ] = 0.5
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="DIR",
            help="Put the source of frames into the report (html), found below DIR by the paths in the binaries; may be repeated.",
            show_default=False,
        ),
    ] = None


class Talk(NamedTuple):
    """What to say beside the result."""

    quiet: QuietOption = False
    verbose: VerboseOption = False


def _pairs(labels: list[str] | None) -> tuple[tuple[str, str], ...]:
    """Keys and expressions that ``--label`` gives. Raises a usage error."""
    out = []
    for text in labels or ():
        key, sign, pattern = text.partition("=")
        if not key or not sign:
            raise typer.BadParameter(f"--label {text!r}: expected KEY=REGEX")
        out.append((key, pattern))
    return tuple(out)


def options_of(input_: Input, selection: Selection, frames: Frames) -> FlameOptions:
    """What these groups ask of a profile."""
    from goinspect.api.flame import FlameOptions

    return FlameOptions(
        binaries=tuple(input_.binary or ()), symfs=input_.symfs, kallsyms=input_.kallsyms, event=selection.event,
        weight=selection.weight.value, pids=tuple(selection.pid or ()), tids=tuple(selection.tid or ()),
        comms=tuple(selection.comm or ()), cpus=tuple(selection.cpu or ()), time=moments(selection.time),
        inlines=not frames.no_inline, kernel=not frames.no_kernel, focus=frames.focus, ignore=frames.ignore,
        off_cpu=selection.off_cpu, repair=frames.repair, restore=not frames.no_restore, labels=_pairs(selection.label),
    )  # fmt: skip


def samples_of(files: Files, samples: Samples) -> FlameOptions:
    """What these groups ask of a profile."""
    return options_of(Input(*files), Selection(**samples._asdict()), Frames())


def moments(text: str | None) -> tuple[TimeBound | None, TimeBound | None]:
    """The bounds that ``--time`` gives. Raises a usage error."""
    if text is None:
        return None, None
    number = r"(@?)(\d+\.?\d*|\.\d+)"
    percents = re.fullmatch(r"(\d+\.?\d*|\.\d+)%?[-,](\d+\.?\d*|\.\d+)%", text)
    if percents:
        return _bound(percents[1], "span"), _bound(percents[2], "span")
    match = re.fullmatch(f"(?:{number})?,(?:{number})?", text)
    if match is None:
        raise typer.BadParameter(
            f"--time {text!r}: expected FROM,TO in seconds, as 1.5,3, or 10%-20%, or @FROM,@TO"
        )
    marks, parts = match.groups()[::2], match.groups()[1::2]
    begin, end = (
        _bound(part, "clock" if mark else "start") if part else None
        for mark, part in zip(marks, parts, strict=True)
    )
    return begin, end


def _bound(text: str, of: str) -> TimeBound:
    """Decimals to whole ns, or billionths of a percent: the clock of a recording has more digits than a float."""
    from goinspect.api.flame import TimeBound

    whole, _, decimals = text.partition(".")
    return TimeBound(int(whole or "0") * 10**9 + int(decimals[:9].ljust(9, "0")), of)
