"""What scripts/fuzz/fuzz.py mutates: small modules of every release, written by tests/builders, in every container."""

from __future__ import annotations

import contextlib
import itertools
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders.module import Module
    from tests.builders.program import ByteOrder, Function

__all__ = ["RICH", "Seed", "parts_of", "rich_seeds", "seeds"]

VERSIONS = [(1, minor) for minor in (2, 5, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 25, 26, 27)]
MACHINES: list[tuple[ByteOrder, int, int]] = [
    ("little", 8, 1),
    ("little", 4, 4),
    ("big", 8, 2),
    ("big", 4, 4),
]
RICH = "rich"  # the commands are asked about each of these
HEADERS = 4096  # bytes at the start of a file that hold its headers


class Seed(NamedTuple):
    """A sound input; `raw` is for bare tables. `parts` are [start, end) of what is worth to be damaged."""

    name: str
    data: bytes
    raw: bool = False
    parts: tuple[tuple[int, int], ...] = ()


def program(version: tuple[int, int], quantum: int) -> list[Function]:
    from tests.builders.program import Function, Inlined

    out = []
    for number in range(6):
        size = (4 + number) * quantum
        inlined: dict[str, Any] = {}
        if number % 2 and version >= (1, 9):
            inlined = {
                "inlined": [(quantum, -1), (2 * quantum, 0), (size, 1)],
                "tree": [
                    Inlined("main.inner", 0, -1, "a.go", 3),
                    Inlined("main.leaf", quantum, 0, "b.go", 5),
                ],
            }
        out.append(
            Function(
                f"main.f{number}", size, files=[(quantum, "a.go"), (size, "b.go")],
                lines=[(quantum, number + 1), (size, 300)], sp=[(quantum, 0), (size, 48)], func_id=number % 3,
                start_line=number + 1, **inlined,
            )
        )  # fmt: skip
    return out


def seeds() -> Iterator[Seed]:
    from tests.builders.module import write_module

    for version, (order, ptrsize, quantum) in itertools.product(VERSIONS, MACHINES):
        functions = program(version, quantum)
        label = f"1.{version[1]} {order} {8 * ptrsize}"
        kinds: dict[str, Any] = {"byteorder": order, "ptrsize": ptrsize, "quantum": quantum}
        module = write_module(functions, version, **kinds)
        yield Seed(f"ELF {label}", module.data)
        yield Seed(
            f"ELF {label} without sections", write_module(functions, version, headers=False, **kinds).data
        )
        yield Seed(f"raw {label}", module.built.data, raw=True)
        if version >= (1, 18):
            cut = functions[0].size + functions[1].size
            yield Seed(f"ELF {label} two texts", write_module(functions, version, cuts=(cut,), **kinds).data)
        if (order, ptrsize) == ("little", 8):
            yield from other_containers(label, version, module)


def rich_seeds() -> Iterator[Seed]:
    """Files that have everything; DWARF is of another version and packed in another way from one to the next."""
    from tests.builders.rich import write_rich

    different: list[dict[str, Any]] = [
        {"dwarf": 4}, {"dwarf": 5}, {"dwarf": 4, "pie": True}, {"dwarf": 5, "packed": "zlib"}, {"dwarf": 4, "packed": "gnu"},
        {"dwarf": 5, "pie": True}, {"dwarf": 2}, {"stripped": True}, {"packed": "zstd"},
    ]  # fmt: skip
    ways = itertools.cycle(different)
    for version, (order, ptrsize, _) in itertools.product(VERSIONS, MACHINES):
        if version >= (1, 5):
            way = next(ways)
            label = " ".join([f"1.{version[1]} {order} {8 * ptrsize}", *(f"{k}={v}" for k, v in way.items())])
            yield Seed(f"{RICH} {label}", write_rich(version, byteorder=order, ptrsize=ptrsize, **way))


