"""`goinspect pgo`: a profile for the Go compiler."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from goinspect.cli.groups import grouped
from goinspect.cli.interrupt import recorder_interrupted_first
from goinspect.cli.memory import keep_freed_memory
from goinspect.cli.options import ColorOption, JsonOption, QuietOption
from goinspect.cli.output import Color, check_output, report, use_color, warn, write
from goinspect.cli.profileoptions import Files, Samples, samples_of

__all__ = ["pgo"]

_PROFILE = typer.Argument(
    metavar="[PROFILE]...", show_default=False,
    help="Recordings of the program: of perf record, the text of perf script, or pprof profiles; also from stdin (-). Several are added up.  [default: perf.data]",
)  # fmt: skip
_OUTPUT = typer.Option("--output", "-o", metavar="FILE", help="Write the profile there; - is stdout.")
_CHECK = typer.Option(
    "--check", metavar="PROFILE", show_default=False,
    help="Compare with another profile of the program, as one of runtime/pprof: which of its hot calls are hot here, too.",
)  # fmt: skip
_LIMIT = typer.Option("--limit", "-n", min=0, metavar="N", help="Show that many hot calls; 0 shows all.")


@grouped
def pgo(
    profile: Annotated[list[str] | None, _PROFILE] = None,
    output: Annotated[str, _OUTPUT] = "default.pgo",
    check: Annotated[str | None, _CHECK] = None,
    limit: Annotated[int, _LIMIT] = 20,
    *,
    files: Files,
    samples: Samples,
    json: JsonOption = False,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:
    """Make a profile for go build -pgo of recordings of a Go program, stripped and PIE binaries included.

    The compiler takes CPU profiles that name functions as it does itself and tell where each begins; perf knows neither.
    Only the program's own Go functions are in the profile: time in the kernel, in C and in other files counts for the
    function that went there, as in profiles of runtime/pprof, and callers that perf passed over are restored. The program is
    the Go program with most samples, or the one named with -b; recordings of any of its builds are added up.

    The report has the hot calls, as the compiler will read them: caller, line of the call from the caller's first one,
    callee. Those that make up 99 % of the weight are hot: there it inlines larger functions, and turns calls through
    interfaces into direct ones. What is left out is told below.

    Put the file beside the main package as default.pgo, and go build takes it by itself (Go 1.21 and later).

    Exit code 1: nothing of a Go program is in it, its lines are not known, or the recordings are of different programs.

    Examples:

    goinspect pgo perf.data -b ./server -o default.pgo

    goinspect pgo monday.data tuesday.data -o cmd/server/default.pgo

    goinspect pgo perf.data --check cpu.pprof -o /dev/null
    """
    from goinspect.api.pgo import Pgo

    check_output(output, binary=True)
    if json and output == "-":
        raise typer.BadParameter("--json and -o -: both would go to stdout")
    keep_freed_memory()
    result = Pgo.read(
        profile or ["perf.data"], samples_of(files, samples), check=check,
        reading=lambda path: recorder_interrupted_first() if path == "-" else nullcontext(),
    )  # fmt: skip
    found = result.report
    warn(found.warnings, quiet=quiet)
    written = result.binary()
    write(written, output)
    if json:
        from goinspect.render.json.pgo import render_json

        write(render_json(found), None)
    else:
        from goinspect.render.text.pgo import render_text

        text = render_text(found, limit=limit, color=output != "-" and use_color(color, sys.stdout))
        if output == "-":
            for line in text.splitlines():
                report(line, quiet=quiet)
        else:
            write(text, None)
    if output != "-":
        from goinspect.render.values import human_bytes

        report(f"goinspect: wrote {output} ({human_bytes(len(written))})", quiet=quiet)
