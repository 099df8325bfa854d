"""`goinspect maps --format svg`: the layout of an address space as a still picture, low addresses above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.processes.words import bar_share, big, build_words, drawn, heading, main_image
from goinspect.render.svg.labels import escape, shorten, visible

if TYPE_CHECKING:
    from goinspect.render.processes.words import Drawn
    from goinspect.results.processes.maps import MapReport, Region

__all__ = ["render_svg"]

_WIDTH, _MARGIN, _ROW = 960, 20, 24
_BAR_AT, _BAR = 190, 300  # where bars begin, and how long the longest is
_TEXT_AT = _BAR_AT + _BAR + 14
_TOP = 84
_CELLS = 56  # characters of a line's text
_LEGEND_COLUMN = 150
# Colours of kinds in light and dark; kinds of one colour are one entry of the legend.
_COLORS = (
    ("program", ("code", "read-only data", "data", "bss"), "#2f6fb2", "#6ba6e8"),
    ("Go heap", ("Go heap",), "#2c8a57", "#58bd88"),
    ("Go runtime", ("Go runtime",), "#7a9c2e", "#a9cb5c"),
    ("stack", ("stack", "thread stack"), "#b3541e", "#e8915a"),
    ("memory of C", ("heap", "anonymous"), "#8a5aa8", "#bf93dc"),
    ("file, shared", ("file", "shared memory", "huge pages", "device"), "#a07d12", "#d6b24a"),
    ("made at run time", ("jit",), "#b8304f", "#ee7c95"),
    ("kernel", ("vdso", "kernel data"), "#5f6b76", "#98a5b1"),
    ("kept free", ("guard", "reserved"), "#c3cad1", "#444d56"),
)  # fmt: skip
_CLASS = {kind: f"k{number}" for number, (_, kinds, _, _) in enumerate(_COLORS) for kind in kinds}
_STYLE = """svg{background:#fff}text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-size:18px;font-weight:600}
.s,.h{fill:#59636e}.m{font-family:ui-monospace,monospace;font-size:12px}.l{stroke:#8b949e;stroke-dasharray:2 4}
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.s,.h{fill:#9ba6b1}.l{stroke:#6e7681}%s}
%s"""


def render_svg(report: MapReport) -> str:
    """The picture: a bar for each region, longer for larger ones, and the holes between them."""
    lines = [line for one in drawn(report.regions) for line in _parts(one)]
    used = {_CLASS[line.region.kind] for line in drawn(report.regions) if line.region is not None}
    legend = [(number, name) for number, (name, *_) in enumerate(_COLORS) if f"k{number}" in used]
    per_row = (_WIDTH - 2 * _MARGIN) // _LEGEND_COLUMN
    below = _TOP + len(lines) * _ROW + 20
    height = below + -(-len(legend) // per_row) * 22 + 30
    title = escape(visible(heading(report)))
    body = [_line(line, _TOP + number * _ROW) for number, line in enumerate(lines)]
    body += [
        _key(number, name, _MARGIN + at % per_row * _LEGEND_COLUMN, below + at // per_row * 22)
        for at, (number, name) in enumerate(legend)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'style="max-width:100%;min-width:640px;height:auto" role="img"><title>{title}</title><style>{_style()}</style>'
        f'<text class="t" x="{_MARGIN}" y="34">{title}</text>'
        f'<text class="s" x="{_MARGIN}" y="56">{escape(visible(_subtitle(report)))}</text>'
        + "".join(body)
        + f'<text class="s" x="{_MARGIN}" y="{height - 14}">Low addresses above. Each doubling of the size makes a bar longer by the '
        "same step; holes are not to scale.</text></svg>\n"
    )


def _style() -> str:
    light = "".join(f".k{number}{{fill:{color}}}" for number, (_, _, color, _) in enumerate(_COLORS))
    dark = "".join(f".k{number}{{fill:{color}}}" for number, (_, _, _, color) in enumerate(_COLORS))
    light_first = _STYLE % (dark, light)
    head, _, tail = light_first.partition("@media")
    media, _, kinds = tail.rpartition("\n")
    return f"{head}{kinds}@media{media}"


def _subtitle(report: MapReport) -> str:
    image = main_image(report)
    size = sum(total.size for total in report.totals)
    known = [total.resident for total in report.totals if total.resident is not None]
    words = [build_words(image)] if image is not None else []
    words.append(f"{counted(len(report.mappings), 'mapping')} of {big(size)}")
    if known and len(known) == len(report.totals):
        words.append(f"{big(sum(known))} resident")
    return ", ".join(words)


def _parts(line: Drawn) -> list[Drawn]:
    """A line of its own for a hole."""
    own = line._replace(hole=0)
    return [own, line._replace(region=None, left_out=0)] if line.hole else [own]


def _line(line: Drawn, y: int) -> str:
    if line.region is not None:
        return _bar(line.region, y)
    middle = y + _ROW // 2
    if line.left_out:
        words = f"{counted(line.left_out, 'smaller region')} of {big(line.size)}"
        return f'<text class="h" x="{_TEXT_AT}" y="{middle + 4}">⋮ {words}</text>'
    rule = f'<path class="l" d="M{_BAR_AT} {middle}H{_BAR_AT + _BAR}"/>'
    return f'{rule}<text class="h" x="{_TEXT_AT}" y="{middle + 4}">hole of {big(line.hole)}</text>'


def _bar(region: Region, y: int) -> str:
    size = region.end - region.start
    width = max(3, round(bar_share(size) * _BAR))
    told = f", {big(region.resident)} resident" if region.resident else ""
    sizes = f"{big(size)}{told}"
    name = shorten(visible(region.name), _CELLS - len(sizes) - 2, go=False) or "…"
    full = f"{region.start:#x}-{region.end:#x} {visible(region.name)}: {sizes}, {counted(region.mappings, 'mapping')}"
    base = y + _ROW // 2 + 4
    return (
        f"<g><title>{escape(full)}</title>"
        f'<text class="m s" x="{_BAR_AT - 12}" y="{base}" text-anchor="end">{region.start:#x}</text>'
        f'<rect class="{_CLASS[region.kind]}" x="{_BAR_AT}" y="{y + 3}" width="{width}" height="{_ROW - 6}" rx="2"/>'
        f'<text x="{_TEXT_AT}" y="{base}">{escape(name)}  <tspan class="s">{sizes}</tspan></text></g>'
    )


def _key(number: int, name: str, x: int, y: int) -> str:
    return (
        f'<rect class="k{number}" x="{x}" y="{y}" width="12" height="12" rx="2"/>'
        f'<text class="s" x="{x + 18}" y="{y + 11}">{name}</text>'
    )
