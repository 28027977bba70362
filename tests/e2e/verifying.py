"""`gator verify` as a program, and a command that kills what it verifies and starts it again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Protocol

from tests.support.server import GATOR


class Restartable(Protocol):
    """A server on data that outlives its process."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


@contextmanager
def restarting(home: Path, server: Restartable) -> Iterator[str]:
    """Hand out a shell command that kills a server with SIGKILL and starts it on the same data.

    Args:
        home: A directory to talk with the command in.
    """
    asked, done = home / "asked", home / "done"
    for fifo in (asked, done):
        os.mkfifo(fifo)

    def restart() -> None:
        while asked.read_text() == "restart\n":
            server.kill()
            server.start()
            done.write_text("done\n")

    thread = Thread(target=restart)
    thread.start()
    try:
        yield f"echo restart > '{asked}'; read answer < '{done}'"
    finally:
        asked.write_text("enough\n")
        thread.join()


def run_verify(*arguments: object, **environment: str) -> tuple[int, str, str]:
    """Run `gator verify`; returns its exit status, what it printed, and what it said."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATOR_")}
    process = subprocess.run(
        [str(GATOR), "verify", *map(str, arguments)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return process.returncode, process.stdout, process.stderr
