"""The report of a profile, made again when its files change. What cannot be read leaves the old one as it is."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from goinspect._paths import is_url
from goinspect.api.flame import Flame
from goinspect.errors import GoinspectError
from goinspect.render.html.output import page
from goinspect.render.outputs import output_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from goinspect.api.flame import FlameOptions, Opened
    from goinspect.render.html.output import Page
    from goinspect.render.outputs import DrawOptions

__all__ = ["Asked", "Report", "State", "signature"]

_SETTLED = 0.7  # seconds without a change: whoever writes the file is done


class Asked(NamedTuple):
    """Which profiles, and what of them; as `Flame.read` takes them."""

    paths: Sequence[str]
    options: FlameOptions
    opening: Callable[[str], Opened]
    diff: str | None = None
    absolute: bool = False

    @property
    def files(self) -> list[str]:
        """What is read again when it changes: nothing where a part comes from stdin or a server."""
        every = [*self.paths, *filter(None, [self.diff])]
        return [] if any(path == "-" or is_url(path) for path in every) else every


class State(NamedTuple):
    """What a page asks for: the version of the report, why a newer one cannot be made, and whether one is on its way."""

    version: str
    error: str
    changing: bool


class Report:
    """The page, and what is known of newer ones.

    Args:
        asked: what is shown.
        draw: how.
        tell: is told a line when the profile was read again, or could not be.

    Attributes:
        version: of the page.
        flame: what it shows.

    Raises:
        GoinspectError: the profile cannot be read.
    """

    def __init__(self, asked: Asked, draw: DrawOptions, tell: Callable[[str], None]) -> None:
        self._asked, self._draw, self._tell = asked, draw, tell
        self._lock = threading.Lock()
        self._series, self._number = secrets.token_hex(4), 0
        self.version = self._next()
        self._error = ""
        self._files = asked.files
        self._read = self._seen = self._look()
        self._since = time.monotonic()
        self.flame, self._page = self._made(self.version)

    def _next(self) -> str:
        self._number += 1
        return f"{self._series}-{self._number}"

    def page(self) -> Page:
        """The newest that could be made."""
        now = self._look()
        if now != self._read:
            with self._lock:
                self._renew(now)
        return self._page

    def state(self) -> State:
        """What a page that is open is to know; makes a new one where a change has settled."""
        now = self._look()
        if now != self._seen:
            self._seen, self._since = now, time.monotonic()
        if (
            now != self._read
            and time.monotonic() - self._since >= _SETTLED
            and self._lock.acquire(blocking=False)
        ):
            try:
                self._renew(now)
            finally:
                self._lock.release()
        return State(self.version, self._error, now != self._read)

    def _renew(self, now: Signature) -> None:
        if now == self._read:
            return
        version = self._next()
        try:
            flame, made = self._made(version)
        except (GoinspectError, MemoryError) as error:
            self._error = str(error) or "out of memory"
            self._tell(f"{self._error}; the report from before is still served")
        else:
            self.flame, self._page, self._error, self.version = flame, made, "", version
            self._tell(f"read again: {flame.summary}")
        self._read = now

    def _made(self, version: str) -> tuple[Flame, Page]:
        paths, options, opening, diff, absolute = self._asked
        flame = Flame.read(
            paths, options, output=output_for("html", None), opening=opening, diff=diff, absolute=absolute
        )
        draw = self._draw._replace(path=flame.path)
        return flame, page(flame.profile, draw, live={"version": version})

    def _look(self) -> Signature:
        return signature(self._files)


Signature = tuple[tuple[int, int, int, int] | None, ...]


def signature(paths: Iterable[str]) -> Signature:
    """What is another where one of the files is another one, or has other contents."""
    return tuple(map(_of_file, paths))


def _of_file(path: str) -> tuple[int, int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
