"""goinspect flame and annotate of URLs: exit codes, what is said and when, and real Go services."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

import goinspect
from goinspect.api.flame import events_of
from tests.cli.runner import COMMAND, INTERRUPTIBLE, cli, environment
from tests.conftest import FIXTURES
from tests.profiles.servers import answer, serving

PROFILES = FIXTURES / "pprof" / "go1.27"
GO = shutil.which("go")


def served(handler):
    """Every profile by its name, and a recording."""
    name = handler.path.partition("?")[0].rpartition("/")[2].replace("profile", "cpu")
    path = PROFILES / f"{name}.pprof"
    if path.is_file():
        answer(handler, path.read_bytes())
    else:
        answer(handler, b"Unknown profile\n", 404, X_Go_Pprof="1", Content_Type="text/plain; charset=utf-8")


@pytest.fixture
def server():
    with serving(served) as found:
        yield found


def test_a_picture(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = cli("flame", f"{server.url}?token=secret", "--seconds", 7)
    assert (asked.code, asked.out) == (0, "")
    assert server.asked == ["/debug/pprof/profile?token=secret&seconds=7"]
    assert asked.err.startswith("goinspect: wrote flame.svg (")  # no progress where there is no terminal
    picture = (tmp_path / "flame.svg").read_text()
    assert f"Flame graph of {server.url}/debug/pprof/profile" in picture
    assert "secret" not in picture


def test_several_inputs(server):
    url = f"{server.url}/debug/pprof/heap"
    both = cli(
        "flame", url, PROFILES / "heap.pprof", "--sample-type", "alloc_space", "--format", "top", "--json"
    )
    one = cli("flame", PROFILES / "heap.pprof", "--sample-type", "alloc_space", "--format", "top", "--json")
    rows = [{row["function"]: row["total"] for row in json.loads(said.out)["rows"]} for said in (both, one)]
    assert rows[0] == {name: 2 * total for name, total in rows[1].items()}


def test_events(server):
    said = cli("flame", f"{server.url}/debug/pprof/heap", "--list-events")
    assert said.code == 0
    assert said.out == cli("flame", PROFILES / "heap.pprof", "--list-events").out


def test_errors_are_one_line(server):
    for command in ("flame", "annotate"):
        said = cli(command, f"{server.url.replace('//', '//me:secret@')}/x")
        assert said.code == 1
        assert said.err == f"goinspect: {server.url}/x: the server answers 404 Not Found: Unknown profile\n"


@pytest.mark.parametrize("option", [("--seconds", "5"), ("--timeout", "5")])
@pytest.mark.parametrize("command", ["flame", "annotate"])
def test_options_of_urls(command, option):
    said = cli(command, PROFILES / "cpu.pprof", *option)
    assert said.code == 2
    assert f"{option[0]} is for profiles from a server" in said.err


def test_redirects_are_told():
    def answers(handler):
        if handler.path == "/a":
            answer(handler, status=302, Location="/debug/pprof/heap")
        else:
            served(handler)

    with serving(answers) as found:
        said = cli("flame", f"{found.url}/a", "--json")
    warning = f"{found.url}/a: the server redirected to {found.url}/debug/pprof/heap"
    assert json.loads(said.out)["warnings"] == [warning]
    assert f"goinspect: warning: {warning}\n" in said.err


def test_annotate(fixture_file):
    build = "go1.27-piestripped"
    recording, binary = fixture_file(build, "perf.data"), fixture_file(build, "workload")
    with serving(lambda handler: answer(handler, recording.read_bytes())) as found:
        said = cli("annotate", f"{found.url}/perf.data", "main.inl3", "-b", binary, "--timeout", "30")
    assert said.code == 0, said.err
    assert said.out == cli("annotate", recording, "main.inl3", "-b", binary).out


def test_progress_on_a_terminal(server, tmp_path):
    ours, theirs = pty.openpty()
    command = [
        *COMMAND,
        "flame",
        f"{server.url}/debug/pprof/profile?seconds=3",
        "-o",
        str(tmp_path / "x.svg"),
    ]
    with subprocess.Popen(command, stderr=theirs, env=environment()) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 1000)
            except OSError:  # they hung up
                break
    os.close(ours)
    assert process.returncode == 0
    text = said.decode()
    assert f"goinspect: fetching {server.url}/debug/pprof/profile?seconds=3, which records for 3 s" in text
    assert text.rpartition("\x1b[K")[2].startswith("goinspect: wrote ")


def test_interrupted():
    going = threading.Event()

    def answers(_handler):
        going.set()
        time.sleep(5)

    with serving(answers) as found:
        command = [*INTERRUPTIBLE, "flame", found.url, "-o", "-"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        ) as process:
            assert going.wait(30)
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=4)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in said


def test_files_are_read_without_http():
    code = (
        "import sys; from goinspect.profiles import open_profile; open_profile(sys.argv[1]);"
        "print(*{'http', 'ssl', 'socket', 'urllib.request', 'goinspect.profiles.web'} & {*sys.modules})"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(PROFILES / "cpu.pprof")], capture_output=True, text=True, check=True, env=environment()
    )  # fmt: skip
    assert said.stdout == "\n"


# --- real services ---

SERVICE = """
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"runtime"
	"sync"
)

