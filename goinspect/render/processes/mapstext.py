"""`goinspect maps` as text: the process, its layout, its mappings, totals, and addresses step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.processes.words import (
    bar_share,
    big,
    build_words,
    drawn,
    exe_words,
    heading,
    main_image,
    state_words,
)
from goinspect.render.text.columns import escape_all, write_columns
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.processes.maps import Explained, MapReport, Process

__all__ = ["render_text"]

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_THREADS = 16  # shown, unless all are asked for
_BAR, _WIDTH = "█", 24
_LONGEST = 300  # characters of a command line


def render_text(report: MapReport, *, threads: bool = False, color: bool = False) -> str:
    """The whole answer; of one with addresses, these and the process.

    Args:
        report: the answer.
        threads: list all threads, not just the first ones.
        color: headings in bold.
    """
    page = _Page(report, threads=threads, color=color)
    parts = [*page.process()]
    if report.addresses:
        parts += [page.address(one) for one in report.addresses]
    else:
        parts += [*page.threads(), *page.layout(), *page.binaries(), *page.mappings(), *page.totals()]
    return "\n".join(parts)


class _Page:
    def __init__(self, report: MapReport, *, threads: bool, color: bool) -> None:
        self._report = report
        self._all = threads
        self._bold, self._dim, self._reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")

    def _head(self, text: str) -> str:
        return f"{self._bold}{escape_terminal(text)}{self._reset}\n"

    def process(self) -> Iterator[str]:
        process = self._report.process
        rows = self._facts(process) if process is not None else []
        image = main_image(self._report)
        if image is not None:
            ids = [
                f"Go {image.facts.go_build_id}" if image.facts.go_build_id else "",
                f"GNU {image.facts.gnu_build_id}" if image.facts.gnu_build_id else "",
            ]
            rows += [("program", build_words(image)), ("build ID", ", ".join(filter(None, ids)))]
        told = [(name, value) for name, value in rows if value]
        width = max((len(name) for name, _ in told), default=0)
        lines = (f"  {name:<{width}}  {escape_terminal(value[:_LONGEST])}\n" for name, value in told)
        yield self._head(heading(self._report)) + "".join(lines)

    @staticmethod
    def _facts(process: Process) -> list[tuple[str, str]]:
        exe = process.exe or ""
        became = exe_words(process.exe_state)
        kernel = "a thread of the kernel, without a memory of its own" if process.kernel_thread else ""
        return [
            ("state", kernel or state_words(process.state)),
            (
                "PID there",
                "" if process.namespace_pid is None else f"{process.namespace_pid} (in its PID namespace)",
            ),
            ("parent", "" if process.ppid is None else str(process.ppid)),
            ("command", " ".join(process.command)),
            ("exe", f"{exe}  ({became})" if became else exe),
            (
                "mounts",
                "others than those seen here (a mount namespace of its own)"
                if process.other_namespace
                else "",
            ),
            ("cgroup", process.cgroup or ""),
            ("container", process.container or ""),
            ("CPU", "" if process.cpu_seconds is None else f"{process.cpu_seconds:.2f} s"),
        ]

    def threads(self) -> Iterator[str]:
        process = self._report.process
        if process is None or len(process.threads) < 2:
            return
        shown = process.threads if self._all else process.threads[:_THREADS]
        columns = [
            [str(thread.tid) for thread in shown],
            [thread.state or "-" for thread in shown],
            ["-" if thread.cpu is None else str(thread.cpu) for thread in shown],
            ["-" if thread.cpu_seconds is None else f"{thread.cpu_seconds:.2f} s" for thread in shown],
            [escape_terminal(thread.name) or "-" for thread in shown],
        ]
        left = len(process.threads) - len(shown)
        more = f"… and {left:,} more (--threads)\n" if left else ""
        yield (
            self._head("Threads")
            + write_columns(("TID", "state", "on CPU", "used", "name"), columns, "rlrrl")
            + more
        )

    def layout(self) -> Iterator[str]:
        if not self._report.regions:
            return
        lines = []
        for line in drawn(self._report.regions):
            if line.region is None:
                lines.append(f"{'⋮':>18}  {counted(line.left_out, 'region')} of {big(line.size)}\n")
            else:
                region = line.region
                name = escape_terminal(region.name)
                several = f", {region.mappings:,} mappings" if region.mappings > 1 else ""
                told = f", {big(region.resident)} resident" if region.resident else ""
                lines.append(
                    f"{region.start:#18x}  {_bar(line.size):<{_WIDTH}}  {name}  {big(line.size)}{told}{several}\n"
                )
            if line.hole:
                lines.append(f"{self._dim}{'┊':>18}  hole of {big(line.hole)}{self._reset}\n")
        yield self._head("Layout (a bar that is longer by one cell stands for 2.3 times the size)") + "".join(
            lines
        )

    def binaries(self) -> Iterator[str]:
        images = self._report.images
        if not images:
            return
        spans = [self._span(number) for number in range(len(images))]
        columns = [
            ["-" if image.bias is None else _signed(image.bias) for image in images],
            spans,
            escape_all(
                [
                    image.facts.go_version or ("Go" if image.facts.go else "no" if image.opened else "?")
                    for image in images
                ]
            ),
            escape_all([image.facts.go_build_id or image.facts.gnu_build_id or "-" for image in images]),
            escape_all([image.path for image in images]),
        ]
        heads = ("load bias", "its own addresses", "Go", "build ID", "path")
        yield self._head("Binaries (address = its own address + load bias)") + write_columns(
            heads, columns, "rllll"
        )

    def _span(self, number: int) -> str:
        rows = [row for row in self._report.mappings if row.image == number and row.vaddr is not None]
        if not rows:
            return "-"
        first = min(row.vaddr for row in rows if row.vaddr is not None)
        return (
            f"{first:#x}-{max(row.vaddr + row.end - row.start for row in rows if row.vaddr is not None):#x}"
        )

    def mappings(self) -> Iterator[str]:
        rows = self._report.mappings
        if not rows:
            return
        columns = [
            [f"{row.start:#x}-{row.end:#x}" for row in rows],
            [big(row.end - row.start) for row in rows],
            ["-" if row.resident is None else big(row.resident) for row in rows],
            [row.permissions for row in rows],
            [f"{row.offset:#x}" for row in rows],
            [f"{row.device} {row.inode}" if row.inode else "-" for row in rows],
            ["-" if row.vaddr is None else f"{row.vaddr:#x}" for row in rows],
            escape_all([_what(row.what, guess=row.guess, huge=row.huge) for row in rows]),
            escape_all([row.path for row in rows]),
        ]
        heads = ("mapping", "size", "resident", "", "offset", "device inode", "vaddr", "what", "path")
        table = write_columns(heads, columns, "lrrlrlrll")
        yield self._head("Mappings") + "".join(line.rstrip() + "\n" for line in table.splitlines())

    def totals(self) -> Iterator[str]:
        rows = self._report.totals
        if not rows:
            return
        columns = [
            [row.kind for row in rows],
            [f"{row.mappings:,}" for row in rows],
            [big(row.size) for row in rows],
            ["-" if row.resident is None else big(row.resident) for row in rows],
            [f"{row.guesses:,} by address and size" if row.guesses else "" for row in rows],
        ]
        table = write_columns(("kind", "mappings", "size", "resident", "guesses"), columns, "lrrrl")
        yield self._head("Totals") + "".join(line.rstrip() + "\n" for line in table.splitlines())

    def address(self, one: Explained) -> str:
        lines = [f"{self._bold}{one.address:#x}{self._reset}\n"]
        lines += [f"  {name:<11}  {escape_terminal(text)}\n" for name, text in one.steps]
        for number, frame in enumerate(one.frames):
            place = f"{frame.file}:{frame.line}" if frame.file else "?"
            how = "  inlined" if frame.inlined else ""
            label = "frames" if number == 0 else ""
            lines.append(f"  {label:<11}  {escape_terminal(frame.function)}  {escape_terminal(place)}{how}\n")
        return "".join(lines)


def _what(text: str, *, guess: bool, huge: int | None) -> str:
    return text + (f", {big(huge)} in huge pages" if huge else "") + (" (guess)" if guess else "")


def _bar(size: int) -> str:
    return _BAR * (1 + round(bar_share(size) * (_WIDTH - 1)))


def _signed(bias: int) -> str:
    return f"{bias:#x}" if bias >= 0 else f"-{-bias:#x}"
