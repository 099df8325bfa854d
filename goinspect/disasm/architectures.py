"""What there is to know of each architecture that Go and capstone share, by GOARCH: a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import UnsupportedError

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder

__all__ = ["ARCHITECTURES", "Architecture", "architecture", "unit_size"]


class Architecture(NamedTuple):
    """An instruction set as capstone names it: ``CS_ARCH_…`` and the ``CS_MODE_…`` that are set."""

    name: str  # GOARCH
    family: str  # key of the rules for calls, jumps and references
    arch: str
    modes: tuple[str, ...]
    byteorder: ByteOrder
    bits: int
    sizes: tuple[int, ...]  # of instructions, in bytes


def _row(
    name: str, family: str, arch: str, modes: str, bits: int, sizes: tuple[int, ...] = (4,)
) -> Architecture:
    big = "BIG_ENDIAN" in modes
    return Architecture(name, family, arch, tuple(modes.split()), "big" if big else "little", bits, sizes)


_ANY = tuple(range(1, 16))

ARCHITECTURES = {
    row.name: row
    for row in (
        _row("amd64", "x86", "X86", "64", 64, _ANY),
        _row("386", "x86", "X86", "32", 32, _ANY),
        _row("arm64", "arm64", "ARM64", "ARM", 64),
        _row("arm", "arm", "ARM", "ARM", 32),
        _row("riscv64", "riscv", "RISCV", "RISCV64 RISCVC", 64, (2, 4)),
        _row("ppc64", "ppc64", "PPC", "64 BIG_ENDIAN", 64),
        _row("ppc64le", "ppc64", "PPC", "64", 64),
        _row("s390x", "s390x", "SYSZ", "BIG_ENDIAN", 64, (2, 4, 6)),
        _row("mips", "mips", "MIPS", "MIPS32 BIG_ENDIAN", 32),
        _row("mipsle", "mips", "MIPS", "MIPS32", 32),
        _row("mips64", "mips", "MIPS", "MIPS64 BIG_ENDIAN", 64),
        _row("mips64le", "mips", "MIPS", "MIPS64", 64),
    )
}


def architecture(name: str) -> Architecture:
    """The row of a GOARCH.

    Raises:
        UnsupportedError: capstone cannot decode it.
    """
    row = ARCHITECTURES.get(name)
    if row is None:
        raise UnsupportedError(
            f"code for {name or 'an unknown machine'} cannot be disassembled: capstone decodes "
            f"{', '.join(ARCHITECTURES)}"
        )
    return row


def unit_size(row: Architecture, code: bytes | memoryview, at: int) -> int:
    """Bytes to pass over where no instruction can be decoded at `at`: as many as one would have there, if that is told."""
    if row.family == "x86":
        size = 1
    elif (
        row.family == "riscv"
    ):  # RISC-V ISA manual, 1.5: the two lowest bits are set in what is longer than 16 bits
        size = 4 if code[at] & 3 == 3 else 2
    elif (
        row.family == "s390x"
    ):  # z/Architecture Principles of Operation: the two highest bits of the operation code
        size = (2, 4, 4, 6)[code[at] >> 6]
    else:
        size = 4
    return min(size, len(code) - at)
