"""Compare what goinspect reads from DWARF with what llvm-dwarfdump, Go's debug/dwarf and `go tool nm` say.

    python3 scripts/checks/check_dwarf.py FILE...                       # llvm-dwarfdump; version 14 reads no packed Mach-O
    python3 scripts/checks/check_dwarf.py --go GOROOT FILE...           # debug/dwarf of that toolchain, and `go tool nm -size`

    python3 scripts/checks/check_dwarf.py --write tests/dwarf/oracle    # what llvm-dwarfdump says of the fixtures, for the tests

One line per file and oracle, exit 1 when something differs that is not explained. Functions are compared by address, size
and name, variables by address, name and the size of their type, types by name, kind, size and descriptor. The oracles'
output is parsed here with code of its own; the rules of what counts as a symbol are written down once more, on purpose.

Explained differences, counted by name:
- removed: the linker threw the code or variable away and left 0 (or all ones) for its address
- literal: clang describes string literals as variables without a name
- nm-abi: nm says which ABI a symbol has ("runtime.goexit.abi0")
- nm-local-type: nm writes "T.1" for a type declared within a function, DWARF "T·1"
- nm-underscore: Mach-O and 32-bit PE write an underscore before the names of C and of static assembly
- nm-stdcall: functions of 32-bit Windows say how many bytes of arguments they take ("f@12")
- nm-escaped: nm has a dot of an import path as the linker escapes it ("go%2egeo")
- nm-no-sizes: PE and Mach-O symbols have no sizes, nm takes the distance to the next one
- nm-clone: GCC names what it made of a function ("f.constprop.0"), which DWARF calls by its own name
- nm-mangled: a static function of C++ has no linkage name in DWARF
- go-negative-size: debug/dwarf counts arrays of arrays wrongly in DWARF 2 of Go 1.4-1.9; LLVM says the same as we
- nm-absent: DWARF knows a function that has no symbol of its own
- nm-no-dwarf: an address of nm that DWARF does not know: C without debug information, go:buildid, PLT stubs
"""

from __future__ import annotations

import argparse
import lzma
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.dwarf.llvm import Truth, llvm_truth

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"


def go_program(goroot: Path, name: str, source: str) -> Path:
    """Build a program with that toolchain, once."""
    target = Path(tempfile.gettempdir()) / "goinspect-check-dwarf" / name
    if not target.exists():
        subprocess.run(
            [goroot / "bin" / "go", "build", "-o", target, source], check=True, cwd=Path(__file__).parent,
            env={"GOCACHE": str(target.parent / "gocache"), **os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "",
                 "GOROOT": str(goroot)},
        )  # fmt: skip
    return target


def go_truth(goroot: Path, path: Path) -> Truth:
    """Ask debug/dwarf. It leaves the size of some types open ("?"): those are compared without."""
    program = go_program(goroot, "dwarf_truth", "dwarf_truth.go")
    done = subprocess.run([program, path], check=False, capture_output=True)
    if done.returncode or done.stderr:
        print(f"     {path.name}: debug/dwarf: {done.stderr.decode(errors='replace').strip()}")
    truth = Truth()
    for line in done.stdout.decode("utf-8", "backslashreplace").splitlines():
        kind, *row = line.split("\t", 4 if line[0] == "T" else 3)
        if kind == "T":
            truth.types[row[3], row[0], None, None if row[2] == "-" else int(row[2])] += 1
            continue
        address, size = int(row[0]), None if row[1] in ("-", "-1") else -1 if row[1] == "?" else int(row[1])
        if size is not None and size < -1:
            truth.explained["go-negative-size"] += 1
            size = -1
        if address in (0, 0xFFFFFFFF, (1 << 64) - 1):
            truth.explained["removed"] += 1
        elif kind == "F":
            truth.functions[address, size, row[2]] += 1
        elif not row[2]:
            truth.explained["literal"] += 1
        else:
            truth.variables[address, size, row[2]] += 1
    return truth


def without_sizes(ours: Truth, truth: Truth) -> Truth:
    """Our answer in debug/dwarf's terms: no sizes of types, nor of those variables that it cannot tell."""
    unknown = {(address, name) for address, size, name in truth.variables if size == -1}
    variables: Counter[tuple[int, int | None, str]] = Counter()
    for (address, size, name), count in ours.variables.items():
        variables[address, -1 if (address, name) in unknown else size, name] += count
    types: Counter[tuple[str, str, int | None, int | None]] = Counter()
    for (name, kind, _, descriptor), count in ours.types.items():
        types[name, kind, None, descriptor] += count
    return Truth(ours.functions, variables, types)


_NM = re.compile(r"^\s*([0-9a-f]+)\s+(\d+)\s+(\S)\s+(.*)$", re.MULTILINE)


def same_name(name: str, symbols: set[str]) -> str | None:
    """Why one of the symbols is the function of that name; None when none is."""
    plain = {symbol.removesuffix(".abi0").removesuffix(".abiinternal") for symbol in symbols}
    for reason, good in (
        ("same", name in symbols),
        ("nm-abi", name in plain),
        ("nm-local-type", name.replace("·", ".") in plain),
        ("nm-underscore", "_" + name in plain),
        ("nm-stdcall", any(symbol.partition("@")[0].lstrip("_") == name.lstrip("_") for symbol in plain)),
        ("nm-escaped", name in {unquote(symbol) for symbol in plain}),
        ("nm-clone", any(symbol.lstrip("_").startswith(name.lstrip("_") + ".") for symbol in plain)),
        ("nm-mangled", any(symbol.startswith("_Z") and f"{len(name)}{name}" in symbol for symbol in plain)),
    ):
        if good:
            return reason
    return None


