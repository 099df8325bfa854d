"""How a file was linked, concluded from what is in it, each time with the reason.

Since Go 1.18 the build information has ``-buildmode``; before that, and for files that lost it, the kind of file, its
entry point and the names of Go's start-up functions tell. Sources: src/cmd/link/internal/ld/{config,lib,elf}.go,
src/runtime/rt0_*.s.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from goinspect.gosym.buildinfo.text import BuildInfo
    from goinspect.gosym.module import GoModule
    from goinspect.objfile.facts import Linkage
    from goinspect.objfile.image import Image

__all__ = ["Fact", "NameSearch", "build_mode", "goos", "link_mode", "position_independent"]

_RT0 = re.compile(rb"\0_rt0_[0-9a-z]+_(?!lib\0)([0-9a-z]+)(_lib)?\0")
_OS_FILE = re.compile(rb"runtime/os_([a-z0-9]+)\.go\0")
_SYSTEMS = (
    "aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "linux", "netbsd", "openbsd", "plan9", "solaris",
    "wasip1", "windows",
)  # fmt: skip
_LINKED_BY_GO = ("wasm",)  # containers that no external linker writes
_OS = {"PE": "windows", "Mach-O": "darwin", "XCOFF": "aix", "COFF": "windows"}


class Fact(NamedTuple):
    """What is concluded, and from what; no value: nothing tells."""

    value: str | None
    reason: str = ""


class NameSearch:
    """Looks for texts among the names of functions and files in a gopclntab, without decoding it."""

    def __init__(self, go: GoModule) -> None:
        table, header = go.table, go.header
        if header.layout.has_cutab:
            self.functions = b"\0" + bytes(table.data[header.funcnametab : header.cutab])
            self.files = b"\0" + bytes(table.data[header.filetab : header.pctab])
        else:  # up to Go 1.15 they lie one among the other
            self.functions = self.files = bytes(table.data)

    def has_function(self, name: str) -> bool:
        """Whether a function has exactly this name."""
        return b"\0" + name.encode() + b"\0" in self.functions

    def start_up(self) -> tuple[str, str] | None:
        """(name, GOOS) of the start-up function: ``_rt0_amd64_linux``, or ``_rt0_amd64_linux_lib`` of a library."""
        match = _RT0.search(self.functions)
        return (match[0][1:-1].decode(), match[1].decode()) if match else None


def _entry_function(image: Image, go: GoModule) -> str | None:
    if not image.entry:
        return None
    index = go.table.find(image.entry)
    func = None if index is None else go.table.func(index)
    return go.table.name(func) if func is not None and func.entry == image.entry else None


def link_mode(image: Image, go: GoModule | None) -> Fact:
    """Whether Go's own linker wrote the file ("internal") or handed over to the C compiler's ("external")."""
    if image.container in _LINKED_BY_GO:
        return Fact("internal", "no other linker writes Go programs for WebAssembly")
    if image.type == "rel":
        return Fact(None, "not linked yet")
    if go is None or image.type not in ("exec", "dyn"):
        return Fact(None)
    try:
        name = _entry_function(image, go)
    except GoinspectError:
        return Fact(None, f"the function at the entry point {image.entry:#x} cannot be read")
    if name == "main":  # on darwin the loader calls main of a program that the C linker wrote
        return Fact("external", "execution starts in main, as in a program of C")
    if name is not None:
        return Fact("internal", f"execution starts in Go's {name}")
    if image.entry:
        return Fact(
            "external", f"execution starts at {image.entry:#x}, which is no Go function: C start-up code"
        )
    return Fact("external", "no entry point: Go's own linker writes only programs, which have one")


def build_mode(
    image: Image, info: BuildInfo | None, linkage: Linkage, names: NameSearch | None, *, member: bool
) -> Fact:
    """The ``-buildmode``; `member` says that the image is a member of an archive."""
    seen = _seen_mode(image, linkage, names, member=member)
    set_to = info.settings.get("-buildmode") if info else None
    if not set_to:
        return seen
    if seen.value in (None, set_to):
        return Fact(set_to, "setting -buildmode")
    return Fact(set_to, f"setting -buildmode; the file itself is {_article(seen.value or '')}: {seen.reason}")


def position_independent(image: Image, linkage: Linkage) -> bool | None:
    """Whether it can be loaded at any address; Go's settings call such a program of darwin or Windows "exe", too."""
    if image.type not in ("exec", "dyn") or image.container == "wasm":
        return None
    return bool(image.type == "dyn" or linkage.pie)


def _article(mode: str) -> str:
    return f"{'an' if mode[:1] in 'aeiou' else 'a'} {mode}"


def _seen_mode(image: Image, linkage: Linkage, names: NameSearch | None, *, member: bool) -> Fact:
    if image.type == "rel":
        return Fact("c-archive", "a member of an archive") if member else Fact(None, "an object, not linked")
    if image.type == "exec":
        if linkage.pie:
            return Fact("pie", "marked as position-independent executable")
        return Fact("exe", "an executable at a fixed address")
    if image.type != "dyn":
        return Fact(None)
    if linkage.pie:
        return Fact("pie", "DF_1_PIE in the dynamic section")
    start = names.start_up() if names else None
    if start is not None and start[0].endswith("_lib"):
        return Fact("c-shared", f"a shared object with {start[0]}, which starts Go in a library")
    if linkage.interpreter is not None and image.container == "ELF":
        return Fact("pie", f"a shared object with an interpreter, {linkage.interpreter}")
    if start is not None and image.entry:
        return Fact("pie", f"a shared object with {start[0]}, which starts a program")
    if names is not None and any(map(names.has_function, ("go:link.addmoduledata", "go.link.addmoduledata"))):
        # -buildmode=shared has the same function; nobody could build with it since Go 1.11's modules.
        return Fact(
            "plugin", "a shared object with go:link.addmoduledata, which adds it to a running program"
        )
    if names is None:
        return Fact(None, "a shared object")
    return Fact(None, "a shared object without a start-up function of Go")


def goos(image: Image, info: BuildInfo | None, names: NameSearch | None) -> Fact:
    """GOOS."""
    set_to = info.settings.get("GOOS") if info else None
    if set_to:
        return Fact(set_to, "setting GOOS")
    start = names.start_up() if names else None
    if start is not None:
        return Fact(start[1], f"function {start[0]}")
    for name in _OS_FILE.findall(names.files) if names else ():
        if name.decode() in _SYSTEMS:
            return Fact(name.decode(), f"a function of runtime/os_{name.decode()}.go")
    system = _OS.get(image.container)
    return Fact(system, f"{image.container} is its format" if system else "")
