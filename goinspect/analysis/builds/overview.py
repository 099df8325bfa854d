"""Everything there is to say of one file: what `goinspect info` shows, and `goinspect compare` for each build."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from goinspect.analysis.builds import facts as buildfacts
from goinspect.analysis.builds import linkerstrings
from goinspect.analysis.builds import mode as buildmode
from goinspect.analysis.builds.parts import list_tables
from goinspect.errors import GoinspectError
from goinspect.gosym.buildinfo.id import go_build_id
from goinspect.gosym.buildinfo.info import find_build_version, read_build_info
from goinspect.gosym.buildinfo.text import BuildInfo, format_module_text
from goinspect.objfile.facts import Linkage
from goinspect.results.info import Info, ModuleRow, Vcs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.binary import Binary
    from goinspect.gosym.buildinfo.text import Module
    from goinspect.gosym.module import GoModule
    from goinspect.objfile.image import Image

__all__ = ["describe"]

_OLDEST = (1, 5)  # earlier, runtime.buildVersion is no variable
_NOTHING = BuildInfo("")
_REPEATED_SHOWN, _LONGEST = 3, 80  # settings in warnings, and characters of each


def describe(binary: Binary) -> Info:
    """What `binary` is: a pure function of the file, whether Go wrote it or not."""
    image = binary.image
    go, why_not = _go(binary)
    info = go.build_info if go else _build_info(image)
    version, version_from = _version(image, go, info)
    settings = info.settings if info else {}
    linkage, unlinked = _linkage(image)
    names = buildmode.NameSearch(go) if go else None
    build_id = go_build_id(image)
    packed = buildfacts.packer(image) if go is None else None
    tables, odd = list_tables(image, go)
    by_name = {row.name: row for row in tables}
    is_go = True if go or info or build_id else None if packed else False
    facts = {
        "build_mode": buildmode.build_mode(image, info, linkage, names, member=binary.path.endswith(")")),
        "linkmode": buildmode.link_mode(image, go),
        "os": buildmode.goos(image, info, names),
        "cgo": buildfacts.cgo(image, names),
        "static": buildfacts.static(image, linkage) if not unlinked else buildmode.Fact(None),
        "trimpath": buildfacts.trimpath(settings, names),
        "optimized": buildfacts.optimized(settings, go),
        "sanitizer": buildfacts.sanitizer(settings, names),
    }
    value = {name: fact.value for name, fact in facts.items()}
    strings, doubts = linkerstrings.find(binary, info, version)
    warnings = [
        *binary.warnings,
        *(info.problems if info else ()),
        *_repeated(info or _NOTHING),
        *odd,
        *unlinked,
        *doubts,
    ]
    if why_not:
        warnings.append(why_not)
    if is_go and version is None:
        warnings.append("the file does not say which Go it was built with")
    return Info(
        path=binary.path, container=image.container, bits=8 * image.ptrsize, byteorder=image.byteorder,
        arch=image.arch, os=value["os"], type=image.type, size=image.file_size, entry=image.entry, go=is_go,
        packed=packed, build_mode=value["build_mode"], pie=None if unlinked else buildmode.position_independent(image, linkage), linkmode=value["linkmode"],
        stripped=buildfacts.stripped(by_name, image), cgo=_flag(value["cgo"]), static=_flag(value["static"]),
        interpreter=linkage.interpreter, libraries=linkage.libraries, trimpath=_flag(value["trimpath"]),
        optimized=_flag(value["optimized"]), sanitizer=value["sanitizer"], fips140=_fips140(settings),
        pgo=settings.get("-pgo") or None, go_version=version, go_version_from=version_from, go_build_id=build_id,
        gnu_build_id=image.build_id() or None, main_package=(info.path or None) if info else None,
        module=_row(info.main) if info and info.main else None,
        deps=tuple(_row(module) for module in info.deps) if info else (), settings=settings, vcs=_vcs(settings),
        tables=tables,
        reasons=MappingProxyType({name: fact.reason for name, fact in facts.items() if fact.reason}),
        build_info=format_module_text(info) if info else "", warnings=tuple(dict.fromkeys(warnings)),
        linker_strings=strings,
    )  # fmt: skip


def _go(binary: Binary) -> tuple[GoModule | None, str]:
    """The gopclntab, or why there is none."""
    try:
        return binary.go, ""
    except GoinspectError as error:
        return None, error.message


def _linkage(image: Image) -> tuple[Linkage, list[str]]:
    """How it is linked; nothing, and a warning, where that cannot be read."""
    try:
        return image.linkage(), []
    except GoinspectError as error:
        return Linkage(), [f"needed libraries are not known: {error.message}"]


def _build_info(image: Image) -> BuildInfo | None:
    try:
        return read_build_info(image)
    except GoinspectError:
        return None


def _version(image: Image, go: GoModule | None, info: BuildInfo | None) -> tuple[str | None, str | None]:
    """The Go version and where it was read."""
    if info is not None:
        return info.go_version, "build information"
    version = go.go_version if go else None
    if go is None and image.section(".go.buildinfo") is None and image.section(".gosymtab") is not None:
        version = find_build_version(image, _OLDEST)
    return version, "runtime.buildVersion" if version else None


def _flag(value: str | None) -> bool | None:
    return None if value is None else value == "yes"


def _row(module: Module) -> ModuleRow:
    replaced = _row(module.replaced_by) if module.replaced_by else None
    return ModuleRow(module.path, module.version, module.sum, replaced)


def _fips140(settings: Mapping[str, str]) -> str | None:
    """The FIPS 140-3 module that was linked in, or the mode that GODEBUG switches on by default."""
    module = settings.get("GOFIPS140")
    if module and module != "off":
        return module
    defaults = dict(part.partition("=")[::2] for part in settings.get("DefaultGODEBUG", "").split(","))
    mode = defaults.get("fips140")
    return f"fips140={mode}" if mode and mode != "off" else None


def _vcs(settings: Mapping[str, str]) -> Vcs | None:
    system = settings.get("vcs")
    if not system:
        return None
    modified = settings.get("vcs.modified")
    return Vcs(
        system, settings.get("vcs.revision") or None, settings.get("vcs.time") or None,
        modified == "true" if modified in ("true", "false") else None,
    )  # fmt: skip


def _repeated(info: BuildInfo) -> list[str]:
    """Settings that occur twice: one of them is shown."""
    counts = Counter(key for key, _ in info.setting_rows)
    twice = sorted(key for key, count in counts.items() if count > 1)
    more = (
        [f"{len(twice) - _REPEATED_SHOWN} more settings occur more than once"]
        if twice[_REPEATED_SHOWN:]
        else []
    )
    shown = twice[:_REPEATED_SHOWN]
    return [f"setting {key[:_LONGEST]} occurs more than once: the last one is shown" for key in shown] + more
