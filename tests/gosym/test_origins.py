"""Whose code a package is: against `go list`, and against where the files of real binaries lay."""

from __future__ import annotations

import lzma
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.gosym.buildinfo.text import BuildInfo, Module
from goinspect.gosym.bulk.listing import list_functions
from goinspect.gosym.naming import stdpackages
from goinspect.gosym.naming.framekinds import frame_kind
from goinspect.gosym.naming.names import package_of
from goinspect.gosym.naming.origins import (
    ASSEMBLY,
    CGO,
    CMD,
    MAIN,
    NATIVE,
    STD,
    TOOLCHAIN,
    UNKNOWN,
    Origins,
    origins_of,
)
from goinspect.model import FrameKind
from tests import modes, stamps
from tests.conftest import FIXTURES
from tests.gosym.test_matrix import BUILDS, unpacked

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["unpacked"]

GO = (FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC)
# What `go list` names only with a build tag, an experiment or a processor that it was not asked about.
ELSEWHERE = (
    "arena", "builtin", "cmd/cgo/internal/test/", "cmd/compile/internal/gc/builtin", "cmd/compile/internal/ssa/gen",
    "cmd/compile/internal/typecheck/builtin", "cmd/internal/metadata", "cmd/tools",
    "cmd/vendor/golang.org/x/tools/cmd/bisect", "crypto/boring", "crypto/internal/boring/", "crypto/tls/fipsonly",
    "crypto/x509/internal/macos", "encoding/json/", "iter", "runtime/asan", "runtime/msan", "runtime/secret",
    "runtime/race/internal/amd64v3", "simd", "testing/synctest", "vendor/golang.org/x/net/lif",
)  # fmt: skip


def listed() -> dict[str, set[str]]:
    """Release -> what `go list std cmd` said."""
    found: dict[str, set[str]] = {}
    for line in lzma.decompress((FIXTURES / "packages.tsv.xz").read_bytes()).decode().splitlines():
        if not line.startswith("#"):
            package, releases = line.split("\t")
            for release in releases.split():
                found.setdefault(release, set()).add(package)
    return found


@pytest.mark.parametrize("release", sorted(listed()))
def test_table_has_what_go_list_says(release):
    table = stdpackages.distribution((1, int(release[2:])))
    said = listed()[release]
    assert table.complete
    assert said - table.packages == set()
    assert [package for package in table.packages - said if not package.startswith(ELSEWHERE)] == []


def test_any_release_where_none_is_known():
    any_release = stdpackages.distribution(None)
    assert any_release.packages == set().union(
        *(stdpackages.distribution((1, n)).packages for n in range(28))
    )
    assert not any_release.complete


@pytest.mark.parametrize(
    ("package", "first"),  # from the release notes of Go
    [("context", 7), ("embed", 16), ("net/netip", 18), ("crypto/ecdh", 20), ("slices", 21), ("log/slog", 21),
     ("weak", 24), ("sort", 0)],
)  # fmt: skip
def test_releases_without_toolchain(package, first):
    has = [package in stdpackages.distribution((1, n)).packages for n in range(28)]
    assert has == [n >= first for n in range(28)]


def own_packages(source: str) -> set[str]:
    """Import paths of the packages of a fixture's program, read off its sources."""
    folder = FIXTURES / source
    found = {"main"}
    for file in (file for file in folder.rglob("*.go") if file.parent != folder):
        inner = file.parent.relative_to(folder).as_posix()
        module = (folder / "go.mod").read_text().split()[1]
        found.add(inner.removeprefix("vendor/") if inner.startswith("vendor/") else f"{module}/{inner}")
    return found


def mistaken(path: Path, own: set[str]) -> tuple[int, list[str]]:
    """How many functions have a package, and those that count as somebody else's."""
    binary = goinspect.open(path)
    listing, origins = list_functions(binary.bulk), origins_of(binary.go)
    names = [name for name in listing.name if package_of(name)]
    return len(names), [
        name for name in names if (package_of(name) in own) == (frame_kind(name, origins)[0] in GO)
    ]


def test_every_function_of_the_workload(workload):
    count, wrong = mistaken(workload, own_packages("workload"))
    assert count > 1500
    assert wrong == []


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_every_function_of_every_release_and_platform(name, unpacked):
    count, wrong = mistaken(unpacked(name) / "workload", own_packages("matrix/src"))
    assert count > 500
    assert wrong == []


