"""The regular expressions of drop_frames and keep_frames, matched in time that grows with the name and no faster.

A profile is a stranger's, and its expressions are run: Python's engine can be made to take forever by a few characters. This
one follows all ways through an expression at once (Thompson, CACM 11(6), 1968), as Go's does, which these are written for.
It knows what of RE2's syntax such expressions hold: literals, classes, escapes, groups, alternatives, repetition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Pattern", "PatternError"]

_MAX_TEXT = 1 << 14  # characters of an expression
_MAX_STATES = 1 << 13
_MAX_DEPTH = 64
_MAX_BUILT = 1 << 16
_MAX_WORK = 1 << 23  # states that are looked at, for all texts together
_REPEAT = re.compile(r"\{(\d{1,3})(,(\d{1,3})?)?\}")
_GROUP = re.compile(r"\(\?P?<\w+>|\(\?(?:[ims]*):|\(")
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
_POSIX = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "space": r"\s",
    "word": r"\w", "xdigit": "0-9a-fA-F", "punct": r"!-/:-@\[-`{-~",
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_ANCHORS = "^$"


class PatternError(ValueError):
    """The expression is not one that is understood here."""


@dataclass(slots=True)
class _State:
    """Where a match may stand: it goes on over a character that `test` takes, or for nothing to all of `free`."""

    test: re.Pattern[str] | str | None = None  # None: over nothing
    then: int = -1
    free: list[int] = field(default_factory=list)


class Pattern:
    """An expression that has to match the whole of a text.

    Raises:
        PatternError: it is not understood, or too large.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _MAX_TEXT:
            raise PatternError(f"{len(text):,} characters")
        self._text, self._at, self._depth = text, 0, 0
        self._built = self._work = 0
        self._states: list[_State] = []
        self._end = self._state()
        self._start = self._alternatives(self._end)
        if self._at < len(text):
            raise PatternError(f"{text[self._at]!r} at {self._at}")

    def matches(self, text: str) -> bool:
        """Does it match all of the text? Raises PatternError when too much has been asked."""
        standing = self._closure({self._start})
        for character in text:
            self._work += len(standing)
            if self._work > _MAX_WORK:
                raise PatternError("what takes so long to match")
            standing = self._closure(
                {
                    state.then
                    for state in (self._states[number] for number in standing)
                    if state.test is not None and _takes(state.test, character)
                }
            )
            if not standing:
                return False
        return self._end in standing

    def _closure(self, numbers: set[int]) -> set[int]:
        todo, seen = list(numbers), set(numbers)
        while todo:
            for number in self._states[todo.pop()].free:
                if number not in seen:
                    seen.add(number)
                    todo.append(number)
        return seen

    # --- building it, from the end on ---

    def _state(self, test: re.Pattern[str] | str | None = None, then: int = -1, *free: int) -> int:
        if len(self._states) >= _MAX_STATES:
            raise PatternError("too large")
        self._states.append(_State(test, then, list(free)))
        return len(self._states) - 1

    def _alternatives(self, then: int) -> int:
        starts = [self._sequence(then)]
        while self._text.startswith("|", self._at):
            self._at += 1
            starts.append(self._sequence(then))
        return starts[0] if len(starts) == 1 else self._state(None, -1, *starts)

    def _sequence(self, then: int) -> int:
        """Parts are read from the front and built from the back: where each begins is noted first."""
        parts: list[tuple[int, int, int, int]] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            begin = self._at
            self._skip()
            low, high = self._times()
            parts.append((begin, self._at, low, high))
        end = self._at
        for begin, _, low, high in reversed(parts):
            then = self._repeated(begin, low, high, then)
        self._at = end
        return then

    def _skip(self) -> None:
        """Past one atom, without building it."""
        if self._text[self._at] != "(":
            self._at = self._atom_end()
            return
        self._enter()
        while True:
            while self._at < len(self._text) and self._text[self._at] not in "|)":
                self._skip()
                self._times()
            if not self._text.startswith("|", self._at):
                break
            self._at += 1
        self._leave()

    def _enter(self) -> None:
        group = _GROUP.match(self._text, self._at)
        self._depth += 1
        if group is None or self._depth > _MAX_DEPTH or (group[0].startswith("(?") and "i" in group[0][2:-1]):
            raise PatternError(f"a group at {self._at}")
        self._at = group.end()
        if self._text.startswith("?", self._at):
            raise PatternError(f"a group at {self._at}")

    def _leave(self) -> None:
        if not self._text.startswith(")", self._at):
            raise PatternError("a group without an end")
        self._at += 1
        self._depth -= 1

    def _times(self) -> tuple[int, int]:
        """How often what was read may come; -1: without limit."""
        low = high = 1
        sign = self._text[self._at : self._at + 1]
        if sign and sign in "*+?":
            low, high = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[sign]
            self._at += 1
        elif found := _REPEAT.match(self._text, self._at):
            low = int(found[1])
            high = low if found[2] is None else int(found[3]) if found[3] else -1
            self._at = found.end()
        else:
            return 1, 1
        if self._text.startswith("?", self._at):  # whichever is tried first, the same is matched
            self._at += 1
        return low, high

    def _repeated(self, begin: int, low: int, high: int, then: int) -> int:
        if high < 0:
            loop = self._state(None, -1, then)
            self._states[loop].free.append(self._atom(begin, loop))
            then = loop
        for _ in range(max(high - low, 0)):
            then = self._state(None, -1, self._atom(begin, then), then)
        for _ in range(low):
            then = self._atom(begin, then)
        return then

    def _atom(self, begin: int, then: int) -> int:
        self._at = begin
        self._built += 1
        if self._built > _MAX_BUILT:
            raise PatternError("too large")
        if self._text[begin] == "(":
            self._enter()
            start = self._alternatives(then)
            self._leave()
            return start
        end = self._atom_end()
        return self._state(_test(self._text[begin:end]), then) if self._text[begin] not in _ANCHORS else then

    def _atom_end(self) -> int:
        first = self._text[self._at]
        if first == "\\":
            if self._at + 1 >= len(self._text):
                raise PatternError("a backslash at its end")
            return self._at + 2
        if first == "[":
            found = _CLASS.match(self._text, self._at)
            if found is None:
                raise PatternError("a class without an end")
            return found.end()
        if first in "*+?":
            raise PatternError(f"{first!r} at {self._at}")
        return self._at + 1


def _takes(test: re.Pattern[str] | str, character: str) -> bool:
    return test == character if isinstance(test, str) else test.match(character) is not None


def _test(atom: str) -> re.Pattern[str] | str:
    """What takes one character."""
    if atom == ".":
        return re.compile(".")
    if atom[0] == "[":
        text = re.sub(r"\[:(\w+):\]", lambda found: _POSIX.get(found[1], "\0"), atom)
        text = text[0] + text[1:].replace("[", r"\[").replace("&&", r"&\&").replace("||", r"|\|").replace(
            "~~", r"~\~"
        )
        try:
            return re.compile(text, re.ASCII)
        except re.error as error:
            raise PatternError(str(error)) from None
    if atom[0] != "\\":
        return atom
    letter = atom[1]
    if letter in "dDwWsS":
        return re.compile(atom, re.ASCII)
    if letter.isalnum() and letter not in _ESCAPES:
        raise PatternError(f"{atom!r}")
    return _ESCAPES.get(letter, letter)
