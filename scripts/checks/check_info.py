"""Compare `goinspect info` with what other tools say of real Go binaries.

    python3 scripts/checks/check_info.py DIR --manifest MANIFEST.tsv [--go GO] [--match REGEX] [--jobs N]

DIR and MANIFEST.tsv are those of check_corpus.py; of the manifest these columns are read: path, go, osarch, fmt,
buildmode, symtab, dwarf, packed, size. GO is the go command (1.26 or later). For each binary:

    version, modules, settings   every line of `go version -m`, and every field of `go version -m -json`
    build IDs                    `go tool buildid`, `readelf -n`
    headers                      class, byte order, type, entry point of `readelf -h`
    sections                     bytes of symbol tables, DWARF, relocations, notes by `readelf -SW`
    interpreter and libraries    `readelf -l`, `readelf -d`
    the manifest's own columns   version, OS and architecture, build mode, symbol table, DWARF

and the bytes of all parts must add up to the size of the file. Where go version fails there must be a version from
elsewhere, or a reason. One line per binary, a summary, and exit 1 when something differs that `EXPLAINED` does not
explain.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from goinspect.analysis.builds.overview import describe
from goinspect.binary import Binary
from goinspect.errors import GoinspectError
from goinspect.render.json.info import info_object, render_go_version
from scripts.checks.corpus import add_corpus_options, wanted_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.info import Info

# (kind of difference, pattern of "path: difference") -> why that is right.
EXPLAINED: tuple[tuple[str, str, str], ...] = (
    ("Go build ID", r"pbf2json\.win32-x64: .*\\ufffd",
     "packed by UPX: go tool buildid prints whatever stands in the packed bytes behind the start of the mark"),
    ("build mode", r"(esbuild-windows|ngrok-bin-win32|gopls_Windows).*: expected 'exe', got 'pie'",
     "Windows, Go 1.15-1.17: no setting tells, and the file is marked as relocatable, the default since Go 1.15"),
)  # fmt: skip
SHOWN = 3
STRINGS = {".strtab": "symtab", ".dynstr": "dynsym"}
GO_SECTIONS = {".gopclntab": "gopclntab", ".go.buildinfo": "build info", ".go.module": "moduledata"}


@dataclass
class Outcome:
    """What was found out about one binary."""

    path: str
    what: str = ""
    seconds: float = 0.0
    checked: collections.Counter[str] = field(default_factory=collections.Counter)
    explained: collections.Counter[str] = field(default_factory=collections.Counter)
    differences: list[str] = field(default_factory=list)

    def same(self, kind: str, expected: object, got: object) -> None:
        """Count a comparison, and note a difference."""
        self.checked[kind] += 1
        if expected == got:
            return
        text = f"{kind}: expected {expected!r}, got {got!r}"
        for wanted, pattern, reason in EXPLAINED:
            if wanted == kind and re.search(
                pattern, f"{self.path}: {text.encode('ascii', 'backslashreplace').decode()}"
            ):
                self.explained[reason] += 1
                return
        self.differences.append(text)


def run(*command: str) -> tuple[int, str]:
    env = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, check=False, env=env)
    return done.returncode, done.stdout.decode("utf-8", "replace")


# --- go version -m ---


def check_go_version(go: str, path: str, info: Info, outcome: Outcome) -> None:
    code, text = run(go, "version", "-m", path)
    if code or not text:
        found = info.go_version or (info.packed and f"packed by {info.packed}")
        outcome.same("version where go version has none", True, bool(found))
        outcome.what = f"go version fails, {info.go_version_from or info.packed}"
        return
    outcome.same("version", text.partition("\n")[0].partition(": ")[2], info.go_version)
    theirs, ours = text.split("\n"), render_go_version([info]).split("\n")
    outcome.same("lines of go version -m", len(theirs), len(ours))
    for expected, got in zip(theirs, ours, strict=False):
        outcome.same("line of go version -m", expected, got)
    check_go_json(go, path, info_object(info), outcome)


def check_go_json(go: str, path: str, ours: dict[str, Any], outcome: Outcome) -> None:
    code, text = run(go, "version", "-m", "-json", path)
    if code or not text:
        outcome.same("go version -m -json", "an answer", "none")
        return
    theirs = json.loads(text)
    outcome.same("JSON: version", theirs["GoVersion"], ours["go_version"])
    outcome.same("JSON: package", theirs.get("Path"), ours["main_package"])
    main = theirs.get("Main")
    outcome.same("JSON: module", flat(main) if main and main.get("Path") else None, flat(ours["module"]))
    deps = theirs.get("Deps") or []
    outcome.same("JSON: number of dependencies", len(deps), len(ours["deps"]))
    for expected, got in zip(deps, ours["deps"], strict=False):
        outcome.same("JSON: dependency", flat(expected), flat(got))
    settings = {row.get("Key", ""): row.get("Value", "") for row in theirs.get("Settings") or []}
    outcome.same("JSON: settings", settings, ours["settings"])
    vcs = ours["vcs"] or {}
    modified = {"true": True, "false": False}.get(settings.get("vcs.modified", ""))
    outcome.same(
        "JSON: vcs",
        (settings.get("vcs"), settings.get("vcs.revision"), settings.get("vcs.time"), modified),
        (vcs.get("system"), vcs.get("revision"), vcs.get("time"), vcs.get("modified")),
    )


def flat(module: dict[str, Any] | None) -> tuple[Any, ...] | None:
    """A module of either JSON as a tuple."""
    if module is None:
        return None
    lower = {key.lower(): value for key, value in module.items()}
    replaced = lower.get("replace") or lower.get("replaced_by")
    return lower.get("path", ""), lower.get("version", ""), lower.get("sum", ""), flat(replaced)


# --- build IDs and headers ---


def check_build_ids(go: str, path: str, info: Info, outcome: Outcome) -> None:
    code, text = run(go, "tool", "buildid", path)
    if code == 0:
        outcome.same("Go build ID", text.strip() or None, info.go_build_id)
    else:
        outcome.same("Go build ID where go tool buildid fails", None, info.go_build_id)
    if info.container == "ELF":
        match = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-nW", path)[1])
        outcome.same("GNU build ID", match[1] if match else None, info.gnu_build_id)


def check_elf(path: str, info: Info, outcome: Outcome) -> None:
    head = run("readelf", "-hW", path)[1]
    wanted = {
        "class": (r"Class:\s+ELF(\d+)", str(info.bits)),
        "byte order": (r"Data:.*(little|big) endian", info.byteorder),
        "type": (r"Type:\s+(\w+)", {"exec": "EXEC", "dyn": "DYN", "rel": "REL"}.get(info.type)),
        "entry": (r"Entry point address:\s+(0x[0-9a-f]+)", hex(info.entry)),
    }
    for kind, (pattern, got) in wanted.items():
        match = re.search(pattern, head)
        outcome.same(f"readelf: {kind}", match[1] if match else None, got)
    match = re.search(r"Requesting program interpreter: (.*)\]", run("readelf", "-lW", path)[1])
    outcome.same("readelf: interpreter", match[1] if match else None, info.interpreter)
    needed = re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", run("readelf", "-dW", path)[1])
    outcome.same("readelf: libraries", tuple(needed), info.libraries)
    check_sections(path, info, outcome)


def elf_sections(path: str) -> Iterator[tuple[str, str, int, int, str]]:
    """(name, type, size, entry size, flags) of every section."""
    for line in run("readelf", "-SW", path)[1].splitlines():
        match = re.match(r"\s*\[\s*(\d+)\]\s(.*?)\s+([A-Z_0-9]+)\s+([0-9a-f]{8,16}) ([0-9a-f]+) ([0-9a-f]+) "
                         r"([0-9a-f]+)\s+([A-Za-z]*)\s+\d+\s+\d+\s+\d+$", line)  # fmt: skip
        if match and match[1] != "0":
            yield match[2], match[3], int(match[6], 16), int(match[7], 16), match[8]


def check_sections(path: str, info: Info, outcome: Outcome) -> None:
    sections = list(elf_sections(path))
    if not sections:
        return
    sizes, counts = collections.Counter[str](), collections.Counter[str]()
    for section in sections:
        part = part_of(section)
        sizes[part] += section[2]
        if section[1] not in ("STRTAB", "NOTE") and section[3]:
            counts[part] += section[2] // section[3] - (part in ("symtab", "dynsym"))
    for part in ("symtab", "dynsym", "DWARF", "relocations", "notes", *GO_SECTIONS.values()):
        row = info.table(part)
        if part in sizes or part not in GO_SECTIONS.values():  # other linkers put Go's tables elsewhere
            outcome.same(f"readelf: bytes of {part}", sizes[part], row.bytes if row else None)
        if part in ("symtab", "dynsym", "relocations"):
            outcome.same(f"readelf: entries of {part}", counts[part], (row.count if row else 0) or 0)


def part_of(section: tuple[str, str, int, int, str]) -> str:
    """The part that a section belongs to."""
    name, kind, _, _, flags = section
    if kind in ("RELA", "REL"):
        return "relocations" if "A" in flags else ""
    if name.startswith((".debug_", ".zdebug_")):
        return "DWARF"
    by_type = {"SYMTAB": "symtab", "DYNSYM": "dynsym", "NOTE": "notes"}
    return by_type.get(kind) or STRINGS.get(name) or GO_SECTIONS.get(name, "")


# --- the manifest ---


def check_manifest(row: dict[str, str], info: Info, outcome: Outcome) -> None:
    system, _, arch = row["osarch"].partition("/")
    outcome.same("architecture", arch, info.arch)
    if info.packed is None:
        expected = re.sub(r"^go1\.\d+\*? \((.*)\)$", r"\1", row["go"]).rstrip("*")
        outcome.same("the manifest's version", expected, info.go_version)
        outcome.same("operating system", system, info.os)
        outcome.same("build mode", row["buildmode"], info.build_mode)
    outcome.same("packed", row["packed"].replace("-", "") or None, info.packed)
    symtab = info.stripped in ("no", "DWARF")
    outcome.same("symbol table", row["symtab"], "y" if symtab else "n")
    dwarf = info.table("DWARF")
    if row["dwarf"] != "?":
        outcome.same("DWARF", row["dwarf"] != "no", bool(dwarf and dwarf.present))
    total = sum(part.bytes or 0 for part in info.tables if part.within is None)
    outcome.same("sum of the parts", info.size, total)


def check(task: tuple[dict[str, str], Path, str]) -> Outcome:
    row, folder, go = task
    path = str(folder / row["path"])
    outcome = Outcome(row["path"])
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        info = describe(Binary(path))
    except GoinspectError as error:
        outcome.differences.append(f"error: {error}")
        return outcome
    after = resource.getrusage(resource.RUSAGE_SELF)
    outcome.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    outcome.what = f"{info.go_version or '-'} {info.build_mode} {info.linkmode or '-'}"
    check_go_version(go, path, info, outcome)
    check_build_ids(go, path, info, outcome)
    if info.container == "ELF" and info.type in ("exec", "dyn"):
        check_elf(path, info, outcome)
    check_manifest(row, info, outcome)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_corpus_options(parser)
    parser.add_argument("--go", default="go", help="the go command, 1.26 or later")
    options = parser.parse_args()
    rows, _ = wanted_rows(options.manifest, options.directory, options.match)
    tasks = [(row, options.directory, options.go) for row in rows]
    with multiprocessing.Pool(options.jobs) as pool:
        outcomes = list(pool.imap(check, tasks))
    checked, explained = collections.Counter[str](), collections.Counter[str]()
    for outcome in outcomes:
        state = "DIFFERS" if outcome.differences else "ok"
        print(f"{state:8}{outcome.seconds:6.2f} s  {outcome.path}  {outcome.what}")
        for text in (
            outcome.differences[:SHOWN] if len(outcome.differences) > 2 * SHOWN else outcome.differences
        ):
            print(f"          {text[:400]}")
        checked += outcome.checked
        explained += outcome.explained
    print(f"\n{len(outcomes)} binaries, {sum(checked.values())} comparisons")
    for kind, count in sorted(checked.items()):
        print(f"  {count:7} {kind}")
    for reason, count in explained.items():
        print(f"  {count:7} explained: {reason}")
    failed = sum(bool(outcome.differences) for outcome in outcomes)
    print(f"{failed} binaries differ")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
