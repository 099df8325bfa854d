"""`goinspect info` for people: facts, settings, dependencies, and what the bytes of the file are spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.text.columns import write_columns
from goinspect.render.values import escape_terminal, human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.info import Info, InfoReport, LinkerString, ModuleRow, TableRow

__all__ = ["render_text"]

_SHOWN = 6  # dependencies, unless all are asked for
_LIBRARIES = 4
_LONGEST = 200  # characters of a value
_FOUND = ("gopclntab", "moduledata")  # parts that may be found in many ways
_BAR, _WIDTH = "█", 20
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
# Settings that the facts above them have said already.
_TOLD = ("GOOS", "GOARCH", "-buildmode", "vcs", "vcs.revision", "vcs.time", "vcs.modified", "-compiler")


def render_text(report: InfoReport, *, deps: bool = False, verbose: bool = False, color: bool = False) -> str:
    """A page per file.

    Args:
        report: the files.
        deps: list all dependencies, not just the first ones.
        verbose: everything, each fact with its reason, and parts that are not there, too.
        color: headings in bold, reasons dimmed.
    """
    pages = (_Page(info, deps=deps or verbose, verbose=verbose, color=color).text() for info in report.files)
    return "\n".join(pages)


class _Page:
    def __init__(self, info: Info, *, deps: bool, verbose: bool, color: bool) -> None:
        self._info = info
        self._deps = deps
        self._verbose = verbose
        self._bold, self._dim, self._reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")

    def text(self) -> str:
        info = self._info
        parts = [f"{self._bold}{escape_terminal(info.path)}{self._reset}\n", self._facts()]
        parts += [self._settings(), self._strings(), self._dependencies(), self._tables()]
        return "\n".join(part for part in parts if part)

    # --- facts ---

    def _facts(self) -> str:
        rows = [row for row in self._fact_rows() if row[1]]
        width = max(len(name) for name, _, _ in rows)
        return "".join(f"{name:<{width}}  {value}{self._reason(field)}\n" for name, value, field in rows)

    def _reason(self, field: str) -> str:
        reason = self._info.reasons.get(field, "")
        return f"  {self._dim}({escape_terminal(reason)}){self._reset}" if reason and self._verbose else ""

    def _fact_rows(self) -> Iterator[tuple[str, str, str]]:
        """(label, value, field that a reason is given for); values that are empty are not shown."""
        info = self._info
        kind = f"{info.container}, {info.bits}-bit {info.byteorder} endian, {info.type}"
        yield "file", f"{kind}, {human_bytes(info.size)}" if info.size else kind, ""
        yield "entry", hex(info.entry) if info.entry and self._verbose else "", ""
        yield "platform", _platform(info), "os"
        yield "go version", _version(info), ""
        yield "main package", escape_terminal(info.main_package or ""), ""
        yield "module", _module(info.module) if info.module else "", ""
        yield "version", _versions(info), ""
        yield "vcs", self._vcs(), ""
        yield "build mode", _mode(info), "build_mode"
        yield "linked by", _linked(info), "linkmode"
        yield "libraries", _libraries(info), "static"
        yield "cgo", _flag(info.cgo), "cgo"
        yield "optimized", _flag(info.optimized, no="no: nothing is inlined"), "optimized"
        yield (
            "source paths",
            {True: "trimmed", False: "as they were on the machine", None: ""}[info.trimpath],
            "trimpath",
        )
        yield "instrumented", info.sanitizer or "", "sanitizer"
        yield "FIPS 140", escape_terminal(info.fips140 or ""), ""
        yield "PGO", escape_terminal(info.pgo or ""), ""
        yield "stripped", info.stripped if info.stripped == "no" else f"yes: no {_joined(info.stripped)}", ""
        yield "Go build ID", escape_terminal(info.go_build_id or ""), ""
        yield "GNU build ID", info.gnu_build_id or "", ""

    def _vcs(self) -> str:
        vcs = self._info.vcs
        if vcs is None:
            return ""
        state = {True: "modified", False: "", None: ""}[vcs.modified]
        return escape_terminal(" ".join(filter(None, (vcs.system, vcs.revision, vcs.time, state))))

    # --- settings and dependencies ---

    def _settings(self) -> str:
        rows = list(self._info.settings.items())
        if not self._verbose:  # what is set to nothing, or told above, is of interest to few
            rows = [(key, _shortened(key, value)) for key, value in rows if value and key not in _TOLD]
        if not rows:
            return ""
        lines = [f"  {escape_terminal(key)}={escape_terminal(value)}\n" for key, value in rows]
        return self._heading("settings") + "".join(lines)

    def _strings(self) -> str:
        strings = self._info.linker_strings
        if not strings:
            return ""
        lines = [f"  {escape_terminal(s.name)}={self._value(s)}{self._doubt(s)}\n" for s in strings]
        return self._heading("set by the linker") + "".join(lines)

    def _value(self, string: LinkerString) -> str:
        value = string.value
        if len(value) <= _LONGEST or self._verbose:
            return escape_terminal(value)
        return f"{escape_terminal(value[:_LONGEST])}… ({len(value)} characters: -v shows them)"

    def _doubt(self, string: LinkerString) -> str:
        """What is to be known of it besides its value."""
        if string.in_file is False:
            note = "no variable of this name is in the program"
        elif self._verbose:
            note = f"found in {string.found_in}" if string.found_in != "-ldflags" else "setting -ldflags"
        else:
            return ""
        return f"  {self._dim}({note}){self._reset}"

    def _dependencies(self) -> str:
        deps = self._info.deps
        if not deps:
            return ""
        shown = deps if self._deps or len(deps) <= _SHOWN + 1 else deps[:_SHOWN]
        lines = [f"  {_module(module)}\n" for module in shown]
        if len(shown) < len(deps):
            lines.append(f"  {self._dim}and {len(deps) - len(shown)} more: --deps shows them{self._reset}\n")
        return self._heading(f"dependencies: {len(deps)}") + "".join(lines)

    def _heading(self, text: str) -> str:
        return f"{self._bold}{text}{self._reset}\n"

    # --- tables ---

    def _tables(self) -> str:
        info = self._info
        rows = [row for row in info.tables if row.present or self._verbose]
        if not rows:
            return ""
        heads = ["part", "bytes", "share", "", "count", "address", "details"]
        columns: list[list[str]] = [
            [("  " if row.within else "") + row.name for row in rows],
            [_bytes(row) for row in rows],
            [_share(row, info.size) for row in rows],
            [_bar(row, info.size) for row in rows],
            ["" if row.count is None else str(row.count) for row in rows],
            ["" if row.address is None else hex(row.address) for row in rows],
            [self._detail(row) for row in rows],
        ]
        text = write_columns(heads, columns, "lrrlrll")
        first, _, rest = text.partition("\n")
        body = "\n".join(line.rstrip() for line in rest.split("\n"))
        return f"{self._bold}{first}{self._reset}\n{body}"

    def _detail(self, row: TableRow) -> str:
        found = f"found by {row.found_by}" if row.found_by and (self._verbose or row.name in _FOUND) else ""
        inside = f"in {row.within}" if row.within else ""
        return escape_terminal("; ".join(filter(None, (inside, row.detail, found))))


def _shortened(key: str, value: str) -> str:
    """A list of dozens of values by its length."""
    count = value.count(",") + 1
    return f"({count} values: -v shows them)" if key == "DefaultGODEBUG" and count > _SHOWN else value


def _platform(info: Info) -> str:
    level = next((f" ({key}={escape_terminal(value)})" for key, value in info.settings.items()
                  if key.startswith("GO") and key[2:].lower() in info.arch and key != "GOARCH"), "")  # fmt: skip
    return f"{escape_terminal(info.os)}/{info.arch}{level}" if info.os else info.arch


def _version(info: Info) -> str:
    if info.go_version:
        origin = "" if info.go_version_from == "build information" else f", from {info.go_version_from}"
        return escape_terminal(info.go_version) + origin
    if info.packed:
        return f"not to be seen: the file is packed by {info.packed}, `upx -d` unpacks it"
    return "unknown" if info.go else "none: not Go"


def _versions(info: Info) -> str:
    """What the variables say that are called versions, as far as the program has them."""
    known = [s for s in info.linker_strings if s.version and s.value and s.in_file is not False]
    return ", ".join(escape_terminal(f"{s.value[:_LONGEST]} ({s.name})") for s in known)


def _mode(info: Info) -> str:
    if info.build_mode == "exe" and info.pie:
        return "exe, position-independent"
    return info.build_mode or ("unknown" if info.go else "")


def _linked(info: Info) -> str:
    if info.linkmode is None:
        return ""
    return "Go's linker" if info.linkmode == "internal" else "the C compiler's linker (external)"


def _libraries(info: Info) -> str:
    if info.static is None:
        return ""
    if info.static:
        return "none (static)"
    names = [escape_terminal(name) for name in info.libraries[:_LIBRARIES]]
    if len(info.libraries) > _LIBRARIES:
        names.append(f"{len(info.libraries) - _LIBRARIES} more")
    loader = f"loaded by {escape_terminal(info.interpreter)}" if info.interpreter else ""
    return "; ".join(filter(None, (", ".join(names), loader)))


def _flag(value: bool | None, *, no: str = "no") -> str:
    return "" if value is None else "yes" if value else no


def _joined(text: str) -> str:
    """What is missing, behind a "no"."""
    return text.replace(" and ", " or ")


def _module(module: ModuleRow) -> str:
    own = f"{module.path} {module.version}".rstrip()
    if module.replaced_by is None:
        return escape_terminal(own)
    other = module.replaced_by
    return escape_terminal(f"{own} => {other.path} {other.version}".rstrip())


def _bytes(row: TableRow) -> str:
    return human_bytes(row.bytes) if row.bytes is not None else "?" if row.present else ""


def _share(row: TableRow, size: int) -> str:
    if row.bytes is None or not size or not row.present:
        return ""
    return f"{100 * row.bytes / size:.1f}%"


def _bar(row: TableRow, size: int) -> str:
    if row.bytes is None or not size or row.within:
        return ""
    return _BAR * round(_WIDTH * min(row.bytes / size, 1))
