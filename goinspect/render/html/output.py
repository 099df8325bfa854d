"""`--format html`: the report, one file that needs nothing else.

Stacks are in it whole (`columns.py`); the modules in ``assets`` draw them. A policy in the file itself allows no code and no style
but these, by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect._files import asset
from goinspect.model import FrameKind
from goinspect.render.columns import pack
from goinspect.render.html.closures import enclosing_frames
from goinspect.render.html.columns import frame_table, label_columns, scaled_column, stack_columns
from goinspect.render.html.facts import facts, tables
from goinspect.render.html.listings import code_table, source_table
from goinspect.render.html.modules import frame_modules
from goinspect.render.html.palette import palette_of
from goinspect.render.html.times import time_columns
from goinspect.render.scripts import joinable, shared
from goinspect.render.svg import colors
from goinspect.render.svg.labels import cut, escape, visible
from goinspect.render.text.summary import subtitle, title
from goinspect.results.annotate import Details
from goinspect.views.waits import with_waits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import Difference, FlameProfile
    from goinspect.results.stacks import Stacks

__all__ = ["MODULES", "Page", "code", "page", "render"]

# Modules of `assets`, each behind those that it imports: they become one.
MODULES = (
    "page/dom", "page/text", "stacks/data", "stacks/change", "page/columns", "stacks/paths", "stacks/tree", "stacks/search",
    "page/state", "stacks/times", "model", "page/coloring", "page/searchbar", "page/paint", "page/crumbs", "page/legend", "page/live",
    "page/menu", "page/keep", "page/brush", "page/squarify", "views/spread", "views/chart", "views/minimap", "views/picture",
    "views/flame", "views/table", "views/sandwich", "views/source", "views/code", "views/lines", "views/strip", "views/heat",
    "views/time", "views/facts", "views/treemap", "main",
)  # fmt: skip
_LEVEL = 6  # of compression
_LABELS = ("process", "thread")
_ASKS = "connect-src 'self'; "


class Page(NamedTuple):
    """A page, and the policy that it is served with."""

    text: str
    policy: str


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The page."""
    return page(profile, options).text


def page(profile: FlameProfile, options: DrawOptions, live: Mapping[str, str] | None = None) -> Page:
    """The page; `live`: what one that is served knows of its server, which it may ask."""
    style, script = _asset("report.css"), code()
    heading = visible(options.title or title(profile, options.path))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        f"{_ASKS if live else ''}base-uri 'none'; form-action 'none'"
    )
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(cut(heading, 200))}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        "<noscript>This report is drawn by a script, which is switched off here.</noscript>\n"
        f'<script type="application/octet-stream" id="data">{_data(profile, options, heading, live)}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )
    return Page(text, policy)


def code() -> str:
    """The modules as one."""
    return shared() + "".join(joinable(_asset(f"{name}.js")) for name in MODULES)


def _asset(name: str) -> str:
    return asset("goinspect.render.html", f"assets/{name}")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(profile: FlameProfile, options: DrawOptions, heading: str, live: Mapping[str, str] | None) -> str:
    stacks = with_waits(profile.stacks, profile.waits.stacks) if profile.waits else profile.stacks
    own = _leaf_weights(stacks)
    frames = (*stacks.frames, *enclosing_frames(stacks.frames))
    palette = palette_of(frames, own, profile.difference)
    details = profile.details or Details()
    modules = frame_modules(frames, details.modules)
    table = frame_table(frames, palette.row, modules, lines=options.lines)
    listed, code_columns = code_table(details.codes, details.binaries)
    scale, order, columns = stack_columns(stacks, table.number)
    labels = {name: label for name, label in stacks.labels.items() if name in {*_LABELS, stacks.root}}
    values, label_rows = label_columns(labels, order)
    times, singles = time_columns(profile, order)
    head: dict[str, Any] = {
        "title": heading,
        "subtitle": visible(subtitle(profile)),
        "unit": visible(profile.unit),
        "scale": scale,
        "labels": values,
        "root": stacks.root,
        "order": "weight" if profile.event == "sizes" else "name",
        "layout": "icicle" if options.inverted else "flame",
        "kinds": [[kind, colors.KIND_LABELS[kind]] for kind in FrameKind.ALL],
        **palette.told,
        "facts": facts(profile, options, served=live is not None),
        "lines": options.lines,
        "annotate": _annotate(options.path),
        "codes_note": visible(details.codes_note),
        "sources": source_table(details.sources, table.words["files"]),
        **tables(profile, options),
        **listed,
        "times": times,
        "sizes": profile.event == "sizes",
        "live": live,
        **table.words,
    }
    if profile.difference is not None:
        head["difference"] = _difference(profile.difference)
        head["baseScale"], columns["base"] = scaled_column(stacks.weights[1].values[order])
    return pack(head, table.columns | columns | label_rows | code_columns | singles, _LEVEL)


def _annotate(path: str) -> str:
    """The command that shows the code of a function whose name follows."""
    return f"goinspect annotate {visible(shlex.quote('perf.data' if path == '-' else path))}"


def _difference(difference: Difference) -> dict[str, Any]:
    sides = {
        name: side._asdict() | {"path": visible(side.path)}
        for name, side in (("base", difference.base), ("other", difference.other))
    }
    return sides | {"absolute": difference.absolute, "scale": difference.scale}


def _leaf_weights(stacks: Stacks) -> list[int]:
    """Of each frame, what ended in it: on both sides, where there are two."""
    own = np.zeros(len(stacks.frames), dtype=np.uint64)
    filled = stacks.start[1:] > stacks.start[:-1]
    for weight in stacks.weights[: 1 + stacks.two_sided]:
        np.add.at(own, stacks.frame[stacks.start[1:][filled] - 1], weight.values[filled])
    found: list[int] = own.tolist()
    return found