var sink uint64
var lock sync.Mutex

//go:noinline
func spin(n uint64) (x uint64) {
	for i := uint64(0); i < n; i++ {
		x = x*6364136223846793005 + i
	}
	return
}

func work() {
	for {
		lock.Lock()
		sink += spin(1 << 16)
		lock.Unlock()
	}
}

func main() {
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go work()
	go work()
	panic(http.Serve(listener, nil))
}
"""


@contextmanager
def running(program):
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://{process.stdout.readline().strip()}"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    if GO is None:
        pytest.skip("no Go here, which builds a service")
    folder = tmp_path_factory.mktemp("service")
    (folder / "main.go").write_text(SERVICE)
    (folder / "go.mod").write_text("module example.com/service\n\ngo 1.21\n")
    done = subprocess.run(
        [GO, "build", "-ldflags=-s -w", "-o", "service", "."], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"},
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"Go does not build here: {done.stderr[:200]}")
    with running(folder / "service") as url:
        yield url


TYPES = {
    "heap": ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"],
    "allocs": ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"],
    "goroutine": ["goroutine"], "mutex": ["contentions", "delay"], "block": ["contentions", "delay"],
    "threadcreate": ["threadcreate"],
}  # fmt: skip


def test_a_service(service):
    said = cli("flame", service, "--seconds", 1, "--format", "top", "--json")
    assert said.code == 0, said.err
    total = {row["function"]: row["total"] for row in json.loads(said.out)["rows"]}
    assert total["main.work"] >= total["main.spin"] > 0
    for kind, types in TYPES.items():
        opened = goinspect.open_profile(f"{service}/debug/pprof/{kind}")
        assert [event.name for event in events_of(opened)] == types, kind
    assert "main.work" in cli("flame", f"{service}/debug/pprof/mutex", "--format", "folded").out


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("heap?debug=1", "old text format of pprof"),
        ("goroutine?debug=1", "old text format of pprof"),
        ("mutex?debug=1", "old text format of pprof"),
        ("threadcreate?debug=1", "old text format of pprof"),
        ("goroutine?debug=2", "dump of goroutine stacks"),
        ("trace?seconds=1", "is an execution trace of Go"),
        ("", "answers with a page, not a profile"),
        ("nothing", "the server answers 404 Not Found: Unknown profile"),
        ("threadcreate?seconds=x", "the server answers 400 Bad Request: "),
    ],
)
def test_what_else_a_service_has(service, path, said):
    answered = cli("flame", f"{service}/debug/pprof/{path}")
    assert answered.code == 1
    assert said in answered.err
    assert answered.err.count("\n") == 1


def test_two_at_once(service):
    """The second CPU profile is refused, in the server's words."""
    host, _, port = service.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as first:
        first.sendall(b"GET /debug/pprof/profile?seconds=30 HTTP/1.0\r\n\r\n")
        time.sleep(0.3)
        said = cli("flame", service, "--seconds", 1)
    assert said.code == 1
    assert "the server answers 500 Internal Server Error: Could not enable CPU profiling" in said.err
