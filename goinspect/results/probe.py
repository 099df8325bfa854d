"""What `goinspect probe` answers: where uprobes go, and where arguments, results and the goroutine are then."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BODY", "ENTRY", "RETURN", "TAIL_JUMP", "Goroutine", "ProbeFunction", "ProbePart", "ProbePoint", "ProbeReport", "ProbeValue"]  # fmt: skip

ENTRY, BODY, RETURN, TAIL_JUMP = "entry", "body", "return", "tail jump"


class ProbePoint(NamedTuple):
    """An instruction to put a probe on.

    "entry". "body": behind the check whether the stack has to grow. "return". "tail jump": another function returns in
    place of this one.
    """

    kind: str
    vaddr: int
    file_offset: int | None  # None: the file has no such bytes
    line: int | None
    target: str | None = None  # of a tail jump
    again: bool = False  # a jump leads back to it: it may be come upon more than once in a call


class ProbePart(NamedTuple):
    """A piece of a value, in a register or on the stack, ``stack`` bytes above SP at entry and return.

    ``kind`` is "int", "uint", "bool", "pointer", "float", or "text": a string begins there, and its length comes next.
    """

    path: str  # "" for the whole value, ".len", ".b.ptr", "[0]"
    register: str | None
    stack: int | None
    size: int  # bytes of the register that count: what is above them is of no meaning
    kind: str


class ProbeValue(NamedTuple):
    """A receiver, argument or result: in registers, or on the stack ``stack`` bytes above SP at entry and return.

    ``parts`` is empty for values without a size, and for those that have arrays of more than one element.
    """

    name: str
    type: str
    size: int
    parts: tuple[ProbePart, ...]
    stack: int | None


class ProbeFunction(NamedTuple):
    """One function.

    ``abi`` is "ABIInternal" (arguments in registers) or "ABI0" (all on the stack). ``types_from`` says where the types of
    arguments and results are from: "DWARF" or "type data"; None: they are not known, and neither are arguments and results.
    """

    query: str
    function: str
    entry: int
    end: int
    file: str | None
    abi: str
    abi_from: str
    types_from: str | None
    arguments: tuple[ProbeValue, ...] | None
    results: tuple[ProbeValue, ...] | None
    closure: bool  # its variables are reached through the context register
    points: tuple[ProbePoint, ...]
    in_symbol_table: bool  # then bpftrace takes vaddrs for it, else offsets in the file
    indirect_jumps: int  # of a switch, or to another function: then some calls end at none of the points

    def at(self, kind: str) -> tuple[ProbePoint, ...]:
        """The points of one kind."""
        return tuple(point for point in self.points if point.kind == kind)


class Goroutine(NamedTuple):
    """Where the current goroutine is, and fields of it that profilers read; offsets in bytes, None: not known."""

    register: str | None
    in_assembly: bool  # the register has it in ABI0, too
    tls_base: str | None  # what the offset counts from: "fs", "gs:0", "tpidr_el0"
    tls_offset: int | None
    tls_word: int | None  # vaddr of the word that has the offset when the program runs
    tls_from: str | None  # the function whose code says so
    tls_cgo_only: bool  # without cgo nothing is kept there
    g_m: int | None
    m_curg: int | None
    g_goid: int | None
    g_labels: int | None
    labels_as: str | None  # "list" or "map"
    fields_from: str | None  # "DWARF", or the release whose layout it is


class ProbeReport(NamedTuple):
    """`goinspect probe BIN FUNC…`."""

    binary: str
    go_version: str | None
    arch: str
    word: int  # bytes of a pointer
    functions: tuple[ProbeFunction, ...]
    goroutine: Goroutine
    integers: tuple[str, ...]  # registers of ABIInternal in order; () where arguments are on the stack
    floats: tuple[str, ...]
    context: str  # register of closures
    stack: int  # where arguments on the stack begin: bytes above SP at the entry
    sp: str  # the register that is the stack pointer
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.probe/1"
