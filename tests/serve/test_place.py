"""Where to listen, and who a browser may say it is asking."""

from __future__ import annotations

import errno
import re
import socket

import pytest

from goinspect.errors import FileError, QueryError
from goinspect.serve.place import Place, answers_to, parse_place
from goinspect.serve.server import Server, listen
from tests.cli.runner import cli


@pytest.mark.parametrize(
    ("text", "place"),
    [("8080", ("127.0.0.1", 8080)), (":8080", ("127.0.0.1", 8080)), ("localhost:0", ("localhost", 0)), ("[::1]:65535", ("::1", 65535)),
     ("0.0.0.0:80", ("0.0.0.0", 80)), ("build-7.lan:9000", ("build-7.lan", 9000))],
)  # fmt: skip
def test_places(text, place):
    assert parse_place(text) == place
    assert parse_place(str(parse_place(text))) == place


@pytest.mark.parametrize(
    "text", ["", ":", "localhost", "localhost:", "8080:localhost", "65536", "999999", "-1", "::1:80", "[::1]", "[localhost]:80", "http://x:80", "٣", "a b:c"]
)  # fmt: skip
def test_no_places(text):
    with pytest.raises(QueryError, match=r"expected|brackets"):
        parse_place(text)
    said = cli("flame", "nowhere.data", "--http", text)
    assert said.code == 2
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("header", "local", "everywhere"),
    [("localhost", True, True), ("localhost:8080", True, True), ("LOCALHOST.:1", True, True), ("127.0.0.1:8080", True, True),
     ("127.9.9.9", True, True), ("[::1]:8080", True, True), ("build-7.lan:80", True, True), ("192.0.2.7:80", False, True),
     ("[2001:db8::1]", False, True), ("evil.example", False, False), ("localhost.evil.example:8080", False, False),
     ("127.0.0.1.evil.example", False, False), ("evil.example:80@localhost", False, False), ("", False, False), ("localhost:x", False, False),
     ("user@localhost", False, False), ("[evil]:80", False, False), ("2130706433", False, False)],
)  # fmt: skip
def test_names_of_others_are_not_answered_to(header, local, everywhere):
    assert answers_to(header, "build-7.lan", is_local=True) is local
    assert answers_to(header, "build-7.lan", is_local=False) is everywhere


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = cli("flame", "nowhere.data", "--http", port)
        assert (said.code, said.out) == (1, "")
        assert re.fullmatch(
            rf"goinspect: 127\.0\.0\.1:{port}: cannot listen there: the port is in use .*\n", said.err
        )


@pytest.mark.parametrize(
    ("number", "told"), [(errno.EACCES, "no permission"), (errno.EADDRNOTAVAIL, "no such address")]
)
def test_where_one_may_not_listen(number, told, monkeypatch):
    def refuse(_):
        raise OSError(number, "refused")

    monkeypatch.setattr(Server, "server_bind", refuse)
    with pytest.raises(FileError, match=told):
        listen(Place("127.0.0.1", 80))


def test_no_such_host(monkeypatch):
    def nobody(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    said = cli("flame", "nowhere.data", "--http", "nobody.invalid:80")
    assert (said.code, said.out) == (1, "")
    assert said.err == "goinspect: nobody.invalid:80: cannot listen there: no host is called so\n"


@pytest.mark.parametrize(
    "more",
    [["-o", "x.html"], ["--json"], ["--format", "svg"], ["--list-events"]],
)
def test_what_serving_excludes(more):
    said = cli("flame", "nowhere.data", "--http", "0", *more)
    assert said.code == 2
    assert "--http" in said.err


def test_no_browser_without_a_server():
    assert cli("flame", "nowhere.data", "--no-browser").code == 2


def test_a_server_for_everybody_says_so(tmp_path):
    said = cli("flame", tmp_path / "none.data", "--http", "0.0.0.0:0")
    assert said.code == 1
    warned, failed = said.err.splitlines()
    assert re.fullmatch(r"goinspect: warning: whoever reaches 0\.0\.0\.0:\d+ reads this profile.*", warned)
    assert "none.data" in failed
