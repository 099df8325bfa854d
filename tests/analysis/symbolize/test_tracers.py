"""Stacks as bpftrace, bpftool and others print them; the names are those that `go tool nm` gives the unstripped twin."""

from __future__ import annotations

import json
import re
import struct
from bisect import bisect_right
from collections import Counter

import pytest

from tests.cli.runner import cli
from tests.conftest import FIXTURES, oracle_rows

FOLDER = FIXTURES / "tracers"
BINARY = FIXTURES / "go1.27-piestripped" / "workload"
SOURCE = ("symbolize", "--maps", FOLDER / "maps.txt", "--binary", BINARY)
LINKED_AT = 0x400000  # its first byte, by the program headers

_FUNCTIONS = sorted(
    (int(row[0], 16), row[3]) for row in oracle_rows("go1.27-piestripped", "nm") if row[2] in "tT"
)  # fmt: skip
_STARTS = [start for start, _ in _FUNCTIONS]
_MAPPED = [
    tuple(int(part, 16) for part in line.split()[0].split("-"))
    for line in (FOLDER / "maps.txt").read_text().splitlines()
    if line.endswith("/workload")
]
BASE, END = _MAPPED[0][0], _MAPPED[-1][1]


def nm(address, *, caller):
    """The function of the symbol table that an address of the process is in, or the address."""
    if not BASE <= address < END:
        return f"{address:#x}"
    vaddr = address - caller - BASE + LINKED_AT
    name = _FUNCTIONS[bisect_right(_STARTS, vaddr) - 1][1]
    return name.removesuffix(".abi0").replace(";", ":")


def named(addresses):
    """A stack of addresses, leaf first, as folded frames."""
    return [nm(address, caller=position > 0) for position, address in enumerate(addresses)][::-1]


def folded(lines):
    return "".join(f"{line} {weight}\n" for line, weight in sorted(lines.items()))


def of_text(name):
    """What a file of bpftrace's text should fold to."""
    lines: Counter[str] = Counter()
    for key, weight in re.findall(r"@\[(.*?)\]: (\d+)", (FOLDER / name).read_text(), re.DOTALL):
        frames = [line.strip() for line in key.split("\n") if line.startswith("    ")]
        kernel = [frame.partition("+")[0] for frame in frames if not frame.startswith("0x")]
        user = [int(frame, 16) for frame in frames if frame.startswith("0x")]
        roots = key.rpartition("\n")[2].removeprefix(", ").split(", ")
        lines[";".join([*roots, *named(user), *kernel[::-1]])] += int(weight)
    return lines


@pytest.mark.parametrize("name", ["ustack.bpftrace", "both.bpftrace", "nokernel.bpftrace"])
def test_bpftrace(name):
    expected = of_text(name)
    assert len(expected) > 8
    assert any("main." in line for line in expected) or "schedule" in str(expected)
    answer = cli(*SOURCE, "--no-inline", FOLDER / name)
    assert (answer.code, answer.out) == (0, folded(expected))


def test_bpftrace_json():
    entry = json.loads((FOLDER / "ustack.json").read_text().splitlines()[-1])
    lines: Counter[str] = Counter()
    for key, weight in entry["data"]["@"].items():
        *frames, comm = key.split("\n")[1:]
        lines[";".join([comm.removeprefix(","), *named([int(frame, 16) for frame in frames])])] += weight
    assert len(lines) > 8
    assert cli(*SOURCE, "--no-inline", FOLDER / "ustack.json").out == folded(lines)


def test_inlined_calls_are_frames():
    plain = cli(*SOURCE, "--no-inline", FOLDER / "ustack.bpftrace").out
    whole = cli(*SOURCE, FOLDER / "ustack.bpftrace").out
    assert "main.leafA;main.inl1;main.inl2;main.inl3 " in whole
    assert "main.inl3" not in plain
    assert (
        sum(int(line.rpartition(" ")[2]) for line in whole.splitlines()) == of_text("ustack.bpftrace").total()
    )


def dumped():
    """(stack ID, addresses) of bpftool's JSON."""
    for row in json.loads((FOLDER / "dump.json").read_text()):
        key, value = (bytes(int(byte, 16) for byte in row[name]) for name in ("key", "value"))
        words = struct.unpack(f"<{len(value) // 8}Q", value)
        yield int.from_bytes(key, "little"), [word for word in words if word]