def other_containers(label: str, version: tuple[int, int], module: Module) -> Iterator[Seed]:
    """The same table in PE, Mach-O, universal files, WebAssembly, objects, archives and cores."""
    from tests.builders import ar, elfobj, macho, pe
    from tests.builders.module import DATA, RODATA, TABLE, TEXT, moduledata_words

    built = module.built
    text = b"\x90" * (built.entries[-1] - built.text + 16)
    words = struct.pack("<70Q", *moduledata_words(version, built, module.sections, DATA + 0x1000, 8))
    funcdata, place = (
        (built.funcdata, built.funcdata_vaddr) if built.gofunc is None else (built.gofunc, RODATA)
    )
    parts = [("text", TEXT, text), ("rdata", TABLE, built.data), ("rodata", place, funcdata)]
    flags = {"text": pe.CODE, "rdata": pe.READ_ONLY, "rodata": pe.READ_ONLY}
    yield Seed(f"PE {label}", pe.Pe(imagebase=0x400000, parts=[
        *(pe.Part("." + name, vaddr - 0x400000, data, flags[name]) for name, vaddr, data in parts),
        pe.Part(".data", DATA - 0x400000, words, pe.DATA),
    ]).write())  # fmt: skip
    if version >= (1, 9):
        mac = macho.Macho(base=0x400000, parts=[
            macho.Part("__TEXT", "__text", TEXT, text), macho.Part("__R", "__gopclntab", TABLE, built.data),
            macho.Part("__S", "__rodata", place, funcdata), macho.Part("__DATA", "__data", DATA, words),
        ]).write()  # fmt: skip
        yield Seed(f"Mach-O {label}", mac)
        if version in ((1, 15), (1, 27)):
            yield Seed(f"universal {label}", macho.fat([(macho.AMD64, mac)]))
    if version >= (1, 25):
        yield Seed(f"wasm {label}", wasm_module(version))
    if version in ((1, 15), (1, 17), (1, 25), (1, 27)):
        obj = elfobj.Obj(parts=[
            elfobj.Part(".text", text), elfobj.Part(".gopclntab", built.data), elfobj.Part(".data", words),
        ]).write()  # fmt: skip
        yield Seed(f"object {label}", obj)
        yield Seed(f"archive {label}", ar.archive([("a.txt", b"no"), ("go.o", obj)]))
        yield Seed(f"core {label}", elfobj.Core(memory=[
            (TEXT, len(text), text, 5), (TABLE, len(built.data), built.data, 4), (place, len(funcdata), funcdata, 4),
            (DATA, len(words), words, 6),
        ]).write())  # fmt: skip


def wasm_module(version: tuple[int, int]) -> bytes:
    """Functab has numbers of functions, from 0x1000 on; an address is such a number << 16."""
    from tests.builders import wasm
    from tests.builders.module import DATA, TABLE, moduledata_words
    from tests.builders.pclntab import build

    functions = program(version, 1)
    built = build(functions, version, vaddr=TABLE, text=0)
    data = bytearray(built.data)
    functab = int.from_bytes(data[8 + 7 * 8 : 8 + 8 * 8], "little")
    for index in range(len(built.entries)):
        at = functab + 8 * index
        data[at : at + 4] = struct.pack("<I", built.entries[index] + 0x1000)
    words = moduledata_words(version, built, ((0, built.entries[-1], 0),), 0, 8)
    words[20:24] = [0x1000 << 16, built.entries[-1] + 0x1000 << 16, 0, 0]
    words[0:2] = [TABLE, TABLE + int.from_bytes(data[8 + 3 * 8 : 8 + 4 * 8], "little")]
    return wasm.Wasm(
        functions=built.entries[-1], names={index: f"f{index}" for index in range(6)},
        data=[(0x1000, bytes(data)), (0x9000, struct.pack("<70Q", *(_moved(word, TABLE, 0x1000, DATA) for word in words)))],
    ).write()  # fmt: skip


def _moved(word: int, table: int, to: int, end: int) -> int:
    return word - table + to if table <= word < end else word


def parts_of(data: bytes, path: Path, *, raw: bool) -> tuple[tuple[int, int], ...]:
    """Headers and sections, as [start, end), without the zeros at their ends."""
    from goinspect.binary import Binary

    path.write_bytes(data)
    found = [(0, HEADERS), (len(data) - HEADERS, len(data))]
    with contextlib.suppress(GoinspectError):
        image = Binary(str(path), raw=raw).image
        found += [(s.file_offset, s.file_offset + s.file_size) for s in image.sections]
        found += [(at, at + size) for _, at, size in getattr(image, "file_parts", ())]
        if image.container == "ELF":
            shoff = int.from_bytes(data[24 + 2 * image.ptrsize : 24 + 3 * image.ptrsize], image.byteorder)
            found += [(shoff, shoff + (64 if image.ptrsize == 8 else 40) * len(image.sections))] * 3
    clipped = ((max(start, 0), len(data[:end].rstrip(b"\0"))) for start, end in found)
    return tuple((start, end) for start, end in clipped if start < end)
