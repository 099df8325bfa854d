"""Names in a picture: safe to show, and as long as there is room for. `flame.js` shortens by the same rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["all_visible", "cells", "cut", "escape", "is_wide", "shorten", "visible"]

MIN_LABEL = 3  # characters; less than that tells nothing

# Illegal in XML 1.0, invisible, or able to reorder the text around them (U+202A..E, U+2066..9 and relatives).
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_WIDE = re.compile("[^\x00-\u02ff\u2026]")  # may be wider than a monospace cell
_ANONYMOUS = re.compile(r"(func|gowrap|deferwrap)?[\d.]+")  # a closure's own name says nothing


def visible(text: str) -> str:
    r"""Spell out what cannot be seen, cannot be in XML, or changes the order of the text around it: ``\x1b``."""
    return _UNPRINTABLE.sub(lambda found: _spelled(ord(found[0])), text)


def all_visible(texts: list[str]) -> list[str]:
    """`visible` of each."""
    return texts if _UNPRINTABLE.search("".join(texts)) is None else [visible(text) for text in texts]


def escape(text: str) -> str:
    """Text as it is written in XML. `xml.sax.saxutils` does the same, and loads an HTTP client (15 ms) with it."""
    return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;")


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cells(text: str) -> int:
    """How many monospace cells ``text`` needs at most; what lies beyond Latin counts twice."""
    return len(text) + len(_WIDE.findall(text))


def shorten(name: str, budget: int, *, go: bool) -> str:
    """The longest telling form of a name in ``budget`` cells, or nothing.

    ``github.com/a/b.(*T).M[int]`` → ``github.com/a/b.(*T).M[…]`` → ``b.(*T).M[…]`` → ``(*T).M[…]`` → ``M[…]`` → ``M…``.
    """
    if budget < MIN_LABEL:
        return ""
    forms = [name, *_shorter(name)] if go else [name]
    for form in forms:
        if cells(form) <= budget:
            return form
    return cut(forms[-1], budget)


def _shorter(name: str) -> Iterator[str]:
    plain = _without_type_arguments(name)
    yield plain
    local = plain[plain.rfind("/") + 1 :]
    yield local
    package, dot, rest = local.partition(".")
    if dot and package and rest:
        yield rest
        method = rest.rpartition(").")[2]
        if not _ANONYMOUS.fullmatch(method):
            yield method


def _without_type_arguments(name: str) -> str:
    """``Map[go.shape.int,[]string].func1`` → ``Map[…].func1``; brackets nest, and may be unbalanced in odd names."""
    kept: list[str] = []
    depth = 0
    for character in name:
        if character == "[":
            depth += 1
            kept.append("[…]" if depth == 1 else "")
        elif character == "]" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept)


def cut(text: str, budget: int) -> str:
    """The beginning of a text in ``budget`` cells, or nothing."""
    used = 1  # the ellipsis
    for i, character in enumerate(text):
        used += cells(character)
        if used > budget:
            return text[:i].rstrip() + "…" if i >= MIN_LABEL else ""
    return text


def is_wide(text: str) -> bool:
    """May its letters be wider than monospace cells?"""
    return _WIDE.search(text) is not None
