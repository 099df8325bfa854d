"""Every per-version fact of what the Go linker writes, as tables. No other module compares versions.

Two axes. The *magic* of a pclntab picks its header row (1.2, 1.16, 1.18, 1.20); the Go *release* picks the row for
everything else: ``_func``, PCDATA and FUNCDATA numbers, inline trees, funcIDs, moduledata, and in a table of its own
what type data needs. The row that applies is the newest one not newer than the binary, so a Go release that moves
nothing costs nothing.

Sources: src/runtime/symtab.go, src/internal/abi/{symtab,funcdata}.go (earlier: src/runtime/funcdata.h, stack.h) and
src/cmd/link/internal/ld/pcln.go of the releases named in each row.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "GOROUTINES",
    "HEADERS",
    "MODULEDATA",
    "RELEASES",
    "TYPE_LAYOUTS",
    "GoroutineLayout",
    "HeaderLayout",
    "InlineLayout",
    "ModuledataLayout",
    "Release",
    "TypeLayout",
    "Version",
    "goroutine_layout",
    "header_layout",
    "moduledata_layout",
    "passes_in_registers",
    "release_for",
    "sample",
    "type_layout",
]

Version = tuple[int, int]


class HeaderLayout(NamedTuple):
    """One generation of pclntab, by its magic.

    Every header starts with u32 magic, two zero bytes, u8 quantum, u8 pointer size; ``words`` are the pointer-sized
    words behind that. Function entries in functab (and ``_func``) are ``entry_size`` bytes: 0 means a pointer.
    """

    magic: int
    generation: str
    since: Version
    words: tuple[str, ...]
    entry_size: int
    has_cutab: bool  # file numbers go through cutab, and names and pc-value tables have regions of their own


class InlineLayout(NamedTuple):
    """The record of an inline tree. Offsets within the record; -1: the field is not there."""

    size: int
    name_off: int
    parent_pc: int  # offset of the call from the entry of the physical function
    start_line: int = -1
    func_id: int = -1
    parent: int = -1  # 1.9-1.11: index of the enclosing record, followed by file and line of the call
    call_file: int = -1
    call_line: int = -1


# The 4-byte words of _func behind its entry. "ids" is four bytes: funcID, flag, pad, nfuncdata.
_FUNC_1_2 = ("name_off", "args", "frame", "pcsp", "pcfile", "pcln", "npcdata", "nfuncdata")
_FUNC_1_11 = ("name_off", "args", "func_id", "pcsp", "pcfile", "pcln", "npcdata", "nfuncdata")
_FUNC_1_12 = ("name_off", "args", "deferreturn", "pcsp", "pcfile", "pcln", "npcdata", "ids")
_FUNC_1_16 = ("name_off", "args", "deferreturn", "pcsp", "pcfile", "pcln", "npcdata", "cu_offset", "ids")
_FUNC_1_20 = (
    "name_off", "args", "deferreturn", "pcsp", "pcfile", "pcln", "npcdata", "cu_offset", "start_line", "ids",
)  # fmt: skip

_INLINE_1_9 = InlineLayout(size=16, parent=0, call_file=4, call_line=8, name_off=12, parent_pc=-1)
_INLINE_1_12 = InlineLayout(size=20, name_off=12, parent_pc=16, func_id=2)
_INLINE_1_20 = InlineLayout(size=16, name_off=4, parent_pc=8, start_line=12, func_id=0)

_HEADER_1_16 = ("nfunc", "nfiles", "funcnametab", "cutab", "filetab", "pctab", "functab")
_HEADER_1_18 = ("nfunc", "nfiles", "text_start", "funcnametab", "cutab", "filetab", "pctab", "functab")

HEADERS: Final = (
    HeaderLayout(0xFFFFFFFB, "1.2", (1, 2), ("nfunc",), 0, has_cutab=False),
    HeaderLayout(0xFFFFFFFA, "1.16", (1, 16), _HEADER_1_16, 0, has_cutab=True),
    HeaderLayout(0xFFFFFFF0, "1.18", (1, 18), _HEADER_1_18, 4, has_cutab=True),
    # Since 1.26 the word text_start is written as 0: the table carries no relocation any more.
    HeaderLayout(0xFFFFFFF1, "1.20", (1, 20), _HEADER_1_18, 4, has_cutab=True),
)


class Release(NamedTuple):
    """What one range of Go releases writes. Indices of moduledata are in words from its start; -1: not there."""

    since: Version
    func: tuple[str, ...]
    inline: InlineLayout | None = None
    pcdata_inline: int = -1  # PCDATA_InlTreeIndex
    funcdata_inline: int = -1  # FUNCDATA_InlTree
    func_ids: tuple[str, ...] = ()  # funcID -> name; () where _func has none
    has_flag: bool = False  # the byte behind funcID holds TOPFRAME 1, SPWRITE 2, ASM 4
    md_pclntab: int = -1  # word that points at the table: pcHeader, or pclntable before 1.16
    md_text: int = -1
    md_gofunc: int = -1  # -1: FUNCDATA are addresses of their own
    md_textsectmap: int = -1  # of the slice; before Go 1.18 entries are addresses and need no map
    gofunc_follows_functab: bool = False  # go:func.* lies in the pclntab, behind the last _func


_IDS_1_11 = (
    "normal", "runtime_main", "goexit", "jmpdefer", "mcall", "morestack", "mstart", "rt0_go", "asmcgocall",
    "sigpanic", "runfinq", "gcBgMarkWorker", "systemstack_switch", "systemstack", "cgocallback_gofunc", "gogo",
    "externalthreadhandler", "debugCallV1",
)  # fmt: skip
_IDS_1_12 = (*_IDS_1_11, "gopanic", "panicwrap", "wrapper")
_IDS_1_14 = (*_IDS_1_11, "gopanic", "panicwrap", "handleAsyncEvent", "asyncPreempt", "wrapper")
_IDS_1_16 = tuple("cgocallback" if name == "cgocallback_gofunc" else name for name in _IDS_1_14)
_IDS_1_17 = (
    "normal", "abort", "asmcgocall", "asyncPreempt", "cgocallback", "debugCallV2", "gcBgMarkWorker", "goexit", "gogo",
    "gopanic", "handleAsyncEvent", "jmpdefer", "mcall", "morestack", "mstart", "panicwrap", "rt0_go", "runfinq",
    "runtime_main", "sigpanic", "systemstack", "systemstack_switch", "wrapper",
)  # fmt: skip
_IDS_1_18 = tuple(name for name in _IDS_1_17 if name != "jmpdefer")
_IDS_1_22 = (*_IDS_1_18[:5], "corostart", *_IDS_1_18[5:])
_IDS_1_25 = (
    *_IDS_1_22[: _IDS_1_22.index("runfinq")], "runtime_main", "runFinalizers", "runCleanups",
    *_IDS_1_22[_IDS_1_22.index("sigpanic") :],
)  # fmt: skip

_1_2 = Release((1, 2), _FUNC_1_2)
_1_5 = _1_2._replace(since=(1, 5), md_pclntab=0, md_text=12)
_1_9 = _1_5._replace(since=(1, 9), inline=_INLINE_1_9, pcdata_inline=1, funcdata_inline=2)
_1_11 = _1_9._replace(since=(1, 11), func=_FUNC_1_11, func_ids=_IDS_1_11)
_1_12 = _1_11._replace(since=(1, 12), func=_FUNC_1_12, func_ids=_IDS_1_12, inline=_INLINE_1_12)
_1_13 = _1_12._replace(since=(1, 13), pcdata_inline=2, funcdata_inline=4)
_1_14 = _1_13._replace(since=(1, 14), func_ids=_IDS_1_14)
_1_16 = _1_14._replace(since=(1, 16), func=_FUNC_1_16, func_ids=_IDS_1_16, funcdata_inline=3, md_text=22)
_1_17 = _1_16._replace(since=(1, 17), func_ids=_IDS_1_17, has_flag=True)
_1_18 = _1_17._replace(since=(1, 18), func_ids=_IDS_1_18, md_gofunc=38, md_textsectmap=39)
_1_20 = _1_18._replace(since=(1, 20), func=_FUNC_1_20, inline=_INLINE_1_20, md_gofunc=40, md_textsectmap=41)
_1_22 = _1_20._replace(since=(1, 22), func_ids=_IDS_1_22)
_1_25 = _1_22._replace(since=(1, 25), func_ids=_IDS_1_25)
_1_26 = _1_25._replace(since=(1, 26), gofunc_follows_functab=True, md_textsectmap=42)
# typedesclen, itaboffset and itabsize came into moduledata before gofunc.
_1_27 = _1_26._replace(since=(1, 27), md_gofunc=43, md_textsectmap=45)

RELEASES: Final = (
    _1_2, _1_5, _1_9, _1_11, _1_12, _1_13, _1_14, _1_16, _1_17, _1_18, _1_20, _1_22, _1_25, _1_26, _1_27,
)  # fmt: skip


class TypeLayout(NamedTuple):
    """Type descriptors, itabs, and the words of moduledata that lead to them; -1: not there.

    ``(words, bytes)`` is that many pointers followed by that many bytes, padded to a whole pointer.
    Sources: src/internal/abi/{type,map_swiss,iface}.go, before 1.21 src/runtime/{type,runtime2}.go.
    """

    since: Version
    md_typelinks: int  # of the slice; -1: the descriptors it would list lie at the start of types
    maps: tuple[tuple[int, int], ...]  # what follows the common header in a map; the usual one first
    itab: tuple[int, int]  # what an itab has before its methods
    offsets: bool = True  # 1.7+: names are offsets from moduledata.types; before, pointers to strings
    zero_word: bool = False  # the common header of 1.5 ends with a pointer to a zero value
    md_types: int = -1
    md_etypes: int = -1
    md_itablinks: int = -1  # of the slice
    md_itabs: int = -1  # itaboffset and itabsize: itabs lie in types
    name_length: int = 0  # bytes of a name's length, most significant first; 0: a varint
    embedded: str = (
        "name"  # what says that a field is: no "name", bit 0 of its "offset", a "flag" of the name
    )
    equal: bool = False  # a word of the common header is 0 where values cannot be compared
    blank: bool = False  # a field named _ is written with its package, as others that are not exported
    renamed: bool = False  # fields embedded by an alias are written "Alias = T"
    mark: str = "."  # "type.T", "go.itab.T,I"; ":" since 1.20


_SWISS = (
    7,
    4,
)  # key, elem, group, hasher, three sizes; flags. Before: key, elem, bucket, ...; sizes and flags
_TYPES_1_5 = TypeLayout((1, 5), md_typelinks=25, maps=((4, 8),), itab=(3, 8), offsets=False, zero_word=True)
_TYPES_1_6 = _TYPES_1_5._replace(since=(1, 6), zero_word=False)
_TYPES_1_7 = _TYPES_1_6._replace(
    since=(1, 7), offsets=True, name_length=2, md_types=25, md_etypes=26, md_typelinks=27, md_itablinks=30
)
_TYPES_1_8 = _TYPES_1_7._replace(since=(1, 8), md_typelinks=30, md_itablinks=33)
_TYPES_1_9 = _TYPES_1_8._replace(since=(1, 9), embedded="offset")
_TYPES_1_10 = _TYPES_1_9._replace(since=(1, 10), itab=(2, 8))
_TYPES_1_12 = _TYPES_1_10._replace(since=(1, 12), maps=((3, 8),))
_TYPES_1_14 = _TYPES_1_12._replace(since=(1, 14), maps=((4, 8),), equal=True)
_TYPES_1_15 = _TYPES_1_14._replace(since=(1, 15), blank=True)
_TYPES_1_16 = _TYPES_1_15._replace(since=(1, 16), md_types=35, md_etypes=36, md_typelinks=40, md_itablinks=43)
_TYPES_1_17 = _TYPES_1_16._replace(since=(1, 17), name_length=0)
_TYPES_1_18 = _TYPES_1_17._replace(since=(1, 18), md_typelinks=42, md_itablinks=45, renamed=True)
_TYPES_1_19 = _TYPES_1_18._replace(since=(1, 19), embedded="flag")
_TYPES_1_20 = _TYPES_1_19._replace(
    since=(1, 20), md_types=37, md_etypes=38, md_typelinks=44, md_itablinks=47, mark=":"
)
_TYPES_1_23 = _TYPES_1_20._replace(since=(1, 23), itab=(2, 4))
# GOEXPERIMENT=noswissmap of 1.24 and 1.25 keeps the maps of 1.14.
_TYPES_1_24 = _TYPES_1_23._replace(since=(1, 24), maps=(_SWISS, *_TYPES_1_14.maps))
_TYPES_1_26 = _TYPES_1_24._replace(since=(1, 26), md_typelinks=45, md_itablinks=48, maps=(_SWISS,))
_TYPES_1_27 = _TYPES_1_26._replace(
    since=(1, 27), md_etypes=39, md_typelinks=-1, md_itablinks=-1, md_itabs=40, maps=((10, 4),)
)

TYPE_LAYOUTS: Final = (
    _TYPES_1_5, _TYPES_1_6, _TYPES_1_7, _TYPES_1_8, _TYPES_1_9, _TYPES_1_10, _TYPES_1_12, _TYPES_1_14, _TYPES_1_15, _TYPES_1_16,
    _TYPES_1_17, _TYPES_1_18, _TYPES_1_19, _TYPES_1_20, _TYPES_1_23, _TYPES_1_24, _TYPES_1_26, _TYPES_1_27,
)  # fmt: skip


class ModuledataLayout(NamedTuple):
    """How long moduledata is, and the words that tell where tables end; -1: not there.

    Source: ``type moduledata`` in src/runtime/symtab.go.
    """

    since: Version
    words: int  # of the whole structure, in pointers
    md_table_len: int = -1  # bytes of the whole table
    md_findfunctab: int = -1  # since 1.26 findfunctab lies behind go:func.* and ends the table
    md_epclntab: int = -1


_MODULEDATA_1_5 = ModuledataLayout((1, 5), words=38, md_table_len=1)
_MODULEDATA_1_16 = ModuledataLayout((1, 16), words=67)
_MODULEDATA_1_26 = ModuledataLayout((1, 26), words=74, md_findfunctab=19, md_epclntab=41)

MODULEDATA: Final = (
    _MODULEDATA_1_5,
    _MODULEDATA_1_5._replace(since=(1, 7), words=44),
    _MODULEDATA_1_5._replace(since=(1, 8), words=55),
    _MODULEDATA_1_5._replace(since=(1, 10), words=57),
    _MODULEDATA_1_16,
    _MODULEDATA_1_16._replace(since=(1, 18), words=69),
    _MODULEDATA_1_16._replace(since=(1, 20), words=71),
    _MODULEDATA_1_16._replace(since=(1, 21), words=74),
    _MODULEDATA_1_16._replace(since=(1, 23), words=73),
    _MODULEDATA_1_26,
    _MODULEDATA_1_26._replace(since=(1, 27), words=71, md_epclntab=44),
)


class GoroutineLayout(NamedTuple):
    """Offsets of fields in runtime.g and runtime.m of 64-bit machines; None: not known (src/runtime/runtime2.go)."""

    since: Version
    m: int | None  # g.m
    goid: int | None  # g.goid
    labels: int | None  # g.labels
    curg: int | None  # m.curg
    label_list: bool  # g.labels points to a list of pairs of strings; before, to a map[string]string


# As the DWARF of programs has it that 1.19.8, 1.21.13, 1.22.10, 1.23.9, 1.24.11, 1.25.5, 1.26.8 and 1.27.3 built for Linux
# on amd64 and arm64.
GOROUTINES: Final = (
    GoroutineLayout((1, 19), m=48, goid=152, labels=360, curg=192, label_list=False),
    GoroutineLayout((1, 20), m=None, goid=None, labels=None, curg=None, label_list=False),
    GoroutineLayout((1, 21), m=48, goid=152, labels=344, curg=192, label_list=False),
    GoroutineLayout((1, 23), m=48, goid=160, labels=352, curg=192, label_list=False),
    GoroutineLayout((1, 24), m=48, goid=160, labels=352, curg=192, label_list=True),
    GoroutineLayout((1, 25), m=48, goid=152, labels=344, curg=184, label_list=True),
    GoroutineLayout((1, 26), m=48, goid=152, labels=352, curg=184, label_list=True),
)

FLAG_TOPFRAME: Final = 1
FLAG_SPWRITE: Final = 2
FLAG_ASM: Final = 4
ARGS_UNKNOWN: Final = 0x80000000


def header_layout(magic: int) -> HeaderLayout | None:
    """The row of a magic, already read in the right byte order."""
    return next((row for row in HEADERS if row.magic == magic), None)


def release_for(version: Version) -> Release:
    """The newest row that is not newer than `version` (the oldest row for anything older)."""
    applicable = [row for row in RELEASES if row.since <= version]
    return applicable[-1] if applicable else RELEASES[0]


def type_layout(version: Version) -> TypeLayout | None:
    """The newest row of type data that is not newer than `version`; None before Go 1.5."""
    return next((row for row in reversed(TYPE_LAYOUTS) if row.since <= version), None)


def moduledata_layout(version: Version) -> ModuledataLayout | None:
    """The newest row of moduledata's extent that is not newer than `version`; None before Go 1.5."""
    return next((row for row in reversed(MODULEDATA) if row.since <= version), None)


def sample(count: int, limit: int) -> range:
    """At most `limit` numbers below `count`, spread evenly."""
    return range(0, count, max(1, -(-count // limit)))


def goroutine_layout(version: Version) -> GoroutineLayout | None:
    """The newest row of runtime.g and runtime.m that is not newer than `version`; None before Go 1.19."""
    return next((row for row in reversed(GOROUTINES) if row.since <= version), None)


def passes_in_registers(since: Version | None, version: Version) -> bool:
    """Whether a release passes arguments in registers, on a machine where Go does so since `since`."""
    return since is not None and since <= version
