"""Profiles from servers: what is asked, what is believed of the answer, and what is said where there is none."""

from __future__ import annotations

import gzip
import re
import shutil
import ssl
import subprocess
import time

import pytest

import goinspect
from goinspect.errors import FileError, GoinspectError, QueryError, UnrecognizedFormatError, UnsupportedError
from goinspect.profiles import open_profile
from goinspect.profiles.web import fetch
from goinspect.profiles.web.address import address_of
from goinspect.profiles.web.proxies import proxy_for
from tests.conftest import FIXTURES
from tests.profiles.servers import answer, sending, serving

CPU = (FIXTURES / "pprof" / "go1.27" / "cpu.pprof").read_bytes()
TOTAL = goinspect.flame(FIXTURES / "pprof" / "go1.27" / "cpu.pprof").total
PLAIN = "text/plain; charset=utf-8"


def refusal(url: str, **how) -> GoinspectError:
    with pytest.raises(GoinspectError) as found:
        open_profile(url, **how)
    assert "\n" not in str(found.value)
    return found.value


# --- what is asked ---


@pytest.mark.parametrize(
    ("given", "seconds", "asked"),
    [
        ("http://h", None, "http://h/debug/pprof/profile"),
        ("http://h:6060/", None, "http://h:6060/debug/pprof/profile"),
        ("HTTP://H:80", None, "http://h/debug/pprof/profile"),
        ("https://h:443/x", None, "https://h/x"),
        ("http://h:443/x", None, "http://h:443/x"),
        ("http://[::1]:6060/heap?gc=1#top", None, "http://[::1]:6060/heap?gc=1"),
        ("http://h", 5, "http://h/debug/pprof/profile?seconds=5"),
        ("http://h/p?seconds=30&a=b%26c&empty=", 5, "http://h/p?a=b%26c&empty=&seconds=5"),
        ("http://h/a b/ü?q=ü x", None, "http://h/a%20b/%C3%BC?q=%C3%BC%20x"),
        ("http://user:p%40ss@h/x", None, "http://h/x"),
    ],
)
def test_addresses(given, seconds, asked):
    assert str(address_of(given, seconds)) == asked


@pytest.mark.parametrize(
    "given", ["http://", "http://:80/x", "http://h:99999", "http://h:x/", "http://[::1", "ftp://h/x"]
)
def test_no_addresses(given):
    with pytest.raises(QueryError):
        address_of(given)


@pytest.mark.parametrize(
    ("url", "timeout", "patience"),
    [
        ("http://h", None, 60),
        ("http://h/p?seconds=10", None, 15),
        ("http://h/p?seconds=10", 3, 3),
        ("http://h/p?seconds=-1", None, 60),
        ("http://h/p?seconds=x", None, 60),
        ("http://h/p?seconds=99999999999999999999", None, 60),
    ],
)
def test_patience(url, timeout, patience):
    assert address_of(url).patience(timeout) == patience


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://h/", {}, ""),
        ("http://h/", {"HTTP_PROXY": "http://p:3128"}, "http://p:3128"),
        ("http://h/", {"http_proxy": "p:3128"}, "http://p:3128"),
        ("http://h/", {"HTTPS_PROXY": "p:3128"}, ""),
        ("https://h/", {"HTTPS_PROXY": "p:3128", "HTTP_PROXY": "x"}, "http://p:3128"),
        ("http://h/", {"HTTP_PROXY": "p", "REQUEST_METHOD": "GET"}, ""),
        *((url, {"HTTP_PROXY": "p"}, "") for url in ("http://localhost:1/", "http://127.0.0.9/", "http://[::1]:80/")),
        *(
            (f"http://{host}/", {"HTTP_PROXY": "p", "NO_PROXY": without}, "" if direct else "http://p")
            for host, without, direct in (
                ("h", "*", True), ("a.example.com", "example.com", True), ("example.com", "x, example.com", True),
                ("notexample.com", "example.com", False), ("example.com", ".example.com", False),
                ("a.example.com", ".example.com", True), ("a.example.com", "*.example.com", True),
                ("10.1.2.3", "10.0.0.0/8", True), ("11.1.2.3", "10.0.0.0/8", False), ("10.1.2.3", "10.1.2.3", True),
                ("h:81", "h:80", False), ("h:80", "h:80", True), ("[fe80::1]", "fe80::1", True), ("h", "1.2.3.4/x", False),
            )
        ),
    ],
)  # fmt: skip
def test_proxies_of_the_environment(url, environment, proxy):
    assert proxy_for(address_of(url), environment) == proxy


def test_a_profile():
    with serving(lambda handler: answer(handler, CPU)) as server:
        url = f"{server.url}/debug/pprof/profile?seconds=1"
        flame = goinspect.flame(url)
        assert (flame.total, flame.path, flame.warnings) == (TOTAL, url, ())
        assert len(goinspect.open_profile(server.url)) == len(goinspect.open_profile(url))
        assert server.asked == [
            "/debug/pprof/profile?seconds=1",
            "/debug/pprof/profile",
            "/debug/pprof/profile?seconds=1",
        ]
        assert server.headers[0] == {
            "Host": server.place, "User-Agent": "goinspect", "Accept-Encoding": "gzip", "Connection": "close",
        }  # fmt: skip
        flame.text("svg")
        flame.binary("pprof")
        assert len(server.asked) == 3  # what is there is not fetched again


