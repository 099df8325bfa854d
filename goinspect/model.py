"""Small shared nouns. Every address says in its name which kind it is: ``vaddr``, ``file_offset``, ``runtime_addr``."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Frame", "FrameKind", "Mapping", "Section", "Segment", "Symbol"]


class Segment(NamedTuple):
    """A loadable part of an executable (ELF ``PT_LOAD``). Sizes in bytes.

    ``vaddr`` is the address the file itself uses; bytes past ``file_size`` are zero at run time.
    """

    vaddr: int
    mem_size: int
    file_offset: int
    file_size: int
    readable: bool
    writable: bool
    executable: bool


class Section(NamedTuple):
    """A named part of an executable. ``file_size`` is 0 for ``.bss``-like sections."""

    name: str
    vaddr: int
    size: int
    file_offset: int
    file_size: int
    flags: int
    type: int
    link: int = 0
    entsize: int = 0


class Symbol(NamedTuple):
    """One entry of a container's own symbol table."""

    name: str
    vaddr: int
    size: int
    kind: str  # "function", "object", "section", "file", "tls", "notype", "ifunc"
    binding: str  # "local", "global", "weak"
    section: int  # section index as the container counts; 0 = undefined
    source: str  # "symtab", "dynsym", or "name section" of WebAssembly


class Frame(NamedTuple):
    """One logical frame at a PC. A PC inside inlined code has several, innermost first."""

    function: str
    file: str | None
    line: int | None
    inlined: bool


class FrameKind:
    """What a frame of a flame graph is; decides its colour. Plain strings, stable in JSON."""

    USER = "user"  # Go code of the program's own modules and its dependencies
    STDLIB = "stdlib"  # Go standard library
    TOOLCHAIN = "toolchain"  # Go's own tools: compiler, linker, the go command
    RUNTIME = "runtime"  # Go runtime: scheduler, memory, channels
    GC = "gc"  # Go runtime: garbage collection
    KERNEL = "kernel"
    NATIVE = "native"  # C, C++, Rust: symbols of an ELF symbol table
    UNKNOWN = "unknown"  # no symbol
    ROOT = "root"  # process, thread or "all"

    ALL = (USER, STDLIB, TOOLCHAIN, RUNTIME, GC, KERNEL, NATIVE, UNKNOWN, ROOT)


class Mapping(NamedTuple):
    """A file mapped into an address space: runtime addresses [start, end) hold the file from pgoff on.

    ``file_offset = runtime_addr - start + pgoff``. ``path`` is as the kernel tells it (``(deleted)`` suffixes,
    ``[vdso]`` and ``//anon`` included); ``build_id`` is lower-case hex, empty when unknown; it is ``identified`` where it was
    told with the mapping itself, and not read from the file afterwards; ``inode`` tells files of
    one path apart, 0 when unknown. Code that the kernel made itself has the path ``[bpf]`` and the name of its symbol.
    """

    start: int
    end: int
    pgoff: int
    path: str
    build_id: str = ""
    pid: int = -1
    executable: bool = True
    kernel: bool = False
    inode: int = 0
    identified: bool = False
