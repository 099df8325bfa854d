"""Whose code a symbol is: which module its package comes from.

Decided by the build information and by rule, not by a list of packages: the standard library is what has no dot in the
first element of its import path and belongs to no module of the build (``go help importpath``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from goinspect.gosym.build.info import BuildInfo

__all__ = ["ASSEMBLY", "CGO", "MAIN", "NATIVE", "STD", "TOOLCHAIN", "UNKNOWN", "UNNAMED", "Origins"]

# Groups that are no modules. Module paths have no parentheses (module.CheckPath), so these cannot be mistaken.
STD: Final = "std"  # as `go list std` calls it
MAIN: Final = "(main)"  # the main module, where its path is not known
UNKNOWN: Final = "(unknown module)"
TOOLCHAIN: Final = "(toolchain)"  # what compiler and linker make: type:.eq.T, go:itab.*
CGO: Final = "(cgo)"  # what cgo makes
ASSEMBLY: Final = "(assembly)"  # Go functions without a package
UNNAMED: Final = "(unnamed types)"  # map[K]V, func(T), struct { … }
NATIVE: Final = "(C)"  # everything that is not in Go's tables

_TOOLCHAIN = ("type:", "go:", "type..", "go.", "$f", "$i")
_CGO = ("_cgo", "x_cgo", "crosscall")


class Origins:
    """Finds the module of a package."""

    def __init__(self, build_info: BuildInfo | None) -> None:
        modules = [build_info.main, *build_info.deps] if build_info else []
        paths = {module.path for module in modules if module is not None and module.path}
        self._longest_first = sorted(paths, key=len, reverse=True)
        main = build_info.main if build_info else None
        self._main = main.path if main is not None and main.path else MAIN
        self._knows = bool(paths)
        self._cache: dict[str, str] = {}

    def of_package(self, package: str) -> str:
        """Path of the module that holds `package`, or one of the groups of this module."""
        found = self._cache.get(package)
        if found is None:
            found = self._cache[package] = self._find(package)
        return found

    def _find(self, package: str) -> str:
        if package in ("main", "command-line-arguments"):
            return self._main
        for path in self._longest_first:
            if package == path or package.startswith(path + "/"):
                return path
        # The standard library vendors golang.org/x below vendor/, whose first element has no dot either.
        return UNKNOWN if "." in package.partition("/")[0] else STD

    def of_symbol(self, name: str, package: str, *, go: bool) -> str:
        """The module of a symbol; `go`: it is in gopclntab or in Go's type data."""
        if package:
            return self.of_package(package)
        if name.startswith(_TOOLCHAIN):
            return TOOLCHAIN
        if name.startswith(_CGO):
            return CGO
        return ASSEMBLY if go else NATIVE
