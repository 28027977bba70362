"""Programs of Node.js that the tests use: locked, and fetched when they are missing."""

import hashlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest


def installed(package: Path, cache: Path, *, otherwise: str) -> Path:
    """Find a directory with a lock and what it locks; it is fetched, into `cache`, if nobody has installed it.

    Args:
        otherwise: How to do without.
    """
    if shutil.which("node") is None:
        pytest.fail(f"{package.name} needs node and npm; {otherwise}")
    if (package / "node_modules").exists():
        return package
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.iterdir()) if path.is_file()))
    place = cache / state.hexdigest()[:16]
    if not place.exists():
        _install(package, place, otherwise)
    return place


def _install(package: Path, place: Path, otherwise: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail(f"{package.name} needs node and npm; {otherwise}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as parts:
        draft = Path(parts) / "draft"
        shutil.copytree(package, draft)
        command = [npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"]
        done = subprocess.run(command, cwd=draft, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"npm could not install {package.name}:\n{done.stderr}\n{otherwise}")
        # Whole or not at all; another process may have been quicker.
        with suppress(OSError):
            draft.rename(place)
