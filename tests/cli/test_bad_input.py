"""Bad input: one clear line, the documented exit code, no traceback, and nothing left behind."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest

from goinspect.binary import Binary
from tests.builders.rich import write_rich
from tests.cli.demo import BINARY, KALLSYMS, RECORDING
from tests.cli.runner import COMMAND, cli, environment, process
from tests.cprograms import C_PROGRAM

COMMANDS = {
    "pcln": lambda path: ["pcln", path, "401000"],
    "functions": lambda path: ["pcln", path, "--functions"],
    "disasm": lambda path: ["disasm", path, "401000"],
    "header": lambda path: ["pcln", path],
    "symbols": lambda path: ["symbols", path],
    "nm": lambda path: ["symbols", path, "--format", "nm"],
    "info": lambda path: ["info", path],
    "compare": lambda path: ["compare", BINARY, path],
    "flame": lambda path: ["flame", path],
    "annotate": lambda path: ["annotate", path],
    "pgo": lambda path: ["pgo", path],
    "flame -b": lambda path: ["flame", RECORDING, "-b", path],
    "kallsyms": lambda path: ["flame", RECORDING, "-b", BINARY, "--kallsyms", path],
    "events": lambda path: ["flame", path, "--list-events"],
}
everywhere = pytest.mark.parametrize("command", list(COMMANDS))


def check_refused(answer, path, *words):
    """One line that names the file and says what it is; no result."""
    code, out, err = answer
    assert code == 1, (out[:200], err)
    assert out == ""
    assert err.startswith(f"goinspect: {path}: "), err
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    for word in words:
        assert word in err, err


def refused(command, path, folder, *words):
    """`command` about `path` fails as it should, and leaves nothing in `folder`."""
    output = folder / "output"
    output.mkdir()
    arguments = COMMANDS[command](path)
    check_refused(cli(*arguments, "-o", output / "result.json"), path, *words)
    assert list(output.iterdir()) == []
    if command in ("pcln", "disasm", "symbols", "info", "compare", "flame", "annotate", "pgo"):
        check_refused(cli(*arguments, "--json"), path, *words)


@everywhere
def test_empty_file(command, tmp_path):
    path = tmp_path / "empty"
    path.touch()
    refused(command, path, tmp_path, *(["empty"] if command != "kallsyms" else []))


@everywhere
def test_text_file(command, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("The quick brown fox\njumps over the lazy dog.\n")
    refused(command, path, tmp_path, "expected")


@everywhere
def test_directory(command, tmp_path):
    path = tmp_path / "directory"
    path.mkdir()
    refused(command, path, tmp_path, "directory")


@everywhere
def test_missing_file(command, tmp_path):
    refused(command, tmp_path / "absent", tmp_path, "No such file")


@everywhere
def test_fifo(command, tmp_path):
    """It would be waited for without end."""
    if command == "kallsyms":
        pytest.skip("a table may come through a pipe: <(ssh host cat /proc/kallsyms)")
    path = tmp_path / "fifo"
    os.mkfifo(path)
    done = []
    worker = threading.Thread(target=lambda: done.append(refused(command, path, tmp_path)), daemon=True)
    worker.start()
    worker.join(20)
    assert not worker.is_alive(), "waits for a writer"
    assert done == [None]


@pytest.mark.parametrize("command", ["pcln", "functions", "header", "disasm"])
def test_elf_that_is_not_go(command, tmp_path):
    refused(command, C_PROGRAM, tmp_path, "Go")


def test_binary_and_recording_mixed_up(tmp_path):
    refused("flame", BINARY, tmp_path, "ELF executable", "perf.data")
    check_refused(cli("pcln", RECORDING, "401000"), RECORDING)


def test_default_recording_is_missing(tmp_path):
    answer = process("flame", cwd=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("goinspect: perf.data: ")
    assert answer.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["pcln", "symbols", "info", "compare"])
def test_wrong_architecture(command, tmp_path):
    """Only universal files have a choice."""
    answer = cli(*COMMANDS[command](BINARY), "--arch", "arm64", "-o", tmp_path / "result")
    assert answer.code == 1
    assert list(tmp_path.iterdir()) == []
    for line in answer.err.splitlines():
        assert line.startswith(f"goinspect: {BINARY}: ")
        assert "arm64" in line


def test_every_bad_file_has_a_line(tmp_path):
    bad = [tmp_path / "absent", tmp_path / "empty", tmp_path]
    bad[1].touch()
    for command in ("info", "compare"):
        answer = cli(command, *bad, "-o", tmp_path / "result")
        assert answer.code == 1
        assert [line.partition(": ")[2].partition(": ")[0] for line in answer.err.splitlines()] == list(
            map(str, bad)
        )
        assert not (tmp_path / "result").exists()


# --- cut short ---


def pclntab_offset():
    image = Binary(BINARY).image
    section = next(section for section in image.sections if section.name == ".gopclntab")
    return section.file_offset, section.file_size


def cut(source, size, folder):
    path = folder / source.name
    path.write_bytes(source.read_bytes()[:size])
    return path


@pytest.mark.parametrize("size", [1, 4, 15, 16, 52, 63, 64, 100, 200, 1000, 4096])
@pytest.mark.parametrize("command", ["pcln", "functions", "header", "disasm", "symbols", "info", "flame -b"])
def test_executable_cut_in_its_headers(command, size, tmp_path):
    """Nothing in such a file can be trusted."""
    path = cut(BINARY, size, tmp_path)
    if (
        command in ("symbols", "info") and size >= 64
    ):  # sections are at its end: what there is may be listed, with a warning
        answer = cli(command, path)
        assert answer.code in (0, 1)
        assert answer.err.startswith("goinspect: ")
        return
    if command == "flame -b" and size >= 64:
        answer = cli("flame", RECORDING, "-b", path, "--kallsyms", KALLSYMS, "--format", "folded")
        assert answer.code in (0, 1)
        assert "main.recurse" not in answer.out
        assert answer.err.startswith("goinspect: ")
        return
    refused(command, path, tmp_path)


@pytest.mark.parametrize("part", [0.0, 0.00001, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0])
def test_executable_cut_in_its_table(part, tmp_path):
    """An answer may be given as far as the table goes; then it is the right one."""
    begin, size = pclntab_offset()
    path = cut(BINARY, begin + int(size * part), tmp_path)
    whole = cli("pcln", BINARY, "401000", "main.recurse").out
    answer = cli("pcln", path, "401000", "main.recurse")
    functions = cli("pcln", path, "--functions")
    for code, out, err in (answer, functions):
        assert code in (0, 1)
        assert all(line.startswith("goinspect: ") for line in err.splitlines())
        if code:
            assert out == ""
            assert err.count("\n") == 1
            assert err.startswith(f"goinspect: {path}: ")
        else:
            assert "warning: " in err  # a file that is shorter than its headers say is never taken as sound
    if answer.code == 0:
        assert answer.out == whole
    if part < 0.9:
        assert answer.code == functions.code == 1


@pytest.mark.parametrize("size", [1, 8, 50, 103, 104, 110, 200])
def test_recording_cut_in_its_header(size, tmp_path):
    path = cut(RECORDING, size, tmp_path)
    refused("flame", path, tmp_path)


@pytest.mark.parametrize("part", [0.0018, 0.005, 0.05, 0.3, 0.6, 0.9, 0.99, 0.999])
def test_recording_cut_in_its_samples(part, tmp_path):
    """What was recorded before is drawn, and it is told that it is not all."""
    path = cut(RECORDING, int(RECORDING.stat().st_size * part), tmp_path)
    options = ["-b", BINARY, "--kallsyms", KALLSYMS, "--format", "folded", "--weight", "samples"]
    whole = {tuple(line.rsplit(" ", 1)) for line in cli("flame", RECORDING, *options).out.splitlines()}
    answer = cli("flame", path, *options)
    if answer.code:
        check_refused(answer, path)
        assert part < 0.1
        return
    assert answer.err.startswith("goinspect: warning: ")
    assert re.search("truncated|cut|ends", answer.err)
    stacks = {line.rsplit(" ", 1)[0] for line in answer.out.splitlines()}
    assert stacks <= {stack for stack, _ in whole}
    samples = int(re.search(r"^goinspect: ([\d,]+) samples", answer.err, re.MULTILINE)[1].replace(",", ""))
    assert samples == sum(int(line.rsplit(" ", 1)[1]) for line in answer.out.splitlines())
    assert abs(samples - 788 * part) < 60


# --- files of the kernel, whose size says nothing ---


linux = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")


@linux
def test_the_memory_map_of_a_process(tmp_path):
    answer = cli("flame", "/proc/self/maps", "-o", tmp_path / "result.svg")
    check_refused(
        answer, "/proc/self/maps", "is the memory map of a process, not a recording", "perf record -g -p"
    )
    for command in ("pcln", "symbols", "info", "compare"):
        (tmp_path / command).mkdir()
        refused(command, Path("/proc/self/maps"), tmp_path / command, "starts with", "expected an executable")


@linux
@pytest.mark.parametrize("command", ["flame", "info"])
@pytest.mark.parametrize(
    "path", ["/proc/kallsyms", "/proc/self/pagemap", "/proc/self/environ", "/proc/self/task"]
)
def test_other_files_of_the_kernel(command, path, tmp_path):
    """Whatever they hold, or do not end with, they are read, and take neither time nor memory."""
    answer = process(*COMMANDS[command](path), "-o", tmp_path / "result.json")
    if answer.returncode:
        assert answer.stderr.startswith(f"goinspect: {path}: ")
        assert "is empty" not in answer.stderr or path == "/proc/self/environ"
        assert answer.stderr.count("\n") == 1


@linux
def test_a_recording_without_a_size(tmp_path):
    """What /proc/PID/fd leads to, too, is read for what it is."""
    with RECORDING.open("rb") as file:
        answer = cli("flame", f"/proc/self/fd/{file.fileno()}", "--format", "top", "-b", BINARY)
    assert answer.code == 0
    assert "main.spin" in answer.out


# --- output that cannot be written ---


@pytest.mark.parametrize("command", ["pcln", "disasm", "symbols", "info", "compare", "flame"])
def test_output_into_a_missing_directory(command, tmp_path):
    path = {"flame": RECORDING}.get(command, BINARY)
    target = tmp_path / "no" / "where.json"
    check_refused(cli(*COMMANDS[command](path), "-o", target), target, "not a directory")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["pcln", "disasm", "symbols", "info", "compare", "flame"])
def test_output_is_a_directory(command, tmp_path):
    path = {"flame": RECORDING}.get(command, BINARY)
    check_refused(cli(*COMMANDS[command](path), "-o", tmp_path), tmp_path, "directory")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_what_was_there(tmp_path):
    target = tmp_path / "flame.svg"
    target.write_text("the last picture")
    assert cli("flame", BINARY, "-o", target).code == 1
    assert target.read_text() == "the last picture"
    assert [path.name for path in tmp_path.iterdir()] == ["flame.svg"]


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    target = tmp_path / "flame.svg"
    answer = cli("flame", RECORDING, "--kallsyms", KALLSYMS, "-o", target)
    check_refused(answer, target, "cannot be written: No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
@pytest.mark.parametrize("command", ["pcln", "functions", "symbols", "info", "compare"])
def test_a_full_device(command):
    arguments = [str(argument) for argument in COMMANDS[command](BINARY)]
    check_refused(
        cli(*arguments, "-o", "/dev/full"), "/dev/full", "cannot be written: No space left on device"
    )
    with Path("/dev/full").open("wb") as full:
        answer = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment(), timeout=60
        )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (
        1, "goinspect: stdout: cannot be written: No space left on device\n",
    )  # fmt: skip


def test_debug_adds_the_traceback(tmp_path):
    answer = cli("pcln", tmp_path / "absent", env={"GOINSPECT_DEBUG": "1"})
    assert answer.code == 1
    assert "Traceback (most recent call last)" in answer.err
    assert answer.err.splitlines()[-1].startswith(f"goinspect: {tmp_path / 'absent'}: ")


@pytest.mark.parametrize("command", ["pcln", "symbols", "info", "compare"])
def test_names_of_files_cannot_drive_the_terminal(command, tmp_path):
    path = tmp_path / "a\x1b]0;x\x07b"
    answer = cli(*COMMANDS[command](path))
    assert answer.code == 1
    assert "\x1b" not in answer.err
    assert "a\\x1b]0;x\\x07b" in answer.err


EVIL = "main.a\x1b]0;x\x07b;c\u202ed\n|<b>`$&"


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """A file with names that no compiler makes: of symbols, in build information and of the file; and a sound one."""
    folder = tmp_path_factory.mktemp("evil")
    sound = folder / "sound"
    sound.write_bytes(write_rich((1, 24)))
    data = write_rich((1, 24), more=[(EVIL, 0x401002, 1, 2, 1, 1), (EVIL + ";", 0x800F00, 2, 1, 1, 7)])
    for was, now in (("v1.2.3", "v\x1b[3m"), ("h1:y=", "\u202e\x9b"), ("CGO_ENABLED=0", "CGO_\x1b[2JED=0")):
        assert len(was.encode()) >= len(now.encode())
        data = data.replace(was.encode(), now.encode().ljust(len(was.encode()), b"x"))
    data = data.replace(b".gofunc\0", b".g\x1b[37m\0")
    path = folder / "evil\x1b[1m|<i>\u202e"
    path.write_bytes(data)
    return sound, path


@pytest.mark.parametrize(
    "arguments",
    [["symbols"], ["symbols", "--json"], ["symbols", "--format", "csv"], ["symbols", "--format", "nm"],
     ["symbols", "--format", "folded"], *(["symbols", "--by", by] for by in ("package", "section")),
     ["symbols", "--by", "section", "--format", "csv"], ["symbols", "--by", "section", "--json"],
     ["info"], ["info", "-v", "--deps"], ["info", "--json"], ["info", "--format", "go-version"],
     ["compare"], ["compare", "--symbols"], ["compare", "--json"], ["compare", "--format", "markdown"],
     ["compare", "--format", "markdown", "--symbols"], ["compare", "--by", "section"]],
    ids=" ".join,
)  # fmt: skip
def test_names_from_files_are_text(arguments, evil):
    sound, path = evil
    command, *options = arguments
    answer = cli(command, *([sound] if command == "compare" else []), path, *options)
    assert answer.code == 0
    for text in (answer.out, answer.err):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    if "--symbols" in options or (options in ([], ["--json"]) and command == "symbols"):
        assert "\\u202ed" in answer.out
    if "--json" in options:
        json.loads(answer.out)
    if "folded" in options:  # a stack has as many frames as it should
        (line,) = (line for line in answer.out.splitlines() if "u202ed" in line)
        assert line.startswith("main;variables;main.a\\x1b]0:x\\x07b:c")
    if "markdown" in options:
        tables = re.findall(r"(?:^\|.*\|\n)+", answer.out, re.MULTILINE)
        for table in tables:
            assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table.splitlines()}) == 1
        assert not re.search(r"(?<!\\)(?:\\\\)*[<`$&]", answer.out)
