"""Our own server: `gator serve` with tokens, a journal that is flushed, and metrics."""

import json
import os
import secrets
import shutil
import subprocess
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.harness.places import BUILD
from bench.harness.processes import Process, free_port
from bench.harness.server import TEXT, Crowd, Dialect
from gator.auth.minting import mint
from gator.protocol.types import UtcMillis

GATOR: Final = Path(sysconfig.get_path("scripts")) / "gator"
SETTINGS: Final = {
    "GATOR_AUTH": "jwt",
    "GATOR_LIMITS": "off",
    "GATOR_METRICS": "true",
    "GATOR_LOG_LEVEL": "warning",
    "GATOR_MAX_CONNECTIONS": "19000",
}
"""All else as it comes. The journal is flushed (`synchronous=FULL`) by default."""

TOKEN_LIVES_S: Final = 86_400


class Houses:
    """Data directories with conversations in them, made once for each crowd and then copied.

    So every run of a server begins with the same data, and joining changes no membership.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(48)
        self._made: dict[Crowd, Path] = {}
        self._home = BUILD / "houses"

    def environment(self, data: Path, port: int) -> dict[str, str]:
        """Tell a server's settings. Those of the caller's environment are not inherited."""
        neutral = {name: "" for name in os.environ if name.startswith("GATOR_")}
        ours = {"GATOR_JWT_SECRET": self._secret, "GATOR_DATA": str(data), "GATOR_PORT": str(port)}
        return neutral | SETTINGS | ours

    def copy_to(self, home: Path, crowd: Crowd) -> None:
        """Lay the data, tokens and conversation ids for a crowd into a directory."""
        if crowd not in self._made:
            self._made[crowd] = self._make(crowd)
        shutil.copytree(
            self._made[crowd], home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.lock", "log")
        )

    def token(self, number: int) -> str:
        """Mint the token of a connection's user."""
        now = UtcMillis(int(time.time() * 1000))
        return mint(self._secret, f"u{number}", now=now, expires_s=TOKEN_LIVES_S)

    def _make(self, crowd: Crowd) -> Path:
        home = self._home / f"{crowd.connections}x{crowd.group}"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        tokens = [self.token(number) for number in range(crowd.connections)]
        (home / "tokens").write_text("\n".join(tokens) + "\n")
        port = free_port()
        with Process([GATOR, "serve"], port=port, home=home, environment=self.environment(home / "data", port)):
            ids = _create_conversations(port, crowd, tokens)
        (home / "ids").write_text("\n".join(ids) + "\n")
        return home


def _create_conversations(port: int, crowd: Crowd, tokens: list[str]) -> list[str]:
    """Create each group's conversation. The first member is its owner."""
    workers = 8

    def create_some(first: int) -> dict[int, str]:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        made = {}
        for group in range(first, crowd.groups, workers):
            members = range(group * crowd.group, min((group + 1) * crowd.group, crowd.connections))
            body = {"kind": "group", "title": f"Room {group}", "member_ids": [f"u{number}" for number in members]}
            headers = {"Authorization": f"Bearer {tokens[members[0]]}", "Content-Type": "application/json"}
            connection.request("POST", "/api/v1/conversations", json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 201:
                raise RuntimeError(f"POST /api/v1/conversations: {response.status} {answer[:300]!r}")
            made[group] = str(json.loads(answer)["id"])
        connection.close()
        return made

    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(create_some, range(workers)))
    made = {group: conversation for part in parts for group, conversation in part.items()}
    return [made[group] for group in range(crowd.groups)]


class Gator:
    """`gator serve` with one of its gateways."""

    def __init__(self, gateway: str, houses: Houses) -> None:
        self.name = gateway
        self.title = f"Gator Chat, {gateway} gateway"
        self._gateway = gateway
        self._houses = houses

    def missing(self) -> str | None:
        """See `Server.missing`."""
        return None if GATOR.exists() else "not installed: make setup"

    def version(self) -> str:
        """See `Server.version`."""
        return f"gator-chat {version('gator-chat')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:
        """See `Server.start`."""
        self._houses.copy_to(home, crowd)
        environment = self._houses.environment(home / "data", port) | {"GATOR_GATEWAY": self._gateway}
        return Process([GATOR, "serve"], port=port, home=home, environment=environment)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002 - the port's signature
        """See `Server.dialect`."""
        join = '> {"type":"join_conversation","conversation_id":"%c"}'
        rejoin = '> {"type":"join_conversation","conversation_id":"%c","after_seq":%q}'
        return Dialect(
            path="/ws/auth",
            message='{"type":"send_message","conversation_id":"%c","content":"' + TEXT + '"}',
            greeting=("< online_users",),
            joining=(join, "< conversation_joined"),
            returning=("< online_users", rejoin, "< conversation_joined"),
            options=("--tokens", str(home / "tokens"), "--ids", str(home / "ids")),
            # A notification has the message in it, too: whoever has not joined yet gets that.
            returning_options=("--position", '"seq":', "--delivery", '"type":"new_message"'),
        )


class GatorOnPostgres(Gator):
    """The same on a PostgreSQL that is there already, and is emptied before each run."""

    def __init__(self, houses: Houses) -> None:
        super().__init__("native", houses)
        self.name = "postgres"
        self.title = "Gator Chat on PostgreSQL"
        self._url = os.environ.get("BENCH_DATABASE_URL", "")

    def missing(self) -> str | None:
        """See `Server.missing`."""
        if not self._url:
            return "BENCH_DATABASE_URL names no database to be emptied and filled"
        return super().missing()

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:
        """See `Server.start`."""
        self._houses.copy_to(home, crowd)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        environment = self._houses.environment(home / "nothing", port) | {"GATOR_DATABASE_URL": self._url}
        move = [GATOR, "migrate", "--from", home / "data"]
        subprocess.run(move, cwd=home, env=os.environ | environment, check=True, capture_output=True)
        return Process([GATOR, "serve"], port=port, home=home, environment=environment)


def read_metrics(port: int) -> dict[str, float]:
    """Read what the server counted itself; histograms by their sum and count."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found: dict[str, Any] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("gator_") and "_bucket" not in name and "_created" not in name:
            found[name] = float(value)
    return {name: value for name, value in found.items() if value}
