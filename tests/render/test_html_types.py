"""The modules of the report are typed by JSDoc, and TypeScript's compiler has nothing to say of them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.runner import ROOT

COMPILER = ["npx", "--yes", "--package", "typescript@5", "tsc"]
OPTIONS = [
    "--noEmit",
    "--allowJs",
    "--checkJs",
    "--strict",
    "--target",
    "es2022",
    "--module",
    "es2022",
    "--lib",
    "es2023,dom,dom.iterable",
]


def test_types():
    if shutil.which("npx") is None:
        pytest.skip("no npx")
    asked = subprocess.run(
        [*COMPILER, "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if asked.returncode:
        pytest.skip(f"no TypeScript to be had: {asked.stderr.strip()[-200:]}")
    main = "goinspect/render/html/assets/main.js"
    told = subprocess.run([*COMPILER, *OPTIONS, main], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")
