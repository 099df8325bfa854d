"""Whatever the bytes are: an answer with warnings or a GoinspectError, soon, and without much memory."""

from __future__ import annotations

import time
import tracemalloc
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.dwarf import columns, read_symbols, summarize
from goinspect.dwarf.bulk import origins
from goinspect.dwarf.info import abbrevs
from goinspect.errors import GoinspectError
from tests.builders import dwarf as dw
from tests.builders.varints import uleb
from tests.dwarf.images import SectionImage
from tests.examples import examples


def program(version, order="little", wide=False):
    """A bit of everything that refers to something else."""
    dwarf = dw.Dwarf(version, order, 8, wide)
    integer = dw.Die(dw.BASE_TYPE, [(dw.NAME, dw.STRING, "int"), (dw.BYTE_SIZE, dw.DATA1, 4)])
    array = dw.Die(dw.ARRAY, [(dw.TYPE, dw.REF4, integer)], [dw.Die(dw.SUBRANGE, [(dw.COUNT, dw.UDATA, 3)])])
    alias = dw.Die(dw.TYPEDEF, [(dw.NAME, dw.STRING, "alias"), (dw.TYPE, dw.REF_ADDR, array)])
    abstract = dw.Die(dw.SUBPROGRAM, [(dw.NAME, dw.STRP, "abstract"), (dw.DECL_FILE, dw.DATA1, 1)])
    text, place = (dw.STRX, dw.ADDRX) if version >= 5 else (dw.STRP, dw.ADDR)
    ranges = 0 if version < 5 else 20 if wide else 12
    children = [integer, array, alias, abstract]
    for number in range(30):
        children += [
            dw.Die(dw.SUBPROGRAM, [(dw.ORIGIN, dw.REF4, abstract), (dw.LOW_PC, place, 99), (dw.HIGH_PC, dw.DATA4, 7)]),
            dw.Die(dw.SUBPROGRAM, [(dw.NAME, text, f"f{number}"), (dw.RANGES, dw.DATA4, ranges)]),
            dw.Die(dw.VARIABLE, [
                (dw.NAME, dw.STRING, f"v{number}"), (dw.LOCATION, dw.BLOCK1, dw.address_of(dwarf, 0x40)),
                (dw.TYPE, dw.REF4, alias),
            ]),
            dw.Die(dw.PARAMETER, [(dw.NAME, dw.STRING, "p"), (dw.LOCATION, dw.BLOCK1, b"\x9c")]),
        ]  # fmt: skip
    unit = [(dw.LANGUAGE, dw.DATA1, dw.GO), (dw.NAME, dw.STRING, "main"), (dw.STMT_LIST, dw.DATA4, 0)]
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, unit, children) for _ in range(2)]
    dwarf.extra["line"] = dw.line_table(dwarf, ["d"], [("f", 0), ("g", 0)], version)
    dwarf.extra["ranges"] = b"".join(map(dwarf.address, (1, 5, 3, 9, 0, 0)))
    dwarf.extra["rnglists"] = dwarf.length(dwarf.number(5, 2) + b"\x08\0" + bytes(4) + b"\x04\x03\x09\0")
    return {f".debug_{name}": data for name, data in dwarf.write().items()}


PROGRAMS = {
    (version, order, wide): program(version, order, wide)
    for version in (2, 3, 4, 5)
    for order in ("little", "big")
    for wide in ((False, True) if version > 2 else (False,))
}


@pytest.fixture(autouse=True)
def patterns_soon(monkeypatch):
    monkeypatch.setattr(abbrevs, "_OFTEN", 2)
    monkeypatch.setattr(abbrevs, "_VERY_OFTEN", 4)
    monkeypatch.setattr("goinspect.dwarf.info.entries._BATCH", 2)


def ask(sections, order="little"):
    image = SectionImage(sections, byteorder=order)
    summarize(image)
    try:
        return read_symbols(image)
    except GoinspectError:
        return None


def test_the_program_is_sound():
    for (_, order, _), sections in PROGRAMS.items():
        found = ask(sections, order)
        assert found.warnings == ()
        assert len(found.functions.name) == 120
        assert set(found.functions.file) == {"d/g", "g", "f", None} & set(found.functions.file)
        assert set(found.variables.size) == {12}


