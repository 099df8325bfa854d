"""What a file with code says of itself, quickly: whether Go wrote it, which release, which module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.builds.mode import position_independent
from goinspect.errors import GoinspectError
from goinspect.gosym.buildinfo.id import go_build_id
from goinspect.gosym.buildinfo.info import read_build_info
from goinspect.results.processes.maps import FileFacts

if TYPE_CHECKING:
    from goinspect.binary import Binary
    from goinspect.objfile.image import Image

__all__ = ["facts_of"]

_DWARF = ("debug_info", ".dwinfo")


def facts_of(binary: Binary, *, search: bool = False) -> FileFacts:
    """What `binary` is; with `search`, its gopclntab is looked for where nothing else says that it is of Go."""
    image = binary.image
    try:
        info = read_build_info(image)
    except GoinspectError:
        info = None
    build_id = go_build_id(image)
    named = any(section.name.endswith("gopclntab") for section in image.sections)
    go = bool(info or build_id or named)
    version = info.go_version if info else None
    if version is None and (go or search) and (module := binary.go_or_none) is not None:
        go, version = True, module.go_version
    try:
        pie = position_independent(image, image.linkage())
    except GoinspectError:
        pie = None
    main = info.main if info else None
    return FileFacts(
        go, version, build_id, image.build_id() or None, (info.path or None) if info else None,
        main.path if main else None, (main.version or None) if main else None, pie, _stripped(image),
    )  # fmt: skip


def _stripped(image: Image) -> str:
    lost = []
    if image.section(".symtab") is None:
        lost.append("symbol table")
    if not any(section.name.endswith(_DWARF) for section in image.sections):
        lost.append("DWARF")
    return " and ".join(lost) or "no"
