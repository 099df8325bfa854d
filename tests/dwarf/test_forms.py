"""Every form, in every version that has it, is stepped over by both ways of reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.dwarf import read_symbols
from goinspect.dwarf.bulk import walk
from goinspect.dwarf.info import abbrevs
from tests.builders import dwarf as dw
from tests.dwarf.images import image_of
from tests.examples import examples

ENCODINGS = [
    (version, order, size, wide)
    for version in (2, 3, 4, 5)
    for order in ("little", "big")
    for size in (4, 8)
    for wide in ((False, True) if version > 2 else (False,))
]
SAMPLES = {
    dw.ADDR: 0x1234, dw.BLOCK2: b"ab" * 200, dw.BLOCK4: b"\x03" * 70, dw.DATA2: 0xFFFE, dw.DATA4: 0, dw.DATA8: 1 << 63,
    dw.STRING: "text", dw.BLOCK: b"\x91\x10", dw.BLOCK1: b"", dw.DATA1: 255, dw.FLAG: 1, dw.SDATA: -300, dw.STRP: "shared",
    dw.UDATA: 1 << 40, dw.REF_ADDR: 11, dw.REF1: 11, dw.REF2: 11, dw.REF4: 11, dw.REF8: 11, dw.REF_UDATA: 11,
    dw.INDIRECT: (dw.UDATA, 300), dw.SEC_OFFSET: 5, dw.EXPRLOC: b"\x9c", dw.FLAG_PRESENT: 1, dw.STRX: "x", dw.ADDRX: 7,
    dw.REF_SUP4: 1, dw.STRP_SUP: 1, dw.DATA16: 1 << 100, dw.LINE_STRP: "line", dw.REF_SIG8: 1, dw.IMPLICIT_CONST: -5,
    dw.LOCLISTX: 200, dw.RNGLISTX: 200, dw.REF_SUP8: 1, dw.STRX1: "a", dw.STRX2: "b", dw.STRX3: "c", dw.STRX4: "d",
    dw.ADDRX1: 1, dw.ADDRX2: 2, dw.ADDRX3: 3, dw.ADDRX4: 4,
}  # fmt: skip


def function(number: int, *more: tuple[int, int, object]) -> dw.Die:
    return dw.Die(
        dw.SUBPROGRAM,
        [*more, (dw.NAME, dw.STRING, f"f{number}"), (dw.LOW_PC, dw.ADDR, 0x1000 + number), (dw.HIGH_PC, dw.ADDR, 0x3000)],
    )  # fmt: skip


def program(dwarf: dw.Dwarf, between: list[tuple[int, int, object]], count: int) -> None:
    """Functions with one entry of a kind that is no symbol behind each."""
    children = []
    for number in range(count):
        children += [function(number), dw.Die(dw.PARAMETER, list(between))]
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.C)], children)]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
@pytest.mark.parametrize("often", [1 << 60, 0], ids=["slow", "fast"])
def test_each_form_is_stepped_over(encoding, often, monkeypatch):
    version, order, size, wide = encoding
    monkeypatch.setattr(abbrevs, "_OFTEN", often + 1)
    monkeypatch.setattr(abbrevs, "_VERY_OFTEN", often + 1)
    monkeypatch.setattr("goinspect.dwarf.info.entries._BATCH", 3)
    for form, value in SAMPLES.items():
        if dw.FORM_SINCE.get(form, 5) > version:
            continue
        dwarf = dw.Dwarf(version, order, size, wide)
        program(dwarf, [(0x2001, form, value), (0x2002, dw.DATA1, 9)], 20)
        found = read_symbols(image_of(dwarf))
        assert found.warnings == (), hex(form)
        assert found.functions.name == [f"f{number}" for number in range(20)], hex(form)
        assert found.functions.address == list(range(0x1000, 0x1014)), hex(form)


VALUES = st.sampled_from(sorted(SAMPLES)).flatmap(
    lambda form: st.tuples(
        st.integers(0x2100, 0x2180),
        st.just(form),
        st.binary(max_size=60).filter(lambda b: len(b) < 256) if form in (dw.BLOCK, dw.BLOCK1, dw.EXPRLOC)
        else st.integers(0, 1 << 63) if form in (dw.UDATA, dw.LOCLISTX)
        else st.integers(-(1 << 62), 1 << 62) if form == dw.SDATA
        else st.just(SAMPLES[form]),
    )
)  # fmt: skip


@examples(60)
@given(
    st.sampled_from(ENCODINGS),
    st.lists(st.lists(VALUES, max_size=6), min_size=1, max_size=5),
    st.integers(1, 300),
)
def test_any_mixture_of_entries(encoding, shapes, first_code):
    version, order, size, wide = encoding
    dwarf = dw.Dwarf(version, order, size, wide, first_code=first_code)
    children = []
    for number in range(60):
        shape = shapes[number % len(shapes)]
        known = [row for row in shape if dw.FORM_SINCE.get(row[1], 5) <= version]
        children += [dw.Die(dw.PARAMETER, known), function(number, *known)]
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.C)], children)]
    found = read_symbols(image_of(dwarf))
    assert found.warnings == ()
    assert found.functions.name == [f"f{number}" for number in range(60)]
    assert found.functions.size == [0x2000 - number for number in range(60)]


def test_the_pattern_over_many_entries_changes_nothing(monkeypatch):
    """Local variables are passed over by it, static ones are not."""
    answers = []
    for very_often in (1 << 60, 1):
        monkeypatch.setattr(abbrevs, "_VERY_OFTEN", very_often)
        monkeypatch.setattr("goinspect.dwarf.info.entries._BATCH", 1)
        dwarf = dw.Dwarf(4)
        place = [
            b"\x91\x78",
            dw.address_of(dwarf, 0x5000),
            b"",
            dw.address_of(dwarf, 0x6000),
            b"\x03",
            b"\x91" * 40,
        ]
        children = [
            dw.Die(
                dw.VARIABLE, [(dw.NAME, dw.STRING, f"v{n}"), (dw.LOCATION, dw.EXPRLOC, place[n % len(place)])]
            )
            for n in range(60)
        ]
        dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.C)], children)]
        answers.append(read_symbols(image_of(dwarf)))
    assert answers[0] == answers[1]
    assert answers[0].variables.name == [f"v{n}" for n in range(60) if n % 6 in (1, 3)]


@pytest.mark.parametrize("run", [b"{0,1000}", b"{0,3}"], ids=["bounded", "short"])
def test_runs_of_entries_in_one_match_may_be_bounded(run, monkeypatch):
    """As they are before Python 3.11.5."""
    answers = []
    for repeated in (walk._RUN, run):
        monkeypatch.setattr(walk, "_RUN", repeated)
        dwarf = dw.Dwarf(5)
        program(dwarf, [(0x2001, dw.DATA1, 9)] * 2, 20)
        dwarf.units[0].children += [dw.Die(dw.PARAMETER, [(0x2001, dw.DATA1, 9)]) for _ in range(50)]
        answers.append(read_symbols(image_of(dwarf)))
    assert answers[0] == answers[1]
    assert len(answers[0].functions.name) == 20
    assert answers[0].warnings == ()
