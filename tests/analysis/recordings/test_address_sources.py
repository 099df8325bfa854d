"""Where names come from besides the mapped file itself: kallsyms, maps of compilers, archives, debug files, the vDSO."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.recordings import vdso
from goinspect.analysis.recordings.archives import Archive, is_archive
from goinspect.analysis.recordings.callsites import _CHECKS, Agreement, _Code
from goinspect.analysis.recordings.finder import BinaryFinder
from goinspect.analysis.recordings.kernel import KernelSymbols, find_kallsyms, module_of
from goinspect.analysis.recordings.machine import this_machine
from goinspect.analysis.recordings.perfmap import PerfMap, find_perf_map
from goinspect.analysis.recordings.places import Places
from goinspect.analysis.stacks.recording import take_samples
from goinspect.binary import Binary
from goinspect.errors import FileError
from goinspect.model import Mapping
from goinspect.profiles import open_profile
from tests.builders.perfdata import PerfData, Sample
from tests.machines import NOWHERE, fake_machine

TEXT = 0xFFFF_FFFF_8100_0000
MODULES = 0xFFFF_FFFF_C000_0000
KALLSYMS = f"""\
{TEXT:x} T _text
{TEXT:x} T startup_64
{TEXT + 0x1000:x} t do_work
{TEXT + 0x2000:x} T _etext
{TEXT + 0x9000:x} D some_data
{MODULES:x} t first_one\t[first]
{MODULES + 0x1000:x} t second_one\t[second]
{MODULES + 0x2000:x} t bpf_prog_x\t[bpf]
"""


# --- the kernel ---


@pytest.fixture
def kallsyms(tmp_path):
    path = tmp_path / "kallsyms"
    path.write_text(KALLSYMS)
    return str(path)


def kernel_names(tmp_path, kallsyms, addresses, *, moved=0, mappings=()):
    data = PerfData()
    start = TEXT + moved
    data.mmap(-1, start, 0x2000, start, "[kernel.kallsyms]_text", misc=1)
    for item in mappings:
        data.mmap(-1, *item, misc=1)
    for number, address in enumerate(addresses):
        data.sample(Sample(ip=address, time=100 + number, chain=(address,), mode=1))
    path = tmp_path / "perf.data"
    path.write_bytes(data.build())
    profile = open_profile(path)
    taken = take_samples(profile, FlameOptions(kallsyms=kallsyms))
    table = taken.table
    frames = [
        table.frames[table.expansions[table.expansion[profile.frames[i]]][0]] for i in range(len(profile))
    ]
    return [(frame.name, frame.package) for frame in frames]


def test_kernel_and_modules(tmp_path, kallsyms):
    module = ((MODULES, 0x1000, 0, "[first]"), (MODULES + 0x1000, 0x1000, 0, "/lib/modules/6.1/second.ko.xz"))
    addresses = [TEXT + 0x1010, MODULES + 0x10, MODULES + 0x1010]
    assert kernel_names(tmp_path, kallsyms, addresses, mappings=module) == [
        ("do_work", "kernel"), ("first_one", "first"), ("second_one", "second"),
    ]  # fmt: skip


def test_beyond_the_text_of_the_kernel_nothing_is_named(tmp_path, kallsyms):
    addresses = [TEXT + 0x1FFF, TEXT + 0x2000, TEXT + 0x8000, MODULES + 0x5_0000]
    names = [name for name, _ in kernel_names(tmp_path, kallsyms, addresses)]
    assert names == ["do_work", "[kernel]", "[kernel]", "[kernel]"]


def test_a_module_that_lies_elsewhere_now(tmp_path, kallsyms):
    """Where another module lay when it was recorded, the names of the one that lies there now are wrong."""
    names = kernel_names(tmp_path, kallsyms, [MODULES + 0x10], mappings=[(MODULES, 0x1000, 0, "[other]")])
    assert names[0][0] == "[other]"


def test_after_another_boot_only_the_kernel_itself_is_named(tmp_path, kallsyms):
    """The kernel moves as a whole; modules are loaded wherever there is room."""
    moved = 0x1A0_0000
    module = [(MODULES + moved, 0x1000, 0, "[first]")]
    addresses = [TEXT + 0x1010 + moved, MODULES + 0x10 + moved]
    names = kernel_names(tmp_path, kallsyms, addresses, moved=moved, mappings=module)
    assert [name for name, _ in names] == ["do_work", "[first]"]


def test_names_of_modules():
    for path, expected in (
        ("[kernel.kallsyms]_text", ""),
        ("[guest.kernel.kallsyms]", ""),
        ("[nf_conntrack]", "nf_conntrack"),
        ("/lib/modules/6.1/kernel/net/nf-tables.ko.zst", "nf_tables"),
        ("/usr/lib/debug/vmlinux", ""),
    ):
        assert module_of(Mapping(0, 1, 0, path)) == expected


def test_kallsyms_of_perfs_cache_goes_by_build_id(tmp_path):
    machine = fake_machine(tmp_path)
    place = machine.caches[0] / ".build-id" / "ab" / ("cd" * 19)
    place.mkdir(parents=True)
    (place / "kallsyms").write_text(KALLSYMS)
    finder = BinaryFinder(machine=machine)
    core = Mapping(TEXT, TEXT + 0x2000, TEXT, "[kernel.kallsyms]_text", "ab" + "cd" * 19, kernel=True)
    assert find_kallsyms(core, finder) == str(place / "kallsyms")
    assert find_kallsyms(core._replace(build_id="ab" + "ce" * 19), finder) is None
    assert find_kallsyms(core._replace(build_id="../../x"), finder) is None
    assert find_kallsyms(core._replace(build_id=""), finder, "another release") is None


def test_bpf_programs_of_the_running_kernel_are_not_those_of_the_recording(tmp_path, kallsyms):
    machine = fake_machine(tmp_path / "machine", kallsyms=KALLSYMS)
    address = np.array([MODULES + 0x2010], dtype=np.uint64)
    kept, running = KernelSymbols(kallsyms, machine), KernelSymbols(str(machine.kallsyms), machine)
    assert kept.lookup(address) == [("bpf_prog_x", "bpf")]
    assert running.lookup(address) == [None]


def test_a_module_that_was_loaded_again(tmp_path, kallsyms):
    """The running kernel has it at another address than the recording: its names do not fit."""
    modules = f"first 4096 0 - Live {MODULES:#x}\nhidden 1 0 - Live 0x0\nshort\n"
    machine = fake_machine(tmp_path / "machine", kallsyms=KALLSYMS, modules=modules)
    kept, symbols = KernelSymbols(kallsyms, machine), KernelSymbols(str(machine.kallsyms), machine)
    assert not kept.has_moved("first", MODULES + 0x1000)
    assert symbols.has_moved("first", MODULES + 0x1000)
    assert not symbols.has_moved("first", MODULES)
    assert not symbols.has_moved("hidden", MODULES)
    assert not symbols.has_moved("absent", MODULES)


# --- compiled code ---


def test_maps_of_compilers():
    text = b"1000 10 first\n1010 8 a b <c>;d\nzz 1 bad\n2000 0 empty\n1000 20 again\n\nffffffffffffffffff 10 far\n"
    names = PerfMap(text)
    assert names.find(0xFFF) is None
    assert names.find(0x1000) == names.find(0x100F) == "again"
    assert names.find(0x1010) == "a b <c>;d"
    assert names.find(0x1018) is None
    assert names.find(0x2000) is None


def test_where_maps_of_compilers_are_looked_for(tmp_path):
    warnings = []
    for directory in ("symfs/tmp", "near"):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "perf-7.map").write_text(f"10 10 of {directory}\n")
    both = Places(NOWHERE, str(tmp_path / "symfs"), str(tmp_path / "near"))
    assert find_perf_map(7, both, warnings.append).find(0x10) == "of symfs/tmp"
    assert find_perf_map(7, both._replace(symfs=None), warnings.append).find(0x10) == "of near"
    assert find_perf_map(8, both, warnings.append) is None
    assert warnings == []


def test_a_pipe_in_the_place_of_a_map(tmp_path):
    os.mkfifo(tmp_path / "perf-7.map")
    before = time.monotonic()
    assert find_perf_map(7, Places(NOWHERE, near=str(tmp_path)), print) is None
    assert time.monotonic() - before < 5


# --- processes ---


def test_the_file_system_of_a_living_process(tmp_path):
    child = subprocess.Popen(["sleep", "30"])
    try:
        mapping = Mapping(0x1000, 0x2000, 0, "/app/server (deleted)", "ab" * 20, pid=child.pid)
        assert [str(path) for path in Places(this_machine(), same_machine=True).of_file(mapping)][-2:] == [
            f"/proc/{child.pid}/map_files/1000-2000", f"/proc/{child.pid}/root/app/server",
        ]  # fmt: skip
        assert not any("/proc/" in str(path) for path in Places(this_machine()).of_file(mapping))
    finally:
        child.kill()
        child.wait()


def test_a_deleted_program_that_still_runs(tmp_path, fixture_file):
    """Its very file is there as long as the process is."""
    program = tmp_path / "workload"
    program.write_bytes(fixture_file("go1.27-stripped", "workload").read_bytes())
    program.chmod(0o755)
    build_id = Binary(program).image.build_id()
    child = subprocess.Popen([program, "20000"], stderr=subprocess.DEVNULL)
    try:
        line = ""
        for _ in range(200):
            rows = Path(f"/proc/{child.pid}/maps").read_text().splitlines()
            line = next((row for row in rows if "r-xp" in row and "workload" in row), "")
            if line:
                break
            time.sleep(0.02)
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        program.unlink()
        mapping = Mapping(start, end, 0, f"{program} (deleted)", build_id, pid=child.pid)
        if not os.access(f"/proc/{child.pid}/map_files/{start:x}-{end:x}", os.R_OK):
            pytest.skip("map_files may not be read here")
        assert (
            BinaryFinder(same_machine=True, machine=this_machine()).find(mapping).image.build_id() == build_id
        )
        assert BinaryFinder(same_machine=False, machine=this_machine()).find(mapping) is None
    finally:
        child.kill()
        child.wait()


# --- the vDSO ---


def test_the_vdso_of_this_kernel():
    machine = this_machine()
    own = vdso.own_vdso(machine)
    if own is None:
        pytest.skip("no vDSO here")
    mapping = Mapping(0x7000, 0x9000, 0, "[vdso]", own.image.build_id(), pid=1)
    found = BinaryFinder(machine=machine).find(mapping)
    assert any("clock_gettime" in found.native.find(start).name for start in found.native.starts)
    assert BinaryFinder(machine=machine).find(mapping._replace(build_id="ab" * 20)) is None
    assert BinaryFinder(machine=machine).find(mapping._replace(build_id="")) is None
    assert (
        BinaryFinder(same_kernel=lambda: True, machine=machine).find(mapping._replace(build_id=""))
        is not None
    )


# --- separate symbols ---


def test_symbols_in_a_file_of_their_own(tmp_path, fixture_file):
    """A file without a symbol table is named by the one that a debugger would load."""
    program = fixture_file("go1.27-stripped", "workload")
    stripped = Binary(program)
    build_id = stripped.image.build_id()
    data = fixture_file("go1.27-exe", "workload").read_bytes()
    other = Binary(fixture_file("go1.27-exe", "workload")).image.build_id()
    root = tmp_path / "symfs"
    place = root / "usr/lib/debug/.build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    place.parent.mkdir(parents=True)
    place.write_bytes(data.replace(bytes.fromhex(other), bytes.fromhex(build_id)))
    assert BinaryFinder().native(stripped).starts == []
    found = BinaryFinder(symfs=str(root)).native(stripped)
    assert found.find(stripped.image.entry).name.startswith("_rt0_amd64_linux")
    place.write_bytes(data)  # of another build
    assert BinaryFinder(symfs=str(root)).native(stripped).starts == []


# --- archives ---


def archive_of(path, members, mode="w:bz2"):
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_only_what_was_recorded_is_unpacked(tmp_path, mode):
    wanted, other = "ab" * 20, "cd" * 20
    path = archive_of(
        tmp_path / "a.tar",
        [
            (f"usr/bin/x/{wanted}/elf", b"one"),
            (f"usr/bin/x/{wanted}/probes", b"no"),
            (f"usr/bin/y/{other}/elf", b"no"),
            (f"../../../../../tmp/evil/{wanted}/vdso", b"two"),
            (f"/etc/{wanted}/kallsyms", b"three"),
        ],
        mode,
    )
    assert is_archive(path)
    found = Archive(path, [wanted])
    assert [found.file(wanted, name).read_bytes() for name in ("elf", "vdso", "kallsyms")] == [
        b"one", b"two", b"three",
    ]  # fmt: skip
    assert found.file(other, "elf") is None
    assert found.file(wanted, "debug") is None
    directory = found.file(wanted, "elf").parent
    assert sorted(p.name for p in directory.iterdir()) == ["0", "1", "2"]
    del found
    assert not directory.exists()


def test_damaged_archives(tmp_path):
    wanted = "ab" * 20
    whole = Path(
        archive_of(tmp_path / "a", [(f"x/{wanted}/elf", bytes(range(256)) * 400)], "w:gz")
    ).read_bytes()
    for size in range(0, len(whole), 7):
        path = tmp_path / "cut"
        path.write_bytes(whole[:size])
        try:
            Archive(str(path), [wanted])
        except FileError as error:
            assert "tar archive" in error.message  # noqa: PT017
    path.write_bytes(b"BZh91AY" + b"\xff" * 900)
    with pytest.raises(FileError, match="tar archive"):
        Archive(str(path), [wanted])


def test_links_in_archives_lead_nowhere(tmp_path):
    wanted = "ab" * 20
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "/etc/passwd")):
            info = tarfile.TarInfo(f"x/{wanted}/elf")
            info.type, info.linkname = kind, target
            tar.addfile(info)
    assert Archive(str(tmp_path / "a.tar"), [wanted]).file(wanted, "elf") is None


# --- calls ---

X86_CALLS = ("e800000000", "ffd0", "41ffd4", "ff5008", "ff542408", "ff9000010000", "ff942400010000", "ff1500010000",
             "ff14c500010000", "0f05", "ff1424", "ff11")  # fmt: skip
X86_OTHERS = ("c3", "ffe0", "ff2500010000", "e900000000", "ffc0", "4889e5", "ff7508", "e8ffffff70")
ARM64_CALLS = (0x94000001, 0x97FFFFFF, 0xD63F0000, 0xD63F03C0, 0xD4000001)
ARM64_OTHERS = (0x14000001, 0xD61F0000, 0xD65F03C0, 0xD503201F, 0x95FFFFFF)


def follows(arch, instruction):
    code = object.__new__(_Code)
    image = bytes(64) + instruction + bytes(64)
    code.parts = [(0x1000, np.frombuffer(image, dtype=np.uint8))]
    address = np.array([0x1000 + 64 + len(instruction)], dtype=np.uint64)
    before, inside = code.before(address)
    assert inside.all()
    return bool(_CHECKS[arch](before, address, code)[0])


def test_instructions_that_call():
    """Encodings by binutils' as."""
    for text in X86_CALLS:
        assert follows("amd64", bytes.fromhex(text)), text
    for text in X86_OTHERS:
        assert not follows("amd64", bytes.fromhex(text)), text
    for word in ARM64_CALLS:
        assert follows("arm64", word.to_bytes(4, "little")), hex(word)
    for word in ARM64_OTHERS:
        assert not follows("arm64", word.to_bytes(4, "little")), hex(word)


def test_what_agreement_means():
    assert Agreement().holds
    assert not Agreement().suggests
    assert not Agreement().proves
    assert Agreement(100, 0, 100, 0).proves
    assert Agreement(100, 1, 100, 1).holds
    assert not Agreement(100, 2, 100, 2).holds
    assert not Agreement(10, 1, 10, 1).holds
    assert Agreement(100, 40, 0, 0).holds  # C without frame pointers
    assert Agreement(100, 60, 0, 0).holds  # 112 of 279 follow a call in the cc1 that ran
    assert Agreement(100, 90, 0, 0).fails  # hardly any
    assert not Agreement(100, 100, 0, 0).contradicts  # a build ID says more
    assert Agreement(100, 6, 100, 6).fails
    assert Agreement(100, 6, 100, 6).contradicts
    assert Agreement(10, 6, 10, 6).contradicts
    assert Agreement(200, 106, 100, 6).contradicts
    assert not Agreement(200, 102, 100, 2).contradicts  # C of a Go program
    assert not Agreement(100, 5, 100, 5).fails
