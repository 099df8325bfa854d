"""Where `goinspect flame` has the names from: kernel and binaries that are there, missing, moved, or others."""

from __future__ import annotations

import shutil

import pytest

from goinspect.analysis.recordings import kernelnames
from goinspect.errors import FileError
from goinspect.profiles import open_profile
from goinspect.render.folded import render_folded
from tests.analysis.stacks.demo import BINARY, BUILD, DIRECTORY, folded, lines
from tests.conftest import oracle_rows

RECORDED = b"/tmp/goinspect-fixtures/run/go1.27-piestripped/workload"


def rewritten(target, path):
    """A copy of the recording in `target` in which the program lay at `path`, padded to the same length."""
    name = path.encode()
    data = (DIRECTORY / "perf.data").read_bytes()
    assert RECORDED in data
    assert len(name) <= len(RECORDED)
    copy = target / "perf.data"
    copy.write_bytes(data.replace(RECORDED + b"\0", name.ljust(len(RECORDED), b"\0") + b"\0"))
    return copy


# --- kernel ---


def test_kernel_without_kallsyms(profile, monkeypatch):
    monkeypatch.setattr(kernelnames, "find_kallsyms", lambda *_: None)
    result = folded(profile, kallsyms=None)
    names = {frame.name for frame in result.stacks.frames if frame.kind == "kernel"}
    assert names == {"[kernel]"}
    assert len(result.warnings) == 1
    assert "kallsyms" in result.warnings[0]
    assert result.totals.frames_named < folded(profile).totals.frames_named


def test_kallsyms_that_move(profile, tmp_path):
    """The kernel lies elsewhere after each boot: names are found by how far _text moved."""
    moved = tmp_path / "kallsyms"
    text = (DIRECTORY / "kallsyms").read_text()
    for shift in (0x12000000, -0x1E00000):
        moved.write_text(
            "".join(
                f"{int(line[:16], 16) + shift:016x}{line[16:]}\n" if "[" not in line else line + "\n"
                for line in text.splitlines()
            )
        )
        assert lines(profile, kallsyms=str(moved)) == lines(profile)


def test_kernel_names_are_those_of_perf(profile):
    """`perf script` names kernel frames from the same table."""
    seen = {row[0].split()[1].partition("+")[0] for row in oracle_rows(BUILD, "script")
            if len(row) == 1 and "([kernel.kallsyms])" in row[0]}  # fmt: skip
    seen |= {row[1].split()[1].partition("+")[0] for row in oracle_rows(BUILD, "script")
             if len(row) == 2 and "([kernel.kallsyms])" in row[1]}  # fmt: skip
    mine = {frame.name for frame in folded(profile).stacks.frames if frame.kind == "kernel"}
    assert len(seen) > 50
    # of several symbols at one address perf prefers another one here and there
    assert len(mine - seen) <= 0.05 * len(mine), sorted(mine - seen)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0000000000000000 T _text\n0000000000000000 T _stext\n", "hidden"),
        ("", "hidden"),
        ("this is no table\n", "expected 'address type name'"),
    ],
)
def test_unusable_kallsyms(profile, tmp_path, content, message):
    path = tmp_path / "kallsyms"
    path.write_text(content)
    with pytest.raises(Exception, match=message) as caught:
        folded(profile, kallsyms=str(path))
    assert caught.value.path == str(path)


def test_absent_kallsyms(profile, tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        folded(profile, kallsyms=str(tmp_path / "nothing"))


# --- binaries ---


def go_names(result):
    return {frame.name for frame in result.stacks.frames if frame.kind in ("user", "stdlib", "runtime", "gc")}


def test_missing_binary(tmp_path):
    result = folded(open_profile(rewritten(tmp_path, "/nowhere/at/all/workload")), binaries=[])
    assert result.missing[0] == "/nowhere/at/all/workload"
    assert go_names(result) == set()
    assert "[workload]" in {frame.name for frame in result.stacks.frames}
    assert result.totals.frames_named < 0.6 * result.totals.frames


def test_binary_beside_the_recording(tmp_path, profile):
    shutil.copy(BINARY, tmp_path / "workload")
    moved = open_profile(rewritten(tmp_path, "/nowhere/at/all/workload"))
    result = folded(moved, binaries=[])
    assert "/nowhere/at/all/workload" not in result.missing
    assert render_folded(result) == render_folded(folded(profile))


def test_binary_below_symfs(tmp_path, profile):
    root = tmp_path / "root"
    (root / "nowhere/at/all").mkdir(parents=True)
    shutil.copy(BINARY, root / "nowhere/at/all/workload")
    moved = open_profile(rewritten(tmp_path, "/nowhere/at/all/workload"))
    assert render_folded(folded(moved, binaries=[], symfs=str(root))) == render_folded(folded(profile))


def test_deleted_binary(tmp_path, profile):
    """The kernel appends this to the path of a program that was replaced while it ran."""
    shutil.copy(BINARY, tmp_path / "workload")
    moved = open_profile(rewritten(tmp_path, "/nowhere/at/all/workload (deleted)"))
    assert any(item.path.endswith(" (deleted)") for item in moved.mappings)
    for binaries in ([], [BINARY]):
        assert render_folded(folded(moved, binaries=binaries)) == render_folded(folded(profile))


def test_another_build_is_not_used_by_itself(tmp_path, fixture_file):
    shutil.copy(fixture_file("go1.24-piestripped", "workload"), tmp_path / "workload")
    result = folded(open_profile(rewritten(tmp_path, "/nowhere/at/all/workload")), binaries=[])
    assert go_names(result) == set()
    assert result.refused == ("/nowhere/at/all/workload",)
    assert "/nowhere/at/all/workload" not in result.missing
    (warning,) = [text for text in result.warnings if "build ID" in text]
    assert "not used" in warning
    assert str(tmp_path / "workload") in warning


def test_another_build_is_used_when_forced(tmp_path, fixture_file):
    other = fixture_file("go1.24-piestripped", "workload")
    result = folded(open_profile(rewritten(tmp_path, "/nowhere/at/all/workload")), binaries=[str(other)])
    assert go_names(result)
    assert result.missing == () or result.missing[0] != "/nowhere/at/all/workload"
    (warning,) = [text for text in result.warnings if "build ID" in text]
    assert "names may be wrong" in warning


def test_unused_binary_is_told(profile, tmp_path, fixture_file):
    other = tmp_path / "unrelated"
    shutil.copy(fixture_file("go1.24-piestripped", "workload"), other)
    result = folded(profile, binaries=[BINARY, str(other)])
    (warning,) = result.warnings
    assert warning.startswith(f"{other}: given with --binary, but no mapping")


def test_same_build_id_under_another_name(profile, tmp_path):
    renamed = tmp_path / "renamed"
    shutil.copy(BINARY, renamed)
    result = folded(profile, binaries=[str(renamed)])
    assert result.warnings == ()
    assert render_folded(result) == render_folded(folded(profile))


def test_absent_binary_given_by_hand(profile, tmp_path):
    with pytest.raises(FileError):
        folded(profile, binaries=[str(tmp_path / "nothing")])
