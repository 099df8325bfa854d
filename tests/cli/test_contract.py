"""What scripts rely on: exit codes, help, colours, closed pipes, where results go and what is said on stderr."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.runner import COMMAND, INTERRUPTIBLE, cli, environment, process
from tests.conftest import FIXTURES
from tests.cprograms import C_PROGRAM

FOLDER = FIXTURES / "go1.27-piestripped"
BINARY, RECORDING, KALLSYMS = FOLDER / "workload", FOLDER / "perf.data", FOLDER / "kallsyms"
FLAME = ["flame", RECORDING, "--kallsyms", KALLSYMS]
COMMANDS = ("flame", "pcln", "disasm", "symbols", "info", "compare")
SUMMARY = re.compile(
    r"goinspect: 788 samples, 0 lost, 8 threads, (100\.0|99\.\d\d)% of [\d,]+ frames named, 67 stacks truncated, "
    r"[\d,]+ garbage frames dropped, 4\d\d leaves whose caller is hidden(, 1 binaries not found: \S+)?"
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
    [["--nonsense"], ["nonsense"], ["flame", "--nonsense"], ["flame", "a", "b"], ["flame", "--by", "moon"], ["flame", "--weight", "kg"],
     ["flame", "--format", "gif"], ["flame", "--pid", "x"], ["flame", "--time", "soon"], ["flame", "--time", "1"], ["flame", "--width", "1"],
     ["flame", "--min-width", "-1"], ["pcln"], ["disasm"], ["disasm", "x"],
     ["disasm", "x", "main.main", "--syntax", "masm"], ["symbols"], ["symbols", "x", "--kind", "stone"], ["symbols", "x", "--sort", "age"],
     ["symbols", "x", "-n", "many"], ["pcln", "x", "--color", "pink"], ["symbols", "x", "--by", "moon"],
     ["symbols", "x", "--format", "xml"], ["info"], ["info", "x", "--format", "xml"], ["info", "x", "--color", "pink"],
     ["compare"], ["compare", "x"], ["compare", "x", "y", "--by", "moon"], ["compare", "x", "y", "--format", "svg"],
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


# --- where results go ---


@pytest.mark.parametrize(
    "arguments",
    [["pcln", BINARY, "401000"], ["pcln", BINARY, "401000", "--json"], ["symbols", BINARY], ["info", BINARY],
     ["symbols", BINARY, "--by", "module"], ["compare", BINARY, BINARY, "--format", "markdown"], ["info", BINARY, "--json"], [*FLAME, "--format", "json"],
     [*FLAME, "--format", "folded"], [*FLAME, "--format", "svg"], [*FLAME, "--format", "top"], [*FLAME, "--list-events"]],
)  # fmt: skip
def test_output(arguments, tmp_path):
    direct = cli(*arguments, "-o", "-")
    assert direct.code == 0
    assert len(direct.out) > 30
    old = os.umask(0o027)
    try:
        answer = cli(*arguments, "-o", tmp_path / "result")
    finally:
        os.umask(old)
    assert (answer.code, answer.out) == (0, "")
    assert (tmp_path / "result").read_bytes() == direct.out.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "arguments",
    [["pcln", BINARY, "401000"], ["info", BINARY], ["compare", BINARY, BINARY]],
    ids=["pcln", "info", "compare"],
)
def test_results_on_files_have_no_color(arguments, tmp_path):
    cli(*arguments, "-o", tmp_path / "result", env={"FORCE_COLOR": "1"})
    assert "\x1b" not in (tmp_path / "result").read_text()


def test_output_replaces_what_was_there(tmp_path):
    """By renaming: who has the old file open still reads the old one, whole."""
    target = tmp_path / "flame.svg"
    target.write_text("old")
    with target.open() as reader:
        assert cli(*FLAME, "-o", target).code == 0
        assert reader.read() == "old"
    assert target.read_text().startswith(("<?xml", "<svg"))
    assert [path.name for path in tmp_path.iterdir()] == ["flame.svg"]


def test_output_into_a_device():
    assert cli("pcln", BINARY, "401000", "-o", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)  # it was not renamed over


def test_flame_writes_flame_svg(tmp_path):
    answer = process(*FLAME, cwd=tmp_path)
    assert answer.returncode == 0
    assert answer.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["flame.svg"]
    said = answer.stderr.splitlines()
    assert re.fullmatch(r"goinspect: wrote flame\.svg \(\d+\.\d kB\)", said[-2])
    assert SUMMARY.fullmatch(said[-1]), said[-1]


@pytest.mark.parametrize(
    ("name", "begin"),
    [("a.svg", "<"), ("a.folded", "workload;"), ("a.txt", "workload;"), ("a.json", "{"), ("a", "<")],
)
def test_the_suffix_chooses_the_format(name, begin, tmp_path):
    assert cli(*FLAME, "-o", tmp_path / name).code == 0
    assert (tmp_path / name).read_text().startswith(begin)


# --- stderr ---


def test_the_summary_is_the_last_line():
    answer = cli(*FLAME, "--format", "folded")
    assert SUMMARY.fullmatch(answer.err.splitlines()[-1])
    assert cli(*FLAME, "--format", "folded", "-q").err == ""


def test_the_summary_does_not_round_up_to_all(tmp_path):
    """100.0% means every frame."""
    result = json.loads(cli(*FLAME, "--json").out)["totals"]
    said = cli(*FLAME, "--format", "top").err.splitlines()[-1]
    assert ("100.0%" in said) == (result["frames_named"] == result["frames"])


def test_the_summary_names_missing_binaries(tmp_path):
    moved = tmp_path / "perf.data"
    recorded = b"/tmp/goinspect-fixtures/run/go1.27-piestripped/workload"
    moved.write_bytes(RECORDING.read_bytes().replace(recorded, b"/nowhere".ljust(len(recorded), b"x")))
    answer = cli("flame", moved, "--format", "folded")
    assert answer.code == 0
    assert re.search(r", 1 binary not found: /nowherex+$", answer.err.splitlines()[-1])
    assert "[nowherexxx" in answer.out


@pytest.mark.parametrize(
    ("typed", "meant"), [("flam", "flame"), ("com", "compare"), ("symbol", "symbols"), ("zz", "")]
)
def test_an_unknown_command(typed, meant):
    """What may have been meant is said once, with any typer and click."""
    answer = cli(typed)
    assert answer.code == 2
    last = answer.err.splitlines()[-1]
    assert last == f"Error: No such command '{typed}'." + (f" Did you mean '{meant}'?" if meant else "")


def test_verbose_tells_about_the_recording():
    assert "goinspect: hostname: fixture" in cli(*FLAME, "--format", "top", "-v").err


# --- flame's own shapes ---


def test_flame_json():
    result = json.loads(cli(*FLAME, "--json").out)
    assert list(result)[:2] == ["schema", "events"]
    assert list(result)[-1] == "warnings"
    assert result["schema"] == "goinspect.flame/1"
    assert isinstance(result["warnings"], list)
    assert result["events"] == [
        {"name": "cpu-clock", "samples": 788, "weight": result["totals"]["weight"], "unit": "ns"}
    ]
    for name in ("samples", "lost", "threads", "frames", "frames_named", "truncated", "garbage_dropped"):
        assert isinstance(result["totals"][name], int)
    stacks = result["stacks"]
    strings, columns, prefix = stacks["strings"], stacks["frames"], stacks["prefix"]
    assert len({len(column) for column in columns.values()}) == 1
    assert sum(prefix["samples"]) == 788
    lines = {}
    for row, weight in enumerate(prefix["weight"]):
        if weight:
            names, at = [], row
            while at >= 0:
                assert prefix["parent"][at] < at
                names.append(strings[columns["name"][prefix["frame"][at]]].replace(";", ":"))
                at = prefix["parent"][at]
            line = ";".join(reversed(names))
            lines[line] = lines.get(line, 0) + weight
    folded = cli(*FLAME, "--format", "folded").out
    assert "".join(f"{line} {lines[line]}\n" for line in sorted(lines)) == folded


def test_list_events():
    answer = cli(*FLAME, "--list-events")
    assert answer.out.splitlines()[0].split() == ["event", "samples", "weight"]
    assert answer.out.splitlines()[1].split()[:2] == ["cpu-clock", "788"]
    assert answer.err == ""


def test_annotate():
    plain = cli(*FLAME, "--format", "folded").out
    marked = cli(*FLAME, "--format", "folded", "--annotate").out
    bare = re.sub(r"_\[[ki]\](?=[; ])", "", marked)
    assert sorted({line.rsplit(" ", 1)[0] for line in bare.splitlines()}) == [
        line.rsplit(" ", 1)[0] for line in plain.splitlines()
    ]
    assert "_[k];" in marked
    assert "_[i]" in marked
    assert "main.recurse_[" not in marked


def test_top():
    lines = cli(*FLAME, "--format", "top").out.splitlines()
    assert lines[0].split() == ["own", "own", "%", "total", "total", "%", "function"]
    assert 10 < len(lines) <= 41
    own = [float(re.findall(r"([\d.]+)%", line)[0]) for line in lines[1:]]
    assert own == sorted(own, reverse=True)


def test_filters_on_the_command_line():
    def samples(*options):
        return int(re.search(r"goinspect: ([\d,]+) samples", cli(*FLAME, "--format", "top", *options).err)[1])

    assert samples("--pid", "20593") == 788
    assert samples("--pid", "1") == 0
    assert 0 < samples("--tid", "20593", "--tid", "20595") < 788
    assert samples("--comm", "workload") == 788
    first, rest = samples("--time", ",0.2"), samples("--time", "0.2,")
    assert first + rest == 788
    assert first > 0
    assert rest > 0
    assert samples("--time", "0.1,0.2") < first


@pytest.mark.parametrize("option", ["--focus", "--ignore", "--hide"])
def test_bad_regular_expressions(option, tmp_path):
    answer = cli(*FLAME, option, "(", "-o", tmp_path / "flame.svg")
    assert answer.code == 1
    assert answer.err.startswith(f"goinspect: {option} '(' is no regular expression")
    assert list(tmp_path.iterdir()) == []


def test_unknown_event():
    answer = cli(*FLAME, "--event", "cycles", "-o", "-")
    assert answer.code == 1
    assert answer.err == "goinspect: no event 'cycles', recorded are: cpu-clock\n"
