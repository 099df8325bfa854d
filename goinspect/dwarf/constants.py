"""Numbers of DWARF that this package uses, by their names there (DWARF 5, section 7; Go's own from its linker).

Go's attributes: src/cmd/internal/dwarf/dwarf.go.
"""

from __future__ import annotations

from typing import Final

__all__ = ["GO_KINDS", "LANGUAGES", "LANG_GO", "TYPE_TAGS"]

DW_TAG_ARRAY_TYPE: Final = 0x01
DW_TAG_FORMAL_PARAMETER: Final = 0x05
DW_TAG_MEMBER: Final = 0x0D
DW_TAG_STRUCTURE_TYPE: Final = 0x13
DW_TAG_SUBROUTINE_TYPE: Final = 0x15
DW_TAG_TYPEDEF: Final = 0x16
DW_TAG_SUBRANGE_TYPE: Final = 0x21
DW_TAG_BASE_TYPE: Final = 0x24
DW_TAG_SUBPROGRAM: Final = 0x2E
DW_TAG_VARIABLE: Final = 0x34
UNIT_TAGS: Final = frozenset((0x11, 0x3C, 0x4A))  # compile, partial, skeleton

# Tags of types that can have a name, and the word that stands for each.
TYPE_TAGS: Final = {
    DW_TAG_ARRAY_TYPE: "array", 0x02: "class", 0x04: "enumeration", 0x0F: "pointer", 0x10: "reference",
    0x12: "string", 0x13: "structure", 0x15: "subroutine", DW_TAG_TYPEDEF: "typedef", 0x17: "union",
    0x1F: "ptr_to_member", 0x24: "base", 0x38: "interface", 0x3B: "unspecified", 0x42: "rvalue_reference",
}  # fmt: skip
# Types as big as the one they refer to: typedef, const, volatile, restrict, atomic, immutable, packed, subrange.
ALIAS_TAGS: Final = frozenset((DW_TAG_TYPEDEF, 0x26, 0x35, 0x37, 0x47, 0x4B, 0x2D, DW_TAG_SUBRANGE_TYPE))
POINTER_TAGS: Final = frozenset((0x0F, 0x10, 0x42))

DW_AT_LOCATION: Final = 0x02
DW_AT_NAME: Final = 0x03
DW_AT_BYTE_SIZE: Final = 0x0B
DW_AT_STMT_LIST: Final = 0x10
DW_AT_LOW_PC: Final = 0x11
DW_AT_HIGH_PC: Final = 0x12
DW_AT_LANGUAGE: Final = 0x13
DW_AT_COMP_DIR: Final = 0x1B
DW_AT_ABSTRACT_ORIGIN: Final = 0x31
DW_AT_COUNT: Final = 0x37
DW_AT_UPPER_BOUND: Final = 0x2F
DW_AT_DATA_MEMBER_LOCATION: Final = 0x38
DW_AT_DECL_FILE: Final = 0x3A
DW_AT_DECL_LINE: Final = 0x3B
DW_AT_DECLARATION: Final = 0x3C
DW_AT_ENCODING: Final = 0x3E
DW_AT_SPECIFICATION: Final = 0x47
DW_AT_TYPE: Final = 0x49
DW_AT_VARIABLE_PARAMETER: Final = 0x4B
DW_AT_RANGES: Final = 0x55
DW_AT_LINKAGE_NAME: Final = 0x6E
DW_AT_STR_OFFSETS_BASE: Final = 0x72
DW_AT_ADDR_BASE: Final = 0x73
DW_AT_RNGLISTS_BASE: Final = 0x74
DW_AT_MIPS_LINKAGE_NAME: Final = 0x2007
DW_AT_GO_KIND: Final = 0x2900
DW_AT_GO_RUNTIME_TYPE: Final = 0x2904
DW_AT_GO_DICT_INDEX: Final = 0x2906  # of a type parameter: an alias within one function, no type of its own

DW_ATE_BOOLEAN: Final = 0x02
DW_ATE_COMPLEX_FLOAT: Final = 0x03
DW_ATE_FLOAT: Final = 0x04
DW_ATE_SIGNED: Final = 0x05

DW_OP_ADDR: Final = 0x03
DW_OP_ADDRX: Final = 0xA1
DW_OP_GNU_ADDR_INDEX: Final = 0xFB

LANG_GO: Final = 0x16
LANGUAGES: Final = {
    0x01: "C", 0x02: "C", 0x0C: "C", 0x1D: "C", 0x2C: "C", 0x04: "C++", 0x1A: "C++", 0x21: "C++", 0x2B: "C++",
    0x10: "Objective-C", 0x11: "Objective-C++", LANG_GO: "Go", 0x1C: "Rust", 0x1E: "Swift", 0x13: "D",
    0x8001: "assembly", 0x08: "Fortran", 0x0D: "Ada", 0x09: "Pascal", 0x31: "assembly",
}  # fmt: skip

# reflect.Kind by number (src/reflect/type.go), as reflect.Kind.String names them.
GO_KINDS: Final = (
    "invalid", "bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
    "uintptr", "float32", "float64", "complex64", "complex128", "array", "chan", "func", "interface", "map", "ptr",
    "slice", "string", "struct", "unsafe.Pointer",
)  # fmt: skip
GO_KIND_MASK: Final = 0x1F  # the bits above are flags of the runtime (up to Go 1.23)
