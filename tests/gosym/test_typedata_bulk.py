"""Type data read in bulk, and one descriptor after the other: the same answer, of sound files and of damaged ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.errors import GoinspectError
from goinspect.gosym.types.bulk import columns
from goinspect.gosym.types.data import read_types
from tests.builders.types import write_types
from tests.examples import examples
from tests.gosym.test_typedata import MACHINES, VERSIONS, opened

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.gosym.types.data import TypeData


def both(image: object, module: object) -> tuple[bool, TypeData | None, TypeData | None]:
    """Whether all could be read in bulk, and both answers."""
    done = []

    def told(*arguments: object) -> object:
        done.append(columns_read(*arguments))
        return done[-1]

    columns_read = columns.read_bulk
    with mock.patch.object(columns, "read_bulk", told):
        first = read_types(image, module)
    with mock.patch.object(columns, "read_bulk", return_value=None):
        return bool(done and done[0] is not None), first, read_types(image, module)


@pytest.mark.parametrize(("byteorder", "ptrsize"), MACHINES)
@pytest.mark.parametrize(
    "version", [version for version in VERSIONS if version >= (1, 7)], ids=lambda version: f"1.{version[1]}"
)
def test_written_files(version, byteorder, ptrsize) -> None:
    in_bulk, first, second = both(*opened(write_types(version, byteorder, ptrsize).data, version))
    assert in_bulk
    assert first == second


def test_real_files(workload: Path) -> None:
    binary = goinspect.open(workload)
    in_bulk, first, second = both(binary.image, binary.go)
    assert in_bulk
    assert first == second


@examples(300)
@given(
    st.sampled_from([(1, 7), (1, 14), (1, 17), (1, 24), (1, 26), (1, 27)]), st.sampled_from(MACHINES),
    st.integers(0, 1 << 32), st.integers(1, 8),
)  # fmt: skip
def test_damaged_files(version, machine, seed, changes) -> None:
    data = bytearray(write_types(version, *machine).data)
    chance = random.Random(seed)
    for _ in range(changes):
        data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    try:
        image, module = opened(bytes(data), version)
    except GoinspectError:
        return
    _, first, second = both(image, module)
    assert first == second
