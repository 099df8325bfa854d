"""The report in Firefox, where there is one: it draws, zooms, searches and folds as it does in Chromium."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from tests.render.reports import counted_by_hand

# What a page adds to its elements is behind wrappers for a script from outside.
FRAMES = """return [...document.querySelectorAll("canvas")].map(c => c.wrappedJSObject)
    .filter(c => c.frames && c.offsetParent)[0].frames().map(({name, total, x, y, width}) => ({name, total, x, y, width}))"""
ROWS = """return [...document.querySelectorAll(".table tbody tr[aria-rowindex]")].map(r => [...r.children].map(c => c.innerText.trim()))"""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    path = shutil.which("firefox") or shutil.which("firefox-esr")
    if path is None:
        pytest.skip("no Firefox in PATH")
    driver = pytest.importorskip("marionette_driver.marionette")
    profile = tmp_path_factory.mktemp("firefox")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
    started = subprocess.Popen(
        [path, "--headless", "--marionette", "--no-remote", "--profile", profile],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"HOME": str(profile), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    for _ in range(150):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            break
        time.sleep(0.1)
    else:
        pytest.fail("Firefox did not start")
    marionette = driver.Marionette(host="127.0.0.1", port=port)
    marionette.start_session()
    yield marionette
    with suppress(driver.errors.MarionetteException):
        marionette.delete_session()
    started.kill()
    started.wait()


def shown(firefox, uri):
    firefox.navigate("about:blank")
    firefox.navigate(uri)
    for _ in range(100):
        if firefox.execute_script("return document.querySelector('footer') !== null"):
            return
        time.sleep(0.05)
    pytest.fail("nothing was drawn")


def press(firefox, key):
    firefox.execute_script(
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))", [key]
    )


def test_the_same_in_firefox(firefox, report):
    shown(firefox, report)
    frames = {frame["name"]: frame for frame in firefox.execute_script(FRAMES)}
    assert frames["all"]["total"] == 100
    assert frames["main.serve"]["width"] == pytest.approx(frames["all"]["width"] * 0.35, abs=0.01)
    firefox.execute_script(
        "document.querySelector('.flame .chart canvas').dispatchEvent(new MouseEvent('click', "
        "{clientX: arguments[0], clientY: arguments[1], bubbles: true, detail: 1}))",
        [frames["main.serve"]["x"] + 30, frames["main.serve"]["y"] + 8],
    )
    zoomed = {frame["name"]: frame for frame in firefox.execute_script(FRAMES)}
    assert zoomed["main.serve"]["width"] == frames["all"]["width"]
    assert "zoom=" in firefox.get_url()
    press(firefox, "2")
    rows = {row[0]: tuple(int(row[i].split()[0]) for i in (1, 3)) for row in firefox.execute_script(ROWS)}
    assert rows == counted_by_hand()
    shown(firefox, report + "#q=package:main&off=kernel,runtime&view=table")
    assert (
        firefox.execute_script("return document.querySelector('.matched').innerText")
        == "5 functions: 90.0 %, own 25.0 %"
    )


@pytest.mark.parametrize("view", ["flame", "table", "sandwich", "lines", "time", "facts"])
def test_every_view_of_a_recording_in_firefox(view, firefox, recorded):
    shown(firefox, f"{recorded[1]}#view={view}")
    assert firefox.execute_script("return document.querySelector('[aria-selected=true]').id") == f"tab-{view}"
    assert firefox.execute_script("return document.querySelector('[role=alert]') === null")
    assert firefox.execute_script("return document.querySelector('main > :not(.away)').innerText.length") > 20
