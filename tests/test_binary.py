"""Native symbols: what an address in no Go function may be called."""

from __future__ import annotations

from goinspect.binary import NativeSymbols
from goinspect.model import Section, Symbol

_CODE, _DATA = 6, 3  # SHF_ALLOC with SHF_EXECINSTR, SHF_ALLOC with SHF_WRITE
SECTIONS = (
    Section("", 0, 0, 0, 0, 0, 0),
    Section(".text", 0x1000, 0x100, 0x1000, 0x100, _CODE, 1),
    Section(".data", 0x2000, 0x100, 0x2000, 0x100, _DATA, 1),
)


def symbol(name, vaddr, size=0, section=1, kind="function", binding="global", source="symtab"):
    return Symbol(name, vaddr, size, kind, binding, section, source)


def names(symbols, *vaddrs):
    find = NativeSymbols(symbols, SECTIONS).find
    return [found.name if (found := find(vaddr)) else None for vaddr in vaddrs]


def test_a_size_bounds_a_function():
    assert names([symbol("f", 0x1000, 16)], 0xFFF, 0x1000, 0x100F, 0x1010) == [None, "f", "f", None]


def test_without_a_size_a_function_reaches_to_the_next_or_the_end_of_its_section():
    symbols = [symbol("f", 0x1000), symbol("g", 0x1080)]
    assert names(symbols, 0x107F, 0x1080, 0x10FF, 0x1100, 0x2010) == ["f", "g", "g", None, None]


def test_a_marker_at_the_end_of_the_code_names_nothing():
    symbols = [symbol("f", 0x1000, 16), symbol("runtime.etext", 0x1100)]
    assert names(symbols, 0x1100, 0x1101, 0x2050) == [None, None, None]


def test_data_is_no_function():
    assert names([symbol("v", 0x2000, 16, section=2)], 0x2000) == [None]


def test_the_name_a_person_would_give_wins():
    symbols = [
        symbol("local_alias", 0x1000, 16, binding="local"),
        symbol("exported", 0x1000, 16, source="dynsym"),
        symbol("exported_static", 0x1000, 16),
    ]
    assert names(symbols, 0x1004) == ["exported_static"]
