"""How LIEF is called: quietly, without noise about numbers it has no name for, its exceptions turned into ours."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

__all__ = ["guarded", "load_lief", "number", "text"]

# What the binding raises for values it cannot turn into Python objects.
_ERRORS = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    BufferError,
)


def load_lief() -> ModuleType:
    """The module, its logging switched off. Costs 0.5 s of CPU and 50 MB the first time."""
    import lief

    lief.logging.disable()
    return lief


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn LIEF's failures over a damaged file into MalformedError; `what` names the format."""
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        try:
            yield
        except _ERRORS as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise MalformedError(f"{what} headers cannot be read: {reason}") from None


def number(value: Any) -> int:
    """An enumeration's number; LIEF hands out plain ints where the file holds one it does not know."""
    return int(getattr(value, "value", value))


def text(value: str | bytes) -> str:
    """A name, which LIEF hands out as bytes where it is not UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
