"""`goinspect annotate`: samples beside the instructions of a function."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from goinspect.cli.groups import grouped
from goinspect.cli.opening import opening
from goinspect.cli.options import Listing, Written
from goinspect.cli.output import check_output, use_color, warn, write
from goinspect.cli.profileoptions import Frames, Input, Selection, options_of

__all__ = ["annotate"]

_PROFILE = typer.Argument(
    metavar="[PROFILE]",
    help="A recording of perf record, or the text of perf script; also from stdin (-), or a URL.",
)
_FUNCTION = typer.Argument(
    metavar="[FUNC]", help="A function by name, or FILE:FUNC; unless it is given, the one in which most samples of the recording ended.", show_default=False
)  # fmt: skip
_MIN = typer.Option(
    "--min", metavar="PERCENT", min=0.0, max=100.0, show_default=False,
    help="Show instructions with this share of the function or more, and those around; 0 shows all.  [default: all, in a long function those with samples]",
)  # fmt: skip


@grouped
def annotate(
    profile: Annotated[str, _PROFILE] = "perf.data",
    function: Annotated[str | None, _FUNCTION] = None,
    minimum: Annotated[float | None, _MIN] = None,
    *,
    input_: Input,
    selection: Selection,
    frames: Frames,
    listing: Listing,
    written: Written,
) -> None:
    """Show a function's samples by line and by instruction, beside its machine code, stripped binaries included.

    own is what ended at an instruction, total what went through it: calls, too, and the kernel's time in a system call.
    own % is the share of what ended in the function. A sample counts once, however often the function is in it: the
    sums at the top are those of `goinspect flame --format top`. Calls that were inlined into FUNC are shown in their
    place, and what ended in them counts there. A FUNC that was inlined is shown wherever it was sampled.

    Samples skid: the interrupt of a timer or a counter lands behind the instruction that took the time, on the next one
    or some further; what follows a slow load or division seems hot (events with :pp skid less). Return addresses point
    behind the call, and are shown at the call. Of callers that perf lost, it is said below the code where the call is not known.

    Examples:

    goinspect annotate

    goinspect annotate perf.data main.handle -b ./server --source .

    goinspect annotate perf.data server:runtime.mallocgc --min 1
    """
    from goinspect.api.annotate import annotation_of
    from goinspect.api.flame import events_of

    check_output(written.output)
    options = options_of(input_, selection, frames)
    opened = opening([profile], input_, quiet=written.quiet)(profile)
    if selection.list_events:
        from goinspect.render.text.top import render_events

        write(render_events(events_of(opened)), written.output)
        return
    result = annotation_of(opened, options, function, syntax=listing.syntax, source=listing.source or ())
    if written.json:
        from goinspect.render.json.annotate import render_json

        write(render_json(result), written.output)
    else:
        from goinspect.render.text.annotate import render_text

        colored = written.output is None and use_color(written.color, sys.stdout)
        write(render_text(result, minimum=minimum, code=listing.code, color=colored), written.output)
    warn(result.warnings, quiet=written.quiet)
