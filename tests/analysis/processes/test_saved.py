"""Saved mappings of processes that ran elsewhere: names that Go gives, guesses, and text that no kernel writes."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.errors import FileError, GoinspectError, UnrecognizedFormatError
from goinspect.render.processes.mapsjson import render_json
from goinspect.render.processes.mapstext import render_text
from goinspect.render.processes.picture import render_svg
from tests.builders.elf import R, W, X
from tests.builders.elfobj import Core
from tests.conftest import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

WORKLOAD = FIXTURES / "go1.27-piestripped" / "workload"
# As Linux 6.12 with CONFIG_ANON_VMA_NAME writes it for Go 1.25 and later.
NAMED = f"""\
c000000000-c000400000 rw-p 00000000 00:00 0                              [anon: Go: heap]
c000400000-c004000000 ---p 00000000 00:00 0                              [anon: Go: heap reservation]
556f1e532000-556f1e5d1000 r-xp 00000000 fe:00 10928227                   {WORKLOAD}
556f1e5d1000-556f1e69f000 r--p 0009f000 fe:00 10928227                   {WORKLOAD}
556f1e69f000-556f1e6bc000 r--p 0016d000 fe:00 10928227                   {WORKLOAD}
556f1e6bc000-556f1e6c9000 rw-p 0018a000 fe:00 10928227                   {WORKLOAD}
556f1e6c9000-556f1e6ff000 rw-p 00000000 00:00 0                          [anon: .bss]
7fcbcdbe0000-7fcbcde00000 rw-p 00000000 00:00 0                          [anon: Go: page alloc index]
7fcbcde00000-7fcbcfe00000 rw-p 00000000 00:00 0                          [anon: Go: heap index]
7fcbd0000000-7fcbd0001000 rwxp 00000000 00:00 0
7fcbd0001000-7fcbd0002000 rw-s 00000000 00:01 4                          /dev/shm/queue
7fcbd0002000-7fcbd0400000 rw-s 00000000 00:0f 5                          /anon_hugepage (deleted)
7fcbd0400000-7fcbd0401000 r--p 00000000 fe:00 77                         /var/lib/data.db
7ffe67fe4000-7ffe68005000 rw-p 00000000 00:00 0                          [stack]
7ffe68005000-7ffe68007000 r-xp 00000000 00:00 0                          [vdso]
"""


def saved(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "saved.maps"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_names_that_go_gives(tmp_path):
    report = goinspect.memory_map(saved(tmp_path, NAMED), binaries=[WORKLOAD])
    assert [(row.kind, row.guess) for row in report.mappings] == [
        ("Go heap", False), ("Go heap", False), ("code", False), ("read-only data", False), ("read-only data", False),
        ("data", False), ("anonymous", False), ("Go runtime", False), ("Go runtime", False), ("jit", True),
        ("shared memory", False), ("huge pages", False), ("file", False), ("stack", False), ("vdso", False),
    ]  # fmt: skip
    assert report.mappings[0].what == "Go: heap"
    assert report.mappings[2].vaddr == 0x400000
    assert report.images[0].bias == 0x556F1E532000 - 0x400000
    assert [(region.name, region.mappings) for region in report.regions[:2]] == [
        ("Go heap", 2),
        ("workload", 4),
    ]
    assert report.regions[0].hole == 0x556F1E532000 - 0xC004000000


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("c000000000-c000400000 rw-p 0 00:00 0\nc000400000-c004000000 ---p 0 00:00 0\n", ["Go heap", "Go heap"]),
        ("c000001000-c000400000 rw-p 0 00:00 0\nc000400000-c004000000 ---p 0 00:00 0\n", ["Go runtime", "reserved"]),
        ("c000000000-c000400000 rw-p 0 00:00 0\nc000400000-c003fff000 ---p 0 00:00 0\n", ["Go runtime", "reserved"]),
        ("c000000000-c004000000 ---p 0 00:00 0\n", ["reserved"]),
        ("c000000000-c008000000 rw-p 0 00:00 0\n", ["Go heap"]),
    ],
)  # fmt: skip
def test_heap_arenas_without_names(text, kinds, tmp_path):
    """Whole blocks of 64 MB, some of it in use; of what is no Go program nothing is guessed."""
    program = "".join(line + "\n" for line in NAMED.splitlines() if "workload" in line)
    report = goinspect.memory_map(saved(tmp_path, text + program), binaries=[WORKLOAD])
    assert [row.kind for row in report.mappings[: len(kinds)]] == kinds
    assert all(row.guess for row in report.mappings[: len(kinds)])
    other = goinspect.memory_map(saved(tmp_path, text))
    assert {row.kind for row in other.mappings} <= {"anonymous", "reserved"}


def test_another_file_at_the_path_is_not_used(tmp_path):
    """Its names would be wrong ones: the inode of the maps has to be that of the file, or somebody names it."""
    code = f"{0x556F1E532000 + 0x9B754:x}"
    report = goinspect.memory_map(saved(tmp_path, NAMED), code)
    assert report.images[0].opened is None
    assert report.addresses[0].frames == ()
    assert report.addresses[0].vaddr is None
    assert (
        f"{WORKLOAD}: nothing is known of it: a file is at its path, and may be another one (--binary names it)"
        in report.warnings
    )
    inode = NAMED.replace(" 10928227 ", f" {WORKLOAD.stat().st_ino} ")
    for given in (
        goinspect.memory_map(saved(tmp_path, NAMED), code, binaries=[WORKLOAD]),
        goinspect.memory_map(saved(tmp_path, inode), code),
    ):
        assert given.images[0].opened == str(WORKLOAD)
        assert given.addresses[0].frames[0].function == "main.spin"


def test_stacks_of_threads_of_c(tmp_path):
    text = """\
