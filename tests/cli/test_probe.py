"""`goinspect probe`: what is shown in every format; and bpftrace and perf, which count what the program counts."""

from __future__ import annotations

import json
import lzma
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.cli.demo import BINARY
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.cprograms import C_PROGRAM

FUNCTIONS = (
    "main.branchy", "main.recurse", "main.(*counter).Add", "main.square.area", "main.mixed", "main.guarded",
    "main.generic[...]", "main.never",
)  # fmt: skip
TRACING = next((path for path in map(Path, ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")) if os.access(path / "uprobe_events", os.W_OK)), None)  # fmt: skip


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    path = tmp_path_factory.mktemp("probed") / "probed"
    path.write_bytes(lzma.decompress((FIXTURES / "probed" / "probed.xz").read_bytes()))
    path.chmod(0o755)
    return path


def why_not(tool: str) -> str:
    """Why probes cannot be set here; "" if they can."""
    if shutil.which(tool) is None:
        return f"{tool} is not installed"
    if os.geteuid() != 0:
        return "only root sets uprobes"
    if TRACING is None or not os.access(TRACING / "uprobe_events", os.W_OK):
        return "the kernel has no uprobes, or does not let them be set"
    return "" if os.uname().machine == "x86_64" else "the program is for amd64"


def counted() -> dict[str, tuple[int, int]]:
    """What the program says: calls and returns."""
    rows = (FIXTURES / "probed" / "counts.txt").read_text().splitlines()[1:]
    return {name: (int(calls), int(returns)) for name, calls, returns in (row.rsplit(" ", 2) for row in rows)}


# --- the real tools ---


def first_instruction(program: Path) -> int:
    """Offset in an ELF file of what runs first, by its own headers (System V gABI, chapters 4 and 5)."""
    data = program.read_bytes()
    entry, table = struct.unpack_from("<QQ", data, 24)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, vaddr, _, length = struct.unpack_from("<IIQQQQ", data, table + size * number)
        if kind == 1 and vaddr <= entry < vaddr + length:
            return entry - vaddr + offset
    raise AssertionError("no segment holds the entry")


def trace(script: str, program: Path, folder: Path) -> str:
    """What bpftrace prints; skips where it cannot attach anything at all."""
    path = folder / "script.bt"
    path.write_text(script)
    run = subprocess.run(
        ["bpftrace", "--unsafe", path, "-c", str(program)], capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"BPFTRACE_PERF_RB_PAGES": "4096"},
    )  # fmt: skip
    if run.returncode:
        control = f"uprobe:{program}:{first_instruction(program):#x} {{ exit(); }}"
        other = subprocess.run(
            ["bpftrace", "--unsafe", "-e", control, "-c", str(program)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if other.returncode:
            pytest.skip(f"bpftrace sets no uprobes here: {other.stderr.strip().splitlines()[-1:]}")
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.skipif(bool(why_not("bpftrace")), reason=why_not("bpftrace"))
def test_bpftrace_counts_what_the_program_counts(probed, tmp_path):
    """Of a stripped PIE: every call and every return, once; and reads arguments, results and the goroutine's number."""
    script = cli("probe", probed, *FUNCTIONS, "--format", "bpftrace")
    assert script.code == 0
    out = trace(script.out, probed, tmp_path)
    found = {
        which: {
            name: int(count) for name, count in re.findall(rf"^@{which}\[(.*)\]: (\d+)$", out, re.MULTILINE)
        }
        for which in ("calls", "returns")
    }
    for name, (calls, returns) in counted().items():
        pattern = re.compile(re.escape(name).replace(re.escape("[...]"), r"\[.*\]"))
        assert sum(n for other, n in found["calls"].items() if pattern.fullmatch(other)) == calls, name
        assert sum(n for other, n in found["returns"].items() if pattern.fullmatch(other)) == returns, name
    assert "\ncall main.square.area goid=1 " in out.replace("area goid=1\n", "area goid=1 \n")
    adds = re.findall(
        r"^call main\.\(\*counter\)\.Add goid=1 receiver=0x[0-9a-f]+ arg1=(\d+) arg2=why$", out, re.MULTILINE
    )
    assert adds == [str(number) for number in range(37)]
    results = re.findall(
        r"^return main\.\(\*counter\)\.Add goid=1 result1=(\d+) result2=(\d)$", out, re.MULTILINE
    )
    assert results[31:] == [("3", "0")] * 6
    assert len(set(re.findall(r"^call main\.recurse goid=(\d+)", out, re.MULTILINE))) == 4


@pytest.mark.skipif(bool(why_not("bpftrace")), reason=why_not("bpftrace"))
def test_the_entry_is_come_upon_more_often(probed, tmp_path):
    """The reason for the point behind the stack check."""
    (function,) = json.loads(cli("probe", probed, "main.recurse", "--json").out)["functions"]
    entry, body = function["points"][:2]
    assert (entry["kind"], entry["again"], body["kind"], body["again"]) == ("entry", True, "body", False)
    script = "".join(
        f"uprobe:{probed}:{point['file_offset']} {{ @{point['kind']} = count(); }}\n"
        for point in (entry, body)
    )
    out = trace(script, probed, tmp_path)
    calls = counted()["main.recurse"][0]
    assert int(re.findall(r"@body: (\d+)", out)[0]) == calls
    assert int(re.findall(r"@entry: (\d+)", out)[0]) > calls


@pytest.mark.skipif(bool(why_not("perf")), reason=why_not("perf"))
def test_perf_counts_what_the_program_counts(probed, tmp_path):
    script = cli("probe", probed, "main.branchy", "main.(*counter).Add", "--format", "perf").out
    group = f"goinspect{os.getpid()}"
    script = script.replace("goinspect:", f"{group}:")
    made = subprocess.run(["sh", "-e", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    if made.returncode:
        pytest.skip(f"perf sets no probes here: {made.stderr.strip().splitlines()[-1:]}")
    try:
        data = tmp_path / "perf.data"
        subprocess.run(
            ["perf", "record", "-q", "-m", "16M", "-e", f"{group}:*", "-o", data, probed],
            check=True,
            capture_output=True,
            timeout=60,
        )
        out = subprocess.run(
            ["perf", "script", "-i", data], check=True, capture_output=True, text=True, timeout=60
        ).stdout
    finally:
        subprocess.run(
            ["perf", "probe", "-q", "-d", f"{group}:*"], check=False, capture_output=True, timeout=60
        )
    known = counted()
    for event, name in (("main_branchy", "main.branchy"), ("main_counter_Add", "main.(*counter).Add")):
        assert len(re.findall(rf"{group}:{event}:", out)) == known[name][0]
        assert len(re.findall(rf"{group}:{event}_ret\d+:", out)) == known[name][1]
    assert re.findall(r"main_counter_Add: .* arg1=(\d+) arg2_ptr=0x[0-9a-f]+ arg2_len=3", out) == [
        str(n) for n in range(37)
    ]


# --- formats ---


def test_text(probed):
    lines = cli("probe", probed, "main.(*counter).Add").out.splitlines()
    assert lines[1].split() == ["point", "offset", "vaddr", "line"]
    assert [line.split()[0] for line in lines[2:5]] == ["entry", "return", "return"]
    assert "arguments (ABIInternal; types from type data)" in lines
    assert "  arg2      string    cx .ptr, di .len" in lines
    assert "goroutine" in lines
    out = cli("probe", probed, "main.never", "main.(*holder).Add").out
    assert "  never returns\n" in out
    assert "main.(*counter).Add returns in its place" in out
    assert "arguments: types not known; ABIInternal takes ax bx cx di si r8 r9 r10 r11 in this order" in out


def test_json(probed):
    answer = cli("probe", probed, "main.square.area", "--json")
    document = json.loads(answer.out)
    assert document["schema"] == "goinspect.probe/1"
    assert document["goroutine"]["register"] == "r14"
    assert document["goroutine"]["tls_offset"] == -8
    assert document["registers"]["integers"][:3] == ["ax", "bx", "cx"]
    (function,) = document["functions"]
    assert [part["register"] for value in function["arguments"] for part in value["parts"]] == [
        "xmm0",
        "xmm1",
    ]
    assert cli("probe", probed, "main.square.area", "--format", "json").out == answer.out


def test_numbers_of_scripts(probed, fixture_file):
    """Offsets where bpftrace finds no symbols; addresses where it does. perf always takes offsets."""
    whole = fixture_file("go1.27-exe", "workload")
    for path, symbols in ((probed, False), (whole, True)):
        (function,) = json.loads(cli("probe", path, "main.main", "--json").out)["functions"]
        assert function["in_symbol_table"] is symbols
        body = next(point for point in function["points"] if point["kind"] == "body")
        assert body["file_offset"] != body["vaddr"]
        script = cli("probe", path, "main.main", "--format", "bpftrace").out
        assert f"uprobe:{path}:{body['vaddr' if symbols else 'file_offset']}\n" in script
        commands = cli("probe", path, "main.main", "--format", "perf").out
        assert f"perf probe -x {path} --add goinspect:main_main={body['file_offset']}" in commands


def test_several_and_the_same(probed):
    answer = cli("probe", probed, "main.branchy", "main.branchy", "main.generic[...]")
    assert answer.out.count("\n  point ") == 3
    assert "2 functions are called 'main.generic[...]'" in answer.err


@pytest.mark.parametrize(
    ("query", "said"),
    [("main.inl2", "'main.inl2' has no code of its own: it was inlined into main.leafA"),
     ("main.runn", "no function is called 'main.runn': did you mean main.run?")],
)  # fmt: skip
def test_no_answer(query, said):
    assert cli("probe", BINARY, query) == (1, "", f"goinspect: {BINARY}: {said}\n")


def test_other_files(tmp_path):
    assert cli("probe", C_PROGRAM, "main").code == 1
    assert cli("probe", BINARY).code == 2
    odd = tmp_path / 'a"b'
    odd.symlink_to(BINARY)
    for form in ("bpftrace", "perf"):
        answer = cli("probe", odd, "main.main", "--format", form)
        assert (answer.code, answer.out) == (1, "")
        assert "its path has characters" in answer.err


def test_help_warns_of_return_probes():
    text = " ".join(cli("probe", "--help").out.split())
    assert "uretprobe" in text
    assert "put uprobes on each return instead" in text
