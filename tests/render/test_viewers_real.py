"""The viewers themselves open what is written for them: speedscope in a browser, the Firefox Profiler's own code in Node.

They are not kept here. To run these tests, install them anywhere and say where:

    npm install --prefix DIR speedscope@1.25.0 ajv @firefox-devtools/profiler-cli@0.10.0
    GOINSPECT_VIEWERS=DIR scripts/test tests/render/test_viewers_real.py
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

import goinspect
from tests.conftest import FIXTURES

DEMO = FIXTURES / "go1.27-piestripped"
VIEWERS = Path(os.environ.get("GOINSPECT_VIEWERS", "/nowhere")) / "node_modules"
HOW = "set GOINSPECT_VIEWERS to where `npm install speedscope@1.25.0 ajv @firefox-devtools/profiler-cli@0.10.0` was run"
pytestmark = [
    pytest.mark.skipif(not (VIEWERS / "speedscope").is_dir(), reason=f"no viewers: {HOW}"),
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js"),
]
_VALIDATE = """
const Ajv = require("ajv"), fs = require("fs");
const check = new Ajv({strict: false}).compile(JSON.parse(fs.readFileSync(process.argv[1])));
if (!check(JSON.parse(fs.readFileSync(process.argv[2])))) { console.error(check.errors); process.exit(1); }
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    flame = goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"], kallsyms=DEMO / "kallsyms")
    for name in ("x.speedscope.json", "x.cpuprofile", "x.pb.gz", "x.json.gz", "x.folded"):
        flame.save(folder / name)
    return folder


@pytest.fixture(scope="module")
def speedscope():
    """The address of a server with speedscope's own pages."""
    pages = functools.partial(_Quiet, directory=VIEWERS / "speedscope/dist/release")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_speedscope_file_is_valid_by_its_schema(written):
    schema = VIEWERS / "speedscope/dist/release/file-format-schema.json"
    command = ["node", "-e", _VALIDATE, schema, written / "x.speedscope.json"]
    done = subprocess.run(command, cwd=VIEWERS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "part", "spin"), [
    ("x.speedscope.json", r"workload \(tid 20601\) \(1/8\)", None), ("x.cpuprofile", "x.cpuprofile", "154.15ms"),
    ("x.pb.gz", "x.pb.gz", "154.15ms"), ("x.folded", "x.folded", "154,154,154"),
])  # fmt: skip
def test_speedscope_opens(name, part, spin, written, speedscope, browser):
    """The sandwich view lists functions with what they took: `flame --format top` says 154 ms of main.spin."""
    page = browser.new_page(viewport={"width": 1400, "height": 1200})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(speedscope)
    page.set_input_files("input[type=file]", written / name)
    page.get_by_text(re.compile(part)).first.wait_for(timeout=20_000)
    page.keyboard.press("3")
    row = page.locator("tr", has_text=re.compile(r"main\.spin$"))
    row.wait_for(timeout=20_000)
    assert spin is None or spin in row.inner_text()
    assert errors == []
    page.close()


@pytest.fixture
def profiler(tmp_path):
    """Asks the Firefox Profiler's command line about a file."""
    session = f"goinspect-{os.getpid()}"

    def ask(*args: object) -> str:
        command = [VIEWERS / ".bin/profiler-cli", *map(str, args), "--session", session]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield ask
    subprocess.run([VIEWERS / ".bin/profiler-cli", "stop", session], capture_output=True, check=False)


def test_the_firefox_profiler_reads_threads_and_functions(written, profiler):
    profiler("load", written / "x.json.gz")
    info = profiler("profile", "info", "--all")
    assert "This profile contains 8 threads across 1 processes." in info
    found = re.findall(r"(t-\d+): workload \[tid \d+\]", info)
    assert len(found) == 8
    total: dict[str, float] = {}
    for thread in found:
        functions = profiler("thread", "functions", "--thread", thread, "--include-idle")
        for name, amount in re.findall(
            r"f-\d+\. (?:\S+?!)?(.*) - self: [\d.]+\S* \([\d.]+%\), total: ([\d.]+)ms", functions
        ):
            total[name] = total.get(name, 0) + float(amount)
    top = json.loads(
        goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"], kallsyms=DEMO / "kallsyms").text(
            "top", json=True
        )
    )
    expected = {row["function"]: row["total"] / 1e6 for row in top["rows"]}
    for name in (
        "main.run",
        "main.spin",
        "main.inl2",
        "runtime.mallocgcSmallScanNoHeaderSC2",
        "do_syscall_64",
    ):
        assert total[name] == pytest.approx(expected[name], abs=0.1), name
