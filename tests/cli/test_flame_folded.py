"""`goinspect flame` on folded stacks: from files and pipes, pictures of sizes, and what is said about bad input."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import re
import subprocess
from xml.etree import ElementTree as ET

import pytest

from tests.cli.demo import RECORDING
from tests.cli.runner import COMMAND, cli, environment

STACKS = "srv;main.main;main.f 30\nsrv;main.main;main.g_[i] 10\nsrv;main.main 5\n"
SIZES = "# goinspect sizes unit=bytes\nmain;main.f 1234\nmain;main.(*T);main.(*T).Get 400\nruntime;variables;runtime.mheap_ 93500\n"


@pytest.fixture
def put(tmp_path):
    def put(text, name="x.folded"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return put


def words(text):
    """Of a picture: title, subtitle, labels from the root on, legend."""
    nodes = list(ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text"))
    heads = [next(node for node in nodes if node.get("class") == name) for name in ("title", "subtitle")]
    return ["".join(node.itertext()) for node in [*heads, *(node for node in nodes if node not in heads)]]


def test_file_and_pipe_say_the_same(put):
    plain = "srv;main.main 5\nsrv;main.main;main.f 30\nsrv;main.main;main.g 10\n"
    said = "goinspect: 45 samples in 3 stacks, 100.0% of 8 frames named\n"
    assert cli("flame", put(STACKS), "--format", "folded") == (0, plain, said)
    assert cli("flame", "-", "--format", "folded", stdin=STACKS) == (0, plain, said)
    process = subprocess.run(
        [*COMMAND, "flame", "-", "--format", "folded", "-q"], input=STACKS, capture_output=True, text=True,
        env=environment(), timeout=60, check=True,
    )  # fmt: skip
    assert (process.stdout, process.stderr) == (plain, "")


def test_process_substitution(put):
    """A pipe with a name: what stands in it is read, and one that nobody writes to is empty (test_bad_input)."""
    reader, writer = os.pipe()
    os.write(writer, STACKS.encode())
    os.close(writer)
    answer = cli("flame", f"/dev/fd/{reader}", "--format", "folded")
    os.close(reader)
    assert answer == cli("flame", put(STACKS), "--format", "folded")


def test_a_picture_of_samples(put):
    found = words(cli("flame", put(STACKS, "odd name.txt"), "-o", "-").out)
    assert found[:2] == ["Flame graph of odd name.txt", "45 samples in 3 stacks"]
    assert "main.g" in found
    assert words(cli("flame", "-", "-o", "-", stdin=STACKS).out)[0] == "Flame graph"
    assert words(cli("flame", "-", "-o", "-", "--title", "Mine", "--unit", "ms", stdin=STACKS).out)[:2] == [
        "Mine", "45.0 ms in 3 stacks",
    ]  # fmt: skip


def test_a_picture_of_sizes(put):
    code, out, err = cli("flame", put(SIZES), "-o", "-")
    assert (code, err) == (0, "goinspect: 95.1 kB in 3 symbols\n")
    found = words(out)
    assert found[:2] == ["Symbol sizes: x.folded", "95.1 kB in 3 symbols"]
    assert "sample" not in out.partition("<script>")[0]
    tooltips = [node.text for node in ET.fromstring(out).iter("{http://www.w3.org/2000/svg}title")]
    assert "main.f\n1.2 kB, 1.3 %" in tooltips
    assert tooltips.index("runtime\n93.5 kB, 98.3 %") < tooltips.index(
        "main\n1.6 kB, 1.7 %"
    )  # the larger first
    assert words(cli("flame", "-", "-o", "-", stdin=SIZES).out)[0] == "Symbol sizes"


def test_nothing_left_to_draw():
    assert "No bytes to draw" in words(cli("flame", "-", "-o", "-", "--focus", "absent", stdin=SIZES).out)
    assert "No samples to draw" in words(cli("flame", "-", "-o", "-", "--focus", "absent", stdin=STACKS).out)


def test_top_and_json():
    assert (
        "93.5 kB    98.3%  93.5 kB      98.3%  runtime.mheap_\n"
        in cli("flame", "-", "--format", "top", stdin=SIZES).out
    )
    result = json.loads(cli("flame", "-", "--json", stdin=STACKS + "x\n").out)
    assert result["events"] == [{"name": "samples", "samples": 45, "weight": 45, "unit": "samples"}]
    assert result["totals"]["samples"] == 45
    assert result["warnings"] == [
        "1 of 4 lines are left out as no folded stacks; line 4: no stack and weight in 'x'"
    ]


def test_annotations():
    assert "main.g_[i] 10\n" in cli("flame", "-", "--format", "folded", "--annotate", stdin=STACKS).out


def test_hostile_names():
    code, out, err = cli("flame", "-", "--format", "folded", stdin="a\x1b]0;x\x07 1\nbad\x1b[31m\nb 2\n")
    assert (code, out) == (0, "a\\x1b]0;x\\x07 1\nb 2\n")
    assert "\x1b" not in err
    assert "in 'bad\\x1b[31m'" in err


@pytest.mark.parametrize(
    "option",
    ["--pid 1", "--tid 1", "--comm x", "--cpu 0", "--time 1,2", "--event cycles", "--list-events", "--weight samples",
     "--by thread", "--by none", "--lines", "-b x", "--symfs /", "--kallsyms x"],
)  # fmt: skip
def test_options_of_recordings_are_refused(option):
    code, out, err = cli("flame", "-", "--format", "folded", *option.split(), stdin=STACKS)
    assert (code, out) == (1, "")
    assert re.fullmatch(r"goinspect: --[a-z-]+ needs a recording: folded stacks .*\n", err)


def test_a_unit_is_for_folded_stacks():
    code, _, err = cli("flame", RECORDING, "--unit", "ns", "--format", "folded")
    assert (code, err) == (
        1,
        "goinspect: --unit is for folded stacks: the events of a recording have units\n",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty, expected a recording, a profile or folded stacks"),
        (
            b"Once upon a time\n",
            "starts with 'Once upo', expected a perf.data recording .* or folded stacks .*",
        ),
        (b"\x1f\x8b\x08\0\0\0\0\0", "the gzip data is cut off: read as far as it goes, expected .*"),
        (
            gzip.compress(b"Once upon a time", mtime=0),
            "is compressed, and what is inside starts with 'Once upo', expected .*",
        ),
        (b"a;b", "no folded stack .* in it: line 1: no stack and weight in 'a;b'"),
        (b"a 999999999999999999\n" * 10, "the weights add up to .*, which is more than 2\\^63"),
    ],
)
def test_what_a_pipe_may_not_hold(content, said):
    answer = subprocess.run(
        [*COMMAND, "flame", "-", "--format", "folded"], input=content, capture_output=True, env=environment(),
        timeout=60, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stdout) == (1, b"")
    assert re.fullmatch(f"goinspect: stdin: {said}\n", answer.stderr.decode())


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_recordings_come_through_pipes(pack):
    """Compressed or not, the answer is that for the file."""
    command = [*COMMAND, "flame", "-b", str(RECORDING.parent / "workload"), "--format", "folded"]
    answers = [
        subprocess.run(
            [*command, "-"], input=pack(RECORDING.read_bytes()), capture_output=True, env=environment(),
            timeout=60, check=False,
        ),
        subprocess.run([*command, RECORDING], capture_output=True, env=environment(), timeout=60, check=False),
    ]  # fmt: skip
    assert [answer.returncode for answer in answers] == [0, 0]
    assert answers[0].stdout == answers[1].stdout != b""