7f0000000000-7f0000001000 ---p 00000000 00:00 0
7f0000001000-7f0000801000 rw-p 00000000 00:00 0
7f0000900000-7f0000a00000 r-xp 00000000 fe:00 9                          /nowhere/libc.so.6
7f0004000000-7f0004021000 rw-p 00000000 00:00 0
7f0004021000-7f0008000000 ---p 00000000 00:00 0
7f000c001000-7f000c021000 rw-p 00000000 00:00 0
7f000c021000-7f0010000000 ---p 00000000 00:00 0
"""
    report = goinspect.memory_map(saved(tmp_path, text))
    assert [(row.kind, row.guess) for row in report.mappings] == [
        ("guard", True),
        ("thread stack", True),
        ("code", False),
        ("heap", True),
        ("heap", True),
        ("anonymous", False),
        ("reserved", False),
    ]
    assert report.warnings == ("/nowhere/libc.so.6: nothing is known of it: no such file",)


def test_a_core_file(tmp_path):
    """Mappings are its segments and the rows of NT_FILE, and the names are the program's."""
    base, data = 0x5555_5555_0000, WORKLOAD.read_bytes()
    core = Core(64, "little", 62, entry=base + 0x807C0)
    core.memory = [
        (base, 0x9F000, data[:0x1000], R | X), (base + 0x9F000, 0xCE000, b"", R),
        (0xC000000000, 0x4000000, bytes(0x1000), R | W),
    ]  # fmt: skip
    core.files = [
        (base, base + 0x9F000, 0, str(WORKLOAD)),
        (base + 0x9F000, base + 0x16D000, 0x9F, str(WORKLOAD)),
    ]
    path = tmp_path / "core"
    path.write_bytes(core.write())
    report = goinspect.memory_map(path, base + 0x1000)
    assert [(row.start, row.permissions, row.kind, row.path) for row in report.mappings] == [
        (0xC000000000, "rw-p", "Go heap", ""), (base, "r-xp", "code", str(WORKLOAD)),
        (base + 0x9F000, "r--p", "read-only data", str(WORKLOAD)),
    ]  # fmt: skip
    assert report.warnings == ()  # its first page is the one that the core has
    (one,) = report.addresses
    assert [frame.function for frame in one.frames] == ["internal/abi.BoundsDecode"]


def test_a_core_file_whose_program_is_another_one_now(tmp_path):
    program = tmp_path / "program"
    program.write_bytes(WORKLOAD.read_bytes())
    core = Core(64, "little", 62, entry=0x400000)
    core.memory = [(0x400000, 0x9F000, WORKLOAD.read_bytes()[:0x1000], R | X)]
    core.files = [(0x400000, 0x49F000, 0, str(program))]
    path = tmp_path / "core"
    path.write_bytes(core.write())
    assert [frame.function for frame in goinspect.memory_map(path, "401000").addresses[0].frames] == [
        "internal/abi.BoundsDecode"
    ]
    program.write_bytes(b"\x7fELF" + WORKLOAD.read_bytes()[4:40] + bytes(4000))
    report = goinspect.memory_map(path, "401000")
    assert report.addresses[0].frames == ()
    assert report.warnings == (f"{program}: nothing is known of it: another file is at its path now",)


