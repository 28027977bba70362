"""A real `gator serve` process: started, killed, restarted on the same data, ended by its pid."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Condition, Thread
from typing import Self
from urllib.parse import quote

from gator.auth.minting import mint
from gator.protocol.types import UtcMillis

GATOR = Path(sysconfig.get_path("scripts")) / "gator"

# Below the ports that the kernel hands out. A client that connects again and again to
# such a port while nobody listens could otherwise get it as its own (a TCP connection
# to itself), and the server could not come back.
LASTING_PORTS = range(20_000, 32_000)

KEPT_LINES = 5_000

SECRET = "a secret of the tests, 32 bytes and more"
"""Signs the tokens of a server with `auth="jwt"`."""

_LISTENING = re.compile(r"(?:\blistening\b.*\burl=|Uvicorn running on )(http://\S+)")


def lasting_port() -> int:
    """Find a free port that stays ours while the server is down.

    Two test processes look in places of their own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = LASTING_PORTS[worker % 8 :: 8]
    for port in random.sample(mine, len(mine)):
        if is_free(port):
            return port
    raise RuntimeError("no free port")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def token(user_id: str, *, expires_s: int = 3600) -> str:
    """Make a token that a server with `auth="jwt"` takes."""
    return mint(SECRET, user_id, now=UtcMillis(round(time.time() * 1000)), expires_s=expires_s)


class Server:
    """One server process at a time, on one data directory and port.

    Args:
        home: Directory to run in; holds the data, and no `.env` of the developer's.
        port: 0 takes a free one at each start.
        command: What to run; reads the settings from its environment.
        settings: By the names of `Settings`; `auth="jwt"` is `GATOR_AUTH=jwt`.

    Attributes:
        log: The last lines that the processes wrote, the newest last.
        url: Where it listens, or did last.
        starts: How often it was started.
    """

    def __init__(
        self, home: Path, *, port: int = 0, command: Sequence[str | Path] = (GATOR, "serve"), **settings: object
    ) -> None:
        self.home = home
        self.data = home / "data"
        self.port = port
        self.command = command
        self.settings = ({"jwt_secret": SECRET} if settings.get("auth") == "jwt" else {}) | settings
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        self.starts = 0
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._changed = Condition()
        self._listens = False
        self._is_over = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the process if it still lives; its log shows with a test that failed."""
        self.kill()
        sys.stderr.write("".join(f"{line}\n" for line in [*self.log][-200:]))

    @property
    def runs(self) -> bool:
        """False before the start, and once it was ended."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self, timeout_s: float = 30) -> None:
        """Start a process and wait until it says that it listens."""
        assert self._process is None, "it runs"
        self._listens = self._is_over = False
        process = subprocess.Popen(
            self.command,
            cwd=self.home,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._process = process
        self._reader = Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()
        with self._changed:
            self._changed.wait_for(lambda: self._listens or self._is_over, timeout_s)
        if not self._listens:
            self.kill()
            raise RuntimeError("the server did not start:\n" + "\n".join(self.log))
        self.starts += 1

    def kill(self) -> None:
        """Kill it with SIGKILL, at once. Harmless if it does not run."""
        self._end(signal.SIGKILL, 30)

    def terminate(self, timeout_s: float = 30) -> int:
        """Ask it to stop with SIGTERM, wait until it has, and tell its exit status."""
        return self._end(signal.SIGTERM, timeout_s)

    def ended(self, timeout_s: float = 30) -> int:
        """Wait until it has ended by itself, and tell its exit status."""
        return self._end(None, timeout_s)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal and do not wait."""
        assert self._process is not None
        self._process.send_signal(number)

    def ws(self, path: str) -> str:
        """Address of a socket: of a user, or `auth?token=...`."""
        return f"{self.url.replace('http', 'ws', 1)}/ws/{path}"

    def as_user(self, user_id: str) -> str:
        """Address of a user's socket in open mode."""
        return self.ws(quote(user_id, safe=""))

    def with_token(self, token: str) -> str:
        """Address of a socket that a token opens."""
        return self.ws(f"auth?token={token}")

    def complaints(self) -> list[str]:
        """List the log lines that only a bug of the server writes."""
        bug = re.compile(r"\w+_failed\b|Traceback|\[error|\[critical|Exception in")
        return [line for line in self.log if bug.search(line)]

    def memory_kib(self) -> int:
        """Read the resident memory of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0])

    def _end(self, number: signal.Signals | None, timeout_s: float) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            if number is not None:
                process.send_signal(number)
            return process.wait(timeout_s)
        finally:
            process.kill()
            process.wait()
            assert self._reader is not None
            self._reader.join()
            assert process.stderr is not None
            process.stderr.close()

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATOR_")}
        # A server that offers a language model loads its libraries, which most tests have no use for.
        ours = {"data": self.data, "port": self.port, "reply_provider": "scripted", **self.settings}
        return inherited | {f"GATOR_{name.upper()}": str(value) for name, value in ours.items()}

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with self._changed:
                self.log.append(line.rstrip("\n"))
                if found := _LISTENING.search(line):
                    self.url, self._listens = found[1], True
                self._changed.notify_all()
        with self._changed:
            # What it wrote to ends with it; `poll` might not know of the end yet.
            self._is_over = True
            self._changed.notify_all()
