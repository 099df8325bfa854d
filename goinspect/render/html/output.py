"""`--format html`: the report, one file that needs nothing else.

Stacks are in it whole (`columns.py`); the modules in ``assets`` draw them. A policy in the file itself allows no code and no style
but these, by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect._files import asset
from goinspect.model import FrameKind
from goinspect.render.columns import pack
from goinspect.render.html.columns import frame_table, label_columns, stack_columns
from goinspect.render.html.facts import facts
from goinspect.render.scripts import joinable, labels
from goinspect.render.svg import colors
from goinspect.render.svg.labels import cut, escape, visible
from goinspect.render.text.summary import subtitle, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import StackFrame, Stacks

__all__ = ["MODULES", "code", "render"]

# Modules of `assets`, each behind those that it imports: they become one.
MODULES = (
    "dom", "text", "data", "paths", "tree", "search", "state", "model", "paint", "views/chart", "views/flame", "views/table",
    "views/sandwich", "views/facts", "main",
)  # fmt: skip
_LEVEL = 6  # of compression
_LABELS = ("process", "thread")


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The page."""
    style, script = _asset("report.css"), code()
    heading = visible(options.title or title(profile, options.path))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(cut(heading, 200))}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        "<noscript>This report is drawn by a script, which is switched off here.</noscript>\n"
        f'<script type="application/octet-stream" id="data">{_data(profile, options, heading)}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def code() -> str:
    """The modules as one."""
    return labels() + "".join(joinable(_asset(f"{name}.js")) for name in MODULES)


def _asset(name: str) -> str:
    return asset("goinspect.render.html", f"assets/{name}")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(profile: FlameProfile, options: DrawOptions, heading: str) -> str:
    stacks = profile.stacks
    own = _leaf_weights(stacks)
    moved = colors.separate(colors.user_packages(stacks.frames, own))
    classes = [colors.color_class(f.kind, f.package, f.name, moved) for f in stacks.frames]
    keys = colors.legend(stacks.frames, own, moved)
    unnamed = colors.color_class(FrameKind.ROOT, "", "", moved)
    palette = list(dict.fromkeys([unnamed, *classes, *(key.color for key in keys)]))
    row = {color: i for i, color in enumerate(palette)}
    table = frame_table(stacks.frames, [row[color] for color in classes])
    scale, order, columns = stack_columns(stacks, table.number)
    labels = {name: label for name, label in stacks.labels.items() if name in {*_LABELS, stacks.root}}
    values, label_rows = label_columns(labels, order)
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
        "colors": [None if c[0] == "x" else [colors.fill(c), colors.fill(c, dark=True)] for c in palette],
        "legend": _legend(keys, row, stacks.frames),
        "facts": facts(profile, options),
        **table.words,
    }
    return pack(head, table.columns | columns | label_rows, _LEVEL)


def _leaf_weights(stacks: Stacks) -> list[int]:
    """Of each frame, what ended in it."""
    own = np.zeros(len(stacks.frames), dtype=np.uint64)
    filled = stacks.start[1:] > stacks.start[:-1]
    np.add.at(own, stacks.frame[stacks.start[1:][filled] - 1], stacks.weight[filled])
    found: list[int] = own.tolist()
    return found


def _legend(
    keys: Sequence[colors.Key], row: dict[str, int], frames: Sequence[StackFrame]
) -> list[tuple[str, int, str]]:
    """Of each entry what it says, its colour and what to search for."""
    words = {label: kind for kind, label in colors.KIND_LABELS.items()}
    present = {frame.kind for frame in frames}
    return [
        (
            cut(visible(key.label), 28),
            row[key.color],
            f"package:{visible(key.package)}" if key.role == "package" else f"kind:{words[key.label]}",
        )
        for key in keys
        if key.role == "package" or (key.role == "kind" and words[key.label] in present)
    ]
