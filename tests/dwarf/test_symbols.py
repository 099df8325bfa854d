"""Which entries are symbols, and what they are called and how big they are."""

from __future__ import annotations

import pytest

from goinspect.dwarf import read_columns, read_symbols
from goinspect.dwarf.descriptors import descriptors
from tests.builders import dwarf as dw
from tests.builders.varints import uleb
from tests.dwarf.images import SectionImage, image_of

UNIT = [(dw.LANGUAGE, dw.DATA1, dw.C), (dw.NAME, dw.STRING, "a.c")]


def read(dwarf, children, attributes=UNIT, **options):
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, list(attributes), children)]
    return read_symbols(image_of(dwarf, **options))


def named(tag, name, *attributes, children=()):
    return dw.Die(tag, [(dw.NAME, dw.STRING, name), *attributes], list(children))


def variable(dwarf, name, address, *attributes):
    return named(dw.VARIABLE, name, (dw.LOCATION, dw.BLOCK1, dw.address_of(dwarf, address)), *attributes)


def test_no_debug_information():
    assert read_symbols(SectionImage({".text": b"x"})) is None


def test_only_functions_with_code_of_their_own():
    abstract = named(dw.SUBPROGRAM, "inlined", (dw.INLINE, dw.DATA1, 1), (dw.DECL_LINE, dw.UDATA, 7))
    found = read(
        dw.Dwarf(4),
        [
            named(dw.SUBPROGRAM, "declared", (dw.DECLARATION, dw.FLAG_PRESENT, 1)),
            abstract,
            dw.Die(dw.SUBPROGRAM, [(dw.ORIGIN, dw.REF4, abstract), (dw.LOW_PC, dw.ADDR, 0x10), (dw.HIGH_PC, dw.DATA4, 5)]),
            named(
                dw.SUBPROGRAM, "outer", (dw.LOW_PC, dw.ADDR, 0x20), (dw.HIGH_PC, dw.ADDR, 0x30),
                children=[
                    dw.Die(0x1D, [(dw.ORIGIN, dw.REF4, abstract), (dw.LOW_PC, dw.ADDR, 0x21), (dw.HIGH_PC, dw.DATA4, 5)])
                ],
            ),
            named(dw.SUBPROGRAM, "label", (dw.LOW_PC, dw.ADDR, 0x40)),
            named(dw.SUBPROGRAM, "removed", (dw.LOW_PC, dw.ADDR, 0), (dw.HIGH_PC, dw.DATA4, 5)),
        ],
    )  # fmt: skip
    functions = found.functions
    assert list(zip(functions.name, functions.address, functions.size, functions.line, strict=True)) == [
        ("inlined", 0x10, 5, 7), ("outer", 0x20, 0x10, None), ("label", 0x40, None, None),
    ]  # fmt: skip
    assert found.units == [("a.c", "C", 4)]
    assert found.warnings == ()


