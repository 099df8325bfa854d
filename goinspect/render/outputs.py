"""What stacks can be written as: a row for each format, and the module that writes it.

A module of a format has ``render(profile, options)``, which returns text, or bytes where the row says so. A new format
is a module and a row here.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goinspect.results.flame import FlameProfile

__all__ = ["OUTPUTS", "DrawOptions", "Output", "output_for"]


class DrawOptions(NamedTuple):
    """How to write stacks; a format takes from it what it can show.

    Attributes:
        path: of the profile, as it was given.
        title: in place of one that is made of the path.
        width: of a picture, in px; None: that of the window.
        min_width: frames narrower than this many px are not drawn; None: 0.1, and more in pictures that would be large.
        inverted: the root is at the top.
        reverse: the stacks were merged from the leaf.
        lines: frames are told apart by their lines wherever they are drawn (html).
        annotate: mark kernel and inlined frames in names.
        min_percent: subtrees with a smaller share are left out (tree).
        json: JSON in place of text (top, tree).
        maker: who writes it, for formats that tell.
    """

    path: str = "-"
    title: str | None = None
    width: int | None = None
    min_width: float | None = None
    inverted: bool = False
    reverse: bool = False
    annotate: bool = False
    min_percent: float = 0.5
    json: bool = False
    maker: str = "goinspect"
    lines: bool = False


class Output(NamedTuple):
    """A format: its name, the suffixes of files that mean it, and the module that writes it.

    ``asks`` names the options of the fold that the format needs beside those that were given (`FlameOptions`).
    """

    name: str
    module: str
    suffixes: tuple[str, ...] = ()
    is_picture: bool = False  # nothing for a terminal
    is_binary: bool = False  # bytes
    has_json: bool = False  # too, of its own
    two_sided: bool = False  # shows differences of two profiles, too
    asks: Mapping[str, Any] = MappingProxyType({})

    def render(self, profile: FlameProfile, options: DrawOptions) -> str | bytes:
        """The profile in this format."""
        write = import_module(f"goinspect.render.{self.module}").render
        return cast("Callable[[FlameProfile, DrawOptions], str | bytes]", write)(profile, options)


_LABELS = ("process", "pid", "tid", "comm", "container")
_PLACES = {"lines": True, "places": True, "label_columns": _LABELS}
_REPORT = {
    "lines": True,
    "label_columns": ("process", "thread"),
    "details": True,
    "series": True,
    "waits": True,
}
_THREADS = {"lines": True, "label_columns": _LABELS, "series": True}

OUTPUTS = (
    Output("svg", "svg.output", (".svg",), is_picture=True, two_sided=True),
    Output("html", "html.output", (".html",), is_picture=True, two_sided=True, asks=_REPORT),
    Output("folded", "folded", (".folded", ".txt"), two_sided=True),
    Output("json", "json.flame", (".json",), two_sided=True),
    Output("top", "text.top", has_json=True, two_sided=True),
    Output("tree", "text.tree", has_json=True, two_sided=True),
    Output("collapsed", "collapsed", (".collapsed",), two_sided=True),
    Output(
        "pprof",
        "pprof.output",
        (".pb.gz", ".pprof"),
        is_binary=True,
        two_sided=True,
        asks=_PLACES | {"every_type": True, "every_label": True},
    ),
    Output("otlp", "pprof.otlp", (".otlp",), is_binary=True, asks=_PLACES | {"series": True}),
    Output("speedscope", "viewers.speedscope", (".speedscope.json",), asks=_THREADS),
    Output("firefox", "viewers.firefox", (".json.gz",), is_binary=True, asks=_PLACES | _THREADS),
    Output("cpuprofile", "viewers.cpuprofile", (".cpuprofile",), asks=_THREADS),
)


def output_for(name: str | None, path: str | None) -> Output:
    """The format called `name`; without a name the one that the suffix of `path` means, else the first."""
    if name is not None:
        return next(output for output in OUTPUTS if output.name == name)
    file = (path or "").rpartition("/")[2]
    suffixes = sorted((suffix for output in OUTPUTS for suffix in output.suffixes), key=len, reverse=True)
    longest = next((suffix for suffix in suffixes if file.endswith(suffix)), "")
    return next((output for output in OUTPUTS if longest in output.suffixes), OUTPUTS[0])
