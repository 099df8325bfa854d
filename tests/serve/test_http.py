"""The server as a process: what it answers and to whom, new recordings, and how it ends."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zlib
from contextlib import suppress

import pytest

import goinspect
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.profiles.servers import answer, serving
from tests.render.reports import STACKS
from tests.serve.running import running

BUILD = FIXTURES / "go1.27-piestripped"
RECORDING = [BUILD / "perf.data", "--kallsyms", BUILD / "kallsyms"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "a.folded"
    path.write_text(STACKS + "\n")
    with running(path) as found:
        yield found


def data_of(page):
    """The line of JSON at the beginning of a report's data."""
    text = re.search(r'id="data">([^<]*)<', page)[1]
    return json.loads(zlib.decompress(base64.b64decode(text)).partition(b"\n")[0])


def test_the_page(server):
    page = server.ask()
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    data = data_of(page.text)
    assert "encoding/json.Unmarshal" in data["functions"]
    assert data["live"]["version"] == json.loads(server.ask("/state").text)["version"]
    head = server.ask(method="HEAD")
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == page.headers["Content-Length"] == str(len(page.text.encode()))
    assert server.url.startswith("http://127.0.0.1:")


def test_headers(server):
    for path in ("/", "/state", "/function?name=x", "/nothing"):
        headers = server.ask(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert (
            headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
        )
        assert headers["Server"] == "goinspect"
        assert not any(name.lower().startswith("access-control") for name in headers)
    policy = server.ask().headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert f'content="{policy.partition("; frame-ancestors")[0]}"' in server.ask().text


def test_the_file_still_asks_nothing(tmp_path):
    (tmp_path / "a.folded").write_text(STACKS + "\n")
    page = goinspect.flame(tmp_path / "a.folded").text("html")
    assert "connect-src" not in page
    assert data_of(page)["live"] is None


@pytest.mark.parametrize(
    ("status", "path", "method", "headers"),
    [
        (404, "/etc/passwd", "GET", {}),
        (404, "/../../etc/passwd", "GET", {}),
        (404, "/state/", "GET", {}),
        (400, "http://evil.example/", "GET", {}),
        (400, "*", "GET", {}),
        (405, "/", "POST", {}),
        (405, "/", "PUT", {}),
        (405, "/", "OPTIONS", {}),
        (405, "/", "<SCRIPT>", {}),
        (413, "/", "GET", {"Content_Length": "5"}),
        (413, "/", "GET", {"Transfer_Encoding": "chunked"}),
        (414, "/" + "x" * 70_000, "GET", {}),
        (431, "/", "GET", {"X_Long": "x" * 70_000}),
        (431, "/", "GET", {f"X_{i}": "x" for i in range(200)}),
        (403, "/", "GET", {"Host": "evil.example"}),
        (403, "/", "GET", {"Host": "evil.example:80"}),
        (403, "/state", "GET", {"Host": ""}),
        (403, "/", "GET", {"Origin": "http://evil.example"}),
        (403, "/", "GET", {"Origin": "null"}),
        (403, "/state", "GET", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}),
        (403, "/state", "GET", {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"}),
        (200, "/", "GET", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}),  # a link to it
        (200, "/", "GET", {"Host": "localhost:9999"}),  # through a tunnel
        (200, "/state", "GET", {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}),
    ],
)
def test_who_is_answered(status, path, method, headers, server):
    reply = server.ask(path, method, **headers)
    assert reply.status == status
    if status != 200:
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert reply.text.count("\n") == 1
        assert "script" not in reply.text.lower()
        assert "encoding/json" not in reply.text
    if status == 405:
        assert reply.headers["Allow"] == "GET, HEAD"
    assert server.ask("/state", Origin=f"http://127.0.0.1:{server.port}").status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x00\xa5",
    ],
)
def test_what_is_no_request(sent, server):
    """Whatever comes, nothing is told, and others are answered."""
    with socket.create_connection((server.host, server.port), timeout=20) as wire:
        wire.sendall(sent)
        wire.shutdown(socket.SHUT_WR)
        got = b"".join(iter(lambda: wire.recv(4096), b""))
    assert b"encoding/json" not in got
    assert server.ask("/state").status == 200


def test_idle_connections_are_few(tmp_path):
    """However many are open, asking one by one goes on once they are closed."""
    (tmp_path / "a.folded").write_text(STACKS + "\n")
    with running(tmp_path / "a.folded") as found:
        wires = [socket.create_connection((found.host, found.port), timeout=20) for _ in range(64)]
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            found.ask("/state")
        for wire in wires:
            wire.close()
        for _ in range(200):
            with suppress(ConnectionError):
                assert found.ask("/state").status == 200
                return
        pytest.fail("no answer")


def test_functions():
    """The JSON of `goinspect annotate`, which tests/analysis/annotate compares with `perf annotate`."""
    with running(*RECORDING) as found:
        reply = found.ask("/function?name=main.leafA")
        assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert json.loads(reply.text) == json.loads(
            cli("annotate", RECORDING[0], "main.leafA", *RECORDING[1:], "--json").out
        )
        version = json.loads(found.ask("/state").text)["version"]
        assert found.ask(f"/function?name=main.leafA&version={version}").text == reply.text
        assert found.ask("/function?name=main.leafA&version=old").status == 409
        for path, status in (
            ("/function?name=no.such", 404),
            ("/function", 400),
            ("/function?name=a&name=b", 400),
        ):
            reply = found.ask(path)
            assert reply.status == status
            assert json.loads(reply.text)["error"]


