"""Executables of C, as the fixtures have them: what is no Go, wherever the tests run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from tests.unpacked import unpack_tar

_ROOT = Path(tempfile.mkdtemp(prefix="c-programs-"))
atexit.register(shutil.rmtree, _ROOT, ignore_errors=True)
for _name in ("frameless", "host"):
    unpack_tar(Path(__file__).parent / "fixtures/recordings/programs.tar.xz", _ROOT, _name)

C_PROGRAM, OTHER_C_PROGRAM = _ROOT / "frameless", _ROOT / "host"
