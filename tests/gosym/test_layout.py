"""The layout tables against the numbers of the format description."""

from __future__ import annotations

from itertools import pairwise

import pytest

from goinspect.gosym.layout import HEADERS, RELEASES, header_layout, release_for
from tests.builders.pclntab import inline_numbers, magic

MINORS = range(2, 28)


def test_rows_are_in_order() -> None:
    assert all(a.since < b.since for a, b in pairwise(RELEASES))
    assert all(a.since < b.since for a, b in pairwise(HEADERS))
    assert len({row.magic for row in HEADERS}) == len(HEADERS)
    assert {row.since for row in HEADERS} <= {row.since for row in RELEASES}


@pytest.mark.parametrize("minor", MINORS)
def test_magic(minor: int) -> None:
    row = header_layout(magic((1, minor)))
    assert row is not None
    assert row.since == max(header.since for header in HEADERS if header.since <= (1, minor))


def test_unknown_magic() -> None:
    assert header_layout(0xFFFFFFF2) is None
    assert header_layout(0) is None


def test_a_release_takes_the_newest_row_that_is_not_newer() -> None:
    assert [release_for((1, minor)).since[1] for minor in MINORS] == [
        2, 2, 2, 5, 5, 5, 5, 9, 9, 11, 12, 13, 14, 14, 16, 17, 18, 18, 20, 20, 22, 22, 22, 25, 26, 27,
    ]  # fmt: skip
    assert release_for((1, 99)) is RELEASES[-1]
    assert release_for((2, 0)) is RELEASES[-1]
    assert release_for((1, 0)) is RELEASES[0]


# The position of some funcIDs in each release; None: there is no such funcID. Format description 3.5.
FUNC_IDS = {
    11: (18, {"normal": 0, "runtime_main": 1, "goexit": 2, "sigpanic": 9, "debugCallV1": 17, "wrapper": None}),
    12: (21, {"goexit": 2, "sigpanic": 9, "cgocallback_gofunc": 14, "gopanic": 18, "panicwrap": 19, "wrapper": 20}),
    13: (21, {"sigpanic": 9, "wrapper": 20}),
    14: (23, {"gopanic": 18, "panicwrap": 19, "handleAsyncEvent": 20, "asyncPreempt": 21, "wrapper": 22}),
    15: (23, {"systemstack": 13, "wrapper": 22}),
    16: (23, {"cgocallback": 14, "cgocallback_gofunc": None, "gogo": 15, "wrapper": 22}),
    17: (23, {"abort": 1, "goexit": 7, "jmpdefer": 11, "mcall": 12, "sigpanic": 19, "systemstack_switch": 21, "wrapper": 22}),
    18: (22, {"abort": 1, "goexit": 7, "gopanic": 9, "jmpdefer": None, "mcall": 11, "sigpanic": 18, "wrapper": 21}),
    21: (22, {"systemstack_switch": 20, "wrapper": 21}),
    22: (23, {"corostart": 5, "debugCallV2": 6, "goexit": 8, "gopanic": 10, "runfinq": 17, "sigpanic": 19, "wrapper": 22}),
    24: (23, {"runtime_main": 18, "systemstack_switch": 21, "wrapper": 22}),
    25: (24, {"runtime_main": 17, "runFinalizers": 18, "runCleanups": 19, "runfinq": None, "sigpanic": 20, "systemstack": 21, "wrapper": 23}),
    27: (24, {"rt0_go": 16, "systemstack_switch": 22, "wrapper": 23}),
}  # fmt: skip


@pytest.mark.parametrize("minor", FUNC_IDS)
def test_func_ids(minor: int) -> None:
    names = release_for((1, minor)).func_ids
    count, places = FUNC_IDS[minor]
    assert len(names) == len(set(names)) == count
    assert {name: names.index(name) if name in names else None for name in places} == places


def test_there_are_no_func_ids_before_1_11() -> None:
    assert all(release_for((1, minor)).func_ids == () for minor in range(2, 11))


@pytest.mark.parametrize("minor", MINORS)
def test_func_record(minor: int) -> None:
    release = release_for((1, minor))
    words = 8 if minor < 16 else 9 if minor < 20 else 10
    assert len(release.func) == words
    assert ("ids" in release.func) == (minor >= 12)
    assert ("cu_offset" in release.func) == (minor >= 16)
    assert ("start_line" in release.func) == (minor >= 20)
    assert release.has_flag == (minor >= 17)
    if minor >= 18:
        assert 4 + 4 * words == (40 if minor < 20 else 44)


@pytest.mark.parametrize("minor", MINORS)
def test_inline_numbers(minor: int) -> None:
    release = release_for((1, minor))
    expected = inline_numbers((1, minor))
    if expected is None:
        assert release.inline is None
    else:
        assert (release.pcdata_inline, release.funcdata_inline) == expected
        assert release.inline is not None
        assert release.inline.size == (20 if 12 <= minor < 20 else 16)
        assert release.inline.name_off == (4 if minor >= 20 else 12)
        assert release.inline.parent_pc == (-1 if minor < 12 else 16 if minor < 20 else 8)


def test_moduledata_words() -> None:
    """Format description 7.1."""
    assert all(release_for((1, minor)).md_pclntab == -1 for minor in range(2, 5))
    assert all(release_for((1, minor)).md_pclntab == 0 for minor in range(5, 28))
    assert [release_for((1, minor)).md_text for minor in range(5, 28)] == [12] * 11 + [22] * 12
    assert [release_for((1, minor)).md_gofunc for minor in range(5, 28)] == [-1] * 13 + [38] * 2 + [
        40
    ] * 7 + [43]
    assert [release_for((1, minor)).gofunc_follows_functab for minor in MINORS] == [False] * 24 + [True] * 2
