"""ES modules as parts of one script: what pictures and reports run is in one scope."""

from __future__ import annotations

import re

from goinspect._files import asset

__all__ = ["joinable", "shared"]

_SHARED = ("labels", "numbers")

_IMPORT = re.compile(r'^import \{[^}]*\} from "[./\w]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class|let)", re.MULTILINE)


def joinable(module: str) -> str:
    """The text of a module without its imports and exports."""
    return _EXPORT.sub("", _IMPORT.sub("", module))


def shared() -> str:
    """How names of frames are shortened and numbers written, for pictures and reports alike."""
    return "".join(joinable(asset("goinspect.render", f"assets/{name}.js")) for name in _SHARED)
