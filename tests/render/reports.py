"""A small report whose weights add up to 100, and what a browser shows of it."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["ROWS", "STACKS", "click", "counted_by_hand", "frames", "named", "opened", "totals"]

FRAMES = (
    """(i) => [...document.querySelectorAll("canvas")].filter(c => c.frames && c.offsetParent)[i].frames()"""
)
ROWS = """() => [...document.querySelectorAll(".table tbody tr[aria-rowindex]")].map(r => [...r.children].map(c => c.innerText.trim()))"""
# Weights add up to 100: shares are easy to read.
STACKS = """
runtime.goexit;main.main;main.work;main.parse;encoding/json.Unmarshal 20
runtime.goexit;main.main;main.work;main.parse;main.helper_[i];runtime.mallocgc 10
runtime.goexit;main.main;main.work;main.helper_[i];strings.Index 25
runtime.goexit;main.main;main.serve;net/http.Serve;main.work;main.work;main.parse 15
runtime.goexit;main.main;main.serve;net/http.Serve;do_syscall_64_[k];vfs_write_[k] 20
runtime.mcall;runtime.schedule 10
""".strip()


def opened(visit, uri, *place):
    page = visit(uri, *place)
    page.wait_for_selector("footer")
    return page


def frames(page, chart=0):
    return page.evaluate(FRAMES, chart)


def named(page, name, chart=0):
    return max(
        (frame for frame in frames(page, chart) if frame["name"] == name), key=lambda frame: frame["width"]
    )


def click(page, name, chart=0):
    frame = named(page, name, chart)
    page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + 8)


def totals(page):
    """Weights of the functions in the table: own, total."""
    page.keyboard.press("2")
    return {row[0]: (int(row[1].split()[0]), int(row[3].split()[0])) for row in page.evaluate(ROWS)}


def counted_by_hand(left_out=lambda _name: False, only=lambda _stack: True):
    own, total = Counter(), Counter()
    for line in STACKS.splitlines():
        stack, weight = line.rsplit(" ", 1)
        if not only(stack):
            continue
        names = [name for name in stack.split(";") if not left_out(name)]
        plain = [re.sub(r"_\[.\]$", "", name) for name in names]
        if plain:
            own[plain[-1]] += int(weight)
        total.update(dict.fromkeys(set(plain), int(weight)))
    return {name: (own[name], total[name]) for name in total}
