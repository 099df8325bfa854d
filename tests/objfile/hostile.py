"""Opens what is damaged: an image that can be asked everything, or a GoinspectError of one line. Nothing else."""

from __future__ import annotations

import contextlib
import random
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from goinspect.errors import GoinspectError
from goinspect.objfile import open_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from goinspect.objfile.image import Image


def refused(path: Path, error: type[GoinspectError], *words: str, **options: object) -> None:
    with pytest.raises(GoinspectError) as caught:
        open_image(path, **options)
    assert type(caught.value) is error, caught.value
    one_line(caught.value, path)
    for word in words:
        assert word in str(caught.value)


def one_line(error: GoinspectError, path: Path) -> None:
    assert "\n" not in str(error)
    assert str(error).startswith(str(path))


def exercise(path: Path, **options: object) -> Image | None:
    try:
        image = open_image(path, **options)
    except GoinspectError as error:
        one_line(error, path)
        return None
    with contextlib.suppress(GoinspectError):
        list(islice(image.symbols(), 1000))
    image.build_id()
    for section in image.sections:
        with contextlib.suppress(GoinspectError):
            image.data(section)
    for segment in image.segments:
        for vaddr in (segment.vaddr, segment.vaddr + segment.file_size - image.ptrsize):
            with contextlib.suppress(GoinspectError):
                image.tail(vaddr)
            with contextlib.suppress(GoinspectError):
                image.read_pointer(vaddr)
    with contextlib.suppress(GoinspectError):
        list(islice(image.find(b"needle"), 10))
        list(islice(image.pointers_to(0x401000), 10))
    return image


def damaged(data: bytes, *, step: int, flips: int, until: int | None = None) -> Iterator[bytes]:
    """`data` cut every `step` bytes, and with `flips` bytes changed one at a time, in the first `until` ones."""
    for size in range(4, len(data), step):
        yield data[:size]
    chance = random.Random(1)
    for _ in range(flips):
        at = chance.randrange(4, min(until or len(data), len(data)))
        yield data[:at] + bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1))]) + data[at + 1 :]


def exercise_all(path: Path, variants: Iterable[bytes], **options: object) -> None:
    for data in variants:
        path.write_bytes(data)
        exercise(path, **options)
