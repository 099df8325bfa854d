"""The still picture: layout, labels, numbers, and that no name can break out of it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.model import FrameKind
from goinspect.render.svg import labels
from goinspect.render.svg import picture as svg
from goinspect.render.svg.layout import layout
from goinspect.render.svg.picture import render_svg
from goinspect.results.stacks import StackFrame
from tests.examples import examples
from tests.render.conftest import make_graph, service_stacks

NS = "{http://www.w3.org/2000/svg}"
HOSTILE = "\x1b]0;x\x07<script>alert(1)</script>]]>"


def parse(text):
    return ET.fromstring(text)


def frames_of(root):
    return list(next(g for g in root.iter(f"{NS}g") if g.get("class") == "frames"))


def data_of(root):
    return json.loads(root.find(f"{NS}metadata").text)


def texts(root):
    return ["".join(text.itertext()) for text in root.iter(f"{NS}text")]


# ---- Layout


def test_children_lie_side_by_side_within_their_parent(service):
    boxes = layout(service, 1000, 0)
    assert len(boxes) == len(service.node_total)
    edge = [box.x for box in boxes]
    for box in boxes[1:]:
        above = boxes[box.parent]
        assert box.depth == above.depth + 1
        assert box.x == pytest.approx(edge[box.parent])
        edge[box.parent] += box.width
        assert edge[box.parent] <= above.x + above.width + 1e-6
    assert boxes[0].x == 0
    assert boxes[0].width == 1000


def test_narrow_frames_go_with_all_they_call():
    graph = make_graph([(["a.a", "a.b"], 999), (["c.c", "c.d"], 1)])
    names = [graph.frames[graph.node_frame[box.node]].name for box in layout(graph, 100, 0.2)]
    assert names == ["all", "a.a", "a.b"]
    assert len(layout(graph, 100, 0.1)) == 5


def test_a_gap_stays_where_a_narrow_sibling_was():
    graph = make_graph([(["a.a"], 1), (["b.b"], 999)])
    boxes = layout(graph, 100, 1)
    assert [(box.start, box.parent) for box in boxes] == [(0, -1), (1, 0)]


@pytest.mark.parametrize(("inverted", "root_is_last_row"), [(False, True), (True, False)])
def test_orientation(inverted, root_is_last_row):
    rows = frames_of(parse(render_svg(make_graph([(["main.a", "main.b"], 5)], inverted=inverted))))
    ys = [float(g.get("transform").split(",")[1][:-1]) for g in rows]
    assert ys == ([36, 18, 0] if root_is_last_row else [0, 18, 36])


def test_the_data_of_the_script_matches_the_picture(service):
    root = parse(render_svg(service, min_width=2))
    data, drawn = data_of(root), frames_of(root)
    columns = ("frame", "parent", "offset", "total", "own")
    assert {len(data[column]) for column in columns} == {len(drawn)}
    starts = [0]
    for i in range(1, len(drawn)):
        assert data["parent"][i] < i
        starts.append(starts[data["parent"][i]] + data["offset"][i])
        x = float(drawn[i].get("transform")[10:].split(",")[0])
        assert x == pytest.approx(starts[i] * 1176 / data["total"][0], abs=0.006)
    assert len(drawn) < len(service.node_total)
    assert f"{len(service.node_total) - len(drawn):,} too narrow" in " ".join(texts(root))


def test_width_is_fixed_or_fluid(service):
    assert data_of(parse(render_svg(service)))["width"] == 0
    fixed = parse(render_svg(service, width=900))
    assert data_of(fixed)["width"] == 900
    assert fixed.get("width") == "900"
    assert fixed.get("viewBox").startswith("0 0 900 ")


# ---- Labels


@pytest.mark.parametrize(
    ("budget", "label"),
    [
        (60, "github.com/a/b/pkg.(*Tree[go.shape.int]).Walk"),
        (40, "github.com/a/b/pkg.(*Tree[…]).Walk"),
        (30, "pkg.(*Tree[…]).Walk"),
        (18, "(*Tree[…]).Walk"),
        (6, "Walk"),
        (4, "Walk"),
        (3, ""),
    ],
)
def test_a_name_loses_its_least_telling_part_first(budget, label):
    assert labels.shorten("github.com/a/b/pkg.(*Tree[go.shape.int]).Walk", budget, go=True) == label


@pytest.mark.parametrize(
    ("name", "budget", "go", "label"),
    [
        ("net/http.(*Server).Serve.gowrap3", 25, True, "(*Server).Serve.gowrap3"),
        ("main.run.func1", 5, True, "run.…"),
        ("main.(*App).run.func1", 11, True, "run.func1"),
        ("main.F[a/b.T].func2", 14, True, "F[…].func2"),
        ("[unknown]", 5, False, "[unk…"),
        ("[libc.so.6]", 20, False, "[libc.so.6]"),
        ("std::vector<a/b>::push", 10, False, "std::vect…"),
        ("世界世界", 7, False, "世界世…"),
        ("世界世界", 8, False, "世界世界"),
        ("a]b[c", 9, True, "a]b[c"),
        ("ab", 3, False, "ab"),
        ("", 9, True, ""),
    ],
)
def test_labels(name, budget, go, label):
    assert labels.shorten(name, budget, go=go) == label


@given(st.text(), st.integers(0, 60), st.booleans())
def test_a_label_never_needs_more_room_than_there_is(name, budget, go):
    assert labels.cells(labels.shorten(name, budget, go=go)) <= budget


def test_still_labels_fit_their_frames(service):
    for group in frames_of(parse(render_svg(service))):
        text = group.find(f"{NS}text")
        if text is not None:
            room = float(group.find(f"{NS}rect").get("width"))
            assert labels.cells(text.text) * svg.CELL + svg.LABEL_PAD <= room


# ---- Numbers


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1, 3, "33.3 %"),
        (1, 1, "100.0 %"),
        (1, 1000, "0.10 %"),
        (1, 10**6, "<0.01 %"),
        (0, 5, "0 %"),
        (0, 0, "0 %"),
    ],
)
def test_shares(part, whole, text):
    assert svg.format_share(part, whole) == text


# ---- The document


def test_same_graph_same_bytes(service):
    assert render_svg(service) == render_svg(make_graph(service_stacks()))


def test_the_still_picture_says_what_it_is(service):
    root = parse(render_svg(service, script=False))
    assert root.find(f"{NS}script") is None
    assert root.find(f"{NS}metadata") is None
    words = texts(root)
    assert words[-1].startswith("780 frames drawn")
    for expected in (
        service.title,
        service.subtitle,
        "all",
        "encoding/json.Marshal",
        "Garbage collector 13.9 %",
    ):
        assert expected in words
    tooltips = [title.text for title in root.iter(f"{NS}title")]
    assert "encoding/json.Marshal\n5.40 s, 20.4 %" in tooltips


def test_an_ordinary_profile_is_small(service):
    assert len(render_svg(service).encode()) < 250_000


def test_no_samples():
    for graph in (make_graph([]), make_graph([(["main.a"], 0)])):
        root = parse(render_svg(graph))
        assert "No samples to draw" in texts(root)
        assert root.find(f"{NS}script") is None


def test_one_frame_and_two_hundred_deep():
    assert len(frames_of(parse(render_svg(make_graph([(["main.main"], 1)]))))) == 2
    deep = parse(render_svg(make_graph([([f"main.f{i}" for i in range(200)], 1)])))
    assert int(deep.get("height")) > 201 * svg.ROW


def test_long_names_do_not_swell_the_picture():
    name = "example.com/" + "a" * 4000 + ".F"
    root = parse(render_svg(make_graph([([name] * 20, 1)])))
    assert all(len(text) < 200 for text in texts(root))
    assert [entry[0] for entry in data_of(root)["frames"]] == ["all", name]
    assert len(render_svg(make_graph([([name] * 20, 1)]))) < 80_000


def test_inlined_frames_are_marked():
    groups = frames_of(parse(render_svg(make_graph([(["main.a", "main.b~"], 1)]))))
    assert ["i" in group.get("class").split() for group in groups] == [False, False, True]


# ---- Untrusted text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\ud800", "\\ud800"),
        ("\ufffe\uffff\u2028", "\\ufffe\\uffff\\u2028"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("main.世界·é😀", "main.世界·é😀"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(raw, shown):
    assert labels.visible(raw) == shown


def hostile_graph(text):
    def make(name):
        if name == "all":
            return StackFrame(text, FrameKind.ROOT, "", inlined=False)
        return StackFrame(text + name, FrameKind.USER, text + name, inlined=False, file=text)

    return make_graph([(["a"], 5), (["b"], 5)], make, title=text, subtitle=text, event=text)


@given(st.text(st.characters(), min_size=1))
@examples(60)
def test_any_text_gives_the_same_harmless_elements(text):
    assert_harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        '"><script>',
        "' onload='alert(1)",
        "]]>",
        "</metadata><script>alert(1)</script>",
        "&lt;&#0;",
        "\ud83d",
    ],
)
def test_hostile_names(text):
    assert_harmless(text)


def assert_harmless(text):
    document = render_svg(hostile_graph(text))
    document.encode("utf-8")
    root = parse(document)
    scripts = list(root.iter(f"{NS}script"))
    assert len(scripts) == 1
    assert scripts[0].text == parse(render_svg(make_graph([(["main.a"], 1)]))).find(f"{NS}script").text
    assert root[-1] is scripts[0]
    for element in root.iter():
        assert element.tag.removeprefix(NS) in {
            "svg", "title", "style", "defs", "pattern", "path", "rect", "g", "text", "tspan", "metadata", "script",
        }  # fmt: skip
        assert not [name for name in element.keys() if name.startswith("on") or "href" in name]  # noqa: SIM118
    assert data_of(root)["frames"][0][0] == labels.visible(text)
