"""Source files by the paths of a binary, which may say anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.analysis.disasm.sources import source_lines
from goinspect.gosym.buildinfo.info import BuildInfo, Module

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("main.go", "sub/x.go", "src/runtime/proc.go", "github.com/a/b@v1/z.go"):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"package {name}\n\tline two\r\n")
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "root" / "link.go").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "folder.go").mkdir()
    return tmp_path / "root"


def line(tree: Path, file: str, number: int = 1, module: str = "example.com/app") -> str | None:
    info = BuildInfo("go1.27", module, Module(module, ""))
    ((found),) = source_lines([(file, number)], [str(tree)], info)
    return found.text


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("example.com/app/main.go", "main.go"),
        ("example.com/app/sub/x.go", "sub/x.go"),
        ("/home/somebody/app/sub/x.go", "sub/x.go"),
        ("C:\\somebody\\app\\sub\\x.go", "sub/x.go"),
        ("runtime/proc.go", "src/runtime/proc.go"),
        ("github.com/a/b@v1/z.go", "github.com/a/b@v1/z.go"),
        ("other.com/app/main.go", None),  # of another module: it is not ours that is called so
        ("fmt/main.go", None),
        ("../secret", None),
        ("/x/../../secret", None),
        ("link.go", None),  # leads out of the directory
        ("folder.go", None),
        ("nul\0.go", None),
        ("x" * 5000, None),
        ("", None),
    ],
)
def test_where_a_file_is(file: str, found: str | None, tree: Path) -> None:
    assert line(tree, file) == (f"package {found}" if found else None)


def test_lines(tree: Path) -> None:
    assert line(tree, "example.com/app/main.go", 2) == "\tline two"
    for number in (0, -1, 99):
        assert line(tree, "example.com/app/main.go", number) is None


def test_without_build_information(tree: Path) -> None:
    (found,) = source_lines([("sub/x.go", 1), ("sub/x.go", 1)], [str(tree)], None)
    assert found.text == "package sub/x.go"