@pytest.mark.parametrize("series", modes.SERIES)
def test_every_function_of_every_mode(series):
    for mode in modes.kept(series):
        count, wrong = mistaken(modes.binary(series, mode), own_packages("modes/src"))
        assert count > 1500
        assert wrong == []


@pytest.mark.parametrize("build", stamps.builds())
def test_every_function_of_a_module_without_a_dot(build):
    """Module sort, which imports Go's sort; built with GOPATH, there is no module at all."""
    count, wrong = mistaken(stamps.binary(build), {"main", "sort/own.v2"})
    assert count > 500
    assert wrong == []
    binary = goinspect.open(stamps.binary(build))
    names = set(list_functions(binary.bulk).name)
    assert {"sort.siftDown", "sort/own%2ev2.Empty", "main.main"} <= names
    modules = {origins_of(binary.go).of_package(package).module for package in ("main", "sort/own.v2")}
    assert modules == ({MAIN, UNKNOWN} if build.endswith("gopath") else {"sort"})


@pytest.mark.parametrize("series", modes.SERIES)
def test_what_lay_below_goroot_came_with_go(series):
    """Builds without -trimpath: the files of gopclntab tell."""
    binary = goinspect.open(modes.binary(series, "default"))
    listing, origins = list_functions(binary.bulk), origins_of(binary.go)
    place = {
        name: listing.files[number] for name, number in zip(listing.name, listing.file.tolist(), strict=True)
        if number >= 0 and package_of(name) and listing.files[number].startswith("/")
    }  # fmt: skip
    goroot = place["runtime.main"].removesuffix("runtime/proc.go")
    assert goroot.endswith("/go/src/")
    seen = {file.startswith(goroot) for file in place.values()}
    assert seen == {True, False}
    for name, file in place.items():
        assert (frame_kind(name, origins)[0] in GO) == file.startswith(goroot), (name, file)


@pytest.mark.parametrize("name", ["go1.26-linux-amd64", "go1.27-linux-amd64-cshared", "go1.27-windows-amd64"])
def test_a_release_newer_than_the_table(name, unpacked, monkeypatch):
    """As an older goinspect would see it: what is new in 1.22 and later is told by structure and by the modules."""
    (oldest, _), rows = stdpackages._read()
    monkeypatch.setattr(
        stdpackages,
        "_read",
        lambda: ((oldest, 21), [(p, first, min(last, 21)) for p, first, last in rows if first <= 21]),
    )
    stdpackages.distribution.cache_clear()
    try:
        assert not stdpackages.distribution((1, 26)).complete
        assert "internal/runtime/maps" not in stdpackages.distribution((1, 26)).packages
        _, wrong = mistaken(unpacked(name) / "workload", own_packages("matrix/src"))
        assert wrong == []
    finally:
        stdpackages.distribution.cache_clear()


INFO = BuildInfo(
    "go1.27.3",
    "example.com/app/cmd/app",
    Module("example.com/app", "(devel)"),
    (Module("example.com/app/lib", "v1.0.0"), Module("github.com/x/y", "v0.1.0"), Module("plain", "v0.0.0")),
)


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("main", "example.com/app"),
        ("command-line-arguments", "example.com/app"),
        ("plugin/unnamed-0123abcd", "example.com/app"),
        ("example.com/app/internal/store", "example.com/app"),
        ("example.com/app/lib/z", "example.com/app/lib"),
        ("example.com/app/lib_test", "example.com/app/lib"),
        ("example.com/application", UNKNOWN),
        ("github.com/x/y", "github.com/x/y"),
        ("github.com/x/yz", UNKNOWN),
        ("plain/sub", "plain"),
        ("pkg7", UNKNOWN),
        ("myapp/store", UNKNOWN),
        ("net/http", STD),
        ("net/http_test", STD),
        ("vendor/golang.org/x/net/dns/dnsmessage", STD),
        ("crypto/internal/fips140/v1.0.0-c2097c7c/sha256", STD),  # GOFIPS140=v1.0.0
        ("runtime", STD),
        ("cmd/compile/internal/ssa", CMD),
        ("cmd/vendor/golang.org/x/mod/modfile", CMD),
        ("cmd/server", UNKNOWN),
        ("bootstrap/cmd/compile/internal/ssa", CMD),
        ("bootstrap/math/bits", STD),
        ("bootstrap/app", UNKNOWN),
    ],
)
def test_modules(package, module):
    assert Origins(INFO).of_package(package).module == module


