"""What people look at in `go tool pprof`: its reports and its pages, of a recording of a stripped PIE written by goinspect."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from html import unescape

import pytest

from tests.cli.runner import cli
from tests.conftest import FIXTURES

GO = shutil.which("go")
BUILD = "go1.27-piestripped"
SOURCES = ("-source_path", str(FIXTURES / "workload"), "-trim_path", "example.com/workload")

pytestmark = pytest.mark.skipif(GO is None, reason="no Go here: nothing shows profiles")


@pytest.fixture(scope="module")
def profile(tmp_path_factory, fixture_file):
    target = tmp_path_factory.mktemp("views") / "x.pb.gz"
    given = (fixture_file(BUILD, "perf.data"), "-b", fixture_file(BUILD, "workload"))
    said = cli("flame", *given, "--kallsyms", FIXTURES / BUILD / "kallsyms", "-o", target)
    assert said.code == 0, said.err
    return target


def environment(folder) -> dict[str, str]:
    # With the home directory of whoever runs the tests: go tool builds pprof there when it is asked for first.
    return os.environ | {"GOTOOLCHAIN": "local", "PPROF_TMPDIR": str(folder)}


def report(profile, *options: str) -> str:
    command = [GO, "tool", "pprof", *options, str(profile)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=profile.parent,
        env=environment(profile.parent),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_list(profile):
    text = report(profile, *SOURCES, "-list", r"main\.inl3$")
    assert re.search(r"ROUTINE =+ main\.inl3 in .*main\.go", text)
    rows = re.findall(r"^ *([\d.]+m?s|\.) +([\d.]+m?s|\.) +(\d+):(.*)", text, re.MULTILINE)
    source = (FIXTURES / "workload" / "main.go").read_text().splitlines()
    assert rows
    for _, _, line, code in rows:
        assert code.strip() == source[int(line) - 1].strip()
    cost = {int(line): own for own, _, line, _ in rows if own != "."}
    assert {98, 99, 100} <= cost.keys()
    assert cost[100] == "32.03ms"


def test_peek(profile):
    text = report(profile, "-peek", r"main\.inl2$")
    assert "main.inl1 (inline)" in text
    assert "main.inl3 (inline)" in text


def test_traces(profile):
    text = report(profile, "-traces")
    frames = [re.sub(r"^ *[\d.]+m?s ", "", line).strip() for line in text.splitlines()]
    wanted = [
        "main.inl3 (inline)",
        "main.inl2 (inline)",
        "main.inl1 (inline)",
        "main.leafA",
        "main.inlineChain",
    ]
    starts = [row for row, frame in enumerate(frames) if frame == wanted[0]]
    assert starts
    assert all(frames[row : row + len(wanted)] == wanted for row in starts)
    assert re.search(r"^ +process:  workload$", text, re.MULTILINE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def pages(profile):
    """What `go tool pprof -http` answers to a path."""
    place = f"127.0.0.1:{free_port()}"
    command = [GO, "tool", "pprof", *SOURCES, f"-http={place}", "-no_browser", str(profile)]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def page(path: str) -> str:
        with opener.open(f"http://{place}{path}", timeout=30) as answer:
            assert answer.status == 200
            return answer.read().decode()

    # The tool is a program that the go command starts: it ends with the group that both are in.
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=profile.parent, env=environment(profile.parent),
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            for _ in range(1200):
                try:
                    page("/ui/top")
                    break
                except OSError:
                    assert process.poll() is None
                    time.sleep(0.1)
            yield page
        finally:
            os.killpg(process.pid, 15)


def test_flame_graph_page(pages):
    text = pages("/ui/flamegraph")
    for name in ("main.inl3", "main.leafA", "runtime.goexit", "main.runPinned"):
        assert f'"{name}"' in text
    assert "<unknown>" not in text


def test_top_page(pages):
    text = pages("/ui/top")
    assert "main.spin" in text
    assert "main.inl3" in text
    assert "150.15ms" in text


def test_source_page(pages):
    text = unescape(pages("/ui/source?f=main%5C.inl3%24"))
    assert "main.inl3" in text
    assert "main.go" in text
    assert (FIXTURES / "workload" / "main.go").read_text().splitlines()[98].strip() in text
    assert "32.03ms" in text


def test_peek_page(pages):
    text = unescape(pages("/ui/peek?f=main%5C.inl2"))
    assert re.search(r"main\.inl1 .*main\.go:\d+ \(inline\)", text)
    assert re.search(r"main\.inl3 .*main\.go:\d+ \(inline\)", text)
