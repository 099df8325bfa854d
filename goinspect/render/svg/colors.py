"""What a frame is decides its colour: warm hues are the program's own packages, cool hues are everything below it.

A package keeps its hue in every picture (a hash of its import path, not its rank), so two flame graphs can be laid
side by side; only where two packages of one picture fall on the same hue does the lighter one move. Colours are picked in OKLCH, where equal lightness looks equally light: that is what lets one text
colour stay readable on all of them.
"""

from __future__ import annotations

import math
import re
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goinspect.results.stacks import StackFrame

__all__ = [
    "BACKGROUND",
    "HEAT",
    "KIND_LABELS",
    "MUTED",
    "TEXT",
    "Key",
    "all_classes",
    "color_class",
    "contrast",
    "fill",
    "kind_class",
    "kind_letter",
    "legend",
    "separate",
    "user_packages",
]

KIND_LABELS = {
    FrameKind.USER: "Application",
    FrameKind.STDLIB: "Standard library",
    FrameKind.TOOLCHAIN: "Go toolchain",
    FrameKind.RUNTIME: "Go runtime",
    FrameKind.GC: "Garbage collector",
    FrameKind.KERNEL: "Kernel",
    FrameKind.NATIVE: "Native code",
    FrameKind.UNKNOWN: "No symbol",
    FrameKind.ROOT: "Total",
}

# Indexed by "dark": False is the light theme.
TEXT = ("#1a1c21", "#f3f1ec")
BACKGROUND = ("#ffffff", "#17181c")
MUTED = "#5d626d"  # side notes in the light theme


_NAMED_PACKAGES = 6  # in a legend
_MAJOR_VERSION = re.compile(r"/v\d+$")


class Key(NamedTuple):
    """An entry of the legend: what a colour stands for, and the weight that ended in such frames."""

    role: str  # "kind", "package", or "i" for the inlined frames
    color: str
    label: str
    own: int = 0
    package: str = ""  # whole import path of a package


class _Tone(NamedTuple):
    """A colour as a person describes it: which hue, how colourful, how light in each theme."""

    hue: float
    chroma: tuple[float, float]
    lightness: tuple[float, float]


_LETTERS = {
    FrameKind.USER: "u",
    FrameKind.STDLIB: "s",
    FrameKind.TOOLCHAIN: "t",
    FrameKind.RUNTIME: "r",
    FrameKind.GC: "g",
    FrameKind.KERNEL: "k",
    FrameKind.NATIVE: "n",
    FrameKind.UNKNOWN: "x",
    FrameKind.ROOT: "o",
}
_TONES = {
    "s": _Tone(163, (0.075, 0.060), (0.86, 0.43)),
    "t": _Tone(158, (0.080, 0.085), (0.745, 0.36)),
    "r": _Tone(250, (0.080, 0.075), (0.83, 0.43)),
    "g": _Tone(303, (0.105, 0.110), (0.80, 0.43)),
    "k": _Tone(262, (0.022, 0.024), (0.78, 0.41)),
    "n": _Tone(202, (0.090, 0.072), (0.765, 0.50)),
    "x": _Tone(90, (0.006, 0.006), (0.90, 0.36)),
    "o": _Tone(80, (0.010, 0.008), (0.91, 0.33)),
}
# What changed is warm where it grew and blue where it shrank, which all eyes tell apart; lighter for less of it.
_RED, _BLUE = 30, 250
_CHANGES = {
    "d3": _Tone(_RED, (0.135, 0.125), (0.735, 0.50)),
    "d2": _Tone(_RED, (0.085, 0.085), (0.82, 0.44)),
    "d1": _Tone(_RED, (0.045, 0.038), (0.895, 0.375)),
    "d0": _Tone(90, (0.004, 0.002), (0.925, 0.325)),
    "e1": _Tone(_BLUE, (0.040, 0.038), (0.895, 0.375)),
    "e2": _Tone(_BLUE, (0.075, 0.080), (0.815, 0.44)),
    "e3": _Tone(_BLUE, (0.115, 0.115), (0.73, 0.50)),
}
# More and more of one thing: darker by equal steps in the light theme, brighter in the dark one.
_HEAT = {
    f"w{i}": _Tone(
        75 - 6 * i, (0.012 + 0.018 * i, 0.008 + 0.015 * i), (0.945 - 0.0315 * i, 0.315 + 0.029 * i)
    )
    for i in range(8)
}
# Kinds and nothing but kinds: so far apart in hue and lightness that all eyes tell them apart.
_PLAIN = {
    "zu": _Tone(74, (0.15, 0.15), (0.754, 0.375)),
    "zs": _Tone(145, (0.15, 0.05), (0.859, 0.441)),
    "zt": _Tone(139, (0.075, 0.15), (0.64, 0.507)),
    "zr": _Tone(256, (0.15, 0.15), (0.709, 0.527)),
    "zg": _Tone(316, (0.127, 0.15), (0.64, 0.45)),
    "zk": _Tone(274, (0.01, 0.018), (0.742, 0.53)),
    "zn": _Tone(222, (0.15, 0.097), (0.803, 0.379)),
    "zo": _Tone(80, (0.008, 0.008), (0.93, 0.318)),
}
HEAT = tuple(_HEAT)
_SCALES = _CHANGES | _HEAT | _PLAIN
_HUES = 12  # from rose over red, orange and amber to lime: steps the eye can tell apart
_FIRST_HUE = 350.0
_HUE_STEP = 12.5
_USER_TIERS = (((0.105, 0.088), (0.84, 0.47)), ((0.125, 0.092), (0.765, 0.40)))
_USER_SLOTS = _HUES * len(_USER_TIERS)
_SHADES = {"a": -0.022, "b": 0.0, "c": 0.022}


