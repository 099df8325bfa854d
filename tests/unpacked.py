"""Unpacks the archives of the fixtures, with any Python: the filters of `tarfile` came with 3.11.4."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, cast

__all__ = ["unpack_tar"]


def unpack_tar(archive: Path, root: Path, only: str = "") -> None:
    """Write the files of `archive`, or `only` one of them, below `root`.

    There is nothing but plain files in those of the fixtures.

    Raises:
        ValueError: a member is no plain file or directory, or would lie outside of `root`.
    """
    with tarfile.open(archive) as members:
        for member in members:
            if only and member.name != only:
                continue
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                raise ValueError(f"{archive}: {member.name}: expected a plain file within the archive")
            place = root.joinpath(*name.parts)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            content = cast("IO[bytes]", members.extractfile(member))  # of a plain file it is one
            place.write_bytes(content.read())
            place.chmod(0o755 if member.mode & 0o100 else 0o644)
