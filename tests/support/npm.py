"""Node.js, and programs of it that the tests use: locked, and fetched when they are missing."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

OTHERWISE: Final = "NODE=0 leaves out all tests that need it."


def need_node() -> None:
    """Fail where there is no Node.js, unless there is to be none."""
    if os.environ.get("NODE") == "0":
        pytest.skip("NODE=0")
    node = shutil.which("node")
    if node is None:
        pytest.fail(f"Node.js 20 or newer is missing. {OTHERWISE}")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < 20:
        pytest.fail(f"Node.js 20 or newer is needed, and this is {version}. {OTHERWISE}")


def installed(package: Path, cache: Path) -> Path:
    """Find a directory with a lock and what it locks; it is fetched, into `cache`, if nobody has installed it."""
    need_node()
    if (package / "node_modules").exists():
        return package
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.iterdir()) if path.is_file()))
    place = cache / state.hexdigest()[:16]
    if not place.exists():
        _install(package, place)
    return place


def _install(package: Path, place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail(f"npm is missing. {OTHERWISE}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as parts:
        draft = Path(parts) / "draft"
        shutil.copytree(package, draft)
        command = [npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"]
        done = subprocess.run(command, cwd=draft, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"npm could not install {package.name}:\n{done.stderr}\n{OTHERWISE}")
        # Whole or not at all; another process may have been quicker.
        with suppress(OSError):
            draft.rename(place)