def test_linkage_names_and_definitions_apart_from_their_declaration():
    dwarf = dw.Dwarf(4)
    integer = named(dw.BASE_TYPE, "int", (dw.BYTE_SIZE, dw.DATA1, 4))
    method = named(
        dw.SUBPROGRAM, "f", (dw.LINKAGE_NAME, dw.STRING, "_ZN1A1fEv"), (dw.DECLARATION, dw.FLAG, 1)
    )
    member = named(dw.MEMBER, "n", (dw.TYPE, dw.REF4, integer), (dw.DECL_LINE, dw.DATA1, 3))
    found = read(dwarf, [
        dw.Die(dw.SUBPROGRAM, [(dw.SPECIFICATION, dw.REF4, method), (dw.LOW_PC, dw.ADDR, 9), (dw.HIGH_PC, dw.DATA1, 1)]),
        dw.Die(dw.VARIABLE, [
            (dw.SPECIFICATION, dw.REF_ADDR, member), (dw.LOCATION, dw.EXPRLOC, dw.address_of(dwarf, 0x99)),
        ]),
        method, member, integer,
    ])  # fmt: skip
    assert found.functions.name == ["_ZN1A1fEv"]
    variables = found.variables
    assert (variables.name, variables.address, variables.size, variables.line) == (["n"], [0x99], [4], [3])


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("wide", [False, True])
def test_names_and_addresses_by_index(order, wide):
    dwarf = dw.Dwarf(5, order, 8, wide)
    attributes = [
        (dw.LANGUAGE, dw.DATA2, 0x1D), (dw.NAME, dw.STRX1, "unit.c"), (dw.STR_OFFSETS_BASE, dw.SEC_OFFSET, 16 if wide else 8),
        (dw.ADDR_BASE, dw.SEC_OFFSET, 16 if wide else 8),
    ]  # fmt: skip
    children = [
        dw.Die(
            dw.SUBPROGRAM,
            [(dw.NAME, form, f"f{n}"), (dw.LOW_PC, dw.ADDRX, 0x100 * n), (dw.HIGH_PC, dw.UDATA, n)],
        )
        for n, form in enumerate((dw.STRX, dw.STRX1, dw.STRX2, dw.STRX3, dw.STRX4, dw.STRP, dw.LINE_STRP), 1)
    ]
    # Its index is the number of addresses before it.
    children.append(named(dw.VARIABLE, "v", (dw.LOCATION, dw.EXPRLOC, b"\xa1\x02")))
    found = read(dwarf, children, attributes)
    assert found.warnings == ()
    assert found.units == [("unit.c", "C", 5)]
    assert found.functions.name == [f"f{n}" for n in range(1, 8)]
    assert found.functions.address == [0x100 * n for n in range(1, 8)]
    assert (found.variables.name, found.variables.address) == (["v"], [0x300])


def test_only_variables_at_an_address():
    dwarf = dw.Dwarf(4, "big", 4)
    odd = [
        b"", b"\x91\x10", dw.address_of(dwarf, 0x50) + b"\x06", dw.address_of(dwarf, 0x50)[:-1], b"\xa1", b"\x03",
        dw.address_of(dwarf, 8) + b"\xe0",
    ]  # fmt: skip
    children = [named(dw.VARIABLE, "odd", (dw.LOCATION, dw.EXPRLOC, place)) for place in odd]
    children.append(
        dw.Die(dw.VARIABLE, [(dw.LOCATION, dw.EXPRLOC, dw.address_of(dwarf, 0x60))])
    )  # a literal of clang
    found = read(dwarf, [*children, variable(dwarf, "v", 0x70), variable(dwarf, "gone", 0)])
    assert (found.variables.name, found.variables.address, found.variables.size) == (["v"], [0x70], [None])
    (warning,) = found.warnings
    assert "DWARF number without end" in warning


def test_sizes_of_types():
    dwarf = dw.Dwarf(3, "little", 4)
    integer = named(dw.BASE_TYPE, "int", (dw.BYTE_SIZE, dw.DATA1, 4))
    pointer = dw.Die(dw.POINTER, [(dw.TYPE, dw.REF_UDATA, integer)])
    constant = dw.Die(dw.CONST, [(dw.TYPE, dw.REF4, integer)])
    alias = named(dw.TYPEDEF, "alias", (dw.TYPE, dw.REF2, constant))
    dimension = dw.Die(dw.SUBRANGE, [(dw.UPPER_BOUND, dw.DATA1, 9)])
    counted = dw.Die(dw.SUBRANGE, [(dw.COUNT, dw.UDATA, 300)])
    array = dw.Die(dw.ARRAY, [(dw.TYPE, dw.REF4, alias)], [dimension, counted])
    open_array = dw.Die(dw.ARRAY, [(dw.TYPE, dw.REF4, alias)], [dw.Die(dw.SUBRANGE)])
    opaque = named(dw.STRUCTURE, "opaque", (dw.DECLARATION, dw.FLAG, 1))
    loop = named(dw.TYPEDEF, "loop")
    loop.attributes.append((dw.TYPE, dw.REF4, loop))
    types = [integer, pointer, constant, alias, array, open_array, opaque, loop]
    found = read(
        dwarf,
        [variable(dwarf, f"v{n}", 0x100 + n, (dw.TYPE, dw.REF4, kind)) for n, kind in enumerate(types)]
        + types,
    )
    assert found.variables.size == [4, 4, 4, 4, 12000, None, None, None]
    assert dict(zip(found.types.name, found.types.size, strict=True)) == {"int": 4, "alias": 4, "loop": None}
    assert dict(zip(found.types.name, found.types.kind, strict=True)) == {
        "int": "base", "alias": "typedef", "loop": "typedef",
    }  # fmt: skip


