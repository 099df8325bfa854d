"""`goinspect flame`: where does the time go?"""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.interrupt import recorder_interrupted_first
from goinspect.cli.options import JsonOption, OutputOption, QuietOption, VerboseOption
from goinspect.cli.output import check_output, report, warn, write
from goinspect.errors import QueryError

if TYPE_CHECKING:
    from goinspect.analysis.stacks.flame import TimeBound
    from goinspect.profiles.base import NamedStacks, Profile
    from goinspect.results.flame import FlameProfile

__all__ = ["flame"]

_DEFAULT_OUTPUT = "flame.svg"
_SUFFIXES = {".svg": "svg", ".folded": "folded", ".txt": "folded", ".json": "json"}


class Format(StrEnum):
    """What to write."""

    svg = "svg"
    folded = "folded"
    json = "json"
    top = "top"


class Weight(StrEnum):
    """What a sample counts for."""

    period = "period"
    samples = "samples"


class By(StrEnum):
    """Root frame."""

    process = "process"
    thread = "thread"
    comm = "comm"
    cgroup = "cgroup"
    container = "container"
    none = "none"


def flame(
    profile: Annotated[
        str, typer.Argument(metavar="[PROFILE]", help="A recording of perf record, the text of perf script, or folded stacks of any tool; also from stdin (-).", show_default=True)
    ] = "perf.data",
    binary: Annotated[
        list[str] | None,
        typer.Option("--binary", "-b", metavar="PATH", show_default=False,
                     help="Use this file for mappings with its build ID or base name; or an archive of `perf archive` (repeatable)."),
    ] = None,
    symfs: Annotated[
        str | None, typer.Option("--symfs", metavar="DIR", help="Look for binaries below this directory first.", show_default=False)
    ] = None,
    kallsyms: Annotated[
        str | None, typer.Option("--kallsyms", metavar="FILE", help="Kernel symbols of the recorded machine.", show_default=False)
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: by the suffix of -o, else svg.", show_default=False)
    ] = None,
    json: JsonOption = False,
    output: OutputOption = None,
    event: Annotated[str | None, typer.Option("--event", help="Event to draw: a name or #2, the second of --list-events; default: the first with samples.", show_default=False)] = None,
    list_events: Annotated[bool, typer.Option("--list-events", help="List the recorded events and stop.")] = False,
    weight: Annotated[Weight, typer.Option("--weight", help="What a sample counts for.")] = Weight.period,
    off_cpu: Annotated[bool, typer.Option("--off-cpu", help="Draw the time threads waited, from recorded context switches.")] = False,
    by: Annotated[By, typer.Option("--by", help="What the root frame is; cgroup and container need --all-cgroups or --namespaces when recording.")] = By.process,
    pid: Annotated[list[int] | None, typer.Option("--pid", help="Only this process (repeatable).", show_default=False)] = None,
    tid: Annotated[list[int] | None, typer.Option("--tid", help="Only this thread (repeatable).", show_default=False)] = None,
    comm: Annotated[list[str] | None, typer.Option("--comm", help="Only threads of this name (repeatable).", show_default=False)] = None,
    cpu: Annotated[list[int] | None, typer.Option("--cpu", help="Only this CPU (repeatable).", show_default=False)] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="FROM,TO", help="Only these seconds from the first sample, either may be empty; also 10%-20%, or @FROM,@TO as perf script prints times.", show_default=False)
    ] = None,
    no_inline: Annotated[bool, typer.Option("--no-inline", help="Leave inlined calls out.")] = False,
    no_kernel: Annotated[bool, typer.Option("--no-kernel", help="Leave kernel frames out.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Put stacks cut at the recorder's depth limit on the roots of whole ones.")] = False,
    hidden_callers: Annotated[bool, typer.Option("--hidden-callers", help="Show where a leaf's caller is missing: the frame pointer was not set up.")] = False,
    focus: Annotated[str | None, typer.Option("--focus", metavar="REGEX", help="Only stacks with a matching frame.", show_default=False)] = None,
    ignore: Annotated[str | None, typer.Option("--ignore", metavar="REGEX", help="No stacks with a matching frame.", show_default=False)] = None,
    hide: Annotated[str | None, typer.Option("--hide", metavar="REGEX", help="Leave matching frames out.", show_default=False)] = None,
    inverted: Annotated[bool, typer.Option("--inverted", help="Root at the top (icicle).")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="Merge stacks from the leaf.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="Tell file and line in frames: one frame per call site.")] = False,
    annotate: Annotated[bool, typer.Option("--annotate", help="Add _[k] and _[i] to kernel and inlined frames (folded).")] = False,
    unit: Annotated[
        str | None, typer.Option("--unit", help="What folded stacks weigh: samples, bytes, ns, us, ms, s, count…", show_default=False)
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the picture.", show_default=False)] = None,
    width: Annotated[int | None, typer.Option("--width", min=200, max=100_000, help="Fixed width in pixels; default: as wide as the window.", show_default=False)] = None,
    min_width: Annotated[float, typer.Option("--min-width", min=0.0, help="Leave out frames narrower than this many pixels.")] = 0.1,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:  # fmt: skip
    r"""Draw a flame graph of a perf recording, with every Go frame named, stripped and PIE binaries included.

    Needs neither perf nor symbols: names, inlined calls and lines come from gopclntab. Binaries are looked for where
    they were recorded (below --symfs first), beside the recording, in perf's cache (~/.debug), in the process while it
    lives, and in the archive that `perf archive` puts beside the recording. One is used only if it is the one that
    ran: by its build ID, and because return addresses follow calls in it. The last line on stderr says how much could
    be named.

    Recordings of any perf and machine are read, as they come from a pipe too, compressed (-z, gzip, zstd, xz), of
    --threads, and as far as they go when they were cut off.

    The text of perf script is read too, whatever its fields; its [unknown] frames of Go programs are named by their
    offsets. For samples without call chains it has to be printed with --show-mmap-events.

    Folded stacks (frame;frame WEIGHT, one a line) are drawn too, and so are the sizes of a program's symbols.

    Examples:

    goinspect flame perf.data -o flame.svg

    goinspect flame perf.data -b ./server --focus 'main\.' --format folded | head

    perf record -F 999 -g -o - ./server | goinspect flame - -o flame.svg

    goinspect symbols ./server --format folded | goinspect flame - -o sizes.svg
    """
    from goinspect.analysis.stacks import flame as analysis
    from goinspect.profiles.base import NamedStacks
    from goinspect.render.text import summary as flamesummary

    form = Format.json if json else form or _format_of(output)
    picture = form is Format.svg and not list_events
    if output is None and picture:
        output = _DEFAULT_OUTPUT
    check_output(output, picture=picture)
    options = analysis.FlameOptions(
        tuple(binary or ()), symfs, kallsyms, event, weight.value, by.value, tuple(pid or ()), tuple(tid or ()),
        tuple(comm or ()), tuple(cpu or ()), _time_range(time), not no_inline, not no_kernel, lines, focus, ignore,
        hide, reverse, unit, off_cpu, repair, hidden_callers,
    )  # fmt: skip
    recording = _open(profile)
    if list_events:
        from goinspect.render.text.table import render_events

        if isinstance(recording, NamedStacks):
            raise QueryError("--list-events needs a recording: folded stacks have no events")

        write(render_events(analysis.list_events(recording)), output)
        return
    folded = analysis.fold(recording, options)
    del recording  # the columns of a large recording are not needed to draw it
    warn(folded.warnings, quiet=quiet)
    if form is Format.svg:
        from goinspect.render.svg.picture import inner_width, render_svg

        graph = analysis.draw(
            folded, title=title or flamesummary.title(folded, profile), subtitle=flamesummary.subtitle(folded),
            pixels=inner_width(width), min_width=min_width, inverted=inverted, reverse=reverse,
        )  # fmt: skip
        text = render_svg(graph, width=width, min_width=min_width)
    else:
        text = _as_text(folded, form, annotate=annotate)
    write(text, output)
    if output not in (None, "-"):
        from goinspect.render.values import human_bytes

        report(f"goinspect: wrote {output} ({human_bytes(len(text.encode()))})", quiet=quiet)
    if verbose:
        for name, value in folded.metadata.items():
            report(f"goinspect: {name}: {value}")
    report(f"goinspect: {flamesummary.summary(folded)}", quiet=quiet)


def _open(name: str) -> Profile | NamedStacks:
    from goinspect.profiles import open_profile, read_profile

    if name != "-":
        return open_profile(name)
    with recorder_interrupted_first():
        return read_profile(sys.stdin.buffer, "stdin")


def _format_of(output: str | None) -> Format:
    suffix = Path(output).suffix if output else ""
    return Format(_SUFFIXES.get(suffix, "svg"))


def _time_range(text: str | None) -> tuple[TimeBound | None, TimeBound | None]:
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
    from goinspect.analysis.stacks.flame import TimeBound

    whole, _, decimals = text.partition(".")
    return TimeBound(int(whole or "0") * 10**9 + int(decimals[:9].ljust(9, "0")), of)


def _as_text(folded: FlameProfile, form: Format, *, annotate: bool) -> str:
    if form is Format.folded:
        from goinspect.render.folded import render_folded

        return render_folded(folded, annotate=annotate)
    if form is Format.json:
        from goinspect.render.json.flame import render_flame

        return render_flame(folded)
    from goinspect.render.text.table import render_top

    return render_top(folded)
