"""Flame graphs to draw: one that looks like a busy Go service, and small ones made on the spot."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.model import FrameKind
from goinspect.render.svg.picture import render_svg
from goinspect.results.stacks import StackFrame
from goinspect.views.graph import FlameGraph
from tests.conftest import FIXTURES
from tests.render.reports import STACKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Stack = tuple[list[str], int]

_KERNEL = (
    "entry_SYSCALL_64",
    "do_syscall",
    "__x64_sys",
    "ksys_",
    "vfs_",
    "tcp_",
    "sock_",
    "__schedule",
    "futex_",
)
_GC = (
    "runtime.gc",
    "runtime.scan",
    "runtime.grey",
    "runtime.markroot",
    "runtime.bgsweep",
    "runtime.(*gcWork)",
)
_STDLIB = (
    "net/http",
    "encoding/json",
    "bufio",
    "io.",
    "strconv",
    "sort",
    "net.",
    "syscall",
    "internal/",
    "reflect",
)


def frame(spelling: str) -> StackFrame:
    """A frame from its name; a trailing ``~`` says it was inlined."""
    name, inlined = spelling.removesuffix("~"), spelling.endswith("~")
    last = name.rfind("/") + 1
    package = name[: last + name[last:].find(".")] if "." in name[last:] else ""
    location = f"{package.rsplit('/', 1)[-1]}.go:{len(name) * 7}" if package else ""
    if name == "all":
        return StackFrame(name, FrameKind.ROOT, "", inlined=False)
    if name.startswith(_KERNEL):
        return StackFrame(name, FrameKind.KERNEL, "[kernel]", inlined=False)
    if name in {"deflate_fast", "crc32_z", "_cgo_3f9a_Cfunc_compress"}:
        return StackFrame(name, FrameKind.NATIVE, "libz.so.1", inlined=False)
    if name.startswith("["):
        return StackFrame(name, FrameKind.UNKNOWN, "", inlined=False)
    if name.startswith(_GC):
        return StackFrame(name, FrameKind.GC, "runtime", inlined, *place_of(location))
    if name.startswith("runtime."):
        return StackFrame(name, FrameKind.RUNTIME, "runtime", inlined, *place_of(location))
    kind = FrameKind.STDLIB if name.startswith(_STDLIB) else FrameKind.USER
    return StackFrame(name, kind, package, inlined, *place_of(location))


def place_of(location: str) -> tuple[str, int]:
    """File and line of "file:line"."""
    file, _, line = location.rpartition(":")
    return file, int(line or 0)


def make_graph(
    stacks: Iterable[Stack], make: Callable[[str], StackFrame] = frame, **changes: object
) -> FlameGraph:
    """Merge stacks (outermost first, without the root) the plain way: nested dictionaries, then depth first."""
    tree: dict[str, list] = {}
    whole = 0
    for names, weight in stacks:
        whole += weight
        level = tree
        for i, name in enumerate(names):
            node = level.setdefault(name, [0, 0, {}])
            node[0] += weight
            node[1] += weight if i == len(names) - 1 else 0
            level = node[2]
    frames: dict[StackFrame, int] = {make("all"): 0}
    rows: list[tuple[int, int, int, int, int]] = []
    todo = [("all", -1, 0, whole, 0, tree)]
    while todo:
        name, parent, depth, total, own, children = todo.pop()
        index = len(rows)
        rows.append((frames.setdefault(make(name), len(frames)), parent, depth, total, own))
        ordered = sorted(children.items(), reverse=True)
        todo += [(child, index, depth + 1, node[0], node[1], node[2]) for child, node in ordered]
    columns = [list(column) for column in zip(*rows, strict=True)]
    fields: dict[str, object] = {
        "title": "shopd: CPU time",
        "subtitle": "cpu-clock · 18,240 samples · 30.2 s",
        "event": "cpu-clock",
        "unit": "ns",
        "samples": 18240,
        "frames": tuple(frames),
        "node_frame": columns[0],
        "node_parent": columns[1],
        "node_depth": columns[2],
        "node_total": columns[3],
        "node_own": columns[4],
    }
    return FlameGraph(**(fields | changes))  # type: ignore[arg-type]


def service_stacks(seed: int = 7) -> list[Stack]:
    """What a JSON service under load spends its time on, with the usual suspects of a Go profile."""
    rng = random.Random(seed)
    http = ["runtime.goexit", "net/http.(*Server).Serve.gowrap3", "net/http.(*conn).serve"]
    handler = [
        *http,
        "net/http.serverHandler.ServeHTTP",
        "net/http.(*ServeMux).ServeHTTP",
        "net/http.HandlerFunc.ServeHTTP~",
    ]
    api = "example.com/shop/internal/api."
    store = "example.com/shop/internal/store."
    routed = [
        *handler,
        f"{api}(*Router).ServeHTTP",
        f"{api}withTrace.func1",
        "main.(*App).recoverPanics.func1",
    ]
    orders = [*routed, f"{api}(*Orders).List"]
    malloc = ["runtime.newobject~", "runtime.mallocgc", "runtime.mallocgcSmallScanNoHeader"]
    refill = ["runtime.(*mcache).nextFree", "runtime.(*mcache).refill", "runtime.(*mcentral).cacheSpan"]
    syscall = ["syscall.Write~", "syscall.write", "syscall.Syscall", "internal/runtime/syscall.Syscall6"]
    kernel = ["entry_SYSCALL_64_after_hwframe", "do_syscall_64", "__x64_sys_write", "ksys_write", "vfs_write"]
    tcp = ["sock_write_iter", "tcp_sendmsg", "tcp_sendmsg_locked", "tcp_push", "tcp_write_xmit", "tcp_v4_rcv"]
    json = [
        "encoding/json.Marshal",
        "encoding/json.(*encodeState).marshal",
        "encoding/json.(*encodeState).reflectValue",
    ]
    query = [*orders, f"{store}(*Orders).ByCustomer", "github.com/jackc/pgx/v5/pgxpool.(*Pool).Query"]
    sched = ["runtime.mcall", "runtime.park_m", "runtime.schedule", "runtime.findRunnable"]
    mark = [
        "runtime.goexit",
        "runtime.gcBgMarkWorker",
        "runtime.systemstack",
        "runtime.gcBgMarkWorker.func2",
        "runtime.gcDrain",
    ]
    generic = f"{store}Map[go.shape.struct {{ ID int64; Name string }},go.shape.*example.com/shop/internal/model.Row]"
    walk = "example.com/shop/internal/pricing.(*Rule).Apply"
    stacks: list[Stack] = []

    def add(names: list[str], weight: float) -> None:
        stacks.append((names, int(weight * 1e7)))

    struct = [
        *orders,
        *json,
        "encoding/json.structEncoder.encode",
        "encoding/json.arrayEncoder.encode",
        "encoding/json.structEncoder.encode",
    ]
    add([*struct, "encoding/json.appendString[...]~"], 210)
    add([*struct, "encoding/json.stringEncoder", "encoding/json.appendString[...]"], 160)
    add([*struct, "encoding/json.floatEncoder.encode", "strconv.AppendFloat", "strconv.ryuFtoaShortest"], 95)
    add([*orders, *json, *malloc], 44)
    add([*orders, *json, *malloc, *refill], 31)
    for depth in range(1, 26):
        add([*orders, f"{api}price~", *[walk] * depth], rng.uniform(4, 18))
    add(
        [
            *orders,
            f"{api}price~",
            *[walk] * 25,
            "sort.Slice",
            "sort.pdqsort_func",
            "sort.insertionSort_func",
            f"{api}price.func1~",
        ],
        60,
    )
    for method in ("extendedQuery", "sendParse", "receiveMessage", "Exec", "scanRow"):
        conn = [
            *query,
            "github.com/jackc/pgx/v5.(*Conn).Query",
            f"github.com/jackc/pgx/v5/pgconn.(*PgConn).{method}",
        ]
        add(conn, rng.uniform(10, 40))
        add([*conn, "bufio.(*Reader).Read", "net.(*conn).Read", *syscall, *kernel[:3]], rng.uniform(8, 30))
        add([*conn, *malloc], rng.uniform(4, 16))
    add([*orders, f"{store}(*Orders).ByCustomer", generic, f"{store}toRow~"], 88)
    add([*orders, f"{store}(*Orders).ByCustomer", generic, *malloc], 52)
    add([*routed, f"{api}(*Health).Get", "main.version~"], 24)
    add([*routed, f"{api}(*Export).Zip", "runtime.cgocall", "_cgo_3f9a_Cfunc_compress", "deflate_fast"], 130)
    add([*routed, f"{api}(*Export).Zip", "runtime.cgocall", "_cgo_3f9a_Cfunc_compress", "crc32_z"], 42)
    add(
        [*routed, f"{api}(*Export).Zip", "runtime.cgocall", "_cgo_3f9a_Cfunc_compress", "[libz-vendored.so]"],
        38,
    )
    finish = [
        *http,
        "net/http.(*response).finishRequest",
        "bufio.(*Writer).Flush",
        "net.(*conn).Write",
        *syscall,
    ]
    add(finish, 12)
    for depth in range(2, len(kernel + tcp)):
        add([*finish, *(kernel + tcp)[:depth]], rng.uniform(5, 26))
    add([*mark, "runtime.scanobject", "runtime.greyobject~"], 150)
    add([*mark, "runtime.scanobject"], 170)
    add([*mark, "runtime.markroot", "runtime.scanstack", "runtime.scanframeworker"], 48)
    add([*mark[:2], "runtime.gcMarkDone", "[unknown]"], 9)
    add(["runtime.goexit", "runtime.bgsweep", "runtime.sweepone"], 34)
    add(["runtime.goexit", "runtime.main", "main.main", "main.(*App).Run", "main.(*App).warmCache"], 70)
    add(
        ["runtime.goexit", "runtime.main", "main.main", "main.(*App).Run", "main.(*App).warmCache", *malloc],
        33,
    )
    add([*sched, "runtime.stealWork"], 60)
    add(
        [
            *sched,
            "runtime.netpoll",
            "internal/runtime/syscall.EpollWait",
            "internal/runtime/syscall.Syscall6",
            *kernel[:2],
        ],
        66,
    )
    add(
        [
            *sched,
            "runtime.stopm",
            "runtime.notesleep",
            "runtime.futexsleep",
            "runtime.futex",
            *kernel[:2],
            "futex_wait",
            "__schedule",
        ],
        71,
    )
    add(["[unknown]"], 17)
    for i in range(160):  # the long tail every real profile has
        package = rng.choice(
            [api, store, "main.", "example.com/shop/internal/pricing.", "github.com/google/uuid."]
        )
        add(
            [
                *routed,
                f"{package}handler{i % 23}",
                f"{package}(*Step{i}).run",
                *rng.choice([malloc, json, [f"{package}leaf{i}~"]]),
            ],
            rng.uniform(0.05, 4),
        )
    return stacks


@pytest.fixture(scope="session")
def service() -> FlameGraph:
    """The busy service."""
    return make_graph(service_stacks())


# ---- A real browser

ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip


def find_chromium():
    names = [os.environ.get("GOINSPECT_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser():
    path = find_chromium()
    if path is None:
        missing = (
            "no Chromium: set GOINSPECT_CHROMIUM or put chromium, chromium-browser or google-chrome in PATH"
        )
        if os.environ.get("GOINSPECT_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("svg")


@pytest.fixture(scope="module")
def picture(directory):
    path = directory / "service.svg"
    path.write_text(render_svg(make_graph(service_stacks())), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def context(browser):
    return browser.new_context()


@pytest.fixture
def visit(browser, context):
    """Open pages that must not say a word on the console nor ask the network for anything."""
    pages, noise = [], []

    def visit(uri, width=1400, height=900, still=False):
        page = (browser.new_context(java_script_enabled=False) if still else context).new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(4000)
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on(
            "request", lambda request: request.url.startswith(uri.split("#")[0]) or noise.append(request.url)
        )
        page.goto(uri)
        return page

    yield visit
    for page in pages:
        page.close()
    assert noise == []


@pytest.fixture
def draw(directory, visit):
    """Draw stacks, and open the picture."""

    def draw(stacks, width=None, page_width=1400, page_height=900, still=False, **changes):
        path = directory / "drawn.svg"
        path.write_text(render_svg(make_graph(stacks, **changes), width=width), "utf-8")
        return visit(path.as_uri(), page_width, page_height, still)

    return draw


# ---- Reports


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    (folder / "a.folded").write_text(STACKS + "\n")
    path = folder / "a.html"
    goinspect.flame(folder / "a.folded").save(path)
    return path.as_uri()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    flame = goinspect.flame(
        FIXTURES / "go1.27-piestripped/perf.data", kallsyms=FIXTURES / "go1.27-piestripped/kallsyms"
    )
    path = tmp_path_factory.mktemp("html") / "recorded.html"
    flame.save(path)
    return flame, path.as_uri()
