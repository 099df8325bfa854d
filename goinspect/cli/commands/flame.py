"""`goinspect flame`: where does the time go?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.difference import Against, base_of
from goinspect.cli.groups import grouped
from goinspect.cli.live import Live, check_live, listening, serve
from goinspect.cli.memory import keep_freed_memory
from goinspect.cli.opening import opening
from goinspect.cli.output import check_output, report, warn, write
from goinspect.cli.profileoptions import Form, Frames, Input, Picture, Selection, Shape, Talk, options_of
from goinspect.cli.traced import Traced, opening_traced
from goinspect.render.outputs import DrawOptions, output_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.api.flame import Opened

__all__ = ["flame"]

_DEFAULT_INPUT = "perf.data"
_DEFAULT_OUTPUT = "flame"  # and the suffix of the format


@grouped
def flame(
    profile: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROFILE]...",
            help="A recording of perf record, a pprof profile, the text of perf script, or folded stacks of any tool; also from stdin (-) or a URL. Several are added up.  [default: perf.data]",
            show_default=False,
        ),
    ] = None,
    *,
    input_: Input,
    form: Form,
    selection: Selection,
    frames: Frames,
    shape: Shape,
    against: Against,
    live: Live,
    traced: Traced,
    picture: Picture,
    talk: Talk,
) -> None:
    r"""Draw a flame graph of a profile, with every Go frame named, stripped and PIE binaries included.

    Needs neither perf nor symbols: names, inlined calls and lines come from gopclntab. Binaries are looked for where
    they were recorded (below --symfs first), beside the recording, in perf's cache (~/.debug), in the process while it
    lives, and in the archive that `perf archive` puts beside the recording. One is used only if it is the one that
    ran: by its build ID, and because return addresses follow calls in it. The last line on stderr says how much could
    be named.

    Recordings of any perf and machine are read, as they come from a pipe too, compressed (-z, gzip, zstd, xz), of
    --threads, and as far as they go when they were cut off.

    The text of perf script is read too, whatever its fields; its [unknown] frames of Go programs are named by their
    offsets. For samples without call chains it has to be printed with --show-mmap-events.

    pprof profiles of Go programs and other tools are read, with inlined calls, lines and labels as they hold them: of
    the sample types the profile's default is drawn unless --sample-type names another. Locations without names are looked up
    in binaries, as those of recordings.

    A URL (http:// or https://) is asked for a profile as `go tool pprof` does it: of the CPU, for 30 s, unless it names
    another one. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are followed.

    With --diff BASE what changed from BASE to PROFILE is shown, per sample, and told from noise: in the picture by colours, in top
    as a list. The builds may differ: functions are matched by name.

    With --tui it is looked at in the terminal: flame graph, table, callers and callees, search; ? lists the keys. With --http the report is served, and read again when the profile changes: what was open stays until the new one is asked for.

    Folded stacks (frame;frame WEIGHT, one a line) are drawn too, and so are the sizes of a program's symbols.

    What bpftrace, bpftool and others print of a process is drawn with --maps, a saved /proc/PID/maps, or that of a process that lives.

    Examples:

    goinspect flame perf.data -o flame.svg

    goinspect flame perf.data -b ./server --focus 'main\.' --format folded | head

    goinspect flame perf.data -o report.html --source .

    perf record -F 999 -g -o - ./server | goinspect flame - -o flame.svg

    goinspect flame perf.data --http :8080

    goinspect flame perf.data --tui

    goinspect flame heap.pprof --sample-type alloc_space -o allocations.svg

    goinspect flame http://localhost:6060 --seconds 10

    goinspect flame --diff before.data after.data -o changes.svg

    goinspect flame stacks.bpftrace --maps maps.txt -b ./server -o flame.svg

    goinspect symbols ./server --format folded | goinspect flame - -o sizes.svg
    """
    from goinspect import __version__
    from goinspect.api.flame import Flame

    paths = profile or [_DEFAULT_INPUT]
    base = base_of(against, paths, list_events=selection.list_events)
    check_live(live, form, list_events=selection.list_events)
    options = replace(
        options_of(input_, selection, frames), by=shape.by, lines=shape.lines, hide=shape.hide,
        reverse=shape.reverse, unit=shape.unit, hidden_callers=shape.hidden_callers, source=picture.source or (),
    )  # fmt: skip
    draw = DrawOptions(
        "-", picture.title, picture.width, picture.min_width, shape.inverted, shape.reverse, shape.annotate,
        picture.min_percent, form.json, f"goinspect {__version__}", shape.lines,
    )  # fmt: skip
    opened = opening([*paths, *filter(None, [base])], input_, quiet=talk.quiet)
    if traced.maps is not None:
        opened = opening_traced(traced.maps, input_)
        options = replace(options, binaries=(), symfs=None, kallsyms=None)  # the names are there
    if live.http is not None:
        server = listening(live, quiet=talk.quiet)
        from goinspect.serve.report import Asked

        keep_freed_memory()
        serve(
            server, live, Asked(paths, options, opened, base, against.diff_absolute), draw, quiet=talk.quiet
        )
        return
    if live.tui:
        from goinspect.tui.run import check_terminal, run

        check_terminal()
        keep_freed_memory()
        result = Flame.read(
            paths,
            options,
            output=output_for("svg", None),
            opening=opened,
            diff=base,
            absolute=against.diff_absolute,
        )
        raise typer.Exit(run(result.profile, result.path, picture.title))
    output = output_for(form.form, form.output)
    if form.json and not (form.form and output.has_json):
        output = output_for("json", None)
    draws = output.is_picture and not selection.list_events
    path = form.output or (_DEFAULT_OUTPUT + output.suffixes[0] if draws else None)
    check_output(path, picture=draws, binary=output.is_binary and not selection.list_events)
    keep_freed_memory()
    if selection.list_events:
        write(_events(paths, opened), path)
        return
    result = Flame.read(
        paths, options, output=output, opening=opened, diff=base, absolute=against.diff_absolute
    )
    warn(result.warnings, quiet=talk.quiet)
    written = output.render(result.profile, draw._replace(path=result.path))
    write(written, path)
    if path not in (None, "-"):
        from goinspect.render.values import human_bytes

        size = len(written if isinstance(written, bytes) else written.encode())
        report(f"goinspect: wrote {path} ({human_bytes(size)})", quiet=talk.quiet)
    if talk.verbose:
        for name, value in result.profile.metadata.items():
            report(f"goinspect: {name}: {value}")
    report(f"goinspect: {result.summary}", quiet=talk.quiet)


def _events(paths: list[str], opened: Callable[[str], Opened]) -> str:
    """The events of each profile."""
    from goinspect.api.flame import events_of
    from goinspect.render.text.top import render_events

    tables = []
    for path in paths:
        table = render_events(events_of(opened(path)))
        tables.append((f"{path}:\n" if len(paths) > 1 else "") + table)
    return "\n".join(tables)
