"""Recordings whose addresses are hard to name, each against llvm-symbolizer; and none is named by a wrong file."""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.recordings.machine import Machine
from goinspect.analysis.stacks.fold import fold
from goinspect.analysis.stacks.recording import take_samples
from goinspect.binary import Binary
from goinspect.profiles import open_profile
from goinspect.render.folded import render_folded
from tests.conftest import FIXTURES, oracle_rows
from tests.machines import fake_machine, on
from tests.unpacked import unpack_tar

RECORDINGS = FIXTURES / "recordings"
# name: (the program it ran, its name in the recording, addresses of the oracle that have to be met)
RAN = {
    "attached": ("go1.27-piestripped", "workload", 60),
    "deleted": ("go1.27-stripped", "workload", 60),
    "replaced": ("go1.27-stripped", "workload", 60),
    "unidentified": ("go1.27-stripped", "workload", 60),
    "tail-synthesize": ("go1.27-stripped", "workload", 60),
    "container": ("go1.27-stripped", "server", 60),
    "exec": ("go1.27-stripped", "workload", 60),
    "cgo": ("cgo", "cgo", 10),
    "c-shared": ("library.so", "library.so", 5),
    "huge-pages": ("huge", "huge", 4),
    "frameless": ("frameless", "frameless", 40),
    "frameless-identified": ("frameless", "frameless", 40),
}
FORCED = ("replaced",)  # perf recorded the build ID of another file: only by hand


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    root = tmp_path_factory.mktemp("programs")
    unpack_tar(RECORDINGS / "programs.tar.xz", root)
    return root


@pytest.fixture
def binary(programs, fixture_file):
    """Name → path of a binary of a fixture directory, or of one of the programs made for these recordings."""
    return lambda name: fixture_file(name, "workload") if name.startswith("go1.") else programs / name


@pytest.fixture
def there(tmp_path):
    """Name → the recording in a directory of its own."""

    def place(name):
        path = tmp_path / "perf.data"
        path.write_bytes(lzma.decompress((RECORDINGS / name / "perf.data.xz").read_bytes()))
        for extra in (RECORDINGS / name).glob("perf-*.map"):
            shutil.copy(extra, tmp_path)
        return path

    return place


def names(profile, taken):
    """Runtime address of each location → its frames, innermost first, with what kind of frame the outermost is."""
    table = taken.table
    found = {}
    for row, address in enumerate(profile.locations.runtime_addr.tolist()):
        frames = [table.frames[i] for i in table.expansions[table.expansion[row]]]
        found.setdefault(address, []).append((frames[::-1], bool(profile.locations.exact[row])))
    return found


def check(name, profile, taken):
    """Every frame that the oracle knows; the number of them."""
    truth = {int(row[1], 16): row[3:] for row in oracle_rows(f"recordings/{name}", "frames")}
    compared = 0
    for address, answers in names(profile, taken).items():
        for frames, exact in answers:
            if address not in truth or frames[-1].kind == "kernel":
                continue
            expected = truth[address]
            if frames[-1].kind == "native":
                # The symbol table has no inlined calls.
                assert frames[-1].name == expected[-1].partition("|")[0], hex(address)
            else:
                said = [f"{frame.name}|{frame.location.removeprefix('./')}" for frame in frames]
                same = [item.replace(".abi0|", "|") for item in expected]
                entry = [item.replace(".abi0|", "|") for item in truth.get(address + 1, ())]
                assert said == same or (not exact and said == entry), hex(address)
            compared += 1
    return compared


@pytest.mark.parametrize("name", sorted(RAN))
def test_named_as_llvm_symbolizer_names_it(name, there, binary, tmp_path):
    path = there(name)
    program, called, least = RAN[name]
    copy = tmp_path / called
    shutil.copy(binary(program), copy)
    if name == "c-shared":
        shutil.copy(binary("host"), tmp_path / "host")
    profile = open_profile(path)
    given = (str(copy),) if name in FORCED else ()
    taken = take_samples(profile, FlameOptions(binaries=given, lines=True))
    assert check(name, profile, taken) >= least
    assert not any("not used" in warning and called in warning for warning in taken.warnings)
    assert any("every return address" in warning for warning in taken.warnings) == (name in FORCED)


