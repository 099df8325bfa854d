"""`goinspect maps` and `goinspect ps` as they are used."""

from __future__ import annotations

import json
import re
import shutil
import xml.dom.minidom

import pytest

from tests.cli.demo import BINARY, MAPS
from tests.cli.runner import cli
from tests.conftest import oracle_rows
from tests.running import needs_linux, stopped

START = 0x5640816D4000  # of the code in MAPS, which begins at 0x400000 in the file


def lines_of_maps() -> list[str]:
    return MAPS.read_text().splitlines()


def test_the_page(tmp_path):
    maps, loader = tmp_path / "workload.maps", re.search(r"/\S+/ld-linux-x86-64.so.2", MAPS.read_text())[0]
    maps.write_text(MAPS.read_text().replace(loader, "/nowhere/ld.so"))
    answer = cli("maps", maps, "-b", BINARY)
    assert answer.code == 0
    assert answer.err == "goinspect: warning: /nowhere/ld.so: nothing is known of it: no such file\n"
    parts = answer.out.split("\n\n")
    heads = [part.splitlines()[0].partition(" (")[0] for part in parts]
    assert heads == [str(maps), "Layout", "Binaries", "Mappings", "Totals"]
    assert "0x5640812d4000  0x400000-0x5cd000  go1.27.3" in answer.out
    table = next(part for part in parts if part.startswith("Mappings\n")).splitlines()[2:]
    assert [line.split()[0].replace("0x", "") for line in table] == [
        line.split()[0].lstrip("0") for line in lines_of_maps()
    ]
    assert sum("(guess)" in line for line in table) == sum(
        int(line.split(" by address")[0].split()[-1])
        for line in answer.out.splitlines()
        if "by address and size" in line
    )
    holes = [line for line in answer.out.splitlines() if "┊" in line]
    assert len(holes) >= 4


def test_addresses():
    vaddr, *frames = oracle_rows("go1.27-piestripped", "frames")[0]
    runtime = int(vaddr, 16) - 0x400000 + START
    answer = cli("maps", MAPS, "-b", BINARY, f"{runtime:x}", "1000")
    function, place = frames[0].split("|")
    assert answer.code == 1  # the other one is mapped nowhere
    assert re.search(
        rf"file offset +{runtime:#x} - {START:#x} \+ 0x0 = {int(vaddr, 16) - 0x400000:#x}\n", answer.out
    )
    assert f"= 0x{vaddr} (segment 0)" in answer.out
    assert re.search(rf"frames +{re.escape(function)}  {re.escape(place)}\n", answer.out)
    assert "nothing is mapped there" in answer.out
    found = json.loads(cli("maps", MAPS, "-b", BINARY, f"{runtime:#x}", "--json").out)
    (one,) = found["addresses"]
    assert (one["vaddr"], one["function"]) == (f"0x{vaddr}", frames[-1].split("|")[0])
    assert len(found["mappings"]) == len(lines_of_maps())
    assert sum(row["size"] for row in found["totals"]) == sum(
        int(end, 16) - int(start, 16)
        for line in lines_of_maps()
        for start, end in [line.split()[0].split("-")]
    )


def test_without_the_binary():
    """The mappings are told all the same, and what is missing is said."""
    answer = cli("maps", MAPS, hex(START + 0x1000))
    assert answer.code == 0
    assert "/srv/app/workload: nothing is known of it: no such file" in answer.err
    assert "file offset" in answer.out
    assert "vaddr" not in answer.out


def test_symfs(tmp_path):
    (tmp_path / "srv/app").mkdir(parents=True)
    shutil.copy(BINARY, tmp_path / "srv/app/workload")
    answer = cli("maps", MAPS, "--symfs", tmp_path, hex(START + 0x1000))
    assert "internal/abi.BoundsDecode  internal/abi/bounds.go:86" in answer.out


def test_the_picture(tmp_path):
    out = tmp_path / "layout.svg"
    assert cli("maps", MAPS, "-b", BINARY, "-o", out).code == 0
    picture = xml.dom.minidom.parse(str(out))
    assert cli("maps", MAPS, "-b", BINARY, "--format", "svg").out == out.read_text("utf-8")
    regions = json.loads(cli("maps", MAPS, "-b", BINARY, "--json").out)["regions"]
    groups = picture.getElementsByTagName("g")
    assert len(groups) == len(regions)
    widths = [int(group.getElementsByTagName("rect")[0].getAttribute("width")) for group in groups]
    sizes = [int(region["end"], 16) - int(region["start"], 16) for region in regions]
    assert [size for _, size in sorted(zip(widths, sizes, strict=True))] == sorted(sizes)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["maps", "2147483647"], "no process 2147483647: it has ended, or never was"),
        (["maps", "/nowhere"], "/nowhere: cannot be read: No such file or directory"),
        (["maps", BINARY], "is an ELF file, but no core file"),
        (["maps", MAPS, "main.main"], "'main.main' is no hexadecimal address"),
    ],
)
def test_one_clear_line(arguments, said):
    answer = cli(*arguments)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("goinspect: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


@needs_linux
def test_ps(tmp_path):
    path = tmp_path / "a-workload-of-its-own"
    shutil.copy(BINARY, path)
    path.chmod(0o755)
    with stopped(path) as first, stopped(path) as second:
        answer = cli("ps", "a-workload-of-its-own")
        head, *rows = answer.out.splitlines()
        rows = [row for row in rows if "may not be looked at" not in row]
        assert head.split() == [
            "PID",
            "threads",
            "age",
            "CPU",
            "RSS",
            "Go",
            "module",
            "version",
            "build",
            "exe",
        ]
        assert [int(row.split()[0]) for row in rows] == sorted((first, second))
        assert all("go1.27.3" in row and "PIE, stripped" in row and row.endswith(str(path)) for row in rows)
        found = json.loads(cli("ps", str(path), "--json", "--sort", "age", "-n", "1").out)
        assert [row["pid"] for row in found["processes"]] == [first]
        assert cli("ps", f"^{path}$", "--sort", "exe").out.count(str(path)) == 2
    assert "a-workload-of-its-own" not in cli("ps").out


@needs_linux
def test_nothing_matches():
    answer = cli("ps", "no such (program|module)")
    assert answer.code == 0
    assert answer.out.startswith("No Go program that runs here has no such (program|module) in it.\n")


def test_why_a_file_names_nothing(tmp_path):
    cut = tmp_path / "cut"
    cut.write_bytes(BINARY.read_bytes()[:3000])
    answer = cli("symbolize", "-b", cut, "0x400000")
    assert answer.code == 1
    assert answer.err.splitlines() == [
        "goinspect: warning: truncated: segments reach to 0x196a00, the file ends at 0xbb8",
        "goinspect: no address has a name: expected addresses of the file itself, as nm shows them",
    ]
    of_process = cli("symbolize", "--maps", MAPS, "-b", BINARY, "0x10")
    assert of_process.err.endswith("are they of this process, or of another start of it?\n")
