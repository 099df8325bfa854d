"""drop_frames and keep_frames of pprof profiles, and the expressions that they are."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.profiles.pprof.prune import simplified
from goinspect.profiles.pprof.regex import Pattern, PatternError
from tests.builders.pprof import Profile
from tests.examples import examples
from tests.profiles.test_pprof import parse, small, stacks


@pytest.mark.parametrize(
    ("drop", "keep", "left"),
    [
        ("malloc|free", "", [["main", "a"]]), ("malloc", "malloc", [["main", "a", "malloc", "sys"]]), ("sys", "", [["main", "a", "malloc"]]),
        ("main", "", [["main", "a", "malloc", "sys"]]), ("ma.*", "", [["main", "a"]]), ("m", "", [["main", "a", "malloc", "sys"]]),
    ],
)  # fmt: skip
def test_drop_frames(drop, keep, left):
    profile = Profile(types=[("x", "y")])
    places = [profile.location((profile.function(name), 1)) for name in ("sys", "malloc", "a", "main")]
    profile.sample(places, [1])
    profile.fact(7, drop)
    profile.fact(8, keep)
    assert stacks(parse(profile.build())) == left


def test_drop_frames_that_are_not_understood():
    profile = small()
    profile.fact(7, "(?i)main")
    (warning,) = parse(profile.build()).warnings
    assert warning.startswith("drop_frames and keep_frames of the profile are not applied, for ")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("operator new(unsigned long)", "operator new"), ("x.operator()(int)", "x.operator()"), (".entry", "entry"),
        ("(anonymous namespace)::f(int)", "(anonymous namespace)::f"), ("main.(*T).M", "main."), ("plain", "plain"),
    ],
)  # fmt: skip
def test_simplified(name, short):
    assert simplified(name) == short


PIECES = st.recursive(
    st.sampled_from(["a", "b", "ab", ".", r"\w", r"\.", "[ab]", "[^a]", "[a-c.]", r"\d"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join), st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,}", "*?"])).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=8,
)  # fmt: skip


@given(PIECES, st.lists(st.text("abc.1", max_size=6), max_size=8))
@examples(300)
def test_patterns_match_what_python_matches(text, names):
    pattern, known = Pattern(text), re.compile(text)
    for name in names:
        assert pattern.matches(name) == (known.fullmatch(name) is not None)


@given(st.text("ab()[]{}|*+?.\\^$:-,1", max_size=20), st.text("ab", max_size=5))
@examples(300)
def test_patterns_of_any_text(text, name):
    with suppress(PatternError):
        Pattern(text).matches(name)


@pytest.mark.parametrize(
    "text",
    [
        "(a*)*b",
        "(a|aa)+b",
        "(.*)(.*)(.*)(.*)(.*)x",
        "((a{99}){99}){99}",
        "(((){999}){999}){999}",
        "(" * 5000,
        "a" * 20000,
    ],
)
def test_no_pattern_takes_long(text):
    begin = time.process_time()
    with suppress(PatternError):
        Pattern(text).matches("a" * 5000)
    assert time.process_time() - begin < 20
