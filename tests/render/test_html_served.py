"""The report that `goinspect flame --http` serves, in a real browser: new recordings, broken ones, and the end."""

from __future__ import annotations

import json

import pytest

from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.render.reports import STACKS, click, frames, opened
from tests.serve.running import running

BUILD = FIXTURES / "go1.27-piestripped"
MORE = ["--kallsyms", BUILD / "kallsyms", "-b", BUILD / "workload"]


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "a.folded"
    made.write_text(STACKS + "\n")
    return made


def test_a_recording_that_is_replaced(path, visit, tmp_path):
    with running(path) as server:
        page = opened(visit, server.url)
        click(page, "main.serve")
        assert frames(page)[0]["total"] == 100
        assert not page.locator(".live").is_visible()

        path.write_text("aaa.first;zzz.last 7\n" + STACKS + "\n")  # frames and nodes get other numbers
        page.get_by_role("button", name="Show the new one").click()
        page.wait_for_function("() => !document.querySelector('.live button').offsetParent")
        assert frames(page)[0]["total"] == 107
        assert page.locator(".crumbs [aria-current]").inner_text() == "main.serve"
        assert page.locator(".chosen bdi").inner_text() == "main.serve"

        path.write_text("this is no profile")
        page.locator(".live.bad").wait_for()
        said = page.locator(".live").inner_text()
        assert said.startswith(f"The recording was replaced and cannot be read: {path}: ")
        assert said.endswith("This is the one from before.")
        page.reload()
        page.locator(".live.bad").wait_for()
        assert frames(page)[0]["total"] == 107
        page.close()  # it would ask a server that has ended


def test_instructions_that_the_page_does_not_hold(visit):
    """They are those of `goinspect annotate`."""
    with running(BUILD / "perf.data", *MORE) as server:
        page = opened(visit, server.url)
        told = json.loads(cli("annotate", BUILD / "perf.data", "runtime.acquirem", *MORE, "--json").out)
        page.locator("input[type=search]").fill("/^runtime\\.acquirem$/")
        page.keyboard.press("Enter")
        page.locator("#tab-table").click()
        page.locator(".table tbody tr", has_text="runtime.acquirem").click()
        with page.expect_response("**/code?**") as asked:
            page.locator("#tab-lines").click()
        assert "name=runtime.acquirem&version=" in asked.value.url
        shown = page.locator(".code tr td.text")
        shown.first.wait_for()
        wanted = [row for function in told["functions"] for row in function["instructions"]]
        assert [text.split(" //")[0] for text in shown.all_inner_texts()] == [row["text"] for row in wanted]
        assert "Instructions have the weights" in page.locator(".lines .note").inner_text()
        page.locator("#tab-facts").click()
        assert (
            "asks its server for newer recordings and for instructions, and nothing else"
            in page.locator(".facts-page").inner_text()
        )
        again = page.locator("#tab-table")
        again.click()
        page.locator("#tab-lines").click()  # it is not asked twice
        assert shown.count() == len(wanted)
        page.close()


def test_the_server_ends(path, context, tmp_path):
    """What was loaded stays, and a copy of it is a report like any other."""
    page = context.new_page()
    with running(path) as server:
        page.goto(server.url)
        page.wait_for_selector("footer")
        copy = tmp_path / "copy.html"
        copy.write_text(server.ask().text, "utf-8")
        server.end()
        page.get_by_text("goinspect has ended").wait_for()
        assert frames(page)[0]["total"] == 100
        page.goto(copy.as_uri())
        page.wait_for_selector("footer")
        assert frames(page)[0]["total"] == 100
        assert not page.locator(".live").is_visible()
    page.close()


def test_a_page_of_others_reads_nothing(path, context, tmp_path):
    page = context.new_page()
    (tmp_path / "other.html").write_text("<!doctype html><title>other</title>")
    with running(path) as server:
        page.goto((tmp_path / "other.html").as_uri())
        tried = page.evaluate(
            """async (url) => {
              const read = async (how) => { try { return await (await fetch(url + "state", how)).text(); } catch { return ""; } };
              const shown = await new Promise((done) => {
                const frame = document.createElement("iframe");
                frame.src = url;
                frame.onload = () => { try { done(frame.contentDocument.body.innerText); } catch { done(""); } };
                document.body.append(frame);
              });
              return [await read({}), await read({ mode: "no-cors" }), shown];
            }""",
            server.url,
        )
        assert tried == ["", "", ""]
    page.close()
