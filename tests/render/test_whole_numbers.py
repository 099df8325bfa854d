"""Every number in a picture is of the whole profile, whatever was too narrow to be drawn.

Expected values are summed up here from the stacks as text, without goinspect.
"""

from __future__ import annotations

import html
import random
import re
from collections import Counter
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.fold import fold
from goinspect.profiles.folded import parse
from goinspect.render.svg.layout import inner_width
from goinspect.render.svg.picture import render_svg, shares_of
from goinspect.views.graph import draw
from tests.examples import examples

NS = "{http://www.w3.org/2000/svg}"
# A frame as folded text → what the legend calls its kind.
KINDS = {
    "main.work": "Application", "main.(*T).M_[i]": "Application", "example.com/store.Spin": "Application",
    "net/http.(*conn).serve": "Standard library", "fmt.Sprintf_[i]": "Standard library", "runtime.mallocgc": "Go runtime",
    "runtime.gcBgMarkWorker": "Garbage collector", "do_syscall_64_[k]": "Kernel", "[unknown]": "No symbol",
}  # fmt: skip
STACKS = st.lists(
    st.tuples(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6), st.integers(1, 10**6)),
    min_size=1, max_size=30,
)  # fmt: skip


def picture(stacks, *, min_width, inverted=False, reverse=False, width=None):
    """The picture of folded stacks, as the command makes it."""
    text = "".join(f"{';'.join(['main.work', *frames])} {weight}\n" for frames, weight in stacks)
    folded = fold(parse([text.encode()], "stacks"), FlameOptions(reverse=reverse))
    graph = draw(
        folded.stacks,
        title="t",
        pixels=inner_width(width),
        min_width=min_width,
        inverted=inverted,
        reverse=reverse,
    )
    return graph, render_svg(graph, width=width, min_width=min_width)


def legend(svg):
    """Kind → share, as they are written."""
    keys = [g for g in ET.fromstring(svg).iter(f"{NS}g") if g.get("class") == "key kind"]
    words = [next(key.iter(f"{NS}text")) for key in keys]
    return {text.text.strip(): next(text.iter(f"{NS}tspan")).text for text in words}


def percent(share):
    return Decimal(0) if share.startswith("<") else Decimal(share.removesuffix(" %"))


def leaf(frames, reverse):
    return "main.work" if reverse else frames[-1]


@given(STACKS, st.sampled_from([0.0, 0.1, 5.0, 50.0, 300.0]), st.booleans(), st.booleans())
@examples(200)
def test_legend(stacks, min_width, inverted, reverse):
    _, svg = picture(stacks, min_width=min_width, inverted=inverted, reverse=reverse)
    whole = sum(weight for _, weight in stacks)
    expected = Counter()
    for frames, weight in stacks:
        expected[KINDS[leaf(frames, reverse)]] += weight
    shown = legend(svg)
    assert {kind for kind, share in shown.items() if share != "0 %"} == set(expected)
    for kind, share in shown.items():
        assert abs(percent(share) - Decimal(100 * expected[kind]) / whole) < Decimal("0.1")
    assert sum(map(percent, shown.values())) == 100


@given(STACKS, st.sampled_from([0.0, 5.0, 50.0, 300.0]))
@examples(100)
def test_nothing_is_lost_between_what_is_drawn_and_what_is_not(stacks, min_width):
    """Of every drawn frame: own weight, that of its drawn callees, and what is not drawn are its total."""
    graph, _ = picture(stacks, min_width=min_width)
    below = [0] * len(graph.node_total)
    for parent, total in zip(graph.node_parent[1:], graph.node_total[1:], strict=True):
        below[parent] += total
    for node, weight in zip(graph.hidden.node.tolist(), graph.hidden.weight.tolist(), strict=True):
        below[node] += weight
    assert [own + rest for own, rest in zip(graph.node_own, below, strict=True)] == graph.node_total
    assert graph.node_total[0] == sum(weight for _, weight in stacks)


@given(st.lists(st.integers(0, 10**15), max_size=12))
def test_shares_add_up(parts):
    shares = shares_of(parts)
    assert sum(map(percent, shares)) == (100 if sum(parts) else 0)
    for part, share in zip(parts, shares, strict=True):
        assert (share == "0 %") == (part == 0)
        if sum(parts):
            assert abs(percent(share) - Decimal(100 * part) / sum(parts)) < Decimal("0.1")


# --- search, in a browser ---