def check_nm(goroot: Path, path: Path, ours: Truth) -> bool:
    """Functions of Go code against `go tool nm -size`."""
    done = subprocess.run(
        [go_program(goroot, "nm", "cmd/nm"), "-size", path], check=False, capture_output=True, text=True,
        errors="backslashreplace",
    )  # fmt: skip
    symbols: dict[int, dict[str, int]] = {}
    for address, size, kind, name in _NM.findall(done.stdout):
        if kind in "tT":
            symbols.setdefault(int(address, 16), {})[name] = int(size)
    sizes = done.stdout and path.read_bytes()[:4] == b"\x7fELF"
    explained: Counter[str] = Counter()
    wrong = []
    for address, size, name in ours.functions:
        known = symbols.get(address, {})
        fitting = {other for other, count in known.items() if count == (size or 0) or not sizes}
        reason = same_name(name, fitting) if known else "nm-absent"
        if reason is None:
            wrong.append((hex(address), size, name, known))
        else:
            explained[reason if sizes or known.get(name, 0) == (size or 0) else "nm-no-sizes"] += 1
    addresses = {address for address, _, _ in ours.functions}
    explained["nm-no-dwarf"] = sum(address not in addresses for address in symbols)
    notes = ", ".join(f"{name} {count}" for name, count in sorted(explained.items()))
    print(
        f"{'FAIL' if wrong else 'ok  '} {path.name} go tool nm: {len(wrong)} differ {wrong[:3]} ({notes})",
        flush=True,
    )
    return not wrong


def goinspect_truth(path: Path) -> tuple[Truth, tuple[str, ...]]:
    """What goinspect says, in the oracles' terms."""
    from goinspect.dwarf import read_symbols
    from goinspect.objfile import open_image

    found = read_symbols(open_image(path))
    if found is None:
        return Truth(), ()
    functions, variables, types = found.functions, found.variables, found.types
    return Truth(
        Counter(zip(functions.address, functions.size, functions.name, strict=True)),
        Counter(zip(variables.address, variables.size, variables.name, strict=True)),
        Counter(zip(types.name, types.kind, types.size, types.runtime_type, strict=True)),
        declared=Counter(zip(functions.address, functions.file, functions.line, strict=True)),
    ), found.warnings


def compare(path: Path, oracle: str, truth: Truth, ours: Truth) -> bool:
    """Print a line; True when all is explained."""
    if not truth.functions:
        print(f"SKIP {path.name} {oracle}: cannot read it", flush=True)
        return True
    parts, good = [], True
    for what in ("functions", "variables", "types", *(("declared",) if truth.declared else ())):
        theirs, mine = getattr(truth, what), getattr(ours, what)
        missing, extra = theirs - mine, mine - theirs
        parts.append(f"{theirs.total()} {what}")
        for title, rows in (("missing", missing), ("extra", extra)):
            if rows:
                good = False
                parts.append(f"{title} {rows.total()} {list(rows)[:3]}")
    notes = ", ".join(f"{name} {count}" for name, count in sorted(truth.explained.items()))
    print(
        f"{'ok  ' if good else 'FAIL'} {path.name} {oracle}: {'; '.join(parts)}{f' ({notes})' if notes else ''}",
        flush=True,
    )
    return good


def write_oracle(folder: Path) -> None:
    """Note the truth about the fixtures that have DWARF, as tests/dwarf/test_fixtures.py reads it."""
    folder.mkdir(exist_ok=True)
    for release in ("go1.24-exe", "go1.27-pie"):
        packed = FIXTURES / release / "workload.xz"
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(lzma.decompress(packed.read_bytes()))
            truth = llvm_truth(Path(file.name))
        for what, rows in (("functions", truth.functions), ("variables", truth.variables), ("types", truth.types),
                           ("declared", truth.declared)):  # fmt: skip
            lines = sorted(
                "\t".join("-" if value is None else str(value) for value in row) for row in rows.elements()
            )
            (folder / f"{release}-{what}.txt.xz").write_bytes(
                lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
            )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the oracle of the tests instead")
    parser.add_argument(
        "--go", type=Path, metavar="GOROOT", help="ask debug/dwarf and go tool nm of this toolchain"
    )
    options = parser.parse_args()
    if options.write is not None:
        write_oracle(options.write)
    good = True
    for path in options.files:
        ours, warnings = goinspect_truth(path)
        if not ours.functions and not warnings:
            print(f"none {path.name}: no DWARF")
            continue
        for warning in warnings:
            print(f"     {path.name}: {warning}")
        if options.go is None:
            good &= compare(path, "llvm-dwarfdump", llvm_truth(path), ours)
        else:
            truth = go_truth(options.go, path)
            good &= compare(path, "debug/dwarf", truth, without_sizes(ours, truth))
            good &= check_nm(options.go, path, ours)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
