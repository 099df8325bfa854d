"""Options that several commands share: the same name means the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from goinspect.cli.output import Color

__all__ = [
    "ArchOption",
    "BinaryArg",
    "ColorOption",
    "JsonOption",
    "OutputOption",
    "QuietOption",
    "RawOption",
    "TextStartOption",
    "VerboseOption",
    "address",
]

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
ArchOption = Annotated[
    str | None,
    typer.Option(
        "--arch",
        metavar="ARCH",
        help="The part of a universal Mach-O file to read: arm64, amd64…",
        show_default=False,
    ),
]
RawOption = Annotated[bool, typer.Option("--raw", help="The file is a bare gopclntab, cut out of a program.")]
TextStartOption = Annotated[
    str | None,
    typer.Option(
        "--text-start",
        metavar="ADDR",
        help="Address (hex) that functions count from, instead of the one that was found.",
        show_default=False,
    ),
]


def address(text: str) -> int:
    """An address given to an option, hexadecimal with or without 0x. Raises a usage error."""
    try:
        number = int(text, 16)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64 or not text.isalnum():
        raise typer.BadParameter(f"{text!r} is no hexadecimal address")
    return number
