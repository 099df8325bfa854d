"""The recorded kernel runs here, or another one does: both worlds, on machines that the tests make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.recordings.machine import Machine, this_machine
from goinspect.analysis.stacks.fold import fold
from goinspect.profiles import open_profile
from goinspect.render.folded import render_folded
from tests.builders import elf
from tests.conftest import FIXTURES, oracle_rows
from tests.machines import NOWHERE, fake_machine, on

BUILD = "go1.27-piestripped"
KALLSYMS = (FIXTURES / BUILD / "kallsyms").read_text("ascii")
RELEASE = "6.18.44-fc-v669"
CLOCK = "__vdso_clock_gettime"


@pytest.fixture(scope="module")
def profile():
    return open_profile(FIXTURES / BUILD / "perf.data")


def build_id(profile, name):
    return next(item.build_id for item in profile.mappings if item.path.startswith(name))


def vdso(identity):
    """A vDSO of one function, as far as names go; the recorded one is the kernel's."""
    code = elf.Part(".text", 0x800, bytes(0x800), elf.R | elf.X)
    symbols = [(CLOCK, 0x800, 0x800, elf.FUNC, 1)]
    image = elf.Elf(type=elf.DYN, entry=0, parts=[code], symbols=symbols, build_id=bytes.fromhex(identity))
    return image.write()


@pytest.fixture
def recorded_kernel(profile, tmp_path):
    """A machine that runs the kernel of the recording."""
    return fake_machine(
        tmp_path / "machine",
        kernel=build_id(profile, "[kernel.kallsyms]"),
        kallsyms=KALLSYMS,
        vdso=vdso(build_id(profile, "[vdso]")),
        release=RELEASE,
    )


def kernel_frames(machine, profile, **options):
    """(names of kernel frames, the answer) on that machine."""
    with on(machine):
        result = fold(profile, FlameOptions(**options))
    return {frame.name for frame in result.stacks.frames if frame.kind == "kernel"}, result


def names_in(result):
    return {
        name for line in render_folded(result).splitlines() for name in line.rpartition(" ")[0].split(";")
    }


def test_it_runs_here(profile, recorded_kernel):
    names, result = kernel_frames(recorded_kernel, profile)
    said = {line.split()[1].partition("+")[0] for row in oracle_rows(BUILD, "script") for line in row
            if "([kernel.kallsyms])" in line}  # fmt: skip
    assert len(said) > 50
    # Of several symbols at one address perf prefers another one here and there.
    assert len(names - said) <= 0.05 * len(names)
    assert len(names) > 50
    assert CLOCK in names_in(result)
    assert "[vdso]" not in names_in(result)
    assert result.totals.frames_named == result.totals.frames == 14_845
    assert result.warnings == ()


def test_another_one_runs_here(profile, recorded_kernel):
    """Of the same release, at the same addresses, and on a machine of the same name: the build ID is another one."""
    other = fake_machine(
        recorded_kernel.root,
        node=profile.metadata["hostname"],
        kernel="ab" * 20,
        kallsyms=KALLSYMS,
        vdso=vdso("cd" * 20),
        release=RELEASE,
    )
    for machine in (other, NOWHERE):
        names, result = kernel_frames(machine, profile)
        assert names == {"[kernel]"}
        assert "[vdso]" in names_in(result)
        assert ["kernel frames have no names" in warning for warning in result.warnings] == [True]


def test_a_table_given_by_hand_is_used_in_both_worlds(profile, recorded_kernel):
    table = str(FIXTURES / BUILD / "kallsyms")
    here, _ = kernel_frames(recorded_kernel, profile)
    assert kernel_frames(NOWHERE, profile, kallsyms=table)[0] == here
    assert kernel_frames(recorded_kernel, profile, kallsyms=table)[0] == here


# --- recordings without build IDs ---


@pytest.fixture
def unidentified(profile):
    """The recording as of a perf that was killed: what stands at its end is lost, build IDs too."""
    mappings = tuple(item._replace(build_id="") for item in profile.mappings)
    return replace(profile, mappings=mappings)


def same_boot(profile, tmp_path, **changes):
    facts = {"node": profile.metadata["hostname"], "release": RELEASE, "kallsyms": KALLSYMS, "kernel": "ab" * 20,
             "vdso": vdso("cd" * 20)}  # fmt: skip
    return fake_machine(tmp_path / "machine", **(facts | changes))


def test_without_build_ids_release_address_and_host_have_to_agree(unidentified, profile, tmp_path):
    names, result = kernel_frames(same_boot(profile, tmp_path), unidentified)
    assert len(names) > 50
    assert CLOCK in names_in(result)


@pytest.mark.parametrize(
    "changes",
    [
        {"node": "another host"},
        {"release": "6.18.44-fc-v670"},
        {"kallsyms": KALLSYMS.replace(next(x for x in KALLSYMS.splitlines() if x.endswith(" _text"))[:16], "f" * 16)},
        {"kallsyms": ""},
    ],
    ids=["host", "release", "another boot", "hidden"],
)  # fmt: skip
def test_without_build_ids_one_difference_is_enough(unidentified, profile, tmp_path, changes):
    names, result = kernel_frames(same_boot(profile, tmp_path, **changes), unidentified)
    assert names == {"[kernel]"}
    assert "[vdso]" in names_in(result)


# --- the real machine ---


def test_what_this_machine_is(monkeypatch):
    """The only place where goinspect asks for it."""
    monkeypatch.setenv("HOME", "/somebody")
    monkeypatch.setenv("PERF_BUILDID_DIR", "/cache")
    monkeypatch.setattr("platform.node", lambda: "host")
    monkeypatch.setattr("platform.release", lambda: "6.1")
    root = Machine(NOWHERE.root).path("/").parent
    assert this_machine() == Machine(root, "host", "6.1", (root / "cache", root / "somebody" / ".debug"))
    monkeypatch.delenv("PERF_BUILDID_DIR")
    monkeypatch.delenv("HOME")
    assert this_machine().caches == ()
    assert str(this_machine().kallsyms) == "/proc/kallsyms"
    assert str(this_machine().process("self")) == "/proc/self"
