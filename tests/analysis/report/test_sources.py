"""The source that goes into a report: the file that was built, below the directories that were given, and no other."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from goinspect.analysis.disasm.sources import SourceTree
from goinspect.analysis.report import sources as module
from goinspect.model import FrameKind
from goinspect.results.stacks import StackFrame, Stacks, Weight

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.results.places import SourceFile

TEXT = "package x\n\nfunc Run() {\n\twork()\n}\n"


def put(root: Path, *names: str, text: str = TEXT) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"// {name}\n{text}")


def stacks_of(*files: str, start_line: int = 4) -> Stacks:
    """Each file with a stack of its own, the first is the hottest."""
    frames = tuple(StackFrame("x.Run", FrameKind.USER, "x", False, file, 5, start_line) for file in files)
    count = len(frames)
    weight = np.arange(count, 0, -1, dtype=np.uint64)
    return Stacks(
        frames,
        np.arange(count + 1, dtype=np.int64),
        np.arange(count, dtype=np.int32),
        np.ones(count, dtype=np.int64),
        (Weight("cpu", "samples", weight),),
    )


def found(
    root: Path, *files: str, start_line: int = 4, warnings: list[str] | None = None
) -> list[SourceFile]:
    told = [] if warnings is None else warnings
    return list(module.sources(stacks_of(*files, start_line=start_line), [], [str(root)], told))


@pytest.mark.parametrize(
    ("there", "file"),
    [
        ("fmt/print.go", "fmt/print.go"),
        ("src/fmt/print.go", "fmt/print.go"),
        ("src/fmt/print.go", "/usr/local/go/src/fmt/print.go"),
        ("sub/x.go", "/home/somebody/app/sub/x.go"),
        ("github.com/a/b@v1.2.3/z.go", "github.com/a/b@v1.2.3/z.go"),
        ("github.com/!burnt/toml@v1.0.0/z.go", "github.com/Burnt/toml@v1.0.0/z.go"),
        ("github.com/!burnt/toml@v1.0.0/z.go", "/root/go/pkg/mod/github.com/!burnt/toml@v1.0.0/z.go"),
        ("pkg/mod/github.com/a/b@v1.2.3/z.go", "github.com/a/b@v1.2.3/z.go"),
        ("vendor/github.com/Burnt/toml/z.go", "/root/go/pkg/mod/github.com/!burnt/toml@v1.0.0/z.go"),
        ("github.com/a/b/z.go", "github.com/a/b@v1.2.3/z.go"),
    ],
)
def test_by_the_end_of_its_path(there: str, file: str, tmp_path: Path) -> None:
    put(tmp_path, there)
    (source,) = found(tmp_path, file)
    assert (source.file, source.note) == (file, "")
    assert source.text is not None
    assert source.text.startswith(f"// {there}\n")


def test_a_module_that_is_the_directory_itself(tmp_path: Path) -> None:
    for root, declares in (
        ("b@v1.2.3", ""),
        ("mine", "module github.com/a/b // v1\n"),
        ("other", "module x\n"),
    ):
        put(tmp_path / root, "z.go")
        (tmp_path / root / "go.mod").write_text(declares)
    file = "/root/go/pkg/mod/github.com/a/b@v1.2.3/z.go"
    assert found(tmp_path / "b@v1.2.3", file)[0].text
    assert found(tmp_path / "mine", file)[0].text
    assert found(tmp_path / "other", file)[0].text is None  # of the same name, in another module


def test_nothing_from_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(tmp_path, "secret.go")
    put(root, "real.go")
    (root / "link.go").symlink_to(tmp_path / "secret.go")
    (root / "folder").symlink_to(tmp_path)
    (root / "inside.go").symlink_to(root / "real.go")
    os.mkfifo(root / "pipe.go")
    files = ["link.go", "folder/secret.go", "../secret.go", "/x/../../secret.go", "pipe.go", "nul\0.go", ""]
    for file in files[:-1]:
        (source,) = found(root, file)
        assert source.text is None
        assert source.note.startswith("no file of this path")
    assert found(root, "") == []
    assert found(root, "inside.go")[0].text


def test_a_file_that_is_another_one_now(tmp_path: Path) -> None:
    put(tmp_path, "x.go")
    (source,) = found(tmp_path, "x.go", start_line=2)
    assert source.text is None
    assert "no function begins where it did" in source.note
    frames = stacks_of("x.go", "x.go").frames
    both = stacks_of("x.go", "x.go")
    changed = [frames[0], frames[1]._replace(name="x.More", start_line=5)]
    made = Stacks(tuple(changed), both.start, both.frame, both.samples, both.weights)
    (source,) = module.sources(made, [], [str(tmp_path)], [])
    assert source.text
    assert "may have been changed" in source.note


def test_the_longest_end_that_fits(tmp_path: Path) -> None:
    """What is called so and is not it is passed over for what is."""
    put(tmp_path, "b/x.go", text="package other\n")
    put(tmp_path, "x.go")
    (source,) = found(tmp_path, "/a/b/x.go")
    assert source.text is not None
    assert source.text.startswith("// x.go")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.go").write_bytes(b"// \xff\xfe\n" + TEXT.encode().replace(b"\n", b"\r\n"))
    (source,) = found(tmp_path, "x.go")
    assert source.text == "// \\xff\\xfe\n" + TEXT.rstrip("\n")


def test_only_what_is_around_functions(tmp_path: Path) -> None:
    """The rest is blank: lines keep their numbers."""
    lines = [f"// {number}" for number in range(1, 1001)]
    lines[499], lines[529] = "func Run() {", "}"
    (tmp_path / "x.go").write_text("\n".join(lines))
    frame = stacks_of("x.go").frames[0]._replace(line=520, start_line=500)
    made = replace(stacks_of("x.go"), frames=(frame,))
    (source,) = module.sources(made, [], [str(tmp_path)], [])
    assert source.text is not None
    kept = {number: line for number, line in enumerate(source.text.split("\n"), 1) if line}
    assert kept == {number: lines[number - 1] for number in range(497, 531)}


def test_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    put(tmp_path, "a.go", "b.go", "c.go")
    several = found(tmp_path, "a.go", "b.go", "c.go")
    assert [source.text is not None for source in several] == [True, True, False]
    assert several[2].note.startswith("left out")


def test_no_file_at_all_is_a_warning(tmp_path: Path) -> None:
    warnings: list[str] = []
    found(tmp_path, "a.go", warnings=warnings)
    assert warnings == [f"no source of the frames is below {tmp_path}"]
    found(tmp_path / "missing", "a.go", warnings=warnings)
    assert len(warnings) == 2


def test_a_file_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "x.go")
    tree = SourceTree([str(tmp_path)], [])
    assert tree.line("x.go", 4) == "func Run() {"
    (tmp_path / "x.go").unlink()
    assert tree.line("x.go", 5) == "\twork()"
