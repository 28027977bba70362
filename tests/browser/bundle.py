"""Scripts of the tests as a browser takes them."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest
from tests.support import npm

PACKAGES: Final = Path(__file__).resolve().parents[2] / "clients" / "js" / "node_modules"
"""Where the JavaScript client's tools are, among them esbuild and React."""


def bundle(entry: Path, *, mode: str) -> str:
    """Put a module and all that it imports into one script.

    Args:
        mode: `production` or `development`, as React knows them.
    """
    esbuild = PACKAGES / ".bin" / "esbuild"
    if not esbuild.exists():
        pytest.fail(f"{esbuild} is missing: run `make web`. {npm.OTHERWISE}")
    result = subprocess.run(
        [esbuild, entry, "--bundle", "--format=iife", f'--define:process.env.NODE_ENV="{mode}"'],
        env={**os.environ, "NODE_PATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return result.stdout