def test_a_go_type_with_two_entries_is_one():
    dwarf = dw.Dwarf(4)
    real = named(dw.STRUCTURE, "main.T", (dw.BYTE_SIZE, dw.UDATA, 24), (dw.GO_KIND, dw.DATA1, 25 | 1 << 5),
                 (dw.GO_RUNTIME_TYPE, dw.ADDR, 0x40))  # fmt: skip
    other = named(dw.TYPEDEF, "main.U", (dw.TYPE, dw.REF_ADDR, real))
    name = named(dw.TYPEDEF, "main.T", (dw.TYPE, dw.REF_ADDR, real))
    parameter = named(dw.TYPEDEF, ".param0", (dw.TYPE, dw.REF_ADDR, real), (0x2906, dw.UDATA, 0))
    children = [real, name, other, parameter]
    found = read(dwarf, children, [(dw.LANGUAGE, dw.DATA1, dw.GO), (dw.NAME, dw.STRING, "main")])
    types = found.types
    assert list(zip(types.name, types.kind, types.size, types.runtime_type, strict=True)) == [
        ("main.T", "struct", 24, 0x40), ("main.U", "typedef", 24, None),
    ]  # fmt: skip
    assert len(read(dwarf, children).types.name) == 3  # in C these are two names


def test_where_descriptors_are():
    dwarf = dw.Dwarf(4)
    kinds = [
        named(
            dw.STRUCTURE, f"T{n}", (dw.BYTE_SIZE, dw.UDATA, 20 + n), (dw.GO_RUNTIME_TYPE, dw.ADDR, 0x40 * n)
        )
        for n in range(1, 5)
    ]
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.GO)], kinds)]
    types = read_columns(image_of(dwarf)).types
    memory = bytearray(0x1000)
    for n in range(1, 5):
        memory[0x800 + 0x40 * n] = 20 + n
    image = SectionImage({}, memory=bytes(memory))
    assert descriptors(image, types, 0x800).tolist() == [0x840, 0x880, 0x8C0, 0x900]
    assert descriptors(image, types, 0x700).tolist() == [0] * 4
    assert descriptors(image, types, None).tolist() == [0] * 4
    image = SectionImage({}, memory=bytes(memory[0x800:]))  # addresses
    assert descriptors(image, types, 0x900).tolist() == [0x40, 0x80, 0xC0, 0x100]


@pytest.mark.parametrize("order", ["little", "big"])
def test_ranges_before_version_5(order):
    dwarf = dw.Dwarf(4, order, 4)
    pairs = [(0x10, 0x10), (0xFFFFFFFF, 0x2000), (0x10, 0x30), (0x100, 0x101), (0, 0)]
    dwarf.extra["ranges"] = b"".join(dwarf.address(value) for pair in pairs for value in pair)
    found = read(dwarf, [named(dw.SUBPROGRAM, "split", (dw.RANGES, dw.SEC_OFFSET, 0))])
    assert (found.functions.address, found.functions.size) == ([0x2010], [0x20])