def test_a_binary_that_is_overwritten(tmp_path):
    """Its code was mapped: what is cut off then must not be read."""
    binary = tmp_path / "workload"
    shutil.copy(BUILD / "workload", binary)
    with running(*RECORDING, "-b", binary) as found:
        assert found.ask("/function?name=main.spin").status == 200
        os.truncate(binary, 0)
        reply = found.ask("/function?name=main.inl2")
        assert reply.status == 404
        assert json.loads(reply.text)["error"]
        shutil.copy(BUILD / "workload", binary)
        assert found.ask("/function?name=main.inl2").status == 200
        assert found.end()[0] == 130


def test_functions_of_stacks_without_addresses(server):
    for _ in range(2):
        reply = server.ask("/function?name=main.work")
        assert reply.status == 404
        assert "folded stacks hold names" in json.loads(reply.text)["error"]


def test_a_new_recording(tmp_path):
    path = tmp_path / "a.folded"
    path.write_text("main.old 3\n")
    with running(path) as found:
        assert data_of(found.ask().text)["functions"] == ["main.old"]
        first = json.loads(found.ask("/state").text)
        assert first == {"version": first["version"], "error": "", "changing": False}

        path.write_text("main.new 30\n")
        then = json.loads(found.until("/state", lambda text: first["version"] not in text).text)
        assert then["error"] == ""
        assert data_of(found.ask().text)["functions"] == ["main.new"]

        path.write_text("main.newest 300\n")  # the next load of the page has it, whoever asks for its state
        assert data_of(found.ask().text)["functions"] == ["main.newest"]

        (tmp_path / "b").write_bytes(b"PERFILE2" + bytes(200))
        (tmp_path / "b").replace(path)
        broken = json.loads(found.until("/state", lambda text: '"error": ""' not in text).text)
        assert str(path) in broken["error"]
        assert "\n" not in broken["error"]
        assert data_of(found.ask().text)["functions"] == ["main.newest"]

        path.unlink()
        gone = json.loads(found.until("/state", lambda text: "No such file" in text).text)
        assert gone["version"] == broken["version"]
        path.write_text("main.last 1\n")
        assert data_of(found.ask().text)["functions"] == ["main.last"]
        code, err = found.end()
    assert code in (130, -signal.SIGINT)
    assert err.count("read again") == 3
    assert err.count("the report from before is still served") == 2
    assert "Traceback" not in err


def test_two_profiles(tmp_path):
    """A new one of either is taken."""
    paths = [tmp_path / "now.folded", tmp_path / "before.folded"]
    for path, weight in zip(paths, (30, 10), strict=True):
        path.write_text(f"main.work {weight}\n")
    with running(paths[0], "--diff", paths[1], "--diff-absolute") as found:
        told = data_of(found.ask().text)["difference"]
        assert (told["base"]["weight"], told["other"]["weight"]) == (10, 30)
        paths[1].write_text("main.work 700\n")
        told = data_of(found.ask().text)["difference"]
        assert (told["base"]["weight"], told["other"]["weight"]) == (700, 30)


def test_from_stdin():
    with (
        (BUILD / "perf.data").open("rb") as file,
        running("-", *RECORDING[1:], "-b", BUILD / "workload", stdin=file) as found,
    ):
        assert "main.leafA" in data_of(found.ask().text)["functions"]
        assert json.loads(found.ask("/function?name=main.leafA").text)["profile"] == "stdin"
        assert json.loads(found.ask("/state").text)["changing"] is False


def test_of_a_url():
    """It is asked once, however often the page is loaded."""
    profile = (FIXTURES / "pprof" / "go1.27" / "cpu.pprof").read_bytes()
    with serving(lambda handler: answer(handler, profile)) as service, running(service.url) as found:
        for _ in range(3):
            assert data_of(found.ask().text)["functions"]
            assert json.loads(found.ask("/state").text)["changing"] is False
        assert len(service.asked) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end(number, tmp_path):
    (tmp_path / "a.folded").write_text(STACKS + "\n")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with running(tmp_path / "a.folded", TMPDIR=str(temporary)) as found:
        wire = socket.create_connection((found.host, found.port), timeout=20)  # does not keep it
        assert found.ask().status == 200
        code, err = found.end(number)
        wire.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((found.host, found.port), timeout=20)
    assert code == (130 if number == signal.SIGINT else 143)
    assert err.splitlines() == [
        "goinspect: 100 samples in 6 stacks, 100.0% of 31 frames named",
        "goinspect: serving the report; Ctrl-C ends it",
    ]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.folded", "tmp"]


def test_a_profile_that_cannot_be_read(tmp_path):
    said = cli("flame", tmp_path / "none", "--http", "0")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"goinspect: {tmp_path / 'none'}: ")
    assert said.err.count("\n") == 1


def test_a_browser_is_opened(tmp_path):
    (tmp_path / "a.folded").write_text(STACKS + "\n")
    asked = tmp_path / "asked"
    program = tmp_path / "browser"
    program.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{asked}.part' && mv '{asked}.part' '{asked}'\n")
    program.chmod(0o755)
    with running(tmp_path / "a.folded", browser=program) as found:
        found.until("/state", lambda _: asked.exists())
        assert asked.read_text() == found.url


def test_no_browser_of_text_is_opened(tmp_path):
    """Without a display: a program in this terminal would be none that one sees."""
    (tmp_path / "a.folded").write_text(STACKS + "\n")
    code = (
        "import os, webbrowser; from goinspect.serve.server import _has_browser\n"
        "[os.environ.pop(name, None) for name in ('BROWSER', 'DISPLAY', 'WAYLAND_DISPLAY')]\nprint(_has_browser())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == str(sys.platform == "darwin")
