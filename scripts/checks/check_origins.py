"""Compare whose code a function is with where its source file lay, on real Go binaries.

    python3 scripts/checks/check_origins.py DIR...

What the compiler read from below GOROOT/src came with Go, everything else did not: gopclntab names the files. GOROOT is
where the runtime's own files are. Files of a build with -trimpath have no place; of such a build an import path with the
version of a module is not Go's, and neither is one with a dot in its first element or below the main module's path.
Exit 1 when something differs that is not in EXPLAINED.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import goinspect
from goinspect.errors import GoinspectError
from goinspect.gosym.bulk.listing import list_functions
from goinspect.gosym.naming.framekinds import frame_kind
from goinspect.gosym.naming.names import package_of
from goinspect.gosym.naming.origins import origins_of
from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.binary import Binary

SHOWN = 6
_GO = (FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC)
EXPLAINED = {
    "cgo": "a file that cgo makes while it builds has no place",
    "assembly": "Bazel gives the assembler another path to GOROOT than the compiler",
    "closure": "a closure in a function that was inlined is compiled as its caller's, and named so",
    "main": "before Go 1.18, Go's own tools do not say which main package theirs is",
}
_CLOSURE = re.compile(r"\.func\d+(\.\d+)*$")
_A_FILE = "runtime/proc.go"


def functions(binary: Binary) -> Iterator[tuple[str, str]]:
    """(name, file) of all functions that have a package and a file."""
    listed = list_functions(binary.bulk)
    for name, number in zip(listed.name, listed.file.tolist(), strict=True):
        if number >= 0 and listed.files[number].endswith((".go", ".s")) and package_of(name):
            yield name, listed.files[number]


def place(binary: Binary) -> str:
    """GOROOT/src/ as the binary spells it; "" where paths are trimmed."""
    for name, file in functions(binary):
        if name.startswith("runtime.") and file.endswith(_A_FILE):
            return file[: -len(_A_FILE)]
    return ""


def came_with_go(file: str, package: str, goroot: str, own: str) -> bool | None:
    """Whether a file was read from GOROOT; None where that cannot be told."""
    if goroot:
        return file.startswith(goroot)
    folder = file.rpartition("/")[0]
    if "@" in file or "." in folder.partition("/")[0] or (own and f"{folder}/".startswith(f"{own}/")):
        return False
    return True if folder == package else None


def explain(name: str, package: str, file: str, kind: str) -> str:
    """Why a function may differ; "" when it may not."""
    if file.rpartition("/")[2] == "_cgo_gotypes.go" or "/_obj/" in file:
        return "cgo"
    if kind == FrameKind.USER and _CLOSURE.search(name):
        return "closure"
    if kind in _GO and file.endswith(".s") and not file.startswith("/") and "src/" in file:
        return "assembly"
    return "main" if package == "main" and "/src/cmd/" in file else ""


def compare(binary: Binary) -> tuple[collections.Counter[str], list[str]]:
    """Counts, and the functions that differ."""
    go = binary.go
    goroot, origins = place(binary), origins_of(go)
    own = go.build_info.main.path if go.build_info and go.build_info.main else ""
    counts: collections.Counter[str] = collections.Counter()
    differ = []
    for name, file in functions(binary):
        package = package_of(name)
        truth = came_with_go(file, package, goroot, own)
        kind, _ = frame_kind(name, origins)
        if truth is None:
            counts["untold"] += 1
        elif truth == (kind in _GO):
            counts[kind] += 1
        elif why := explain(name, package, file, kind):
            assert why in EXPLAINED
            counts[f"explained: {why}"] += 1
        else:
            counts["differ"] += 1
            differ.append(f"{name}: {kind}, but its file is {file}")
    return counts, differ


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    failed = 0
    total: collections.Counter[str] = collections.Counter()
    for path in sorted(
        path for folder in parser.parse_args().folders for path in folder.rglob("*") if path.is_file()
    ):
        try:
            binary = goinspect.open(path)
            counts, differ = compare(binary)
        except GoinspectError:
            continue
        total += counts
        failed += len(differ)
        print(f"{path}: {binary.go.go_version or 'Go ?'} {dict(counts)}")
        for line in differ[:SHOWN]:
            print(f"    {line}")
    print(dict(total))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
