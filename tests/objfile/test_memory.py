"""Core files, the memory of running processes, and a gopclntab on its own."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from goinspect.errors import FileError, MalformedError, TruncatedError
from goinspect.objfile import open_image
from tests.builders.elf import DYN, Elf, Part, R, W, X
from tests.builders.elfobj import Core
from tests.objfile.hostile import damaged, exercise, exercise_all, refused

BASE = 0x555500000000
KINDS = {"amd64": (64, "little", 62), "s390x": (64, "big", 22), "386": (32, "little", 3)}


def program(kind: str = "amd64") -> Elf:
    bits, byteorder, machine = KINDS[kind]
    elf = Elf(bits, byteorder, machine, DYN, entry=0x1000)
    elf.parts = [
        Part(".text", 0x1000, b"\x90" * 0x1000, R | X), Part(".gopclntab", 0x2000, b"needle".ljust(0x1000, b"-"), R),
        Part(".data", 0x3000, bytes(0x1000), R | W),
    ]  # fmt: skip
    return elf


class Crash:
    """A process that mapped `program`, and what the kernel dumps of it: the header page and the data."""

    def __init__(self, directory: Path, kind: str = "amd64") -> None:
        bits, byteorder, machine = KINDS[kind]
        self.base = BASE if bits == 64 else 0x56550000
        self.exe, self.file = directory / "program", program(kind).write()
        self.exe.write_bytes(self.file)
        self.core = Core(bits, byteorder, machine, entry=self.base + 0x1000)
        pointer = (self.base + 0x2000).to_bytes(bits // 8, byteorder)
        # The writer puts a segment's bytes at the offset that its address has.
        self.core.memory = [
            (self.base, 0x2000, self.file[:0x1000], R | X),
            (self.base + 0x2000, 0x1000, b"", R),
            (self.base + 0x3000, 0x1000, pointer.ljust(0x1000, b"\0"), R | W),
            (self.base + 0x4000, 0x1000, b"needle of the heap".ljust(0x1000, b"\0"), R | W),
        ]
        self.core.files = [
            (self.base, self.base + 0x2000, 0, str(self.exe)), (self.base + 0x2000, self.base + 0x3000, 2, str(self.exe)),
            (self.base + 0x3000, self.base + 0x4000, 3, str(self.exe)),
        ]  # fmt: skip
        self.path = directory / "core"

    def write(self) -> Path:
        self.path.write_bytes(self.core.write())
        return self.path


# --- core files ---


@pytest.mark.parametrize("extended", [False, True], ids=["plain", "extended-phnum"])
@pytest.mark.parametrize("kind", KINDS)
def test_core(kind: str, extended: bool, tmp_path: Path) -> None:
    crash = Crash(tmp_path, kind)
    crash.core.extended = extended
    image, base = open_image(crash.write()), crash.base
    assert (image.container, image.arch, image.type, image.entry) == ("ELF core", kind, "core", base + 0x1000)
    assert [(s.vaddr - base, s.file_size, s.writable, s.executable) for s in image.segments] == [
        (0, 0x2000, False, True), (0x2000, 0x1000, False, False), (0x3000, 0x1000, True, False),
    ]  # fmt: skip
    assert list(image.find(b"needle")) == [base + 0x2000]  # and not in the heap
    assert bytes(image.read(base + 0x2000, 6)) == b"needle"
    assert image.read_pointer(base + 0x3000) == base + 0x2000
    assert list(image.pointers_to(base + 0x2000)) == [base + 0x3000]
    assert bytes(image.read(base + 0x1000, 4)) == b"\x90" * 4
    assert len(image.tail(base + 0x2000)) == 0x2000  # on into the mapping that adjoins
    assert [w for w in image.warnings if str(crash.exe) in w and "taken from this file" in w]
    assert list(image.symbols()) == []


def test_core_that_lacks_whole_segments(tmp_path: Path) -> None:
    """As gdb's gcore writes them: the mapping is in NT_FILE only, its protection in the file."""
    crash = Crash(tmp_path)
    del crash.core.memory[1]
    image = open_image(crash.write())
    assert list(image.find(b"needle")) == [BASE + 0x2000]
    assert [(s.vaddr - BASE, s.writable, s.executable) for s in image.segments] == [
        (0, False, True), (0x2000, False, False), (0x3000, True, False),
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["gone", "rebuilt", "shorter", "no-elf"])
def test_core_whose_program_is_another_one_now(how: str, tmp_path: Path) -> None:
    """Nothing is taken from it, and the image says why."""
    crash = Crash(tmp_path)
    if how == "gone":
        crash.exe.unlink()
    elif how == "rebuilt":
        crash.exe.write_bytes(crash.file[:24] + b"\x77" + crash.file[25:])
    elif how == "shorter":
        crash.exe.write_bytes(crash.file[:0x1000])
    else:
        crash.exe.write_bytes(b"text")
    image = open_image(crash.write())
    assert list(image.find(b"needle")) == []
    assert image.read_pointer(BASE + 0x3000) == BASE + 0x2000
    assert [w for w in image.warnings if "pages of it are not in the core" in w and str(crash.exe) in w]


def test_core_with_everything_in_it(tmp_path: Path) -> None:
    crash = Crash(tmp_path)
    crash.core.memory[:2] = [
        (BASE, 0x2000, crash.file[:0x2000], R | X),
        (BASE + 0x2000, 0x1000, crash.file[0x2000:0x3000], R),
    ]
    crash.exe.unlink()
    image = open_image(crash.write())
    assert list(image.find(b"needle")) == [BASE + 0x2000]
    assert image.warnings == []
    assert len(image.tail(BASE + 0x2000)) == 0x2000