def test_password_goes_to_its_server_and_into_no_message():
    with serving(lambda handler: answer(handler, status=404)) as server:
        error = refusal(server.url.replace("//", "//me:secr%C3%A9t@") + "/x")
    assert server.headers[0]["Authorization"] == "Basic bWU6c2VjcsOpdA=="
    assert str(error) == f"{server.url}/x: the server answers 404 Not Found"
    assert "secr" not in str(refusal("http://me:secret@h:x/"))


def test_other_formats(fixture_file):
    recording = fixture_file("go1.27-piestripped", "perf.data")
    served = {"/perf.data": recording.read_bytes(), "/x.folded": b"a;b 3\na 1\n"}
    with serving(lambda handler: answer(handler, served[handler.path])) as server:
        assert goinspect.flame(f"{server.url}/x.folded").total == 4
        found = goinspect.open_profile(f"{server.url}/perf.data")
        assert len(found) == len(goinspect.open_profile(recording))


def test_a_file_that_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "x").write_text("a;b 3\n")
    assert goinspect.flame("http://x").total == 3


def test_through_a_proxy(monkeypatch):
    with serving(lambda handler: answer(handler, CPU)) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:pass@"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert goinspect.flame("http://service.invalid:6060/x?y").total == TOTAL
        assert server.asked == ["http://service.invalid:6060/x?y"]
        assert server.headers[0]["Proxy-Authorization"] == "Basic bWU6cGFzcw=="
        assert server.headers[0]["Host"] == "service.invalid:6060"
    assert "through the proxy" in str(refusal("http://service.invalid/"))
    monkeypatch.setenv("HTTP_PROXY", "socks5://me:pass@p")
    error = str(refusal("http://service.invalid/"))
    assert "socks5" in error
    assert "pass" not in error


# --- redirects ---


def redirecting(targets):
    def answers(handler):
        target = targets.get(handler.path)
        if target is None:
            answer(handler, CPU)
        else:
            answer(handler, status=302, Location=target)

    return answers


def test_redirects_are_followed_and_told():
    with serving(redirecting({"/a": "b?x=1", "/b?x=1": "/c/d"})) as server:
        flame = goinspect.flame(f"{server.url}/a")
        assert flame.total == TOTAL
        assert flame.warnings == (f"{server.url}/a: the server redirected to {server.url}/c/d",)
        assert flame.path == f"{server.url}/a"


def test_passwords_do_not_follow():
    with serving(lambda handler: answer(handler, CPU)) as other:
        with serving(lambda handler: answer(handler, status=307, Location=f"{other.url}/x")) as server:
            goinspect.flame(server.url.replace("//", "//me:pass@"))
        assert "Authorization" in server.headers[0]
        assert "Authorization" not in other.headers[0]


def test_endless_redirects():
    with serving(lambda handler: answer(handler, status=301, Location=handler.path + "x")) as server:
        error = refusal(f"{server.url}/x")
        assert "redirects more than 10 times" in error.message
        assert len(server.asked) == 11


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/x", "gopher://h", "http://h:x/"])
def test_redirects_to_something_else(target):
    with serving(lambda handler: answer(handler, status=302, Location=target)) as server:
        error = refusal(f"{server.url}/x")
    assert isinstance(error, FileError)
    assert target in str(error)


def test_a_redirect_without_a_place():
    with serving(lambda handler: answer(handler, status=302)) as server:
        assert "302 Found" in str(refusal(server.url))


# --- no profile ---


def test_what_pprof_says():
    def answers(handler):
        answer(
            handler,
            b"Could not enable CPU profiling:\n already in use\x1b[31m\n",
            500,
            X_Go_Pprof="1",
            Content_Type=PLAIN,
        )

    with serving(answers) as server:
        error = refusal(server.url)
    assert str(error).endswith(
        "the server answers 500 Internal Server Error: Could not enable CPU profiling: already in use\x1b[31m"
    )


def test_a_text_that_is_packed_or_long():
    packed = gzip.compress(b"Unknown profile")
    with serving(
        lambda handler: answer(handler, packed, 404, Content_Encoding="gzip", Content_Type=PLAIN)
    ) as server:
        assert str(refusal(server.url)).endswith("404 Not Found: Unknown profile")
    with serving(lambda handler: answer(handler, b"x" * 10**6, 404, Content_Type=PLAIN)) as server:
        assert len(str(refusal(server.url))) < 2200
    with serving(lambda handler: answer(handler, b"<p>x", 404, Content_Type="text/html")) as server:
        assert str(refusal(server.url)).endswith("404 Not Found")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"<html>", "text/html; charset=utf-8", "answers with a page"),
        (b"heap profile: 1: 2 [3: 4] @ heap/1048576\n", PLAIN, "old text format of pprof"),
        (b"goroutine profile: total 4\n1 @ 0x1\n", PLAIN, "old text format of pprof"),
        (b"goroutine 1 [running]:\nmain.main()\n", PLAIN, "dump of goroutine stacks"),
        (b"go 1.23 trace\0\0\0" + bytes(100), "application/octet-stream", "is an execution trace of Go"),
    ],
)
def test_other_endpoints(body, kind, said):
    with serving(lambda handler: answer(handler, body, Content_Type=kind)) as server:
        error = refusal(server.url)
    assert said in str(error)
    assert isinstance(error, (FileError, UnrecognizedFormatError))