@pytest.mark.parametrize("form", [dw.SEC_OFFSET, dw.RNGLISTX])
@pytest.mark.parametrize(
    ("entry", "start", "size"),
    [
        (lambda d: b"\x01\x00" + b"\x04" + uleb(0x10) + uleb(0x18), 0x1010, 8),
        (lambda _: b"\x02\x00\x01", 0x1000, 0x500),
        (lambda _: b"\x03\x00\x09", 0x1000, 9),
        (lambda d: b"\x04\x10\x10\x04\x20\x30", 0x220, 0x10),
        (lambda d: b"\x05" + d.address(0x7000) + b"\x04\x00\x01", 0x7000, 1),
        (lambda d: b"\x06" + d.address(0x7000) + d.address(0x7010), 0x7000, 0x10),
        (lambda d: b"\x07" + d.address(0x7000) + b"\x80\x01", 0x7000, 0x80),
    ],
)
def test_ranges_of_version_5(form, entry, start, size):
    dwarf = dw.Dwarf(5)
    # Offsets count from the end of the header, where the one table of offsets is.
    body = dwarf.number(5, 2) + bytes([8, 0]) + dwarf.number(1, 4) + dwarf.number(4, 4) + entry(dwarf) + b"\0"
    dwarf.extra["rnglists"] = dwarf.length(body)
    attributes = [*UNIT, (dw.LOW_PC, dw.ADDR, 0x200), (dw.RNGLISTS_BASE, dw.SEC_OFFSET, 12),
                  (dw.ADDR_BASE, dw.SEC_OFFSET, 8)]  # fmt: skip
    children = [
        named(dw.SUBPROGRAM, "split", (dw.RANGES, form, 16 if form == dw.SEC_OFFSET else 0)),
        named(dw.SUBPROGRAM, "a", (dw.LOW_PC, dw.ADDRX, 0x1000), (dw.HIGH_PC, dw.ADDRX, 0x1500)),
    ]
    found = read(dwarf, children, attributes)
    assert found.warnings == ()
    assert (found.functions.address[0], found.functions.size[0]) == (start, size)
    assert (found.functions.address[1], found.functions.size[1]) == (0x1000, 0x500)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_files(version, wide):
    dwarf = dw.Dwarf(max(version, 3 if wide else 2), wide=wide)
    first = [("a.c", 0)] if version == 5 else []
    files = [*first, ("one.c", 1), ("/abs/two.c", 0), ("<autogenerated>", 0), ("three.c", 2), ("four.c", 9)]
    directories = [*(["/src"] if version == 5 else []), "sub", "/other"]
    dwarf.extra["line"] = dw.line_table(dwarf, directories, files, version)
    function = [
        named(dw.SUBPROGRAM, f"f{n}", (dw.DECL_FILE, dw.DATA4, n), (dw.DECL_LINE, dw.UDATA, 5), (dw.LOW_PC, dw.ADDR, 16 + n),
              (dw.HIGH_PC, dw.ADDR, 40))
        for n in range(7)
    ]  # fmt: skip
    form = dw.SEC_OFFSET if dwarf.version >= 4 else dw.DATA8 if wide else dw.DATA4
    found = read(dwarf, function, [*UNIT, (dw.COMP_DIR, dw.STRING, "/src"), (dw.STMT_LIST, form, 0)])
    assert found.warnings == ()
    assert found.functions.line == [5] * 7
    assert found.functions.file == [
        "/src/a.c" if version == 5 else None, "/src/sub/one.c", "/abs/two.c", "<autogenerated>", "/other/three.c",
        "/src/four.c", None,
    ]  # fmt: skip


def test_relocatable_files_are_not_read():
    dwarf = dw.Dwarf(4, units=[dw.Die(dw.COMPILE_UNIT, list(UNIT))])
    image = image_of(dwarf, type="rel")
    assert read_symbols(image) is None
    assert "relocatable" in image.warnings[0]


def test_names_in_another_file_are_told():
    found = read(dw.Dwarf(5), [dw.Die(dw.SUBPROGRAM, [
        (dw.ORIGIN, dw.REF_SUP4, 5), (dw.LOW_PC, dw.ADDR, 8), (dw.HIGH_PC, dw.DATA1, 1)])])  # fmt: skip
    assert found.functions.name == []
    assert found.warnings == ("DWARF: 1 functions or variables without a name are left out",)


def test_damage_spoils_only_its_unit():
    dwarf = dw.Dwarf(4)
    good = named(dw.SUBPROGRAM, "good", (dw.LOW_PC, dw.ADDR, 8), (dw.HIGH_PC, dw.DATA1, 1))
    bad = dw.Die(dw.PARAMETER, [(dw.NAME, dw.REF_SIG8, 1)])
    dwarf.units = [
        dw.Die(dw.COMPILE_UNIT, list(UNIT), [bad, good]),
        dw.Die(dw.COMPILE_UNIT, list(UNIT), [good]),
    ]
    sections = dwarf.write()
    # The form of the first entry becomes one that nobody knows.
    at = sections["abbrev"].index(bytes([dw.PARAMETER, 0, dw.NAME, dw.REF_SIG8])) + 3
    sections["abbrev"] = sections["abbrev"][:at] + b"\x7e" + sections["abbrev"][at + 1 :]
    found = read_symbols(SectionImage({f".debug_{name}": data for name, data in sections.items()}))
    assert found.functions.name == ["good"]
    (warning,) = found.warnings
    assert "form 0x7e is not known" in warning
