"""The browser of the tests: found, or installed by `python -m tests.browser.chromium`.

Debian's Chromium where there is one, else the one that Playwright brings.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
PACKAGES: Final = ("chromium", "fonts-noto-color-emoji")

HELP: Final = (
    "The tests of the page need Chromium, and there is none: run `make browser`, or name one with "
    "CHROMIUM=/path/to/it. BROWSER=0 leaves these tests out."
)

FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Nothing is asked of other hosts: a browser at rest would look for updates and experiments.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def is_wanted() -> bool:
    """False if somebody said that there is to be no browser."""
    return os.environ.get("BROWSER") != "0"


def find() -> Path | None:
    """Find the program."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [path for name in NAMES if (path := shutil.which(name)) is not None]
    if found:
        return Path(found[0])
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.is_file() else None


def flags() -> list[str]:
    """Tell what it is started with. As root there is no sandbox, which Chromium wants to be told."""
    return [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def install() -> None:
    """Install it, from Debian where that is possible.

    Raises:
        subprocess.CalledProcessError: It could not be.
    """
    become_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if shutil.which("apt-get") and _succeeds([*become_root, "true"]):
        apt_get = [*become_root, "apt-get", "--quiet", "--yes", "--no-install-recommends"]
        if _succeeds([*apt_get, "update"]) and _succeeds([*apt_get, "install", *PACKAGES]):
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def _succeeds(command: list[str]) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    if is_wanted() and find() is None:
        print("Installing Chromium for the tests of the page (BROWSER=0 leaves them out) ...", flush=True)
        try:
            install()
        except subprocess.CalledProcessError:
            sys.exit(HELP)
