"""Options that several commands share: the same name means the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from goinspect.cli.output import Color

__all__ = ["BinaryArg", "ColorOption", "JsonOption", "OutputOption", "QuietOption", "VerboseOption"]

BinaryArg = Annotated[
    str, typer.Argument(metavar="BIN", help="A Go executable or shared object.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the result there; - is stdout.", show_default=False
    ),
]
ColorOption = Annotated[Color, typer.Option("--color", help="Colour the result.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say on stderr how things were found.")]
