"""The pattern of most tutorials, and of this platform's first version: FastAPI and `send_json` to each in turn."""

from pathlib import Path

from bench.harness.places import APPS, PEER_BIN
from bench.harness.processes import Process
from bench.harness.server import TEXT, Crowd, Dialect
from bench.peers.installed import SETUP, python_package


class Seed:
    """A `ConnectionManager` in memory; with a database, each message is committed before it is sent."""

    def __init__(self, *, with_database: bool = False) -> None:
        self.name = "seed-sql" if with_database else "seed"
        self.title = "FastAPI, SQLAlchemy, a commit each" if with_database else "FastAPI, send_json to each"
        self._with_database = with_database

    def missing(self) -> str | None:
        """See `Server.missing`."""
        return None if python_package("fastapi") and python_package("sqlalchemy") else SETUP

    def version(self) -> str:
        """See `Server.version`."""
        names = ["fastapi", "uvicorn", "uvloop", *(("sqlalchemy", "aiosqlite") if self._with_database else ())]
        return ", ".join(f"{name} {python_package(name)}" for name in names)

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        command: list[str | Path] = [
            PEER_BIN / "python", "-m", "uvicorn", "--app-dir", APPS, "--port", str(port),
            "--log-level", "warning", "--no-access-log", "--backlog", "4096", "seed_chat:app",
        ]  # fmt: skip
        environment = {"DATABASE": str(home / "chat.db")} if self._with_database else {}
        return Process(command, port=port, home=home, environment=environment)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`."""
        conversation = "019ab000-0000-7000-8000-%g"
        return Dialect(
            path="/ws/u%d",
            message=f'{{"type":"send_message","conversation_id":"{conversation}","content":"{TEXT}"}}',
            greeting=("< online_users",),
            joining=(
                f'> {{"type":"join_conversation","conversation_id":"{conversation}"}}',
                "< conversation_joined",
            ),
        )
