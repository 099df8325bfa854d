"""Names that somebody may have meant who asked for one that there is not.

First those that say the same in other words: other case, a package path or a receiver's star left out, type arguments;
then those that end alike; then misspelt ones.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "near_files", "near_names"]

_MOST = 4
_MOST_COMPARED = 4000  # names that are compared letter by letter
_HARDLY, _ALIKE, _MOSTLY = 0.6, 0.75, 0.85
_CLOSURE = re.compile(r"(\.(func|gowrap|deferwrap)?\d+)+$")
_ARGUMENTS = re.compile(r"\[[^\]]*\]")
_LAST = re.compile(r"[^./]+$")


def near_names(wanted: str, names: Iterable[str], main: str = "main") -> list[str]:
    """Up to four of `names`, the likeliest first.

    Args:
        wanted: the name that there is not.
        names: those that there are; looked through once.
        main: import path of the main package, which some builds write in place of "main".
    """
    asked = _plain(wanted)
    last, parent = _last(asked), _CLOSURE.sub("", asked)
    elsewhere = _plain(main) + asked[4:] if asked.startswith("main.") else asked
    ranked: list[tuple[int, bool, int, str]] = []
    rest: list[tuple[str, str]] = []
    for name in names if last else ():
        plain = _plain(name)
        if plain in (asked, elsewhere):
            rank = 0
        elif plain.endswith(("." + asked, "/" + asked)) or plain == parent:
            rank = 1
        elif plain and _last(plain) == last:
            rank = 2 if _ends_alike(plain, asked) else 3
        else:
            rest.append((name, plain))
            continue
        ranked.append((rank, not name.startswith((main + ".", "main.")), len(name), name))
    best = min(ranked)[0] if ranked else 4
    found = [name for rank, _, _, name in sorted(ranked) if rank == best][:_MOST]
    if best >= 3:
        found = [*_misspelt(asked, last, rest), *found][:_MOST]
    return list(dict.fromkeys(found))


def near_files(path: str, files: Iterable[str]) -> list[str]:
    """Files whose last part is spelt nearly as that of `path`."""
    base = path.rpartition("/")[2].lower()
    compare = SequenceMatcher(b=base, autojunk=False)
    found = []
    for file in files:
        compare.set_seq1(file.rpartition("/")[2].lower())
        if (
            compare.real_quick_ratio() >= _ALIKE
            and compare.quick_ratio() >= _ALIKE
            and compare.ratio() >= _ALIKE
        ):
            found.append((-compare.ratio(), len(file), file))
    return [file for *_, file in sorted(found)[:_MOST]]


def _misspelt(asked: str, last: str, names: list[tuple[str, str]]) -> list[str]:
    """Those that differ in few letters, in the last part and all in all; the likeliest first."""
    near = []
    for name, plain in names:
        tail = _last(plain)
        if abs(len(tail) - len(last)) <= 2 and (tail[:1] == last[:1] or tail[-2:] == last[-2:]):
            near.append((abs(len(plain) - len(asked)), name, plain, tail))
    near.sort()
    compare = SequenceMatcher(b=last, autojunk=False)
    whole = SequenceMatcher(b=asked, autojunk=False)
    found = []
    for _, name, plain, tail in near[:_MOST_COMPARED]:
        compare.set_seq1(tail)
        whole.set_seq1(plain)
        if compare.quick_ratio() < _HARDLY or whole.quick_ratio() < _HARDLY:
            continue
        alike = whole.ratio()
        if alike >= _MOSTLY or (alike >= _HARDLY and compare.ratio() >= _ALIKE):
            found.append((-alike, len(name), name))
    return [name for *_, name in sorted(found)]


def _plain(name: str) -> str:
    """In small letters, without type arguments, stars and parentheses of receivers."""
    return _ARGUMENTS.sub("", name).replace("(*", "").replace(")", "").replace("·", ".").lower()


def _last(plain: str) -> str:
    found = _LAST.search(plain)
    return found[0] if found else ""


def _ends_alike(plain: str, asked: str) -> bool:
    """Are the last two parts the same: of a method of a type, a function of a package?"""
    return plain.rpartition("/")[2].split(".")[-2:] == asked.rpartition("/")[2].split(".")[-2:]


def did_you_mean(names: list[str]) -> str:
    """The end of a message; "" where there are none."""
    if not names:
        return ""
    *others, last = names
    return f": did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
