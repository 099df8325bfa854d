"""Binaries of tests/fixtures/probed and of the matrix."""

from __future__ import annotations

import lzma
from typing import TYPE_CHECKING

import pytest

from tests.conftest import FIXTURES
from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that counts its own calls."""
    path = tmp_path_factory.mktemp("probed") / "probed"
    path.write_bytes(lzma.decompress((FIXTURES / "probed" / "probed.xz").read_bytes()))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of a build -> its binary."""
    root = tmp_path_factory.mktemp("matrix")

    def get(name: str) -> Path:
        if not (root / name).exists():
            unpack_tar(FIXTURES / "matrix" / f"{name.partition('-')[0]}.tar.xz", root, f"{name}/workload")
        return root / name / "workload"

    return get