CHANGES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 1 << 16), st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, None])),
    min_size=1,
    max_size=6,
)


def changed(key, changes, byte, cut):
    sections = dict(PROGRAMS[key])
    names = sorted(sections)
    for which, where, value in changes:
        name = names[which % len(names)]
        data = bytearray(sections[name])
        if not data:
            continue
        if cut and where % 7 == 0:
            del data[where % len(data) :]
        else:
            data[where % len(data)] = byte if value is None else value
        sections[name] = bytes(data)
    return sections


ANY_CHANGES = (st.sampled_from(sorted(PROGRAMS)), CHANGES, st.integers(0, 255), st.booleans())


@examples(300)
@given(*ANY_CHANGES)
def test_changed_bytes(key, changes, byte, cut):
    ask(changed(key, changes, byte, cut), key[1])


@examples(300)
@given(*ANY_CHANGES)
def test_both_ways_tell_the_same_of_changed_bytes(key, changes, byte, cut):
    sections = changed(key, changes, byte, cut)
    answers = []
    for often in (1, 1 << 62):
        with mock.patch.object(columns, "_OFTEN", often), mock.patch.object(origins, "_FEW", 1):
            answers.append(ask(sections, key[1]))
    assert answers[0] == answers[1]


@examples(100)
@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from([2, 3, 4, 5]))
def test_any_bytes(info, abbrev, version):
    head = dw.Dwarf(version).number(version, 2) + (
        b"\x01\x08" + bytes(4) if version == 5 else bytes(4) + b"\x08"
    )
    ask({".debug_info": (len(info) + len(head)).to_bytes(4, "little") + head + info, ".debug_abbrev": abbrev})


def within(seconds, megabytes, sections):
    """The answer, given in that time (of the CPU) and memory."""
    tracemalloc.start()
    start = time.process_time()
    try:
        found = ask(sections)
        used, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert used < seconds
    assert peak < megabytes << 20
    return found


def test_units_that_all_have_another_part_of_one_table():
    """Each byte of the section starts a table of its own, that goes to the end."""
    abbrev = b"\x01\x11\x00\x00\x00" * 1_500
    info = b"".join(b"\x08\0\0\0\x04\0" + (5 * n).to_bytes(4, "little") + b"\x08\x01" for n in range(1_500))
    found = within(20, 100, {".debug_info": info, ".debug_abbrev": abbrev})
    assert "overlap" in found.warnings[1]
    assert len(found.warnings) == 4


def test_a_chain_of_types_that_never_ends():
    dwarf = dw.Dwarf(4)
    kinds = [dw.Die(dw.TYPEDEF, [(dw.NAME, dw.STRING, f"t{n}")]) for n in range(5000)]
    for n, kind in enumerate(kinds):
        kind.attributes.append((dw.TYPE, dw.REF4, kinds[(n + 1) % len(kinds)]))
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [], kinds)]
    found = within(10, 100, {f".debug_{name}": data for name, data in dwarf.write().items()})
    assert set(found.types.size) == {None}


def test_references_into_one_long_entry():
    """A name of 1 MB, asked for at each of its bytes."""
    dwarf = dw.Dwarf(4)
    long = dw.Die(dw.SUBPROGRAM, [(dw.NAME, dw.STRING, "\x02" * (1 << 20))])
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.C)], [long])]
    dwarf.units[0].children += [
        dw.Die(dw.SUBPROGRAM, [(dw.ORIGIN, dw.REF_ADDR, 40 + n), (dw.LOW_PC, dw.ADDR, 9)]) for n in range(500)
    ]
    within(20, 200, {f".debug_{name}": data for name, data in dwarf.write().items()})


def test_strings_that_overlap():
    dwarf = dw.Dwarf(4)
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [], [
        dw.Die(dw.BASE_TYPE, [(dw.NAME, dw.SEC_OFFSET, n), (dw.BYTE_SIZE, dw.DATA1, 1)]) for n in range(3000)
    ])]  # fmt: skip
    sections = {f".debug_{name}": data for name, data in dwarf.write().items()}
    at = sections[".debug_abbrev"].index(bytes([dw.NAME, dw.SEC_OFFSET])) + 1
    sections[".debug_abbrev"] = (
        sections[".debug_abbrev"][:at] + bytes([dw.STRP]) + sections[".debug_abbrev"][at + 1 :]
    )
    found = within(20, 100, sections | {".debug_str": b"x" * 20_000})
    assert "overlap" in found.warnings[0]


