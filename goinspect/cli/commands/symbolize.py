"""`goinspect symbolize`: addresses in, names out."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goinspect._paths import exists
from goinspect.cli.memory import keep_freed_memory
from goinspect.cli.options import ColorOption, JsonOption, OutputOption, QuietOption
from goinspect.cli.output import Color, check_output, report, use_color, warn, write
from goinspect.errors import FileError, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from goinspect.api.symbolize import Named
    from goinspect.results.processes.symbolize import SymbolizeReport

__all__ = ["symbolize"]

_PIECE = 1 << 20
_OF_PROCESS = "are they of this process, or of another start of it?"
_OF_FILE = "expected addresses of the file itself, as nm shows them"
_ADDRESS = re.compile(r"(?:0[xX])?[0-9a-fA-F]{1,16}")
_LIST = re.compile(rb"(?:[ \t]*(?:(?:0[xX])?[0-9a-fA-F]{1,16})?[ \t\r]*(?:\n|\Z))+")


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"
    addr2line = "addr2line"
    folded = "folded"


def symbolize(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ADDRESS|FILE]...",
            help="Addresses (hex), or files with addresses in text of any kind; - is stdin.  [default: -]",
            show_default=False,
        ),
    ] = None,
    pid: Annotated[
        int | None,
        typer.Option(
            "--pid", "-p", metavar="PID", min=1, help="They are of this process, which lives.", show_default=False
        ),
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(
            "--maps", metavar="FILE", help="They are of the process whose /proc/PID/maps this is.", show_default=False
        ),
    ] = None,
    core: Annotated[
        str | None,
        typer.Option("--core", metavar="FILE", help="They are of the process that left this core file.", show_default=False),
    ] = None,
    binary: Annotated[
        list[str] | None,
        typer.Option(
            "--binary", "-b", metavar="BIN",
            help="A file that was mapped, by its build ID or name; alone: they are addresses of the file itself. May be repeated.",
            show_default=False,
        ),
    ] = None,
    symfs: Annotated[
        str | None,
        typer.Option("--symfs", metavar="DIR", help="Look for mapped files below DIR first.", show_default=False),
    ] = None,
    kallsyms: Annotated[
        str | None,
        typer.Option("--kallsyms", metavar="FILE", help="Names of the kernel's functions: a saved /proc/kallsyms.", show_default=False),
    ] = None,
    callers: Annotated[
        bool, typer.Option("--callers", help="They are return addresses, as of runtime.Callers: name the calls before them.")
    ] = False,
    no_inline: Annotated[bool, typer.Option("--no-inline", help="Only the function that holds the address.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="addr2line prints as go tool addr2line does; folded is of stacks, and their text, too.")
    ] = Format.text,
    json: JsonOption = False,
    output: OutputOption = None,
    color: ColorOption = Color.auto,
    quiet: QuietOption = False,
) -> None:  # fmt: skip
    """Name the addresses of a process, which lives or has ended, of a core file or of a binary: stripped and PIE ones, too.

    A list of addresses, one a line, is answered address by address: function, file and line, inlined calls first. In any other text
    the names are put behind the addresses (0x…), and all else stays as it is.

    Stacks are folded: bpftrace's maps (@[ustack, comm]: n, -f json, too), folded addresses as of bcc, bpftool map dump of a stack
    trace map, and JSON lines with user and kernel. Their addresses but the first are return addresses.

    Of a living process the very files that it runs are read, deleted or replaced as they may be. Of saved maps a
    file is used that --binary names, that lies below --symfs or beside the maps, or that still has its inode at its path.

    Exit code 1: no address of a list has a name.

    Examples:

    goinspect symbolize --pid 42 0x55d0c8a1b2c3

    goinspect symbolize --maps maps.txt --binary ./server addresses.txt --json

    goinspect symbolize --maps maps.txt --binary ./server stacks.bpftrace | goinspect flame -

    cat crash.log | goinspect symbolize --pid 42 -
    """  # fmt: skip
    from goinspect.api.symbolize import Named, Source, stacks_reader

    check_output(output)
    keep_freed_memory()
    form = Format.json if json else form
    source = Source(pid, maps, core, binary or (), symfs, kallsyms)
    paths = what or ["-"]
    addresses = None if any(map(_is_file, paths)) else [_number(text) for text in paths]
    named = Named(source, inlines=not no_inline)
    painted = output is None and use_color(color, sys.stdout)
    of_process = not (pid is None and maps is None and core is None)
    write_result = partial(_write, output=output, painted=painted, quiet=quiet, of_process=of_process)
    if addresses is not None:
        write_result(_answer(named, addresses, form, callers=callers), form)
        return
    with ExitStack() as stack:
        pieces = chain.from_iterable(_pieces(path, stack) for path in paths)
        head = next(pieces, b"")
        reader = stacks_reader(head)
        if reader is not None:
            found = named.stacks(reader(b"".join(chain([head], pieces))))
            write_result(found, Format.folded if form is Format.text else form)
            return
        if form is Format.folded:
            raise QueryError(
                "no stacks in it: --format folded is for those that bpftrace, bcc, bpftool and others print"
            )
        if form is Format.text and not _LIST.fullmatch(head[: head.rfind(b"\n") + 1] or head):
            from goinspect.render.symbolized.text import annotated

            _write_through(annotated(chain([head], pieces), named.rows, callers=callers), output)
            warn(named.warnings, quiet=quiet)
            return
        text = b"".join(chain([head], pieces)).decode("utf-8", "backslashreplace")
    listed = [_number(word) for word in text.split() if _ADDRESS.fullmatch(word)]
    write_result(_answer(named, listed, form, callers=callers), form)


def _is_file(text: str) -> bool:
    return text == "-" or not _ADDRESS.fullmatch(text) or "/" in text


def _number(text: str) -> int:
    return int(text, 16)


def _pieces(path: str, stack: ExitStack) -> Iterator[bytes]:
    """The bytes of a file or of stdin, as they come."""
    if path == "-":
        stream: BinaryIO = sys.stdin.buffer
    else:
        try:
            stream = Path(path).open("rb")  # noqa: SIM115  # closed by the stack
            stack.callback(stream.close)
        except OSError as error:
            hint = "" if exists(path) else ", and it is no hexadecimal address"
            raise FileError(f"cannot be read: {error.strerror}{hint}", path=path) from None
    read = getattr(stream, "read1", stream.read)
    try:
        yield from iter(partial(read, _PIECE), b"")
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", path=path) from None


def _write_through(pieces: Iterable[bytes], output: str | None) -> None:
    """As it comes: what follows a log is read at once."""
    if output is not None and output != "-":
        write(b"".join(pieces), output)
        return
    for piece in pieces:
        write(piece, None)


def _answer(named: Named, addresses: list[int], form: Format, *, callers: bool) -> SymbolizeReport:
    if form is Format.folded:
        raise QueryError("addresses are no stacks: --format folded is for the output of tracers")
    return named.report(addresses, callers=callers)


def _write(
    result: SymbolizeReport, form: Format, *, output: str | None, painted: bool, quiet: bool, of_process: bool
) -> None:  # fmt: skip
    write(_rendered(result, form, painted=painted), output)
    warn(result.warnings, quiet=quiet)
    if result.rows and not result.named:
        report(
            f"goinspect: no address has a name: {_OF_PROCESS if of_process else _OF_FILE}",
            quiet=quiet,
        )
        raise typer.Exit(1)


def _rendered(result: SymbolizeReport, form: Format, *, painted: bool) -> Iterator[str]:
    if form is Format.json:
        from goinspect.render.symbolized.document import render_json

        return render_json(result)
    if form is Format.folded:
        from goinspect.render.symbolized.folded import render_folded

        return iter([render_folded(result.stacks or ())])
    from goinspect.render.symbolized.text import render_addr2line, render_rows

    return render_addr2line(result) if form is Format.addr2line else render_rows(result, color=painted)
