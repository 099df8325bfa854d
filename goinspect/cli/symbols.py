"""`goinspect symbols`: every symbol a file names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from goinspect.cli.options import BinaryArg, JsonOption, OutputOption, QuietOption
from goinspect.cli.output import check_output, warn, write

__all__ = ["symbols"]


class Kind(StrEnum):
    """Kinds of symbols."""

    function = "function"
    variable = "variable"
    tls = "tls"
    notype = "notype"


class Source(StrEnum):
    """Tables that know symbols."""

    symtab = "symtab"
    dynsym = "dynsym"
    gopclntab = "gopclntab"


class Sort(StrEnum):
    """Orders."""

    address = "address"
    name = "name"
    size = "size"


class Format(StrEnum):
    """How to print."""

    table = "table"
    json = "json"
    csv = "csv"
    nm = "nm"


def symbols(
    binary: BinaryArg,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only this kind.", show_default=False)] = None,
    source: Annotated[
        Source | None, typer.Option("--source", help="Only what this table knows.", show_default=False)
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--filter", metavar="REGEX", help="Only names that match.", show_default=False),
    ] = None,
    sort: Annotated[
        Sort, typer.Option("--sort", help="Order; by size the largest come first.")
    ] = Sort.address,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=0, help="At most that many rows.", show_default=False)
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="nm prints as go tool nm -size does.")
    ] = Format.table,
    json: JsonOption = False,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    r"""List functions and variables, merged from symtab, dynsym and gopclntab.

    Works on stripped binaries, where gopclntab alone knows the functions: their sizes are then bounded by the next
    function and shown with <=.

    Examples:

    goinspect symbols ./server --kind function --sort size -n 20

    goinspect symbols ./server --filter '^main\.' --json
    """
    from goinspect.analysis.symbols import list_symbols
    from goinspect.binary import Binary
    from goinspect.render import table
    from goinspect.render.json import render_symbols

    check_output(output)
    result = list_symbols(
        Binary(binary), kind=kind and kind.value, source=source and source.value, pattern=pattern,
        sort=sort.value, limit=limit,
    )  # fmt: skip
    renderers = {
        Format.table: table.render_symbols,
        Format.json: render_symbols,
        Format.csv: table.render_symbols_csv,
        Format.nm: table.render_nm,
    }
    write(renderers[Format.json if json else form](result), output)
    warn(result.warnings, quiet=quiet)
