"""Another user: what may not be read, written or looked into is one line, and stops nothing that does not need it."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.runner import COMMAND, environment
from tests.cli.test_bad_input import BINARY, COMMANDS, KALLSYMS, RECORDING, check_refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def locked(tmp_path):
    """A directory that nobody may look into, in one where everybody may."""
    folder = tmp_path / "locked"
    folder.mkdir()
    shutil.copy(BINARY, folder / "workload")
    shutil.copy(RECORDING, folder / "perf.data")
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def as_another(arguments: list[object], tmp_path: Path, **more: str) -> tuple[int, str, str]:
    """The answer to somebody who is not root."""
    command = [*COMMAND, *map(str, arguments)]
    if os.geteuid() == 0:  # root may do anything
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("nobody here to try it as")
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
                folder.chmod(0o755)
        command = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60,
        env=environment(PYTHONDONTWRITEBYTECODE="1", **more),
    )  # fmt: skip
    if "goinspect: " not in answer.stderr and answer.returncode and os.geteuid() == 0:
        pytest.skip(f"another user cannot run this Python: {answer.stderr[-200:]}")
    return answer.returncode, answer.stdout, answer.stderr


@pytest.mark.parametrize("asked", ["pcln", "symbols", "info", "compare", "flame"])
def test_unreadable_file(asked, tmp_path):
    path = tmp_path / "secret"
    shutil.copy(RECORDING if asked == "flame" else BINARY, path)
    path.chmod(0)
    arguments = [*COMMANDS[asked](path), *(["--format", "top"] if asked == "flame" else [])]
    check_refused(as_another(arguments, tmp_path), path, "Permission denied")


@pytest.mark.parametrize("asked", ["pcln", "symbols", "info", "compare", "flame", "flame -b", "kallsyms"])
def test_a_directory_that_may_not_be_looked_into(asked, locked, tmp_path):
    path = locked / ("perf.data" if asked == "flame" else "workload")
    arguments = [
        *COMMANDS[asked](path),
        *(["--format", "top"] if asked in ("flame", "flame -b", "kallsyms") else []),
    ]
    check_refused(as_another(arguments, tmp_path), path, "Permission denied")


def test_output_where_one_may_not_look(locked, tmp_path):
    path = locked / "deeper" / "result.json"
    check_refused(as_another(["info", BINARY, "-o", path], tmp_path), path, "cannot be written")


def test_output_into_a_device(tmp_path):
    """One may write to a device whose directory one may not write to."""
    assert as_another(["pcln", BINARY, "401000", "-q", "-o", "/dev/null"], tmp_path) == (0, "", "")


def test_a_cache_that_may_not_be_looked_into(locked, tmp_path):
    """`sudo -u` keeps the HOME of somebody else: what may lie there is not missed."""
    code, out, err = as_another(
        ["flame", RECORDING, "--kallsyms", KALLSYMS, "--format", "top"], tmp_path, HOME=str(locked),
        PERF_BUILDID_DIR=str(locked),
    )  # fmt: skip
    assert code == 0, err
    assert "main.spin" in out
