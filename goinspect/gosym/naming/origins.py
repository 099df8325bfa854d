"""Whose code a symbol is: which module its package comes from. The one decision that all of goinspect shares.

In this order, from what is known:

1. The packages of the release that the binary was built with. A program that imports ``sort`` gets Go's, also when its own
   module is called ``sort`` (``sort/x`` is the module's): the go command does not link another one of that path. Where
   it is not known of the release which packages it has, modules go first.
2. The modules of the build information: the longest path that is a prefix. Of a binary without modules what lies below
   the path of its main package is its own.
3. The packages of all releases, where the binary's is not known; of the newest, where it is newer.
4. Structure. What stands below ``X/internal`` can only be imported from ``X`` (golang.org/s/go14internal), so it is Go's
   where X is: this finds snapshots (``crypto/internal/fips140/v1.0.0/…``) and much of what is newer than the table.
   ``internal/…`` and ``vendor/…`` are directories of GOROOT/src. A program of modules has nothing that is neither in one
   of them nor in Go's sources: that tells the packages of a release newer than the table.

What is left is the application's. That the first element of an import path has no dot says nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.gosym.buildinfo.info import parse_version
from goinspect.gosym.naming.stdpackages import distribution, is_tool
from goinspect.model import FrameKind

if TYPE_CHECKING:
    from goinspect.gosym.buildinfo.info import BuildInfo
    from goinspect.gosym.module import GoModule
    from goinspect.gosym.naming.stdpackages import Distribution

__all__ = [
    "ASSEMBLY",
    "CGO",
    "CMD",
    "MAIN",
    "NATIVE",
    "STD",
    "TOOLCHAIN",
    "UNKNOWN",
    "UNNAMED",
    "Origin",
    "Origins",
    "origins_of",
]

# Groups that are no modules. Module paths have no parentheses (module.CheckPath), so these cannot be mistaken.
STD: Final = "std"  # as `go list std` calls it
CMD: Final = "cmd"  # as `go list cmd` calls it: compiler, linker, the go command
MAIN: Final = "(main)"  # the main module, where its path is not known
UNKNOWN: Final = "(unknown module)"
TOOLCHAIN: Final = "(toolchain)"  # what compiler and linker make: type:.eq.T, go:itab.*
CGO: Final = "(cgo)"  # what cgo makes
ASSEMBLY: Final = "(assembly)"  # Go functions without a package
UNNAMED: Final = "(unnamed types)"  # map[K]V, func(T), struct { … }
NATIVE: Final = "(C)"  # everything that is not in Go's tables

_TOOLCHAIN = ("type:", "go:", "type..", "go.", "$f", "$i")
_CGO = ("_cgo", "x_cgo", "crosscall")
_MAIN_PACKAGES = ("main", "command-line-arguments")
_PLUGIN = "plugin/unnamed-"  # main package of a plugin that was built from files; a hash follows
_BOOTSTRAP = "bootstrap/"  # tools that the release before builds, when Go builds itself
_GOROOT = ("internal/", "vendor/")
_INSIDE = ("internal", "vendor")
_TEST = "_test"  # the package of tests outside of the package


class Origin(NamedTuple):
    """Where a package comes from."""

    module: str  # path of its module, or one of the groups of this file
    kind: str  # FrameKind.USER, STDLIB or TOOLCHAIN


_STD, _CMD = Origin(STD, FrameKind.STDLIB), Origin(CMD, FrameKind.TOOLCHAIN)


class Origins:
    """Finds the origin of packages of one binary.

    Args:
        build_info: what the binary says of its build.
        go_version: of the binary, where that is known without; "go1.27.3".
    """

    def __init__(self, build_info: BuildInfo | None, go_version: str | None = None) -> None:
        self._version = build_info.go_version if build_info else go_version
        modules = [build_info.main, *build_info.deps] if build_info else []
        paths = {module.path for module in modules if module is not None and module.path}
        self._longest_first = sorted(paths, key=len, reverse=True)
        self._main_path = build_info.path if build_info else ""
        main = build_info.main if build_info else None
        self._main_module = main.path if main is not None and main.path else MAIN
        self._cache: dict[str, Origin] = {}

    @cached_property
    def _go(self) -> Distribution:
        return distribution(parse_version(self._version) if self._version else None)

    @cached_property
    def _main(self) -> Origin:
        is_go = self._main_path in self._go.packages and is_tool(self._main_path)
        return _CMD if is_go else Origin(self._main_module, FrameKind.USER)

    def of_package(self, package: str) -> Origin:
        """Module and kind of a package; `package` is its import path."""
        found = self._cache.get(package)
        if found is None:
            found = self._cache[package] = self._find(package)
        return found

    def of_symbol(self, name: str, package: str, *, go: bool) -> str:
        """The module of a symbol; `go`: it is in gopclntab or in Go's type data."""
        if package:
            return self.of_package(package).module
        if name.startswith(_TOOLCHAIN):
            return TOOLCHAIN
        if name.startswith(_CGO):
            return CGO
        return ASSEMBLY if go else NATIVE

    def _find(self, package: str) -> Origin:
        if package in _MAIN_PACKAGES or package.startswith(_PLUGIN):
            return self._main
        found = self._known(package)
        if found is None and package.startswith(_BOOTSTRAP):
            found = self._come_with_go(package.removeprefix(_BOOTSTRAP))
        return found or Origin(UNKNOWN, FrameKind.USER)

    def _known(self, package: str) -> Origin | None:
        if self._go.complete and self._is_listed(package):
            return _group(package)
        for path in self._longest_first:
            if _below(package, path) or package == path + _TEST:
                return Origin(path, FrameKind.USER)
        if not self._longest_first and self._main_path and _below(package, self._main_path):
            return self._main
        return self._come_with_go(package)

    def _come_with_go(self, package: str) -> Origin | None:
        """The origin of a package that is in no module, if it is one of Go's."""
        if self._is_listed(package) or self._is_inside(package):
            return _group(package)
        in_modules = bool(self._longest_first)
        if in_modules or not self._go.complete:  # $GOPATH/src/internal would be thinkable
            in_goroot = package.startswith(_GOROOT)
            newer = self._go.newer and in_modules and "." not in package.partition("/")[0]
            return _group(package) if in_goroot or newer else None
        return None

    def _is_listed(self, package: str) -> bool:
        return package in self._go.packages or package.removesuffix(_TEST) in self._go.packages

    def _is_inside(self, package: str) -> bool:
        """Whether it stands in the ``internal`` or ``vendor`` directory of something that is Go's."""
        parts = package.split("/")
        outer = ("/".join(parts[:at]) for at, part in enumerate(parts) if at and part in _INSIDE)
        return any(path == CMD or path in self._go.packages for path in outer)


def origins_of(go: GoModule | None) -> Origins:
    """The same for a binary, or for one that is not known."""
    return Origins(None) if go is None else Origins(go.build_info, go.go_version)


def _group(package: str) -> Origin:
    return _CMD if is_tool(package) else _STD


def _below(package: str, path: str) -> bool:
    return package == path or package.startswith(path + "/")
