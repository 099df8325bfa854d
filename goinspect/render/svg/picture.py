"""A flame graph as one interactive SVG file: a finished picture first, which a script then brings to life.

Everything is drawn here at a nominal width, so the file is right where no script runs (``<img>``, a code review,
paper). In a browser ``assets/*.js`` reads the numbers in ``<metadata>``, fits the picture to the window and adds
zoom, search and details. Labels are shortened by the same rules on both sides: change `labels.shorten` and
``flame.js`` together. What is too narrow to be drawn is told to the script all the same, packed (`hidden.py`).

Names are untrusted: they pass :func:`visible` once, and ``escape``/``quoteattr`` wherever they meet markup.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from goinspect._files import asset
from goinspect._words import counted
from goinspect.model import FrameKind
from goinspect.render.scripts import shared
from goinspect.render.svg import colors
from goinspect.render.svg.changes import change_class, change_columns, change_legend, node_words
from goinspect.render.svg.hidden import hidden_rows, leaf_weights, pack_heaviest
from goinspect.render.svg.labels import all_visible, cells, cut, escape, is_wide, shorten, visible
from goinspect.render.svg.layout import MARGIN, NOMINAL_WIDTH, inner_width, layout
from goinspect.render.values import human_weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goinspect.render.svg.layout import Box
    from goinspect.results.stacks import StackFrame
    from goinspect.views.graph import FlameGraph

__all__ = ["format_share", "render_svg", "shares_of"]

ROW = 18  # height of a row, one of which separates it from the next
CELL = 7.25  # widest advance of a 12 px monospace font in common use (DejaVu Sans Mono: 7.22)
LABEL_PAD = 4
TITLE_MIN_WIDTH = 1.0  # px; a narrower frame cannot be hovered without zooming, which needs the script anyway
LEGEND_TOP, LEGEND_ROW = 64, 20
FOOT = 66
_SCRIPTS = (
    "flame.js",
    "changes.js",
    "search.js",
    "hidden.js",
    "controls.js",
    "keys.js",
)  # one scope, in this order
_REST = 12_000  # bytes of style, head and legend, at most
_GO_KINDS = {FrameKind.USER, FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC}


class _Label(NamedTuple):
    """An entry of the legend as it is written."""

    key: colors.Key
    text: str
    share: str


def render_svg(
    graph: FlameGraph,
    *,
    width: int | None = None,
    min_width: float = 0.1,
    script: bool = True,
    note: str = "",
    most_bytes: int | None = None,
) -> str:
    """Draw ``graph``.

    Args:
        graph: what to draw.
        width: in px; ``None`` fills the window where scripts run, and is 1200 elsewhere.
        min_width: frames narrower than this many px at that width are left out, with all they call.
        script: ``False`` leaves a still picture.
        note: is said below the frames, too.
        most_bytes: the lightest of what is not drawn is unknown to searches where the picture would be larger.

    Returns:
        A complete XML document. The same graph gives the same bytes.
    """
    nominal = max(width or NOMINAL_WIDTH, 200)
    boxes = (
        layout(graph, inner_width(width), min_width) if graph.node_total and graph.node_total[0] > 0 else []
    )
    picture = _Picture(graph, boxes, nominal, fixed=width is not None, min_width=min_width, note=note)
    return "".join(picture.parts(script, most_bytes))


def format_share(part: float, whole: float) -> str:
    """``12.3 %``; small shares keep two decimals so that they do not all read 0.0 %."""
    share = 100 * part / whole if whole else 0.0
    if not share:
        return "0 %"
    if 0 < share < 0.01:
        return "<0.01 %"
    return f"{share:.2f} %" if share < 1 else f"{share:.1f} %"


def restored_words(restored: int, total: int) -> str:
    """What a tooltip says of a frame that the recorder passed over, in so much of its weight."""
    part = "" if restored == total else f" in {format_share(restored, total)}"
    return f"restored from the code{part}"


def shares_of(parts: list[int]) -> list[str]:
    """Shares of their sum with one decimal, so rounded that they add up to 100 %."""
    whole = sum(parts)
    if not whole:
        return ["0 %"] * len(parts)
    tenths = [1000 * part // whole for part in parts]
    # What is missing goes to those that lost most by rounding down.
    by_loss = sorted(range(len(parts)), key=lambda i: (-(1000 * parts[i] % whole), i))
    for i in by_loss[: 1000 - sum(tenths)]:
        tenths[i] += 1
    return [
        f"{tenth / 10:.1f} %" if tenth else "<0.1 %" if part else "0 %"
        for tenth, part in zip(tenths, parts, strict=True)
    ]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{_number(x)}" y="{_number(y)}"{attributes}>{escape(text)}</text>'


def _asset(name: str) -> str:
    return asset("goinspect.render.svg", f"assets/{name}")


@dataclass
class _Picture:
    """The parts of one document in the order they are written."""

    graph: FlameGraph
    boxes: list[Box]
    width: int
    fixed: bool
    min_width: float
    note: str = ""

    def __post_init__(self) -> None:
        self.unit = visible(self.graph.unit)
        self.names = all_visible([frame.name for frame in self.graph.frames])
        self.own = leaf_weights(self.graph)
        self.moved = colors.separate(colors.user_packages(self.graph.frames, self.own))
        self.colors = [colors.color_class(f.kind, f.package, f.name, self.moved) for f in self.graph.frames]
        self.subtitle = visible(
            self.graph.subtitle or f"{self.graph.event} · {counted(self.graph.samples, 'sample')}"
        )
        self.rows = max((box.depth for box in self.boxes), default=3) + 1
        self.keys = _flow(self.legend(), self.width - MARGIN)
        self.head_height = LEGEND_TOP + LEGEND_ROW * (self.keys[-1][2] + 1 if self.keys else 1) + 8
        self.height = self.head_height + self.rows * ROW + FOOT

    def parts(self, script: bool, most_bytes: int | None = None) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>\n'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" class="gi" width="{self.width}" height="{self.height}" '
        yield f'viewBox="0 0 {self.width} {self.height}">\n'
        yield f"<title>{escape(visible(self.graph.title))}</title>\n"
        yield f"<style>{escape(_asset('flame.css'))}{self.palette()}</style>\n{_HATCH}"
        yield f'<rect class="paper" width="100%" height="100%" fill="{colors.BACKGROUND[0]}"/>\n'
        yield f'<g class="frames" transform="translate({MARGIN},{self.head_height})" font-family="monospace" font-size="12">\n'
        frames = "".join(self.frames())
        yield frames
        yield "</g>\n"
        yield from self.empty() if not self.boxes else ()
        yield from self.head()
        yield self.foot()
        if script and self.boxes:
            code = shared() + "".join(_asset(name) for name in _SCRIPTS)
            room = None if most_bytes is None else most_bytes - len(frames) - len(code) - _REST
            yield f"<metadata>{escape(self.data(room))}</metadata>\n"
            yield f'<script><![CDATA[(() => {{\n"use strict";\n{code}}})();\n]]></script>\n'
        yield "</svg>\n"

    def palette(self) -> str:
        """Only the colours in use, so that renderers without CSS variables and media queries see plain rules."""
        used = sorted({*self.colors_of_boxes(), *(label.key.color for label, _, _ in self.keys)})
        light = "".join(f".gi .{color}{{fill:{colors.fill(color)}}}" for color in used if color[0] != "x")
        dark = "".join(
            f".gi .{color}{{fill:{colors.fill(color, dark=True)}}}" for color in used if color[0] != "x"
        )
        hatch = "".join(f".gi .{color}{{fill:url(#gi-hatch)}}" for color in used if color[0] == "x")
        return f"{light}{hatch}\n@media screen and (prefers-color-scheme:dark){{{dark}}}\n"

    def colors_of_boxes(self) -> list[str]:
        graph, frame = self.graph, self.graph.node_frame
        if graph.changes:
            return [change_class(graph.changes[box.node]) for box in self.boxes]
        return [self.colors[frame[box.node]] for box in self.boxes]

    def frames(self) -> Iterator[str]:
        graph, names = self.graph, self.names
        faded = ["" if graph.changes or not frame.inlined else " i" for frame in graph.frames]
        top, step = (0, ROW) if graph.inverted else ((self.rows - 1) * ROW, -ROW)
        rects: dict[float, str] = {}  # by width: most of a large picture are as wide as others
        for box, color in zip(self.boxes, self.colors_of_boxes(), strict=True):
            node, _, _, x, width, depth = box
            index = graph.node_frame[node]
            inside = label = ""
            if width >= TITLE_MIN_WIDTH:  # most of a large picture are narrower
                inside = f"<title>{escape(self.tooltip(box, names[index]))}</title>"
                label = _label(names[index], graph.frames[index], width)
            rect = rects.get(width)
            if rect is None:
                drawn = _number(max(width - 0.5, width * 0.7))
                rect = rects[width] = f'<rect width="{drawn}" height="{ROW - 1}"/>'
            yield (
                f'<g class="{color}{faded[index]}" transform="translate({_number(x)},{top + depth * step})">'
                f"{inside}{rect}{label}</g>\n"
            )

    def tooltip(self, box: Box, name: str) -> str:
        total = self.graph.node_total[box.node]
        share = format_share(total, self.graph.node_total[0])
        short = name if len(name) <= 500 else name[:499] + "…"
        restored = self.graph.node_restored[box.node] if self.graph.node_restored else 0
        mark = f"\n{restored_words(restored, total)}" if restored else ""
        changed = f"\n{node_words(self.graph, box.node)}" if self.graph.changes else ""
        return f"{short}\n{human_weight(total, self.unit)}, {share}{mark}{changed}"

    def head(self) -> Iterator[str]:
        room = self.width - 2 * MARGIN
        yield f'<g class="head"><rect class="paper" width="100%" height="{self.head_height - 6}" fill="{colors.BACKGROUND[0]}"/>'
        title = cut(visible(self.graph.title), int(room / 10))
        yield _text(MARGIN, 30, title, f' class="title" fill="{colors.TEXT[0]}"')
        yield _text(MARGIN, 49, cut(self.subtitle, int(room / 7)), f' class="subtitle" fill="{colors.MUTED}"')
        yield '<g class="legend" font-size="12">'
        for (key, text, share), x, line in self.keys:
            yield f'<g class="key {key.role}" transform="translate({_number(x)},{LEGEND_TOP + line * LEGEND_ROW})">'
            yield f"<title>{escape(visible(key.package))}</title>" if key.package else ""
            yield f'<rect class="{key.color}" width="11" height="11" rx="2.5"/><text x="17" y="10" fill="{colors.TEXT[0]}">'
            yield f'{escape(text)} <tspan fill="{colors.MUTED}">{escape(share)}</tspan></text></g>'
        yield "</g></g>\n"

    def legend(self) -> list[_Label]:
        if not self.boxes:
            return []
        if self.graph.changes:
            return [_Label(key, key.label, "") for key in change_legend(self.graph, self.boxes)]
        keys = colors.legend(self.graph.frames, self.own, self.moved)
        shares = dict(
            zip(
                (key for key in keys if key.role == "kind"),
                shares_of([key.own for key in keys if key.role == "kind"]),
                strict=True,
            )
        )
        whole = self.graph.node_total[0]
        return [
            _Label(
                key,
                cut(visible(key.label), 28),
                "" if key.role == "i" else shares.get(key) or format_share(key.own, whole),
            )
            for key in keys
        ]

    def foot(self) -> str:
        left_out = self.graph.pruned + len(self.graph.node_total) - len(self.boxes)
        text = f"{counted(len(self.boxes), 'frame')} drawn"
        text += f" · {left_out:,} too narrow to see left out" if left_out and self.boxes else ""
        text = cut(f"{text} · {visible(self.note)}", (self.width - 2 * MARGIN) // 7) if self.note else text
        y = self.height - FOOT
        line = _text(MARGIN, 30, text, f' class="subtitle" fill="{colors.MUTED}"') if self.boxes else ""
        return (
            f'<g class="foot" transform="translate(0,{y})">'
            f'<rect class="paper" y="6" width="100%" height="{FOOT - 6}" fill="{colors.BACKGROUND[0]}"/>{line}</g>\n'
        )

    def empty(self) -> Iterable[str]:
        """Say so, and what to try, instead of showing a blank sheet."""
        centre = ' text-anchor="middle"'
        y = self.head_height + 2 * ROW
        recorded = self.graph.unit in ("ns", "count", "samples")
        what = "No samples to draw" if recorded else f"No {self.unit} to draw"
        hint = "The recording holds none for this event, or a filter removed them all."
        if not recorded:
            hint = "A filter removed them all, or all weights are 0."
        return (
            _text(self.width / 2, y, what, f'{centre} class="title" fill="{colors.TEXT[0]}"'),
            _text(self.width / 2, y + 22, hint, f'{centre} class="subtitle" fill="{colors.MUTED}"'),
        )

    def data(self, room: int | None = None) -> str:
        """What the script cannot read off the picture, in columns and without repetition; with `room`, in about as many bytes."""
        graph, boxes = self.graph, self.boxes
        nodes = [box.node for box in boxes]
        frame = [graph.node_frame[node] for node in nodes]
        used = {index: i for i, index in enumerate(dict.fromkeys(frame))}
        rows = hidden_rows(graph, nodes)
        shown = [graph.frames[i] for i in used]
        packages, places = all_visible([f.package for f in shown]), all_visible([f.location for f in shown])
        frames = [
            [self.names[i], package, colors.kind_letter(f.kind), int(f.inlined), place, int(_is_go(f))]
            for i, f, package, place in zip(used, shown, packages, places, strict=True)
        ]
        content: dict[str, object] = {
            "title": visible(graph.title),
            "subtitle": self.subtitle,
            "width": self.width if self.fixed else 0,
            "unit": self.unit,
            "inverted": graph.inverted,
            "minWidth": self.min_width,
            "kinds": {colors.kind_letter(kind): label for kind, label in colors.KIND_LABELS.items()},
            "frames": frames,
            "frame": [used[index] for index in frame],
            "parent": [box.parent for box in boxes],
            "offset": [box.start - boxes[box.parent].start if i else 0 for i, box in enumerate(boxes)],
            "total": [graph.node_total[node] for node in nodes],
            "own": [graph.node_own[node] for node in nodes],
        }
        if graph.changes:
            content |= change_columns(graph, nodes)
        if graph.node_restored:
            restored = [graph.node_restored[node] for node in nodes]
            content["restored"] = {i: weight for i, weight in enumerate(restored) if weight}
        told = json.dumps(content, separators=(",", ":"))
        if not len(rows):
            return told
        left = None if room is None else room - len(told)
        packed, unseen = pack_heaviest(rows, used, graph.frames, visible, left)
        return f'{told[:-1]},"hidden":"{packed}","unseen":{unseen}}}'


def _flow(labels: list[_Label], room: int) -> list[tuple[_Label, float, int]]:
    """Set the legend like words on a page, packages on a line of their own: label, x, line."""
    placed: list[tuple[_Label, float, int]] = []
    x, line, packages = float(MARGIN), 0, False
    for label in labels:
        width = 17 + 6.9 * cells(f"{label.text} {label.share}")
        new = label.key.role == "package" and not packages
        if x > MARGIN and (new or x + width > room):
            x, line = float(MARGIN), line + 1
        placed.append((label, x, line))
        x, packages = x + width + 16, packages or new
    return placed


def _is_go(frame: StackFrame) -> bool:
    return frame.kind in _GO_KINDS


def _label(name: str, frame: StackFrame, width: float) -> str:
    label = shorten(name, int((width - 2 * LABEL_PAD) / CELL), go=_is_go(frame))
    if not label:
        return ""
    # Letters of unknown width are squeezed into the place they were given.
    fit = (
        f' textLength="{_number(cells(label) * CELL)}" lengthAdjust="spacingAndGlyphs"'
        if is_wide(label)
        else ""
    )
    return _text(LABEL_PAD, 12.5, label, fit)


_HATCH = (
    '<defs><pattern id="gi-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch" width="6" height="6" fill="#e4e3df"/><path class="hatch-line" d="M0 0V6" stroke="#d0cfca" '
    'stroke-width="5"/></pattern></defs>\n'
)
