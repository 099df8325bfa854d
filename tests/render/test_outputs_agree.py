"""Every format holds the whole weight of every recording, whatever it draws."""

from __future__ import annotations

import lzma
import re

import pytest

import goinspect
from tests.conftest import FIXTURES
from tests.render.outputs import TOTALS
from tests.unpacked import unpack_tar

RECORDINGS = sorted([*FIXTURES.glob("go1*/perf.data*"), *FIXTURES.glob("recordings/*/perf.data*")])


@pytest.mark.parametrize("packed", RECORDINGS, ids=lambda path: path.parent.name)
def test_all_formats_weigh_the_same(packed, tmp_path):
    recording = tmp_path / "perf.data"
    if packed.name.endswith(".tar.xz"):  # of perf record --threads
        unpack_tar(packed, recording)
        recording = next(path.parent for path in recording.rglob("data") if path.is_file())
    else:
        data = packed.read_bytes()
        recording.write_bytes(lzma.decompress(data) if packed.suffix == ".xz" else data)
    flame = goinspect.flame(recording)
    assert flame.total > 0
    told = {form: total(flame.binary(form), flame.unit) for form, total in TOTALS.items()}
    assert told == dict.fromkeys(TOTALS, flame.total)
    picture = re.search(r'"total":\[(\d+)', flame.text("svg"))
    assert int(picture[1]) == flame.total


def test_so_they_do_with_decimals(tmp_path):
    folded = tmp_path / "x.folded"
    folded.write_text("a;b 1.5\na 0.25\nc;d;e 1000000.001\n")
    flame = goinspect.flame(folded)
    assert flame.unit == "thousandths of samples"
    told = {form: total(flame.binary(form), flame.unit) for form, total in TOTALS.items()}
    whole = {"json", "html", "pprof", "otlp"}  # these say the unit as it is counted
    assert {form: value * (1 if form in whole else 1000) for form, value in told.items()} == dict.fromkeys(
        TOTALS, 1_000_001_751
    )


@pytest.mark.parametrize("options", [{"event": "page-faults"}, {"off_cpu": True}, {"by": "thread"}, {"by": "none"},
                                     {"weight": "samples"}, {"hide": "main"}, {"kernel": False, "inlines": False}])  # fmt: skip
def test_so_they_do_with_options(options, tmp_path):
    name = "switches" if "off_cpu" in options else "events" if "event" in options else "cgo"
    recording = tmp_path / "perf.data"
    recording.write_bytes(lzma.decompress((FIXTURES / "recordings" / name / "perf.data.xz").read_bytes()))
    flame = goinspect.flame(recording, **options)
    told = {form: total(flame.binary(form), flame.unit) for form, total in TOTALS.items()}
    if "hide" in options:  # stacks of which nothing is left have no line there
        told = {form: value for form, value in told.items() if form not in {"folded", "collapsed", "json"}}
    assert told == dict.fromkeys(told, flame.total)