def many_stacks(seed=5, number=4000):
    """Most of them too narrow to be seen, of functions that are drawn elsewhere, or nowhere."""
    rng = random.Random(seed)
    common = [
        "main.serve",
        "main.(*Server).handle",
        "encoding/json.Marshal",
        "runtime.mallocgc",
        "runtime.memmove_[i]",
    ]
    stacks = [([f"main.heavy{i}", "runtime.mallocgc"], 40_000 * (3 - i)) for i in range(3)]
    for i in range(number):
        frames = [rng.choice(common) for _ in range(rng.randrange(1, 6))]
        frames.insert(
            rng.randrange(len(frames) + 1),
            f"pkg{i % 211}/store.Get{i % 997}_[i]" if i % 2 else f"pkg{i % 211}.Spin",
        )
        stacks.append((frames, rng.randrange(1, 60)))
    return stacks


QUERIES = (
    "mallocgc",
    "pkg7",
    r"store\.Get",
    "^main",
    "runtime|json",
    "memmove",
    "Get996$",
    "nothing of the kind",
)


@pytest.fixture
def shown(directory, visit):
    def open_picture(stacks, min_width=3.0, **options):
        path = directory / "narrow.svg"
        path.write_text(picture(stacks, min_width=min_width, **options)[1], "utf-8")
        page = visit(path.as_uri())
        page.wait_for_function("() => document.querySelector('.matched') !== null")
        return page

    return open_picture


def share_of(stacks, query, inlined=True):
    """As the folded stacks say."""
    pattern = re.compile(query, 0 if any(map(str.isupper, query)) else re.IGNORECASE)

    def matches(frames):
        names = [name for name in frames if inlined or not name.endswith("_[i]")]
        return any(pattern.search(re.sub(r"_\[\w\]$", "", name)) for name in names)

    matched = sum(weight for frames, weight in stacks if matches(["main.work", *frames]))
    return 100 * matched / sum(weight for _, weight in stacks)


def told(page):
    text = page.locator(".matched").text_content()
    assert "at least" not in text
    number = re.match(r"matched: (<?[\d.]+) %", text)[1]
    return 0.0 if number.startswith("<") else float(number)


@pytest.mark.parametrize("query", QUERIES)
def test_a_search_counts_what_is_not_drawn(query, shown):
    stacks = many_stacks()
    page = shown(stacks)
    drawn = page.locator(".frames > g").count()
    assert drawn < 120
    page.locator("input").fill(query)
    page.wait_for_function("() => /matched/.test(document.querySelector('.matched').textContent)")
    assert told(page) == pytest.approx(share_of(stacks, query), abs=0.051)


def test_without_inlined_frames_they_match_nothing(shown):
    stacks = many_stacks()
    page = shown(stacks)
    page.keyboard.press("i")
    page.locator("input").fill("store")
    page.wait_for_function("() => /matched/.test(document.querySelector('.matched').textContent)")
    assert told(page) == pytest.approx(share_of(stacks, "store", inlined=False), abs=0.051)


def many(count):
    """Distinct stacks, the weight of most of which is that of a single sample."""
    rng = random.Random(14)
    for i in range(count):
        names = [f"example.com/shop/internal/p{rng.randrange(9)}.f{rng.randrange(2000)}" for _ in range(14)]
        yield ["main.main", *names, f"main.leaf{i % 1000}"], 1 + (rng.random() < 0.05) * rng.randrange(200)


def test_a_picture_of_very_many_stacks_is_small_and_counts_what_it_leaves_out(visit, tmp_path):
    stacks = list(many(100_000))
    (tmp_path / "a.folded").write_text("".join(f"{';'.join(names)} {weight}\n" for names, weight in stacks))
    flame = goinspect.flame(tmp_path / "a.folded")
    flame.save(tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text("utf-8")
    assert len(svg) <= 1_000_000
    assert svg.count("<rect") > 3000
    whole, unseen = (
        sum(weight for _, weight in stacks),
        int(re.search(r'"unseen":(\d+)', html.unescape(svg))[1]),
    )
    assert 0 < unseen < whole
    assert re.search(r"frames drawn · [\d,]+ too narrow to see left out", svg)
    share = sum(weight for names, weight in stacks if names[-1] == "main.leaf7") / whole
    page = visit((tmp_path / "a.svg").as_uri() + "#search=main.leaf7%24")
    told = page.wait_for_function(
        """(least) => {
            const said = /^matched: at least ([\\d.]+) %/.exec(document.querySelector(".matched")?.innerText ?? "");
            return said && Number(said[1]) >= least ? said[1] : null;
        }""",
        arg=100 * (share - unseen / whole) - 0.01,
    )
    assert float(told.json_value()) <= 100 * share + 0.01
    flame.save(
        tmp_path / "all.svg", min_width=0.1
    )  # as asked for: all that is as wide, and all that is not drawn
    assert '"unseen":0' in html.unescape((tmp_path / "all.svg").read_text("utf-8"))
