"""What scripts rely on: exit codes, help, closed pipes, colours."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.demo import BINARY, FLAME
from tests.cli.runner import COMMAND, INTERRUPTIBLE, cli, environment, process
from tests.cprograms import C_PROGRAM

COMMANDS = (
    "flame",
    "annotate",
    "pcln",
    "symbolize",
    "disasm",
    "calls",
    "probe",
    "symbols",
    "info",
    "compare",
    "pgo",
    "maps",
    "ps",
)


# --- help and usage ---


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_two_examples(command, option):
    answer = cli(command, option)
    assert answer.code == 0
    assert answer.err == ""
    _, _, examples = answer.out.partition("Examples:")
    found = [line.strip() for line in examples.splitlines() if f"goinspect {command} " in line]
    assert len(found) >= 2


def test_examples_are_real():
    """Every option that an example shows exists."""
    for command in COMMANDS:
        text = cli(command, "--help").out
        about, _, options = text.partition("Options:")
        examples = re.sub(r"perf (record|script) [^|]*\|", "", about.partition("Examples:")[2])
        for option in re.findall(r"(?<= )--?[a-z][\w-]*", examples):
            assert re.search(rf"(^|[ ,]){option}\b", options, re.MULTILINE), (command, option)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_the_arguments(command):
    lines = cli(command, "--help").out.partition("Arguments:\n")[2].partition("\n\n")[0].splitlines()
    assert lines
    for line in lines:
        assert len(line.split()) > 3, line


def test_help_of_all():
    answer = cli("--help")
    assert answer.code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", answer.out, re.MULTILINE)
    assert "[bold" not in answer.out
    assert cli("--version").out.startswith("goinspect ")


@pytest.mark.parametrize(
    "arguments",
    [["--nonsense"], ["nonsense"], ["flame", "--nonsense"], ["flame", "--label", "x"], ["flame", "--by", "moon"], ["flame", "--weight", "kg"],
     ["flame", "--format", "gif"], ["flame", "--pid", "x"], ["flame", "--time", "soon"], ["flame", "--time", "1"], ["flame", "--width", "1"],
     ["flame", "--min-width", "-1"], ["pcln"], ["symbolize", "--pid", "0"], ["symbolize", "--format", "xml"], ["disasm"], ["disasm", "x"],
     ["disasm", "x", "main.main", "--syntax", "masm"], ["annotate", "a", "b", "c"], ["annotate", "--min", "x"], ["annotate", "--min", "101"],
     ["annotate", "--syntax", "masm"], ["annotate", "--hide", "x"], ["calls", "x"], ["calls", "x", "f", "--depth", "0"],
     ["calls", "x", "f", "--format", "svg"], ["probe", "x"], ["probe", "x", "f", "--format", "gdb"], ["symbols"], ["symbols", "x", "--kind", "stone"], ["symbols", "x", "--sort", "age"],
     ["symbols", "x", "-n", "many"], ["pcln", "x", "--color", "pink"], ["symbols", "x", "--by", "moon"],
     ["symbols", "x", "--format", "xml"], ["info"], ["info", "x", "--format", "xml"], ["info", "x", "--color", "pink"],
     ["compare"], ["compare", "x"], ["compare", "x", "y", "--by", "moon"], ["compare", "x", "y", "--format", "svg"],
     ["maps"], ["maps", "1", "--format", "xml"], ["ps", "["], ["ps", "--sort", "color"], ["ps", "-n", "-1"],
     ["compare", "x", "y", "-n", "-1"], ["compare", "x", "y", "--fail-if", "grew"]],
)  # fmt: skip
def test_usage_errors(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = cli(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert answer.err.strip()
    assert list(tmp_path.iterdir()) == []


def test_a_real_process():
    """The same codes and lines when nothing is in process."""
    good, bad, wrong = (
        process("pcln", BINARY, "401000"),
        process("pcln", "/nowhere"),
        process("pcln", "--nonsense"),
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == "0x401000  internal/abi.BoundsDecode  internal/abi/bounds.go:86\n"
    assert (bad.returncode, bad.stdout) == (1, "")
    assert re.fullmatch(r"goinspect: /nowhere: .*No such file.*\n", bad.stderr)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Traceback" not in wrong.stderr


# --- pipes and signals ---


@pytest.mark.parametrize(
    ("arguments", "first"),
    [(["pcln", BINARY, "--functions"], "entry"), (["symbols", BINARY], "address"), (["info", *[BINARY] * 40], str(BINARY)),
     (["compare", BINARY, C_PROGRAM, "--symbols", "-q"], "Lost:")],
    ids=["pcln", "symbols", "info", "compare"],
)  # fmt: skip
def test_a_reader_that_goes_away(arguments, first):
    """`| head -1`: silence, and the exit code of a program that SIGPIPE ended."""
    command = shlex.join([*COMMAND, *map(str, arguments)])
    answer = subprocess.run(
        ["bash", "-c", f'{command} | head -1; echo "${{PIPESTATUS[0]}}"'],
        capture_output=True, text=True, check=False, env=environment(), timeout=60,
    )  # fmt: skip
    lines = answer.stdout.splitlines()
    assert lines[0].startswith(first)
    assert lines[1:] == ["141"]
    assert answer.stderr == ""


def test_a_reader_that_never_was():
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [*COMMAND, "symbols", str(BINARY)],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        os.close(writer)
        _, err = child.communicate(timeout=60)
    assert err == ""
    assert child.returncode in (-signal.SIGPIPE, 141)


def test_interrupted():
    with subprocess.Popen(
        [*INTERRUPTIBLE, "pcln", str(BINARY), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment(),
    ) as child:  # fmt: skip
        for _ in range(200):  # until it waits for its input
            time.sleep(0.02)
            if "pipe" in Path(f"/proc/{child.pid}/wchan").read_text():
                break
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert child.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert out == ""


# --- colours ---


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ([], {}, False),  # no terminal
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color", "auto"], {"FORCE_COLOR": "1"}, True),
    ],
)
def test_color(options, env, colored):
    answer = cli("pcln", BINARY, "401000", *options, env=env)
    assert ("\x1b[" in answer.out) == colored
    assert re.sub(r"\x1b\[\d*m", "", answer.out) == cli("pcln", BINARY, "401000").out


@pytest.mark.parametrize(
    ("env", "colored"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_color_on_a_terminal(env, colored):
    master, slave = os.openpty()
    with subprocess.Popen(
        [*COMMAND, "pcln", str(BINARY), "401000"], stdout=slave, stderr=slave, env=environment(**env)
    ) as child:
        assert child.wait(60) == 0
    os.close(slave)
    out = os.read(master, 65536).decode()
    os.close(master)
    assert ("\x1b[" in out) == colored
    assert "BoundsDecode" in out


def test_a_picture_is_not_written_to_a_terminal():
    master, slave = os.openpty()
    with subprocess.Popen(
        [*COMMAND, *map(str, FLAME), "-o", "-"],
        stdout=slave,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        _, err = child.communicate(timeout=60)
    os.close(slave)
    os.close(master)
    assert child.returncode == 1
    assert err.startswith("goinspect: refusing to write a picture to the terminal")


@pytest.mark.parametrize(
    "command", [["--functions", "--json"], ["401000", "--format", "addr2line"], ["--functions"]]
)
def test_no_colors_where_programs_read(command):
    assert "\x1b" not in cli("pcln", BINARY, *command, "--color", "always").out