def test_core_without_file_names(tmp_path: Path) -> None:
    crash = Crash(tmp_path)
    crash.core.files = []
    image = open_image(crash.write())
    assert list(image.find(b"needle")) == [BASE + 0x4000]


def test_data_files_that_were_mapped_are_left_out(tmp_path: Path) -> None:
    crash = Crash(tmp_path)
    crash.core.memory.append((0x7F0000000000, 0x1000, b"needle".ljust(0x1000, b"\0"), R))
    crash.core.files.append((0x7F0000000000, 0x7F0000001000, 0, "/var/database"))
    assert list(open_image(crash.write()).find(b"needle")) == [BASE + 0x2000]


def test_damaged_core(tmp_path: Path) -> None:
    crash = Crash(tmp_path)
    data = crash.core.write()
    exercise_all(crash.path, damaged(data, step=211, flips=0))
    exercise_all(crash.path, damaged(data[:0x600], step=0x600, flips=600))


# --- processes ---

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@linux
def test_own_memory() -> None:
    buffer = ctypes.create_string_buffer(b"some bytes of our own")
    image = exercise(Path("/proc/self/mem"))
    assert image is not None
    assert (image.container, image.type) == ("process memory", "core")
    assert image.ptrsize == ctypes.sizeof(ctypes.c_void_p)
    first = image.segments[0]
    assert bytes(image.read(first.vaddr, 4)) == b"\x7fELF"
    assert ctypes.string_at(first.vaddr, 64) == bytes(image.read(first.vaddr, 64))
    assert not any(s.vaddr <= ctypes.addressof(buffer) < s.vaddr + s.mem_size for s in image.segments)
    assert any(s.executable and s.vaddr <= image.entry < s.vaddr + s.mem_size for s in image.segments)


@linux
def test_mappings_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that was cut after it was mapped: its pages are gone, the rest of the process is still there."""
    path = tmp_path / "mapped"
    path.write_bytes(b"\x7fELF".ljust(0x2000, b"\0"))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        os.truncate(path, 0)
        assert open_image("/proc/self/mem").segments


@linux
def test_another_process() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        time.sleep(0.1)
        image = open_image(f"/proc/{child.pid}/mem")
        program = os.path.realpath(sys.executable)
        assert bytes(image.tail(image.segments[0].vaddr)[:64]) == Path(program).read_bytes()[:64]
        assert open_image(f"/proc/{child.pid}/exe").container == "ELF"
    finally:
        child.communicate(b"\n")
    refused(Path(f"/proc/{child.pid}/mem"), FileError, "No such file")


@linux
def test_a_deleted_executable(tmp_path: Path) -> None:
    copy = tmp_path / "sleep"
    copy.write_bytes(Path("/bin/sleep").read_bytes())
    copy.chmod(0o755)
    child = subprocess.Popen([str(copy), "60"])
    try:
        time.sleep(0.1)
        copy.unlink()
        assert open_image(f"/proc/{child.pid}/exe").section(".text") is not None
        image = open_image(f"/proc/{child.pid}/mem")
        assert next(image.find(b"\x7fELF")) == image.segments[0].vaddr
    finally:
        child.kill()
        child.wait()


@linux
def test_a_process_without_a_program() -> None:
    with pytest.raises((MalformedError, FileError)) as caught:
        open_image("/proc/2/mem")
    assert "\n" not in str(caught.value)


@linux
def test_a_process_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("goinspect.objfile.memory.process.os.open", refuse)
    refused(Path("/proc/self/mem"), FileError, "Permission denied", "right to trace it")


# --- a table on its own ---


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("magic", [0xFFFFFFFB, 0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1])
@pytest.mark.parametrize("ptrsize", [4, 8])
def test_bare_table(magic: int, byteorder: str, ptrsize: int, tmp_path: Path) -> None:
    data = magic.to_bytes(4, byteorder) + bytes([0, 0, 4, ptrsize]) + b"the table" * 10
    path = tmp_path / "table"
    path.write_bytes(data)
    image = open_image(path, raw=True)
    assert (image.container, image.byteorder, image.ptrsize, image.arch) == (
        "gopclntab",
        byteorder,
        ptrsize,
        "",
    )
    assert image.segments == ()
    section = image.section(".gopclntab")
    assert section is not None
    assert (section.vaddr, section.size) == (0, len(data))
    assert bytes(image.data(section)) == data
    assert bytes(image.tail(8)) == data[8:]
    assert list(image.symbols()) == list(image.pointers_to(1)) == []
    assert open_image(path, raw=True, arch="aarch64").arch == "arm64"
    with pytest.raises(MalformedError):
        image.tail(len(data))
    with pytest.raises(TruncatedError):
        image.read(8, len(data))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\x7fELF" + bytes(60), "expected the magic"), (b"\xf1\xff\xff\xff\0\0\3\x08", "quantum"),
        (b"\xf1\xff\xff\xff\0\0\1\7", "pointer size"), (b"\xf1\xff\xff\xff", "header"), (b"\xf1", "magic"),
    ],
)  # fmt: skip
def test_not_a_bare_table(data: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(data)
    refused(path, MalformedError, word, raw=True)
