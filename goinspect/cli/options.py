"""Options that several commands share: the same name means the same everywhere."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import typer

from goinspect.cli.output import Color

__all__ = [
    "ArchOption",
    "BinaryArg",
    "BytesOption",
    "ColorOption",
    "JsonOption",
    "Listing",
    "OutputOption",
    "QuietOption",
    "RawOption",
    "SourceOption",
    "SyntaxOption",
    "TextStartOption",
    "VerboseOption",
    "Written",
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
# How machine code is shown.
SyntaxOption = Annotated[
    Literal["go", "intel", "att", "gnu"] | None,
    typer.Option(
        "--syntax",
        help="go and gnu as go tool objdump prints them; intel and att of x86.  [default: go, or gnu where there is none]",
        show_default=False,
    ),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="DIR",
        help="Show lines of source, found below DIR by the paths in the binary; may be repeated.",
        show_default=False,
    ),
]
BytesOption = Annotated[bool, typer.Option("--bytes", help="Show the bytes of instructions.")]


class Listing(NamedTuple):
    """How machine code is shown, as a group (`goinspect.cli.groups`)."""

    syntax: SyntaxOption = None
    source: SourceOption = None
    code: BytesOption = False


class Written(NamedTuple):
    """Where an answer goes, as text for people or JSON."""

    json: JsonOption = False
    output: OutputOption = None
    color: ColorOption = Color.auto
    quiet: QuietOption = False


def address(text: str) -> int:
    """An address given to an option, hexadecimal with or without 0x. Raises a usage error."""
    try:
        number = int(text, 16)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64 or not text.isalnum():
        raise typer.BadParameter(f"{text!r} is no hexadecimal address")
    return number