def test_too_many_symbols(monkeypatch):
    monkeypatch.setattr(columns, "MAX_SYMBOLS", 1000)
    dwarf = dw.Dwarf(4)
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [], [
        dw.Die(dw.BASE_TYPE, [(dw.NAME, dw.STRING, "x"), (dw.BYTE_SIZE, dw.DATA1, 1)]) for _ in range(1001)
    ])]  # fmt: skip
    with pytest.raises(GoinspectError, match="more than 1000 symbols"):
        read_symbols(SectionImage({f".debug_{name}": data for name, data in dwarf.write().items()}))


def test_nothing_but_ends():
    """Millions of the shortest entry there is."""
    body = b"\x04\0" + bytes(4) + b"\x08" + bytes(4 << 20)
    info = len(body).to_bytes(4, "little") + body
    found = within(20, 50, {".debug_info": info, ".debug_abbrev": b"\x01\x11\x00\x00\x00\x00"})
    assert found.functions.name == []


def test_entries_of_one_byte():
    body = b"\x04\0" + bytes(4) + b"\x08" + b"\x01" * (1 << 20)
    info = len(body).to_bytes(4, "little") + body
    within(20, 50, {".debug_info": info, ".debug_abbrev": b"\x01\x05\x00\x00\x00\x00"})


def test_line_tables_with_names_without_end():
    dwarf = dw.Dwarf(5)
    body = bytes([1, 1, 1, 0xFB, 14, 3, 0, 1, 1, 1, dw.FLAG_PRESENT]) + uleb(1 << 40)
    line = dwarf.length(dwarf.number(5, 2) + b"\x08\0" + dwarf.offset(len(body)) + body)
    function = dw.Die(
        dw.SUBPROGRAM, [(dw.NAME, dw.STRING, "f"), (dw.DECL_FILE, dw.DATA1, 1), (dw.LOW_PC, dw.ADDR, 9)]
    )
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.STMT_LIST, dw.SEC_OFFSET, 0)], [function])]
    dwarf.extra["line"] = line
    found = within(5, 50, {f".debug_{name}": data for name, data in dwarf.write().items()})
    assert (found.functions.name, found.functions.file) == (["f"], [None])
    assert "names" in found.warnings[0]


@pytest.mark.parametrize("number", [1 << 63, (1 << 64) - 1, (1 << 69) + 1, -(1 << 66)])
def test_numbers_that_no_machine_has(number):
    """LEB128 of ten bytes, wherever a number may be."""
    dwarf = dw.Dwarf(4)
    form = dw.UDATA if number > 0 else dw.SDATA
    wide = [(attribute, form, number) for attribute in (dw.DECL_FILE, dw.DECL_LINE, dw.BYTE_SIZE, dw.HIGH_PC)]
    abstract = dw.Die(dw.SUBPROGRAM, [(dw.NAME, dw.STRING, "abstract"), (dw.TYPE, form, number)])
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.GO)], [
        dw.Die(dw.SUBPROGRAM, [(dw.NAME, dw.STRING, "f"), (dw.LOW_PC, dw.ADDR, 9), *wide]),
        dw.Die(dw.BASE_TYPE, [(dw.NAME, dw.STRING, "t"), (dw.GO_RUNTIME_TYPE, form, number), *wide]),
        dw.Die(dw.VARIABLE, [
            (dw.NAME, dw.STRING, "v"), (dw.LOCATION, dw.BLOCK1, dw.address_of(dwarf, 0x40)), *wide,
            (dw.TYPE, form, number),
        ]),
        abstract,
        *(dw.Die(dw.VARIABLE, [
            (dw.ORIGIN, dw.REF4, abstract), (dw.LOCATION, dw.BLOCK1, dw.address_of(dwarf, 0x50 + n)),
        ]) for n in range(20)),
    ])]  # fmt: skip
    found = ask({f".debug_{name}": data for name, data in dwarf.write().items()})
    assert found.functions.name == ["f"]
    assert found.variables.name == ["v", *["abstract"] * 20]
    assert found.types.name == ["t"]
    assert [*found.functions.size, *found.variables.size, *found.types.size] == [None] * 23
