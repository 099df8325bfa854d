"""One function, or a part of it: decoded, named, with the frames of each instruction."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.disasm.strings import length_of, text_at
from goinspect.analysis.pcln.frames import frames_at
from goinspect.analysis.pcln.linetable import starts_of
from goinspect.disasm import ARCHITECTURES, CALL, decode
from goinspect.errors import GoinspectError
from goinspect.results.disasm import CodeRow, FunctionCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.analysis.disasm.contents import Contents
    from goinspect.analysis.disasm.naming import Naming
    from goinspect.analysis.disasm.pieces import Piece
    from goinspect.binary import Binary
    from goinspect.disasm import Instruction
    from goinspect.disasm.syntax.names import Names
    from goinspect.model import Frame

__all__ = ["MOST", "Code"]

MOST = 1 << 22  # bytes that are decoded of a function: the largest real ones have less than one MB
_PADDING = {"x86": b"\xcc"}  # elsewhere zeros
_IMMEDIATE = re.compile(r"(?:mov|push) .*?(0x[0-9a-f]+)")
_FLOAT = re.compile(r"[a-z0-9]+(s[sd]) .*")  # scalar instructions of SSE
_MAKES = frozenset(
    ("lea", "add", "adr", "addi", "c.addi", "larl", "addiu", "daddiu")
)  # an address, in a register


class _Reference(NamedTuple):
    name: str | None = None
    string: str | None = None


class Code:
    """The instructions of one piece.

    Args:
        binary: has the code.
        piece: what of it.
        warnings: what is odd is added here.

    Raises:
        GoinspectError: the file has no such code.
    """

    def __init__(self, binary: Binary, piece: Piece, warnings: dict[str, None]) -> None:
        self._binary, self._piece, self._warnings = binary, piece, warnings
        self._family = ARCHITECTURES[binary.image.arch].family
        self._is_object = binary.image.type == "rel"
        self._all = list(decode(self._read(), piece.entry, binary.image.arch))
        if piece.func is not None:
            self._drop_padding()
        self._end = self._all[-1].end if self._all else piece.entry
        self._shown = [number for number, one in enumerate(self._all) if self._is_shown(one)]

    def _read(self) -> bytes:
        piece = self._piece
        size = piece.end - piece.entry
        if size > MOST:
            self._warnings[
                f"the code at {piece.entry:#x} has {size:,} bytes: the first {MOST:,} are shown"
            ] = None
            size = MOST
        data = bytes(self._binary.image.tail(piece.entry)[:size])
        if len(data) < size:
            self._warnings[f"the file ends within the code at {piece.entry:#x}"] = None
        return data

    def _drop_padding(self) -> None:
        """Take off what the linker fills up with behind the last instruction, unless it was asked for."""
        padding = _PADDING.get(self._family, b"\0")
        wanted = max([end - 1 for _, end in self._piece.parts or ()] + list(self._piece.asked), default=0)
        kept = len(self._all)
        while kept > 1 and not self._all[kept - 1].code.strip(padding):
            kept -= 1
        if kept and self._all[kept - 1].end > wanted:
            del self._all[kept:]

    def _is_shown(self, one: Instruction) -> bool:
        parts = self._piece.parts
        return parts is None or any(start < one.end and one.address < end for start, end in parts)

    def addresses(self) -> set[int]:
        """Those that names may be needed for."""
        out = set()
        for number in self._shown:
            one = self._all[number]
            out |= {address for address in (one.target, self._data(one)) if address is not None}
            if self._family == "x86" and (match := _IMMEDIATE.fullmatch(one.text)):
                out.add(int(match[1], 16))
        return out

    def answer(
        self, write: Callable[[Instruction, Names], str], naming: Naming, contents: Contents
    ) -> FunctionCode:
        """What is shown: instructions as `write` writes them."""
        piece = self._piece
        labels, frames = self._labels(), self._frames()
        rows = []
        for number in self._shown:
            one = self._all[number]
            label = None if one.target is None else labels.get(one.target)
            named = self._reference(number, naming, contents)
            rows.append(
                CodeRow(
                    one.address, one.code, write(one, self._names(one, naming)), one.kind, one.target,
                    self._outside(one.target, naming), label, None if self._is_object else one.reference,
                    named.name, named.string,
                    any(one.address <= pc < one.end for pc in piece.asked), frames.get(one.address),
                )
            )  # fmt: skip
        name, file = piece.name, None
        if piece.func is not None:
            (frame,) = frames_at(self._binary, piece.func, piece.func.entry, set(), inlines=False)
            name, file = frame.function, frame.file
        return FunctionCode(piece.query, name, piece.entry, self._end, file, piece.parts is None, tuple(rows))

    def _names(self, one: Instruction, naming: Naming) -> Names:
        """What the text may name. In objects, whose addresses begin at 0, any small number would be a function's."""
        if self._is_object:
            return lambda vaddr: naming.symbol(vaddr) if vaddr == one.target else None
        return naming.symbol

    def _outside(self, target: int | None, naming: Naming) -> str | None:
        """The name of another function."""
        if target is None or self._piece.entry < target < self._piece.end:
            return None
        return naming.place(target)

    def _labels(self) -> dict[int, str]:
        """Targets of jumps that are shown themselves, numbered by address."""
        shown = [self._all[number] for number in self._shown]
        starts = {one.address for one in shown}
        targets = {one.target for one in shown if one.kind != CALL and one.target in starts}
        return {target: f"L{number}" for number, target in enumerate(sorted(filter(None, targets)), 1)}

    def _frames(self) -> dict[int, tuple[Frame, ...]]:
        """Of each instruction that is shown: frames change only where a table of the function has another value."""
        func = self._piece.func
        if func is None:
            return {}
        damaged: set[int] = set()
        starts = starts_of(self._binary, func, damaged)
        out: dict[int, tuple[Frame, ...]] = {}
        following, reached = 0, -1
        frames: tuple[Frame, ...] = ()
        for number in self._shown:
            one = self._all[number]
            while following < len(starts) and starts[following] <= one.address:
                following += 1
            if following and following != reached:
                frames, reached = frames_at(self._binary, func, starts[following - 1], damaged), following
            out[one.address] = frames
        if damaged:
            self._warnings[
                f"damaged table: the function at {func.entry:#x} is answered as far as it can be read"
            ] = None
        return out

    # --- data ---

    def _data(self, one: Instruction) -> int | None:
        """The address that is meant: of ARM what stands in the literal pool, where it is one.

        None in objects, where the linker has yet to write it.
        """
        if self._is_object:
            return None
        if self._family == "arm" and one.mnemonic.startswith("ldr") and one.reference is not None:
            with suppress(GoinspectError):
                word = self._binary.image.read_pointer(one.reference)
                if any(s.vaddr <= word < s.vaddr + s.mem_size for s in self._binary.image.segments):
                    return word
        return one.reference

    def _reference(self, number: int, naming: Naming, contents: Contents) -> _Reference:
        one = self._all[number]
        vaddr = self._data(one)
        if vaddr is None:
            return _Reference()
        name = naming.place(vaddr) or contents.name(vaddr)
        if not contents.is_constant(vaddr):
            return _Reference(name)
        if (one.mnemonic in _MAKES or vaddr != one.reference) and (
            name is None or name.startswith(("go:string.", "go.string."))
        ):
            image = self._binary.image
            length = length_of(self._all, number, self._family, image.ptrsize)
            text = None if length is None else text_at(image, vaddr, length)
            if text is not None:
                return _Reference(name, text)
            if name is None:
                return _Reference(None, contents.string_header(vaddr))
        if name is None and self._family == "x86" and (match := _FLOAT.fullmatch(one.text)):
            name = contents.number(vaddr, 8 if match[1] == "sd" else 4)
        return _Reference(name)