@pytest.mark.parametrize(
    "name", ["attached", "deleted", "unidentified", "container", "exec", "tail-synthesize"]
)
def test_another_build_names_nothing(name, there, binary, tmp_path):
    """What lies beside the recording has the right name, but did not run."""
    path = there(name)
    program, called, _ = RAN[name]
    other = program.replace("go1.27", "go1.24")
    shutil.copy(binary(other), tmp_path / called)
    taken = take_samples(open_profile(path), FlameOptions())
    assert not any(frame.kind in ("user", "stdlib", "runtime", "gc") for frame in taken.table.frames)
    assert any("not used" in warning and called in warning for warning in taken.warnings)
    assert any(refused.endswith(called) for refused in taken.refused)
    assert not any(missing.endswith(called) for missing in taken.missing)


def test_a_build_that_took_the_place_of_the_program(there, binary, tmp_path):
    """perf recorded its build ID for the program that ran: the build ID is equal, and it is the wrong file."""
    path = there("replaced")
    shutil.copy(binary("go1.24-stripped"), tmp_path / "workload")
    profile = open_profile(path)
    taken = take_samples(profile, FlameOptions())
    assert not any(frame.kind in ("user", "stdlib", "runtime", "gc") for frame in taken.table.frames)
    assert any("has the recorded build ID, but" in warning for warning in taken.warnings)


# --- C without frame pointers: stale words where return addresses would be ---


@pytest.mark.parametrize("name", ["frameless", "frameless-identified"])
def test_stale_words_say_nothing_of_a_file_of_c(name, there, binary, tmp_path):
    """Its build ID was recorded: it is the one, whatever a walk by frame pointers came upon."""
    path = there(name)
    shutil.copy(binary("frameless"), tmp_path / "frameless")
    profile = open_profile(path)
    result = fold(profile, FlameOptions())
    known = {frame.name for frame in result.stacks.frames if frame.kind == "native"}
    assert known == {"interpret", "mix"}
    assert "[frameless]" not in render_folded(result)
    assert not any("frameless" in path for path in (*result.missing, *result.refused))
    assert not any("frameless" in warning for warning in result.warnings)


def test_it_is_the_mapping_that_tells(there, binary):
    """perf's table of build IDs is written at the end; `--buildid-mmap` has the kernel tell them."""
    for name, identified in (("frameless", False), ("frameless-identified", True)):
        mapping = next(
            item for item in open_profile(there(name)).mappings if item.path.endswith("/frameless")
        )
        assert mapping.build_id == Binary(binary("frameless")).image.build_id()
        assert mapping.identified == identified


def test_a_build_id_of_the_mapping_is_never_overruled(there, binary, tmp_path):
    """Go code that fits nowhere speaks against a build ID of the table, but not against one of the mapping."""
    path = there("replaced")
    shutil.copy(binary("go1.24-stripped"), tmp_path / "workload")
    profile = open_profile(path)
    mappings = tuple(item._replace(identified=True) for item in profile.mappings)
    taken = take_samples(replace(profile, mappings=mappings), FlameOptions())
    assert any(frame.kind == "user" for frame in taken.table.frames)


def test_without_a_build_id_the_inode_may_tell(there, binary, tmp_path):
    """C without frame pointers proves nothing by its return addresses; a file that is another one has another inode."""
    path = there("frameless-unidentified")
    program = tmp_path / "elsewhere" / "frameless"
    program.parent.mkdir()
    shutil.copy(binary("frameless"), program)
    profile = open_profile(path)
    inode = program.stat().st_ino
    for recorded, named in ((inode, True), (inode + 1, False), (0, False)):
        mappings = tuple(
            item._replace(path=str(program), inode=recorded) if item.path.endswith("/frameless") else item
            for item in profile.mappings
        )
        given = replace(profile, mappings=mappings, metadata={"hostname": "here"})
        with on(Machine(Path("/"), node="here")):
            taken = take_samples(given, FlameOptions())
        assert any(frame.name == "interpret" for frame in taken.table.frames) == named
        assert (str(program) in taken.refused) == (not named)