# --- what no kernel writes ---

HOSTILE = {
    "reversed": b"2000-1000 r-xp 0 00:00 0\n",
    "empty range": b"2000-2000 r-xp 0 00:00 0\n",
    "2^64": b"ffffffffffffffff-10000000000000000 r-xp 0 00:00 0 [vsyscall]\n",
    "beyond": b"0-10000000000000001 r-xp 0 00:00 0\n1-fffffffffffffffffffffffff r-xp ffffffffffffffffffff 00:00 0 /x\n",
    "overlapping": b"1000-9000 r-xp 0 00:00 0 /a\n2000-3000 rw-p 0 00:00 0\n2000-8000 r--p 0 00:00 5 /b\n",
    "no UTF-8": b"1000-2000 r-xp 0 00:00 7 /\xff\xfe\x80\n",
    "newline": b"1000-2000 r-xp 0 00:00 7 /a\\012b \x1b]0;x\x07<script>alert(1)</script>\n",
    "long": b"1000-2000 r--p 0 00:00 7 /" + b"a" * 100_000 + b"\n",
    "NUL": b"1000-2000 r-xp 0 00:00 7 /a\0b\n",
    "odd sizes": b"1000-2000 r--p 0 00:00 7 /a\nRss: many kB\nRss: 99999999999999999999999 kB\nAnonHugePages:\n",
    "twice": b"1000-2000 r--p 0 00:00 7 /a\nRss: 4 kB\n1000-2000 r--p 0 00:00 7 /a\n",
    "sizes first": b"1000-2000 r--p 0 00:00 7 /a\r\nRss:   4 kB\r\n",
}


def all_of(report) -> str:
    import xml.dom.minidom

    picture = render_svg(report)
    xml.dom.minidom.parseString(picture.encode())
    text = render_text(report) + render_text(report._replace(addresses=())) + picture
    assert "\x1b" not in text
    assert "<script" not in text.partition("<svg")[2]
    return (text + render_json(report)).encode().decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text(name, tmp_path):
    report = goinspect.memory_map(saved(tmp_path, HOSTILE[name]), 0x1800, 0, 2**64 - 1)
    assert all_of(report)
    assert all(0 <= row.start < row.end <= 2**64 for row in report.mappings)
    if name in ("reversed", "empty range", "beyond"):
        assert "of impossible ranges left out" in report.warnings[0]
    if name == "overlapping":
        assert "2 mappings overlap others, which no process has" in report.warnings


def test_damaged_text(tmp_path):
    """Whatever became of it: an answer, or one line."""
    random_ = random.Random(15)
    whole = NAMED.replace(str(WORKLOAD), "/nowhere/workload").encode()
    pieces = (
        b"ffffffffffffffff",
        b"-",
        b"\xff",
        b"[stack:",
        b"[anon:",
        b"---p",
        b"\n",
        b" ",
        b"\0",
        b"9" * 40,
        b"//",
    )
    told = []
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(random_.randrange(1, 12)):
            at = random_.randrange(len(data))
            data[at : at + random_.randrange(20)] = random_.choice(pieces)
        try:
            all_of(goinspect.memory_map(saved(tmp_path, bytes(data)), 0x556F1E532000))
        except GoinspectError as error:
            told.append(str(error))
    assert len(told) < 50
    assert not any("\n" in line for line in told)


def test_files_that_are_no_mappings(tmp_path):
    for content in (b"Once upon a time\n", b"\x7fELF" + bytes(100), WORKLOAD.read_bytes()[:3000]):
        with pytest.raises(GoinspectError):
            goinspect.memory_map(saved(tmp_path, content))
    with pytest.raises(UnrecognizedFormatError, match="no saved /proc/PID/maps"):
        goinspect.memory_map(saved(tmp_path, b"main;run 12\n"))
    with pytest.raises(FileError):
        goinspect.memory_map(tmp_path / "absent")


def test_very_many_mappings(tmp_path):
    lines = [f"{0x7F0000000000 + 8192 * n:x}-{0x7F0000000000 + 8192 * n + 4096:x} r--p 00000000 fe:00 {n} /d/{n}\n" for n in range(60_000)]  # fmt: skip
    path = saved(tmp_path, "".join(lines))
    before = time.process_time()
    report = goinspect.memory_map(path)
    text = render_text(report)
    assert time.process_time() - before < 5
    assert text.count("\n/d/") == 0
    assert text.count(" /d/") == 60_000
    assert len(text.partition("Mappings")[0].splitlines()) < 200
