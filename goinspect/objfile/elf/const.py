"""Numbers of the ELF format that more than one module needs. Source: System V gABI and the processor supplements."""

from __future__ import annotations

from typing import Final

PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4
PF_X: Final = 1
PF_W: Final = 2
PF_R: Final = 4

SHT_SYMTAB: Final = 2
SHT_RELA: Final = 4
SHT_NOBITS: Final = 8
SHT_NOTE: Final = 7
SHT_REL: Final = 9
SHT_DYNSYM: Final = 11
SHT_RELR: Final = 19
SHF_WRITE: Final = 1
SHF_ALLOC: Final = 2
SHF_EXECINSTR: Final = 4

TYPES: Final = {1: "rel", 2: "exec", 3: "dyn", 4: "core"}

# (e_machine, ELF class, byte order) -> GOARCH; None matches any.
_ARCHES: Final = (
    (62, 64, None, "amd64"),
    (3, 32, None, "386"),
    (183, 64, None, "arm64"),
    (40, 32, None, "arm"),
    (243, 64, None, "riscv64"),
    (258, 64, None, "loong64"),
    (22, 64, None, "s390x"),
    (21, 64, "big", "ppc64"),
    (21, 64, "little", "ppc64le"),
    (8, 32, "big", "mips"),
    (8, 32, "little", "mipsle"),
    (8, 64, "big", "mips64"),
    (8, 64, "little", "mips64le"),
)

# e_machine -> type number of the relocation "word = load bias + addend".
RELATIVE: Final = {62: 8, 3: 8, 40: 23, 183: 1027, 21: 22, 22: 12, 243: 3, 258: 3, 8: 3}

# e_machine -> relocation types of "word = symbol + addend" (R_X86_64_64, R_386_32, R_ARM_ABS32, …): the processor
# supplements of the System V ABI.
ABSOLUTE: Final = {
    62: (1,), 3: (1,), 40: (2,), 183: (257,), 21: (38,), 22: (22,), 243: (2,), 258: (2,), 8: (2, 18),
}  # fmt: skip

SYMBOL_KINDS: Final = {
    0: "notype", 1: "object", 2: "function", 3: "section", 4: "file", 5: "object", 6: "tls", 10: "ifunc",
}  # fmt: skip
SYMBOL_BINDINGS: Final = {0: "local", 1: "global", 2: "weak", 10: "global"}


def goarch(machine: int, bits: int, byteorder: str) -> str:
    """Go's name of the architecture, or "machine-N"."""
    for number, width, order, name in _ARCHES:
        if machine == number and bits == width and order in (None, byteorder):
            return name
    return f"machine-{machine}"
