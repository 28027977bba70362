"""Processes of ours: started, waited for, and ended by their process id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

STARTS_WITHIN_S: Final = 30.0
STOPS_WITHIN_S: Final = 5.0


class NotStarted(Exception):
    """A server ended, or did not listen in time; the text has what it last wrote."""


def free_port() -> int:
    """Find a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A server that listens on a port of this machine, in a directory of its own.

    Args:
        home: Its working directory; its output goes into `log` there.
        environment: Added to that of this process.
    """

    def __init__(
        self, command: Sequence[str | Path], *, port: int, home: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._command = [str(part) for part in command]
        self._log = home / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=home,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process; it may have children."""
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self.wait_until_it_listens()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_until_it_listens(self) -> None:
        """Wait until the port accepts connections.

        Raises:
            NotStarted: It ended, or took longer than 30 s.
        """
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise NotStarted(f"{self._command[0]}: {self.last_words()}")

    def last_words(self) -> str:
        """Read the end of what it wrote."""
        return self._log.read_text(errors="replace")[-1500:].strip()

    def stop(self, within_s: float = STOPS_WITHIN_S) -> None:
        """Ask it to stop; if it does not, end it. So with its children. Harmless if it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
        deadline = time.monotonic() + STOPS_WITHIN_S
        while (left := session_members(self.pid)) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        self._process.wait()


def session_members(session: int) -> list[int]:
    """List the processes of a session that live: a server's own, and what it started, orphans too."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _parent, _group, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(entry.name))
    return found