def test_a_little_change_is_seen(there, tmp_path):
    """A build that differs in one function has other addresses only behind it."""
    path = there("unidentified")
    data = bytearray(lzma.decompress((FIXTURES / "go1.27-stripped" / "workload.xz").read_bytes()))
    profile = open_profile(path)
    shutil.copy(path, tmp_path / "copy")
    rows = [
        row[1:3] for row in oracle_rows("recordings/unidentified", "frames") if row[3].startswith("main.")
    ]
    assert rows
    # main is last in the text: move it by 16 bytes, as code put in before it would
    start = min(int(vaddr, 16) for _, vaddr in rows) & ~0xFFF
    offset = start - 0x400000
    end = 0x9F000
    data[offset:end] = b"\xcc" * 16 + data[offset : end - 16]
    (tmp_path / "workload").write_bytes(data)
    taken = take_samples(profile, FlameOptions())
    assert any("not used" in warning and "follow no call" in warning for warning in taken.warnings)
    # So it is when the file has the recorded build ID: perf reads that at the end, from what is there then.
    build_id = Binary(tmp_path / "workload").image.build_id()
    mappings = tuple(
        item._replace(build_id=build_id) if item.path.endswith("/workload") else item
        for item in profile.mappings
    )
    taken = take_samples(replace(profile, mappings=mappings), FlameOptions())
    assert any("has the recorded build ID, but" in warning for warning in taken.warnings)
    assert not any(frame.kind == "user" for frame in taken.table.frames)


def test_given_by_hand_it_is_used_and_told(there, binary):
    path = there("unidentified")
    program = binary("go1.24-stripped")
    taken = take_samples(open_profile(path), FlameOptions(binaries=(str(program),)))
    assert any("names may be wrong" in warning for warning in taken.warnings)


def test_the_unstripped_twin_names_too(there, binary):
    """Other build ID, same code: that is said, and that the recording fits."""
    path = there("tail-synthesize")
    profile = open_profile(path)
    taken = take_samples(profile, FlameOptions(binaries=(str(binary("go1.27-exe")),), lines=True))
    assert check("tail-synthesize", profile, taken) >= 60
    assert any("every return address" in warning for warning in taken.warnings)
    assert not any("may be wrong" in warning for warning in taken.warnings)


def test_compiled_code(there):
    path = there("jit")
    result = fold(open_profile(path), FlameOptions())
    assert "compiled loop <int>" in {frame.name for frame in result.stacks.frames}
    line = next((RECORDINGS / "jit").glob("perf-*.map")).read_text().split()
    start, size = int(line[0], 16), int(line[1], 16)
    profile = open_profile(path)
    taken = take_samples(profile, FlameOptions())
    for address, answers in names(profile, taken).items():
        is_loop = any(frames[-1].name == "compiled loop <int>" for frames, _ in answers)
        assert is_loop == (start <= address < start + size)


def test_compiled_code_of_somebody_else(there, monkeypatch):
    path = there("jit")
    for file in path.parent.glob("perf-*.map"):
        if os.geteuid() == 0:
            os.chown(file, 1234, 1234)
        else:
            monkeypatch.setattr("os.geteuid", lambda: 4711)
    taken = take_samples(open_profile(path), FlameOptions())
    assert any("another user" in warning for warning in taken.warnings)
    assert "compiled loop <int>" not in {frame.name for frame in taken.table.frames}


