"""`goinspect annotate`: samples beside the instructions of a function."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from goinspect.cli.groups import grouped
from goinspect.cli.interrupt import recorder_interrupted_first
from goinspect.cli.options import (
    BytesOption,
    ColorOption,
    JsonOption,
    OutputOption,
    QuietOption,
    SourceOption,
    SyntaxOption,
)
from goinspect.cli.output import Color, check_output, use_color, warn, write
from goinspect.cli.profileoptions import Frames, Input, Selection, options_of

__all__ = ["annotate"]

_PROFILE = typer.Argument(
    metavar="[PROFILE]", help="A recording of perf record, or the text of perf script; also from stdin (-)."
)
_FUNCTION = typer.Argument(
    metavar="[FUNC]", help="A function by name, or FILE:FUNC; the one that most samples ended in unless given.", show_default=False
)  # fmt: skip
_MIN = typer.Option(
    "--min", metavar="PERCENT", min=0.0, max=100.0, show_default=False,
    help="Show instructions with this share of the function or more, and those around; 0 shows all.  [default: all, in a long function those with samples]",
)  # fmt: skip


@grouped
def annotate(
    profile: Annotated[str, _PROFILE] = "perf.data",
    function: Annotated[str | None, _FUNCTION] = None,
    *,
    input_: Input,
    selection: Selection,
    frames: Frames,
    syntax: SyntaxOption = None,
    source: SourceOption = None,
    code: BytesOption = False,
    minimum: Annotated[float | None, _MIN] = None,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:
    """Show a function's samples by line and by instruction, beside its machine code, stripped binaries included.

    own is what ended at an instruction, total what went through it: calls too, and the kernel's time in a system call.
    own % is the share of what ended in the function. A sample counts once, however often it recurs, so that the sums
    in the head are those of `goinspect flame --format top`. Code of calls inlined into FUNC is shown in its place, and
    what ended there counts as own of the instruction, and of the inlined call's line. A FUNC that was inlined is shown
    wherever it was, and was sampled.

    Samples skid: an interrupt lands behind the instruction that took the time, on the next one or a few further, and
    the one at the top of a loop may pay for the one at its end. Events of hardware with :pp skid less. Callers are
    certain: a return address points behind its call, and is shown at the call. Of a caller that was put back where perf lost it,
    the call is not always known: then it is said below the code.

    Examples:

    goinspect annotate

    goinspect annotate perf.data main.handle -b ./server --source .

    goinspect annotate perf.data server:runtime.mallocgc --min 1 --json
    """
    from goinspect.api.annotate import annotation_of
    from goinspect.api.flame import events_of, open_input

    check_output(output)
    options = options_of(input_, selection, frames)
    with recorder_interrupted_first() if profile == "-" else nullcontext():
        opened = open_input(profile)
    if selection.list_events:
        from goinspect.render.text.top import render_events

        write(render_events(events_of(opened)), output)
        return
    result = annotation_of(opened, options, function, syntax=syntax, source=source or ())
    if json:
        from goinspect.render.json.annotate import render_json

        write(render_json(result), output)
    else:
        from goinspect.render.text.annotate import render_text

        colored = output is None and use_color(color, sys.stdout)
        write(render_text(result, minimum=minimum, code=code, color=colored), output)
    warn(result.warnings, quiet=quiet)
