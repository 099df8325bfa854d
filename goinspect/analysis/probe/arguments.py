"""Arguments and results of a function: where Go passes them, as far as their types are known."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from goinspect.dwarf.signatures import Signatures
from goinspect.errors import GoinspectError
from goinspect.gosym.abi.assign import assign
from goinspect.gosym.abi.registers import convention
from goinspect.gosym.buildinfo.info import parse_version
from goinspect.gosym.layout import ARGS_UNKNOWN, FLAG_ASM, passes_in_registers
from goinspect.gosym.types.methods import MethodTables
from goinspect.results.probe import ProbePart, ProbeValue
from goinspect.shapes import Shape, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.binary import Binary
    from goinspect.gosym.abi.assign import Assigned, Frame
    from goinspect.gosym.pclntab import Func

__all__ = ["ABI0", "INTERNAL", "Arguments", "Signature"]

ABI0, INTERNAL = "ABI0", "ABIInternal"
_METHOD = re.compile(r"\.(?:\((?P<star>\*)(?:[^()]|\([^()]*\))+\)|[^\W\d]\w*(?:\[.*\])?)\.[^\W\d]\w*")
_ARGUMENTS = re.compile(r"\[.*\]")
_SYNTHETIC = ("", "_")


class Signature(NamedTuple):
    """What is known of one function; see `goinspect.results.probe.ProbeFunction`."""

    abi: str
    abi_from: str
    types_from: str | None
    arguments: tuple[ProbeValue, ...] | None
    results: tuple[ProbeValue, ...] | None
    uncertain: str | None = None


class _Typed(NamedTuple):
    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    result_names: tuple[str, ...]
    results: tuple[Shape, ...]


class Arguments:
    """Answers for one binary."""

    def __init__(self, binary: Binary) -> None:
        self._binary = binary
        self.convention = convention(binary.image.arch)
        info = binary.go.build_info
        version = parse_version(binary.go.go_version or "") or binary.go.table.release.since
        experiments = (info.settings if info is not None else {}).get("GOEXPERIMENT", "")
        self.in_registers = (
            self.convention is not None
            and passes_in_registers(self.convention.since, version)
            and "noregabi" not in experiments
        )

    @property
    def integers(self) -> tuple[str, ...]:
        """Registers in order; none where everything is on the stack."""
        return self.convention.integers if self.convention is not None and self.in_registers else ()

    @property
    def floats(self) -> tuple[str, ...]:
        """The same for floating-point numbers."""
        return self.convention.floats if self.convention is not None and self.in_registers else ()

    @cached_property
    def signatures(self) -> Signatures | None:
        """What DWARF tells; None where there is none."""
        return Signatures.of(self._binary.image)

    @cached_property
    def _methods(self) -> MethodTables:
        return MethodTables(self._binary.image, self._binary.go)

    def of(self, func: Func, name: str, *, abi0: bool = False) -> Signature:
        """The signature of a function.

        How many bytes its arguments take on the stack is in gopclntab, and tells whether types, and the ABI, can be right.

        Args:
            func: the function.
            name: its name.
            abi0: the symbol table calls it so (``name.abi0``).
        """
        known = None if func.args == ARGS_UNKNOWN else func.args
        abi, why = self._likely(func, abi0=abi0)
        told = False
        for other in (abi,) if abi == ABI0 else (INTERNAL, ABI0):
            for source, typed in self._typed(func, name):
                frame = self._frame(typed, other)
                told |= source == "DWARF"
                if known is None or frame.size == known:
                    reason = why if other == abi else "the bytes that its arguments take"
                    return self._answer(other, reason, source, typed, frame)
        uncertain = (
            f"types of the arguments of {name} do not add up to the bytes they take: they are left out"
        )
        return Signature(abi, why, None, None, None, uncertain if told else None)

    def _likely(self, func: Func, *, abi0: bool) -> tuple[str, str]:
        """The ABI, as long as nothing is known of types, and why."""
        if not self.in_registers:
            return ABI0, "the release and the architecture"
        if abi0:
            return ABI0, "the symbol table"
        if func.flag & FLAG_ASM:
            return ABI0, "it is assembly, which some functions of the runtime write for ABIInternal"
        return INTERNAL, "the release"

    def _frame(self, typed: _Typed, abi: str) -> Frame:
        integers, floats = (self.integers, self.floats) if abi == INTERNAL else ((), ())
        return assign(typed.shapes, typed.results, integers, floats, self._binary.image.ptrsize)

    def _answer(self, abi: str, why: str, source: str, typed: _Typed, frame: Frame) -> Signature:
        base = self.convention.stack if self.convention is not None else 0
        return Signature(
            abi, why, source,
            tuple(_value(name, one, base) for name, one in zip(typed.names, frame.arguments, strict=True)),
            tuple(_value(name, one, base) for name, one in zip(typed.result_names, frame.results, strict=True)),
        )  # fmt: skip

    # --- types ---

    def _typed(self, func: Func, name: str) -> Iterator[tuple[str, _Typed]]:
        """What the types may be, the likeliest first."""
        for typed in self._of_dwarf(func, name):
            yield "DWARF", typed
        yield from (("type data", typed) for typed in self._of_type_data(func, name))

    def _of_dwarf(self, func: Func, name: str) -> Iterator[_Typed]:
        if self.signatures is None:
            return
        package = name.rpartition("/")[0] + name.removeprefix(name.rpartition("/")[0]).partition(".")[0]
        try:
            found = self.signatures.parameters(func.entry, package)
        except GoinspectError:
            return
        if found is None or any(one.shape is None for one in found):
            return
        arguments = [(one.name, one.shape) for one in found if not one.result and one.shape is not None]
        results: list[tuple[str, Shape]] = []
        for one in found:
            # Go 1.24 and others list results twice that are in registers.
            if (
                one.result
                and one.shape is not None
                and (one.name in _SYNTHETIC or one.name not in dict(results))
            ):
                results.append((one.name, one.shape))
        yield _typed(arguments, results)
        if "[go.shape." in name:  # generic code has a dictionary, which DWARF does not tell of
            word = self._binary.image.ptrsize
            dictionary = (".dict", scalar("dictionary", word, word, "pointer"))
            at = 1 if _METHOD.search(_ARGUMENTS.sub("", name.rpartition("/")[2])) else 0  # behind a receiver
            yield _typed([*arguments[:at], dictionary, *arguments[at:]], results)

    def _of_type_data(self, func: Func, name: str) -> Iterator[_Typed]:
        last = name.rpartition("/")[2]
        match = _METHOD.search(last)
        if match is None or last.count(".") < 2 or func.flag & FLAG_ASM:
            return
        receiver = "*" + last.partition("(*")[2].partition(")")[0] if match["star"] else last.split(".")[1]
        for found in self._methods.of(func.entry, receiver):
            if found.receiver is not None:
                arguments = [("receiver", found.receiver)]
                arguments += [(f"arg{number}", shape) for number, shape in enumerate(found.arguments, 1)]
                yield _typed(arguments, [(f"result{n}", shape) for n, shape in enumerate(found.results, 1)])


def _typed(arguments: Sequence[tuple[str, Shape]], results: Sequence[tuple[str, Shape]]) -> _Typed:
    return _Typed(
        tuple(name for name, _ in arguments), tuple(shape for _, shape in arguments),
        tuple(name for name, _ in results), tuple(shape for _, shape in results),
    )  # fmt: skip


def _value(name: str, one: Assigned, base: int) -> ProbeValue:
    stack = None if one.stack is None else base + one.stack
    registers = one.registers or (None,) * len(one.shape.parts or ())
    parts = tuple(
        ProbePart(part.path, register, None if stack is None else stack + part.offset, part.size, part.kind)
        for part, register in zip(one.shape.parts or (), registers, strict=True)
    )
    return ProbeValue(name, one.shape.type, one.shape.size, parts, stack)
