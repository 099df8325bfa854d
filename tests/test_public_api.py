"""What Python programs may rely on."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

import goinspect
from goinspect import errors
from goinspect.binary import Binary
from goinspect.profiles.base import Profile
from tests.conftest import FIXTURES

FOLDER = FIXTURES / "go1.27-piestripped"


def test_all_is_all():
    public = {name for name, value in vars(goinspect).items()
              if not name.startswith("_") and not isinstance(value, ModuleType)
              and name not in ("annotations", "TYPE_CHECKING")}  # fmt: skip
    assert set(goinspect.__all__) == public | {"__version__"}
    assert {"open", "open_profile", "__version__"} <= set(goinspect.__all__)
    assert len(goinspect.__all__) == len(set(goinspect.__all__))
    for name in goinspect.__all__:
        assert getattr(goinspect, name).__doc__


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", goinspect.__version__)


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_open(kind):
    binary = goinspect.open(kind(FOLDER / "workload"))
    assert isinstance(binary, Binary)
    (frame,) = binary.frames(0x401000)
    assert (frame.function, frame.file, frame.line, frame.inlined) == (
        "internal/abi.BoundsDecode", "internal/abi/bounds.go", 86, False,
    )  # fmt: skip
    assert binary.frames(1) == ()


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_open_profile(kind):
    profile = goinspect.open_profile(kind(FOLDER / "perf.data"))
    assert isinstance(profile, Profile)
    assert len(profile) == 788


def test_open_with_what_the_file_does_not_say(tmp_path):
    whole = goinspect.open(FOLDER / "workload")
    table = whole.go.table
    bare = tmp_path / "gopclntab"
    bare.write_bytes(table.data)
    binary = goinspect.open(bare, raw=True, text_start=table.text, arch="amd64")
    pcs = range(table.text, table.text + 0x4000, 31)
    assert [binary.frames(pc)[-1:] for pc in pcs] == [whole.frames(pc)[-1:] for pc in pcs]


@pytest.mark.parametrize("function", [goinspect.open, goinspect.open_profile])
def test_failures_are_one_family(function, tmp_path):
    for name, content in (("absent", None), ("empty", b""), ("text", b"Once upon a time\n")):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(errors.GoinspectError) as caught:
            function(path)
        assert caught.value.path == str(path)


def test_errors_are_listed():
    found = {name for name, value in vars(errors).items()
             if isinstance(value, type) and issubclass(value, errors.GoinspectError)}  # fmt: skip
    assert set(errors.__all__) == found
