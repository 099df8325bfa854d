"""`goinspect probe` for programs that set probes: a script for bpftrace, commands for perf."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from goinspect.errors import QueryError
from goinspect.render.json.probe import render_json
from goinspect.render.text.probe import render_text
from goinspect.render.values import base_name, escape_terminal
from goinspect.results.probe import BODY, ENTRY, RETURN, TAIL_JUMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.results.probe import ProbeFunction, ProbePart, ProbePoint, ProbeReport, ProbeValue

__all__ = ["render", "render_bpftrace", "render_perf"]

_MOST_VALUES, _MOST_TEXTS = 8, 2  # of one printf: the stack of a BPF program has 512 bytes
_LONGEST_EVENT = 48
_PERF_REGISTERS = {"amd64": "%", "arm64": "%x", "s390x": "%", "riscv64": "%"}


def render(result: ProbeReport, form: str, *, color: bool = False) -> str:
    """The answer as "text", "json", "bpftrace" or "perf". Raises as these."""
    if form == "text":
        return render_text(result, color=color)
    return {"json": render_json, "bpftrace": render_bpftrace, "perf": render_perf}[form](result)


def _path(result: ProbeReport) -> str:
    """Absolute: who sets probes may do so elsewhere. Raises QueryError for one that cannot be written down."""
    path = os.path.abspath(result.binary)  # noqa: PTH100  # links are left as they are
    if escape_terminal(path) != path or '"' in path:
        raise QueryError("its path has characters that neither bpftrace nor perf take", path=result.binary)
    return path


def _first(function: ProbeFunction) -> ProbePoint:
    """Where a call is counted once."""
    return (*function.at(BODY), *function.at(ENTRY))[0]


def _ends(function: ProbeFunction) -> tuple[ProbePoint, ...]:
    return (*function.at(RETURN), *function.at(TAIL_JUMP))


# --- bpftrace ---


def render_bpftrace(result: ProbeReport) -> str:
    """A script that prints calls and returns with what is in registers, and counts them.

    bpftrace takes an address for that of the file where a symbol table has the function, else for an offset in the file. It
    wants ``--unsafe`` because it cannot look whether instructions begin there: always without symbols, and in many
    builds of it with them.

    Raises:
        QueryError: a point is not in the file, or the path cannot be written down.
    """
    about = f"{result.go_version or 'Go'} {result.arch}"
    out = [f"// goinspect probe {escape_terminal(base_name(result.binary))}: {escape_terminal(about)}\n"]
    out.append("// bpftrace --unsafe FILE\n")
    out += [piece for function in result.functions for piece in _bpftrace(result, function)]
    return "".join(out)


def _bpftrace(result: ProbeReport, function: ProbeFunction) -> Iterator[str]:
    name = _text(function.function)
    target = _path(result)
    if not re.fullmatch(r"[\w./+-]+", target):
        target = f'"{target}"'
    goid = result.goroutine.g_goid
    before, values = "", list[str]()
    if function.abi != "ABI0" and result.goroutine.register and goid is not None:
        before, values = " goid=%d", [f'*(uint64 *)(reg("{result.goroutine.register}") + {goid})']

    def probe(
        points: Sequence[ProbePoint], counter: str, what: str, shown: Sequence[ProbeValue] | None
    ) -> str:
        text, read = _printed(shown or (), result.sp)
        where = ",\n".join(f"uprobe:{target}:{_number(result, function, point):#x}" for point in points)
        line = "".join(f", {value}" for value in [*values, *read])
        return (
            f"{where}\n{{\n"
            f'  @{counter}["{name}"] = count();\n'
            f'  printf("{what} {_text(function.function, percent=True)}{before}{text}\\n"{line});\n}}\n'
        )

    yield f"\n// {escape_terminal(function.function)}\n"
    yield probe([_first(function)], "calls", "call", function.arguments)
    if _ends(function):
        yield probe(
            _ends(function), "returns", "return", function.results if not function.at(TAIL_JUMP) else None
        )


def _number(result: ProbeReport, function: ProbeFunction, point: ProbePoint) -> int:
    if function.in_symbol_table:
        return point.vaddr
    return _offset(result, point)


def _offset(result: ProbeReport, point: ProbePoint) -> int:
    if point.file_offset is None:
        raise QueryError(f"address {point.vaddr:#x} is not in the file", path=result.binary)
    return point.file_offset


def _text(name: str, *, percent: bool = False) -> str:
    """As it stands in a string of bpftrace."""
    plain = escape_terminal(name).replace("\\", "\\\\").replace('"', '\\"')
    return plain.replace("%", "%%") if percent else plain


def _printed(values: Sequence[ProbeValue], sp: str) -> tuple[str, list[str]]:
    """What printf shows of values: the format, and what is read. Floating-point numbers cannot be read."""
    text, read, texts = "", list[str](), 0
    for value in values:
        parts = iter(value.parts)
        for part in parts:
            label = f" {_text(value.name + part.path.removesuffix('.ptr'), percent=True)}="
            if part.kind == "text":
                length = next(parts, None)
                if length is not None and texts < _MOST_TEXTS and len(read) < _MOST_VALUES:
                    text, texts = text + label + "%s", texts + 1
                    read.append(f"str({_read(part, sp)}, {_read(length, sp)})")
                continue
            if part.kind == "float" or len(read) == _MOST_VALUES:
                continue
            text += label + {"int": "%d", "uint": "%u", "bool": "%d"}.get(part.kind, "0x%x")
            read.append(_read(part, sp))
    return text, read


def _read(part: ProbePart, sp: str) -> str:
    """Only so many bytes of a register are of the value."""
    bits = 8 * part.size
    kind = f"int{bits}" if part.kind == "int" else f"uint{bits}"
    if part.register is None:
        return f'*({kind} *)(reg("{sp}") + {part.stack})'
    return f'({kind})reg("{part.register}")'


# --- perf ---


def render_perf(result: ProbeReport) -> str:
    """Commands of a shell that make events of calls and returns; perf counts offsets from the beginning of the file.

    Raises as `render_bpftrace`.
    """
    path = shlex.quote(_path(result))
    used: set[str] = set()
    out = [
        "# as root; then: perf record -e 'goinspect:*' -a, or perf stat; perf probe -d 'goinspect:*' takes them away\n"
    ]
    for function in result.functions:
        event = _event(function.function, used)
        points = [(event, _first(function), function.arguments)]
        ends = _ends(function)
        points += [
            (f"{event}_ret{number}", point, function.results if point.kind == RETURN else None)
            for number, point in enumerate(ends, 1)
        ]
        for name, point, values in points:
            fields = "".join(f" {field}" for field in _fields(result, values or ()))
            add = shlex.quote(f"goinspect:{name}={_offset(result, point):#x}{fields}")
            out.append(f"perf probe -x {path} --add {add}\n")
    return "".join(out)


def _event(name: str, used: set[str]) -> str:
    """A name that tracefs takes, of its own for each function."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name.rpartition("/")[2]).strip("_")[:_LONGEST_EVENT] or "function"
    plain = plain if plain[0].isalpha() else f"f{plain}"
    event, number = plain, 2
    while event in used:
        event, number = f"{plain}_{number}", number + 1
    used.add(event)
    return event


def _fields(result: ProbeReport, values: Sequence[ProbeValue]) -> Iterator[str]:
    mark = _PERF_REGISTERS.get(result.arch)
    if mark is None:
        return
    used: set[str] = set()
    for value in values:
        for part in value.parts:
            if part.kind == "float":
                continue
            name = re.sub(r"[^0-9A-Za-z]+", "_", value.name + part.path).strip("_") or "value"
            name = name if name[0].isalpha() else f"v{name}"
            if name in used:
                continue
            used.add(name)
            kind = {"int": "s", "uint": "u", "bool": "u"}.get(part.kind, "x")
            where = (
                f"+{part.stack}(%{result.sp})"
                if part.register is None
                else _perf_register(mark, part.register)
            )
            yield f"{name}={where}:{kind}{8 * part.size}"


def _perf_register(mark: str, register: str) -> str:
    return mark + (register.removeprefix("r") if mark == "%x" else register)