def test_text_in_huge_pages_is_the_file(there, binary, tmp_path):
    path = there("huge-pages")
    shutil.copy(binary("huge"), tmp_path / "huge")
    profile = open_profile(path)
    assert not any(
        mapping.path.startswith("//anon") and mapping.start == 0x800000 for mapping in profile.mappings
    )
    offsets = [int(o) for o, m in zip(profile.locations.file_offset, profile.locations.mapping, strict=True)
               if m >= 0 and profile.mappings[m].path.endswith("/huge")]  # fmt: skip
    assert offsets
    assert min(offsets) >= 0x200000
    assert np.all(profile.locations.mapping[profile.locations.kind == 0] >= -1)


def test_an_archive_of_perf(there, binary, tmp_path):
    """What `perf archive` writes beside the recording, and the same file given by hand."""
    path = there("attached")
    program = binary("go1.27-piestripped")
    profile = open_profile(path)
    build_id = next(m.build_id for m in profile.mappings if m.path.endswith("/workload"))
    archive = Path(f"{path}.tar.bz2")
    place = f"tmp/goinspect-fixtures/at/workload/{build_id}"
    with tarfile.open(archive, "w:bz2") as tar:
        link = tarfile.TarInfo(f".build-id/{build_id[:2]}/{build_id[2:]}")
        link.type, link.linkname = tarfile.SYMTYPE, f"../../{place}"
        tar.addfile(link)
        evil = tarfile.TarInfo(f"../../../../{build_id}/elf/../../etc")
        evil.type, evil.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(evil)
        tar.add(program, f"{place}/elf")
    taken = take_samples(profile, FlameOptions(lines=True))
    assert check("attached", profile, taken) >= 60
    moved = tmp_path / "elsewhere.tar.bz2"
    archive.rename(moved)
    assert take_samples(profile, FlameOptions()).missing
    taken = take_samples(profile, FlameOptions(binaries=(str(moved),), lines=True))
    assert check("attached", profile, taken) >= 60


def test_the_cache_of_perf(there, binary, tmp_path):
    path = there("attached")
    profile = open_profile(path)
    build_id = next(m.build_id for m in profile.mappings if m.path.endswith("/workload"))
    place = tmp_path / "cache" / ".build-id" / build_id[:2] / build_id[2:]
    place.mkdir(parents=True)
    shutil.copy(binary("go1.27-piestripped"), place / "elf")
    assert take_samples(profile, FlameOptions()).missing
    with on(fake_machine(tmp_path)):
        taken = take_samples(profile, FlameOptions(lines=True))
    assert check("attached", profile, taken) >= 60


def test_a_path_of_another_machine(there, binary, tmp_path):
    """Without a build ID and without return addresses nothing says that the file at the path is the one that ran."""
    path = there("unidentified")
    program = tmp_path / "workload"
    shutil.copy(binary("go1.27-stripped"), program)
    profile = open_profile(path)
    mappings = tuple(
        item._replace(path=str(program)) if item.path.endswith("/workload") else item
        for item in profile.mappings
    )
    leaves = replace(
        profile,
        mappings=mappings,
        stack_start=np.arange(len(profile) + 1),
        frames=profile.frames[profile.stack_start[:-1]],
        locations=replace(profile.locations, exact=np.ones_like(profile.locations.exact)),
    )

    def names_go(given):
        with on(Machine(Path("/"), node="here")):
            frames = take_samples(given, FlameOptions()).table.frames
        return any(frame.kind == "user" for frame in frames)

    elsewhere = replace(leaves, path="/nowhere/perf.data")
    assert not names_go(elsewhere)
    assert names_go(replace(elsewhere, metadata={"hostname": "here"}))
    assert names_go(replace(profile, mappings=mappings, path="/nowhere/perf.data"))  # return addresses say so
    moved = tuple(item._replace(path=item.path.replace(str(program), "/srv/workload")) for item in mappings)
    assert names_go(replace(leaves, mappings=moved))  # beside the recording: somebody put it there
