"""What every test may use: the fixture directories, their files, and what other tools said about them."""

from __future__ import annotations

import lzma
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import examples
from tests.machines import NOWHERE, on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIXTURES = Path(__file__).parent / "fixtures"
# How fast a machine is says nothing of an answer. Where CI is set, the same examples are tried every time.
settings.register_profile(
    "goinspect",
    examples(100),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("goinspect")
BUILDS = sorted(path.name for path in FIXTURES.glob("go1.*") if path.is_dir())


def oracle_rows(build: str, name: str) -> list[list[str]]:
    """The tab-separated lines of ``<name>.txt`` (or ``.txt.xz``) of a fixture, without its ``#`` comments."""
    plain = FIXTURES / build / f"{name}.txt"
    packed = FIXTURES / build / f"{name}.txt.xz"
    text = (
        plain.read_text("utf-8") if plain.exists() else lzma.decompress(packed.read_bytes()).decode("utf-8")
    )
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="session", autouse=True)
def _nowhere() -> Iterator[None]:
    """No answer comes from the machine that runs the tests: neither its kernel nor its files are the recorded ones."""
    with on(NOWHERE):
        yield


@pytest.fixture(scope="session")
def fixture_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """(build, file name) -> path of the plain file; what lies there compressed is unpacked once per worker."""
    root = tmp_path_factory.mktemp("fixtures")

    def get(build: str, name: str) -> Path:
        plain = FIXTURES / build / name
        if plain.exists():
            return plain
        unpacked = root / build / name
        if not unpacked.exists():
            unpacked.parent.mkdir(parents=True, exist_ok=True)
            unpacked.write_bytes(lzma.decompress((FIXTURES / build / f"{name}.xz").read_bytes()))
            unpacked.chmod(0o755 if name == "workload" else 0o644)
        return unpacked

    return get


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest) -> str:
    """Each fixture directory in turn."""
    return str(request.param)


@pytest.fixture
def workload(build: str, fixture_file: Callable[[str, str], Path]) -> Path:
    """The binary of `build`."""
    return fixture_file(build, "workload")


@pytest.fixture
def recording(build: str, fixture_file: Callable[[str, str], Path]) -> Path:
    """The perf.data of `build`."""
    return fixture_file(build, "perf.data")