def test_an_empty_answer():
    with serving(answer) as server:
        assert "is empty" in str(refusal(server.url))


# --- broken and hostile answers ---


def test_a_slow_server():
    def answers(handler):
        time.sleep(3)
        answer(handler, CPU)

    with serving(answers) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "_GRACE", 0.1)
        begin = time.monotonic()
        assert "no answer within" in refusal(server.url, timeout=0.1).message
        assert time.monotonic() - begin < 2


def test_a_server_that_stops_in_the_middle():
    def answers(handler):
        answer(handler, CPU[:500], length=len(CPU))
        handler.wfile.flush()
        time.sleep(3)

    with serving(answers) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "_GRACE", 0.1)
        assert "no answer within" in refusal(server.url, timeout=0.1).message


def test_cut_off():
    with serving(lambda handler: answer(handler, CPU[:500], length=len(CPU))) as server:
        assert refusal(server.url).message == f"the answer is cut off: 500 of {len(CPU):,} bytes"


def test_a_length_that_is_too_small():
    with serving(lambda handler: answer(handler, CPU, length=500)) as server:
        assert "cut off" in str(refusal(server.url))


@pytest.mark.parametrize("length", ["-1", "x", "99999999999999999999999", ""])
def test_a_length_that_is_none(length):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    with sending(head + CPU) as server:
        if length.startswith("9"):
            assert isinstance(refusal(server.url), UnsupportedError)
        else:
            assert goinspect.flame(server.url).total == TOTAL


def test_without_a_length_and_chunked():
    with sending(b"HTTP/1.0 200 OK\r\n\r\n" + CPU) as server:
        assert goinspect.flame(server.url).total == TOTAL
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(CPU[at : at + 999]), CPU[at : at + 999]) for at in range(0, len(CPU), 999)
    )
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with sending(head + chunks + b"0\r\n\r\n") as server:
        assert goinspect.flame(server.url).total == TOTAL
    for damaged in (chunks[:-200], b"zz\r\n" + chunks):
        with sending(head + damaged) as server:
            assert "cut off" in str(refusal(server.url))


def test_too_large(monkeypatch):
    monkeypatch.setattr(fetch, "_MOST", 1000)
    with serving(lambda handler: answer(handler, CPU)) as server:
        assert "are not fetched" in str(refusal(server.url))
    with sending(b"HTTP/1.0 200 OK\r\n\r\n" + CPU) as server:
        assert "are not fetched" in str(refusal(server.url))


def test_a_bomb():
    packed = gzip.compress(bytes(1 << 28))
    with serving(lambda handler: answer(handler, gzip.compress(packed), Content_Encoding="gzip")) as server:
        assert isinstance(refusal(server.url), GoinspectError)


def test_packed_on_the_way():
    with serving(lambda handler: answer(handler, gzip.compress(CPU), Content_Encoding="gzip")) as server:
        assert goinspect.flame(server.url).total == TOTAL
    with serving(lambda handler: answer(handler, CPU, Content_Encoding="br")) as server:
        assert "br, which was not asked for" in str(refusal(server.url))
    with serving(lambda handler: answer(handler, CPU, Transfer_Encoding="gzip, chunked")) as server:
        assert "gzip, chunked" in str(refusal(server.url))


@pytest.mark.parametrize(
    "data", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 100, b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"HTTP/1.1 200 " + b"x" * 70_000]
)  # fmt: skip
def test_no_http(data):
    with sending(data) as server:
        assert isinstance(refusal(server.url), FileError)


def test_nobody_there():
    with serving(answer) as server:
        pass
    assert refusal(server.url).message == f"no connection to {server.place}: Connection refused"


# --- TLS ---


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here, which makes a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1",
         "-days", "2", "-keyout", "key.pem", "-out", "cert.pem"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    return folder


def test_certificates_are_checked(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(lambda handler: answer(handler, CPU), context) as server:
        error = refusal(server.url)
        assert re.search("its certificate is not trusted: self.signed certificate", error.message)
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        assert goinspect.flame(server.url).total == TOTAL
        assert "not trusted" in refusal(server.url.replace("127.0.0.1", "localhost")).message
        assert isinstance(refusal(server.url.replace("https", "http")), FileError)


def test_tls_is_spoken_to_somebody_else():
    with serving(lambda handler: answer(handler, CPU)) as server:
        assert "no TLS there" in refusal(server.url.replace("http", "https")).message
