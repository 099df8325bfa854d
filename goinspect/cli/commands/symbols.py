"""`goinspect symbols`: every symbol a file names."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect.cli.memory import keep_freed_memory
from goinspect.cli.options import (
    ArchOption,
    BinaryArg,
    JsonOption,
    OutputOption,
    QuietOption,
    RawOption,
    TextStartOption,
    address,
)
from goinspect.cli.output import check_output, warn, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect.api.symbols import Symbols
    from goinspect.results.symbols import SymbolList

__all__ = ["symbols"]


_KEPT = 31 << 20  # bytes: debug information of a large program is unpacked in blocks of 16 MiB and more


class Kind(StrEnum):
    """Kinds of symbols."""

    function = "function"
    variable = "variable"
    type = "type"
    itab = "itab"
    tls = "tls"
    notype = "notype"
    undefined = "undefined"


class Source(StrEnum):
    """Tables that know symbols."""

    symtab = "symtab"
    dynsym = "dynsym"
    gopclntab = "gopclntab"
    dwarf = "dwarf"
    typedata = "typedata"
    names = "name section"


class Sort(StrEnum):
    """Orders."""

    address = "address"
    name = "name"
    size = "size"


class By(StrEnum):
    """What sizes are summed by."""

    package = "package"
    module = "module"
    section = "section"
    kind = "kind"


class Format(StrEnum):
    """How to print."""

    table = "table"
    json = "json"
    csv = "csv"
    nm = "nm"
    folded = "folded"
    html = "html"


def symbols(
    binary: BinaryArg,
    kind: Annotated[
        Kind | None,
        typer.Option("--kind", help="Only this kind; undefined ones are listed only so.", show_default=False),
    ] = None,
    source: Annotated[
        Source | None, typer.Option("--source", help="Only what this table knows.", show_default=False)
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--filter", metavar="REGEX", help="Only names that match.", show_default=False),
    ] = None,
    sort: Annotated[
        Sort | None,
        typer.Option(
            "--sort",
            help="Order; by size the largest come first. Default: address, with --by size.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=0, help="At most that many rows.", show_default=False)
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="Sum the sizes of what is listed.", show_default=False)
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="nm prints as go tool nm -size does; folded is for goinspect flame; html is a report of sizes in one file, with a treemap.",
        ),
    ] = Format.table,
    arch: ArchOption = None,
    raw: RawOption = False,
    text_start: TextStartOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    r"""List functions, variables and types, merged from every table the file has.

    The tables are symtab, dynsym, gopclntab, DWARF and Go's type data; each row says which of them know it. Works on
    stripped binaries, where gopclntab alone knows the functions: their sizes are then bounded by the next function and
    shown with <=. The size of a type is that of its descriptor in the file.

    --by sums sizes by package, by module of the build (std is the standard library, cmd are Go's own tools), by section or
    by kind. --format nm lists what go tool nm lists, of stripped binaries too, and is the quickest.

    Examples:

    goinspect symbols ./server --kind function --sort size -n 20

    goinspect symbols ./server --by module

    goinspect symbols ./server --format html -o sizes.html

    goinspect symbols ./server --format folded | goinspect flame - -o sizes.svg
    """
    from goinspect.api.binary import Executable
    from goinspect.api.symbols import SymbolQuery, Symbols

    form = Format.json if json else form
    if by is not None and form in (Format.nm, Format.folded, Format.html):
        raise typer.BadParameter(f"--by and --format {form.value} exclude each other")
    if by is not None and sort is Sort.address:
        raise typer.BadParameter("--by sorts by size or name")
    check_output(output, picture=form is Format.html)
    keep_freed_memory(_KEPT)
    base = None if text_start is None else address(text_start)
    query = SymbolQuery(
        kind and kind.value, source and source.value, pattern, (sort or Sort.address).value,
        limit if by is None else None, form is Format.nm, owners=by is not None or form is not Format.table,
    )  # fmt: skip
    listed = Symbols.of(Executable(binary, arch=arch, raw=raw, text_start=base), query)
    text = _rendered(listed, form) if by is None else _summed(listed, by, form, sort, limit)
    write(text, output)
    warn(listed.warnings, quiet=quiet)


def _rendered(listed: Symbols, form: Format) -> str | Iterator[str]:
    if form is Format.folded:
        from goinspect.render import symbolfolded

        return symbolfolded.render_folded(listed.stacks())
    if form is Format.html:
        return listed.flame().text("html")
    if form is Format.json:
        from goinspect.render.json import symbols as symboljson

        return symboljson.render(listed.listed)
    from goinspect.render.text import symbols as symboltext

    renderers: dict[Format, Callable[[SymbolList], str | Iterator[str]]] = {
        Format.table: symboltext.render_table,
        Format.csv: symboltext.render_csv,
        Format.nm: symboltext.render_nm,
    }
    return renderers[form](listed.listed)


def _summed(listed: Symbols, by: By, form: Format, sort: Sort | None, limit: int | None) -> str:
    from goinspect.render.json import symbols as symboljson
    from goinspect.render.text import symbols as symboltext

    groups = listed.sums(by.value, sort=(sort or Sort.size).value, limit=limit)
    renderers = {
        Format.table: symboltext.render_groups,
        Format.json: symboljson.render_groups,
        Format.csv: symboltext.render_groups_csv,
    }
    return renderers[form](groups)
