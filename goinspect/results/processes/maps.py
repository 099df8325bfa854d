"""What `goinspect maps` answers: a process, what each part of its memory is, and what lies at addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.model import Frame

__all__ = [
    "KINDS",
    "Explained",
    "FileFacts",
    "Image",
    "MapReport",
    "MappingRow",
    "Process",
    "Region",
    "Thread",
    "Total",
]

# What a mapping is, in the order of the totals.
KINDS = (
    "code", "read-only data", "data", "bss", "Go heap", "Go runtime", "heap", "stack", "thread stack", "jit",
    "file", "shared memory", "huge pages", "device", "vdso", "kernel data", "anonymous", "guard", "reserved",
)  # fmt: skip


class Thread(NamedTuple):
    """A thread. None is "not known" in every field."""

    tid: int
    name: str
    state: str | None  # a letter, as proc(5) has it
    cpu: int | None  # the processor it ran on last
    cpu_seconds: float | None  # in user and kernel mode


class Process(NamedTuple):
    """A process as /proc or a core file tells of it. None is "not known" in every field.

    ``pid`` is the TGID, which its threads share. ``exe`` is the program as it was started. ``exe_state`` says what is at that path now: "same", "deleted" (nothing),
    "replaced" (another file), "memfd" (it never had a path), "unknown" (one may not look).
    """

    pid: int | None
    ppid: int | None
    name: str
    state: str | None
    kernel_thread: bool
    threads: tuple[Thread, ...]
    command: tuple[str, ...]
    exe: str | None
    exe_state: str | None
    other_namespace: bool | None  # it sees other mounts than goinspect
    cgroup: str | None
    container: str | None
    uid: int | None
    cpu_seconds: float | None
    namespace_pid: int | None = None  # its PID as it sees it, where it is in a PID namespace of its own


class FileFacts(NamedTuple):
    """What a file says of itself. None is "not known"."""

    go: bool = False
    go_version: str | None = None
    go_build_id: str | None = None
    gnu_build_id: str | None = None
    main_package: str | None = None
    module: str | None = None
    module_version: str | None = None
    pie: bool | None = None
    stripped: str = ""  # "" where nothing is known; as in `goinspect.results.info.Info`


class Image(NamedTuple):
    """A file with code that is mapped. ``bias`` is what is added to its own addresses, None where that is not known."""

    path: str
    opened: str | None  # what was read for it: the file that is mapped, never another one
    why_not: str  # why nothing is known of it
    bias: int | None
    facts: FileFacts = FileFacts()


class MappingRow(NamedTuple):
    """A mapping: runtime addresses [start, end). ``what`` says for people what ``kind`` says for programs."""

    start: int
    end: int
    permissions: str  # "r-xp"
    offset: int  # in the file
    device: str
    inode: int
    path: str  # as the kernel tells it
    resident: int | None  # bytes in memory
    huge: int | None  # of these, bytes in huge pages
    kind: str
    what: str
    guess: bool  # concluded from address and size, not told
    image: int | None  # number in `MapReport.images`
    segment: int | None  # number of the PT_LOAD in it
    vaddr: int | None  # the file's own address of `start`

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.end - self.start


class Total(NamedTuple):
    """Mappings of one kind together."""

    kind: str
    mappings: int
    size: int
    resident: int | None
    guesses: int


class Region(NamedTuple):
    """Mappings of one thing that lie side by side, for the picture; ``hole`` is the room between it and the next."""

    start: int
    end: int
    name: str
    kind: str
    mappings: int
    resident: int | None
    hole: int


class Explained(NamedTuple):
    """What lies at an address, step by step. A step that cannot be taken is None, and so are those after it.

    ``steps`` are the same for people.
    """

    address: int
    mapping: int | None  # number in `MapReport.mappings`
    file_offset: int | None
    segment: int | None
    vaddr: int | None
    function: str | None
    entry: int | None  # vaddr
    frames: tuple[Frame, ...]
    steps: tuple[tuple[str, str], ...]


class MapReport(NamedTuple):
    """`goinspect maps PID|FILE`."""

    source: str
    process: Process | None
    images: tuple[Image, ...]
    mappings: tuple[MappingRow, ...]
    totals: tuple[Total, ...]
    regions: tuple[Region, ...]
    addresses: tuple[Explained, ...] = ()
    denied: bool = False  # the mappings may not be read
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.maps/1"