def kind_letter(kind: str) -> str:
    """The first letter of every colour class of this kind; an unheard-of kind is drawn as unknown."""
    return _LETTERS.get(kind, "x")


def kind_class(kind: str) -> str:
    """The colour class of a kind where colours say nothing else."""
    return {"x": "xb"}.get(kind_letter(kind), f"z{kind_letter(kind)}")


def color_class(kind: str, package: str, name: str, moved: Mapping[str, int] | None = None) -> str:
    """Name the colour of a frame, short because it is repeated once per frame (``u7b``).

    Letter = kind, number = hue of the package (user code only), last letter = shade by function name. ``moved`` is
    what :func:`separate` answered for the picture.
    """
    letter = kind_letter(kind)
    slot = str((moved or {}).get(package, _home(package))) if letter == "u" else ""
    shade = "b" if letter in "xo" else "abc"[_hash(name) % 3]
    return f"{letter}{slot}{shade}"


def separate(packages: Iterable[str]) -> dict[str, int]:
    """Where the most important packages of a picture (first one first) go so that no two look alike.

    Each stays at home unless an earlier one is there already.
    """
    moved: dict[str, int] = {}
    taken: set[int] = set()
    for package, _ in zip(packages, range(_HUES), strict=False):
        slot = _home(package)
        while slot in taken:
            slot = (slot + 7) % _USER_SLOTS  # 7 and 24 have no common divisor: every slot is tried
        taken.add(slot)
        moved[package] = slot
    return moved


def user_packages(frames: Sequence[StackFrame], own: Sequence[int]) -> dict[str, int]:
    """Own weight of each package of user code, the heaviest first. ``own`` is what ended in each frame."""
    weights: dict[str, int] = {}
    for frame, weight in zip(frames, own, strict=True):
        if frame.kind == FrameKind.USER and frame.package:
            weights[frame.package] = weights.get(frame.package, 0) + weight
    return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0])))


def all_classes() -> list[str]:
    """Every class that is drawn: what :func:`color_class` can answer, and those of changes."""
    user = [f"u{slot}{shade}" for slot in range(_USER_SLOTS) for shade in _SHADES]
    return [
        *user,
        *(f"{letter}{shade}" for letter in _TONES for shade in _SHADES),
        *_CHANGES,
        *_HEAT,
        *_PLAIN,
    ]


def fill(color: str, *, dark: bool = False) -> str:
    """The ``#rrggbb`` of a colour class in one of the two themes."""
    if color in _SCALES:
        tone = _SCALES[color]
        return _oklch(tone.lightness[dark], tone.chroma[dark], tone.hue)
    tone = _user_tone(int(color[1:-1])) if color[0] == "u" else _TONES[color[0]]
    lightness = tone.lightness[dark] + _SHADES[color[-1]]
    return _oklch(lightness, tone.chroma[dark], tone.hue)


def legend(frames: Sequence[StackFrame], own: Sequence[int], moved: Mapping[str, int]) -> list[Key]:
    """The kinds of frames in a fixed order, then the packages that matter most; own weight, so nothing counts twice."""
    kinds: dict[str, int] = {}
    inlined = False
    for frame, weight in zip(frames, own, strict=True):
        inlined |= frame.inlined
        kinds[frame.kind] = kinds.get(frame.kind, 0) + weight
    packages, whole = user_packages(frames, own), sum(own)
    first = next(iter(packages), "")
    keys = [
        Key("kind", _swatch(kind, first, moved), label, kinds[kind])
        for kind, label in KIND_LABELS.items()
        if kind in kinds and (kind != FrameKind.ROOT or kinds[kind])
    ]
    keys += [Key("i", "sb", "faded: inlined")] if inlined else []
    return keys + [
        Key("package", _swatch(FrameKind.USER, package, moved), _short_package(package), weight, package)
        for package, weight in list(packages.items())[:_NAMED_PACKAGES]
        if len(packages) > 1 and weight * 100 >= whole
    ]


def _swatch(kind: str, package: str, moved: Mapping[str, int]) -> str:
    return color_class(kind, package, "", moved)[:-1] + "b"


def _short_package(path: str) -> str:
    """``github.com/jackc/pgx/v5`` → ``pgx``: what the code says."""
    return _MAJOR_VERSION.sub("", path).rpartition("/")[2]


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two ``#rrggbb`` colours, 1 to 21; 4.5 is AA for small text."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _user_tone(slot: int) -> _Tone:
    chroma, lightness = _USER_TIERS[slot // _HUES]
    return _Tone((_FIRST_HUE + _HUE_STEP * (slot % _HUES)) % 360, chroma, lightness)


@cache
def _home(package: str) -> int:
    return _hash(package) % _USER_SLOTS


def _hash(text: str) -> int:
    """Same number in every process and on every machine, unlike ``hash()``; lone surrogates are welcome."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """OKLCH to sRGB; a colour a screen cannot show loses chroma, never lightness, so that contrast holds."""
    while True:
        channels = _linear_rgb(lightness, chroma, math.radians(hue))
        if all(-1e-4 <= channel <= 1 + 1e-4 for channel in channels) or chroma <= 0:
            return "#" + "".join(f"{round(255 * _gamma(channel)):02x}" for channel in channels)
        chroma = max(0.0, chroma - 0.004)


def _linear_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    # Björn Ottosson's published OKLab matrices.
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(linear: float) -> float:
    linear = min(1.0, max(0.0, linear))
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * float(linear ** (1 / 2.4)) - 0.055


def _luminance(color: str) -> float:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