def test_without_build_information():
    origins = Origins(None)
    assert origins.of_package("main") == (MAIN, FrameKind.USER)
    assert origins.of_package("github.com/x/y") == (UNKNOWN, FrameKind.USER)
    assert origins.of_package("pkg7") == (UNKNOWN, FrameKind.USER)
    assert origins.of_package("net/http") == (STD, FrameKind.STDLIB)
    assert origins.of_package("vendor/golang_org/x/net/http2/hpack").module == STD  # Go 1.7 to 1.11
    assert origins.of_package("internal/x/net/http/httpguts").module == STD  # Go 1.12
    assert origins.of_package("cmd/link/internal/ld") == (CMD, FrameKind.TOOLCHAIN)


def test_the_library_of_the_release_hides_a_module_of_its_name():
    """`import "log"` is Go's; log/slog is since 1.21, and was free for a module named log before."""
    info = BuildInfo("go1.21.13", "log", Module("log", "(devel)"))
    assert Origins(info).of_package("log").module == STD
    assert Origins(info).of_package("log/slog").module == STD
    assert Origins(info).of_package("log/own") == ("log", FrameKind.USER)
    assert Origins(info._replace(go_version="go1.20.1")).of_package("log/slog") == ("log", FrameKind.USER)


def test_modules_go_first_where_the_packages_of_a_release_are_not_known():
    info = BuildInfo("go1.13.15", "sort/x", Module("sort", "(devel)"))
    assert Origins(info).of_package("sort/y").module == "sort"
    assert (
        Origins(BuildInfo("devel +0123", "a", Module("slices", ""))).of_package("slices").module == "slices"
    )


def test_without_modules_the_path_of_the_main_package_is_what_is_known():
    info = BuildInfo("go1.21.13", "myapp")
    assert Origins(info).of_package("main") == (MAIN, FrameKind.USER)
    assert Origins(info).of_package("myapp/store") == (MAIN, FrameKind.USER)
    assert Origins(info).of_package("internal/own") == (UNKNOWN, FrameKind.USER)  # below $GOPATH/src
    assert Origins(info).of_package("internal/bytealg").module == STD


def test_tools_of_go():
    """`go version -m` of a distribution's compiler has a path, and no module."""
    info = BuildInfo("go1.26.8", "cmd/compile")
    assert Origins(info).of_package("main") == (CMD, FrameKind.TOOLCHAIN)
    assert Origins(info).of_package("cmd/internal/obj/x86") == (CMD, FrameKind.TOOLCHAIN)
    assert Origins(info).of_package("go/constant") == (STD, FrameKind.STDLIB)
    own = BuildInfo("go1.26.8", "cmd/server")
    assert Origins(own).of_package("main") == (MAIN, FrameKind.USER)


@pytest.mark.parametrize(
    ("name", "go", "group"),
    [
        ("type:.eq.main.T", True, TOOLCHAIN),
        ("go:itab.*os.File,io.Reader", False, TOOLCHAIN),
        ("go.buildid", True, TOOLCHAIN),
        ("_cgo_init", False, CGO),
        ("_cgoexp_0_F", True, CGO),
        ("memeqbody", True, ASSEMBLY),
        ("malloc", False, NATIVE),
    ],
)
def test_symbols_without_a_package(name, go, group):
    assert Origins(INFO).of_symbol(name, "", go=go) == group


@pytest.mark.parametrize(
    ("name", "kind", "package"),
    [
        ("pkg7.(*T).m", FrameKind.USER, "pkg7"),
        ("myapp/store.Spin", FrameKind.USER, "myapp/store"),
        ("net/http.(*conn).serve", FrameKind.STDLIB, "net/http"),
        ("cmd/compile/internal/ssa.Compile", FrameKind.TOOLCHAIN, "cmd/compile/internal/ssa"),
        (
            "encoding/json.(*ptrEncoder).(encoding/json.encode)-fm",
            FrameKind.STDLIB,
            "encoding/json",
        ),  # Go 1.8
        ("runtime.mallocgc", FrameKind.RUNTIME, "runtime"),
        ("runtime.gcDrain", FrameKind.GC, "runtime"),
        ("internal/runtime/maps.(*Map).Get", FrameKind.RUNTIME, "internal/runtime/maps"),
        ("runtime/pprof.StartCPUProfile", FrameKind.STDLIB, "runtime/pprof"),
        ("runtime/own.F", FrameKind.USER, "runtime/own"),
        ("memeqbody", FrameKind.RUNTIME, "runtime"),
        ("type:.eq.main.T", FrameKind.RUNTIME, "runtime"),
    ],
)
def test_kinds_of_frames(name, kind, package):
    assert frame_kind(name, Origins(None)) == (kind, package)
