"""Go's build ID: an ELF note, elsewhere a marked text before the first function.

``go tool buildid`` prints the same. Sources: src/cmd/internal/buildid/{buildid,note}.go, and src/cmd/link/internal/ld
(``textbuildid``, and for WebAssembly the custom section "go:buildid").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goinspect.objfile.image import Image

__all__ = ["go_build_id"]

_OWNER, _TYPE = b"Go\0\0", 4
_START, _END = b'\xff Go build ID: "', b'"\n \xff'
_TEXT = (".text", "__text")
_SECTIONS = ("go:buildid", "go.buildid")
_SEARCHED = 1 << 16
_MAX_ID = 1 << 12


def go_build_id(image: Image) -> str | None:
    """The build ID, None where the file has none."""
    for owner, kind, descriptor in image.notes():
        if (owner, kind) == (_OWNER, _TYPE):
            return bytes(descriptor[:_MAX_ID]).decode("utf-8", "backslashreplace")
    for name in _SECTIONS:
        section = image.section(name)
        if section is not None:
            return _marked(bytes(image.data(section)[:_SEARCHED]))
    if image.container == "ELF":
        return None
    for section in image.sections:
        if section.name in _TEXT:
            found = _marked(bytes(image.data(section)[:_SEARCHED]))
            if found is not None:
                return found
    return None


def _marked(head: bytes) -> str | None:
    start = head.find(_START)
    end = head.find(_END, start, start + _MAX_ID) if start >= 0 else -1
    if end < 0:
        return None
    return head[start + len(_START) : end].decode("utf-8", "backslashreplace")