def test_bpftool(tmp_path):
    rows = list(dumped())
    assert len(rows) >= 2
    expected = folded(Counter(";".join(named(addresses)) for _, addresses in rows))
    odd = tmp_path / "dump.txt"
    odd.write_text("\x1c00 00".join((FOLDER / "dump.txt").read_text().rsplit(" 00 00", 1)))
    for name in ("dump.json", "dump.txt", odd):
        assert cli(*SOURCE, "--no-inline", FOLDER / name).out == expected
    document = json.loads(cli(*SOURCE, "--no-inline", FOLDER / "dump.json", "--json").out)
    assert {stack["stack_id"] for stack in document["stacks"]} == {number for number, _ in rows}
    assert len(document["rows"]) == len(
        {(address, i > 0) for _, stack in rows for i, address in enumerate(stack)}
    )


@pytest.mark.parametrize("indent", [None, 1])
def test_bpftool_with_build_ids(tmp_path, indent):
    """struct bpf_stack_build_id, made of the recorded stacks: the kernel tells file offsets, whatever the process."""
    build_id = bytes(range(20))
    program = tmp_path / "workload"
    program.write_bytes(BINARY.read_bytes())
    from goinspect import open as opened

    known = bytes.fromhex(opened(program).image.build_id())
    rows, expected = [], Counter()
    for number, addresses in dumped():
        inside = [address for address in addresses if BASE <= address < END]
        value = b"".join(struct.pack("<i20sQ", 1, known, address - BASE) for address in inside)
        value += struct.pack("<i20sQ", 1, build_id, 0x1234) + bytes(32)
        rows.append({"key": listed(struct.pack("<I", number)), "value": listed(value)})
        expected[";".join(["0x1234", *named(inside)])] += 1
    answer = cli("symbolize", "-b", program, "--no-inline", stdin=json.dumps(rows, indent=indent))
    assert answer.out == folded(expected)
    assert f"build ID {build_id.hex()}" in answer.err


def listed(data):
    return [f"0x{byte:02x}" for byte in data]


def test_json_lines():
    lines, expected = [], Counter()
    for number, addresses in dumped():
        row = {"pid": 7, "tgid": 6, "comm": "w", "stack_id": number, "count": 3,
               "user": [hex(a) if number % 2 else a for a in addresses], "kernel": ["schedule"]}  # fmt: skip
        lines.append(json.dumps(row))
        expected[";".join(["w", *named(addresses), "schedule"])] += 3
    assert cli(*SOURCE, "--no-inline", stdin="\n".join(lines) + "\n").out == folded(expected)


@pytest.mark.parametrize(
    "kernel", [[], ["schedule_[k]"], ["-", "schedule"]], ids=["user", "annotated", "delimited"]
)
def test_folded(kernel):
    """Of bcc's profile -f (-a, -d) and of programs of one's own."""
    given, expected = Counter(), Counter()
    for _, addresses in dumped():
        roots = ["42", "workload"]
        given[";".join([*roots, *(f"{a:#x}" for a in addresses[::-1]), *kernel])] += 5
        expected[";".join([*roots, *named(addresses), *kernel])] += 5
    assert cli(*SOURCE, "--no-inline", stdin=folded(given)).out == folded(expected)


def test_flame_draws_it(tmp_path):
    stacks = tmp_path / "stacks"
    assert cli(*SOURCE, FOLDER / "ustack.bpftrace", "-o", stacks).code == 0
    given = FOLDER / "ustack.bpftrace"
    drawn = cli("flame", given, "--maps", FOLDER / "maps.txt", "-b", BINARY, "--format", "folded", "-q")
    assert (drawn.code, drawn.err) == (0, "")
    assert drawn.out == stacks.read_text() == cli("flame", stacks, "--format", "folded", "-q").out
    other = cli("flame", FOLDER / "maps.txt", "--maps", FOLDER / "maps.txt", "--format", "folded")
    assert (other.code, other.out) == (1, "")
    assert "expected the output of bpftrace" in other.err


def test_other_text_is_no_stacks():
    answer = cli(*SOURCE, "--format", "folded", stdin="nothing here\n")
    assert (answer.code, answer.out) == (1, "")
    assert "no stacks" in answer.err
