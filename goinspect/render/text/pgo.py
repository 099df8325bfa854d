"""`goinspect pgo` as text: the hottest calls, and what the profile has and lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import escape_terminal, human_weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.results.pgo import CallEdge, HotCheck, PgoReport, Share

__all__ = ["render_text"]

_MISSING = 5  # shown
_DIM, _RESET = "\x1b[2m", "\x1b[0m"


def render_text(report: PgoReport, *, limit: int = 20, color: bool = False) -> str:
    """The report with at most so many calls; 0: all hot ones."""
    dim, reset = (_DIM, _RESET) if color else ("", "")
    return "".join(f"{line.rstrip()}\n" for line in _lines(report, limit, dim, reset))


def _lines(report: PgoReport, limit: int, dim: str, reset: str) -> Iterator[str]:
    shown = report.hot[:limit] if limit else report.hot
    yield f"{dim}{'share':>6}  {'weight':>9}  caller, + lines from its first one -> callee{reset}"
    for edge in shown:
        yield f"{edge.weight / report.weight:>6.1%}  {_amount(edge.weight, report.unit):>9}  {_call(edge)}"
    if more := len(report.hot) - len(shown):
        yield f"{dim}… {more:,} more (--limit 0 shows all){reset}"
    yield ""
    yield (
        f"hot calls: {len(report.hot):,} of {report.edges:,}, each of {report.threshold:.3g} % or more: together 99 % of the weight,"
        " where the compiler stops"
    )
    yield f"lines known: {_percent(report.with_lines, report.weight)} of the weight"
    program = next((one for one in report.inputs if one.package or one.module), report.inputs[0])
    name = program.package or program.module or ", ".join(program.binaries)
    versions = ", ".join(dict.fromkeys(v for one in report.inputs for v in one.go_versions)) or "Go"
    yield escape_terminal(f"program: {name} ({versions})")
    yield f"samples: {report.taken:,} of {report.samples:,}{_of(report.left_out, 'left out')}"
    if report.cut:
        yield f"counted for the Go function, or incomplete{_of(report.cut, '')}"
    if report.check is not None:
        yield from _check(report.check, report.unit)


def _check(check: HotCheck, unit: str) -> Iterator[str]:
    yield escape_terminal(
        f"{check.path}: {_percent(check.common, check.hot)} of its {counted(check.hot, 'hot call')} are hot here, too,"
        f" {_percent(check.common_weight, check.weight)} by weight"
    )
    for edge in check.missing[:_MISSING]:
        yield f"  not here: {edge.weight / max(check.weight, 1):>5.1%}  {_call(edge)}"
    if len(check.missing) > _MISSING:
        yield f"  … {len(check.missing) - _MISSING:,} more (--json has all)"


def _call(edge: CallEdge) -> str:
    offset = "?" if edge.offset is None else f"{edge.offset:+d}"
    return escape_terminal(f"{edge.caller} {offset} -> {edge.callee}")


def _amount(weight: int, unit: str) -> str:
    return human_weight(weight, unit).removesuffix(" samples").removesuffix(" sample")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def _of(shares: Sequence[Share], what: str) -> str:
    if not shares:
        return ""
    parts = ", ".join(f"{share.samples:,} {share.what}" for share in shares)
    return f"; {what}: {parts}" if what else f": {parts}"
