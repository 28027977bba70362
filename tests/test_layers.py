"""The shape of the house: who may import whom, and that an import is only an import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Runs in a process of its own: imports every module of the packages named in argv and prints what that did to the
# world, one effect a line with the module that caused it. Files opened below Python (apsw) show as descriptors.
PROBE = """
import importlib, os, pkgutil, sys, threading, traceback

effects, module = [], "start"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
ACTS = ("socket.", "sqlite3.", "subprocess.", "os.system", "os.fork", "os.exec", "os.posix_spawn", "os.mkdir",
        "os.remove", "os.rename", "shutil.", "tempfile.", "os.putenv", "urllib.", "signal.")

def note(what):
    effects.append(f"{module}: {what}")

def hook(event, args):
    if event == "open":
        path, mode, flags = args
        if (flags or 0) & WRITING:
            note(f"opens {path!r} for writing")
    elif event.startswith(ACTS):
        note(event)

def ours():
    # Whose import is running? The standard library's wsgiref, for one, walks through the environment at its own.
    frame = sys._getframe(1)
    while frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_globals["__name__"].partition(".")[0] in sys.argv[1:]

class Environment(type(os.environ)):
    def __getitem__(self, key):
        if key.startswith("GATOR_") and ours():
            note(f"reads {key}")
        return super().__getitem__(key)

def descriptors():
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()

def load(name):
    global module
    module = name
    before, threads = descriptors(), threading.active_count()
    importlib.import_module(name)
    if descriptors() - before:
        note("leaves a file open")
    if threading.active_count() > threads:
        note("starts a thread")

os.environ.__class__ = Environment
sys.addaudithook(hook)
for package in sys.argv[1:]:
    load(package)
    for found in pkgutil.walk_packages(sys.modules[package].__path__, package + "."):
        if not found.name.endswith("__main__"):
            load(found.name)
print("\\n".join(effects))
"""


def effects_of_importing(*packages: str, path: Path) -> list[str]:
    """Import all modules of the packages found at `path` and list what that did besides."""
    result = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", PROBE, *packages],
        env=os.environ | {"PYTHONPATH": str(path), "GATOR_PROBE": "set"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\n")[:-1] if result.stdout.strip() else []


def test_importing_any_module_opens_nothing_and_reads_no_setting() -> None:
    assert effects_of_importing("gator", "backend", path=ROOT / "src") == []


def test_importing_the_client_library_does_nothing_either() -> None:
    assert effects_of_importing("gator_chat_client", path=ROOT / "clients" / "python" / "src") == []


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("open('left-behind', 'w').close()", "opens 'left-behind' for writing"),
        ("import socket; socket.socket().close()", "socket.__new__"),
        ("import asyncio; asyncio.new_event_loop().close()", "socket.__new__"),
        ("import sqlite3; sqlite3.connect(':memory:').close()", "sqlite3.connect"),
        ("import apsw; database = apsw.Connection('left-behind')", "leaves a file open"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        (
            "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
            "starts a thread",
        ),
        ("import os; os.environ.get('GATOR_PROBE')", "reads GATOR_PROBE"),
        ("import os; os.getenv('GATOR_ABSENT')", "reads GATOR_ABSENT"),
        ("import os; dict(os.environ)", "reads GATOR_PROBE"),
    ],
)
def test_an_effect_of_an_import_is_noticed(
    line: str, effect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "planted" / "inner"
    package.mkdir(parents=True)
    (tmp_path / "planted" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "culprit.py").write_text(line + "\n")
    assert f"planted.inner.culprit: {effect}" in effects_of_importing("planted", path=tmp_path)


def test_imports_point_down_the_flow() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
