"""`gator serve`: how it starts, refuses to start, and stops. `tests/e2e/` has it as a process."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import structlog
import uvicorn
from tests.cli.gator import Said, gator
from tests.support.house import settings_for
from tests.support.postgres import PostgresServer
from tests.support.server import GATOR, Server
from uvicorn.lifespan.off import LifespanOff

from gator.app import create_app, open_house
from gator.cli.serve import DrainingServer, ServeError, run
from gator.storage import postgres as engine
from gator.storage.database import SchemaTooNew
from gator.storage.postgres import open_for_writing
from gator.storage.sqlite import FILE_NAME, DataLock, connect


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging and signals as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    signals = {sig: signal.getsignal(sig) for sig in (signal.SIGINT, signal.SIGTERM)}
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for sig, handler in signals.items():
        signal.signal(sig, handler)


class FakeHouse:
    """A house whose drain ends when it is told to."""

    def __init__(self) -> None:
        self.draining = asyncio.Event()
        self.drained = asyncio.Event()
        self.calls: list[str] = []

    async def drain(self) -> None:
        self.calls.append("drain")
        self.draining.set()
        try:
            await self.drained.wait()
        except asyncio.CancelledError:
            self.calls.append("cancelled")
            raise


def server(house: FakeHouse | None) -> DrainingServer:
    """Make a server that has started, without sockets."""
    app = create_app()
    app.state.house = house
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    made = DrainingServer(config, app)
    made.servers = []
    made.lifespan = LifespanOff(config)
    return made


# Refusing to start


def test_a_taken_port_is_told_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        said = gator("serve", "--data", str(tmp_path), "--port", str(port))
    assert said.code == 2
    assert said.err == (
        f"gator: Cannot listen on 127.0.0.1:{port}: Address already in use; choose another GATOR_PORT.\n"
    )
    assert not (tmp_path / FILE_NAME).exists()


def test_data_that_is_in_use_is_told_with_a_remedy(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    said = gator("serve", "--data", str(tmp_path), "--port", "0")
    lock.release()
    assert said.code == 2
    assert said.err == (
        f"gator: Another gator process is using '{tmp_path}'; stop it or choose another GATOR_DATA.\n"
    )


def test_data_of_a_newer_program_is_told_and_left_alone(tmp_path: Path) -> None:
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    said = gator("serve", "--data", str(tmp_path), "--port", "0")
    assert said.code == 2
    assert said.err.startswith("gator: The database is at migration 999, this program knows ")
    DataLock(tmp_path).release()


def test_data_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    said = gator("serve", "--data", str(tmp_path / "data"), "--port", "0")
    assert said.code == 2
    assert said.err == f"gator: Cannot use GATOR_DATA='{tmp_path / 'data'}': File exists.\n"


def test_a_start_that_fails_for_another_reason_points_to_the_log(tmp_path: Path) -> None:
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE messages (in_the_way)")
    connection.close()
    with pytest.raises(ServeError, match=r"could not start with GATOR_DATA=.*; see the log above"):
        run(settings_for(tmp_path, port=0))
    DataLock(tmp_path).release()


async def test_a_house_that_cannot_be_opened_lets_go_of_its_data(tmp_path: Path) -> None:
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(SchemaTooNew):
        await open_house(settings_for(tmp_path))
    DataLock(tmp_path).release()


# Refusing to start with PostgreSQL


def refused(url: str) -> str:
    """Serve with an address that cannot be used; what is said has to be one line without the password."""
    said = gator("serve", "--port", "0", GATOR_DATABASE_URL=url)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err
    return said.err.strip()


def test_a_postgres_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    said = refused(f"postgresql://ann:secret@/chat?host={tmp_path}")
    assert said.startswith("gator: Cannot use GATOR_DATABASE_URL: connection ")


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("host:5432/chat?nonsense=secret", "it is no address such as postgresql://user:password@host:5432/name."),
        ("secret@host/chat", "it has an @ too many: in a user or password, @ is written as %40 and / as %2F."),
    ],
)
def test_an_address_of_a_postgres_that_is_none_is_told(rest: str, sentence: str) -> None:
    assert refused(f"postgresql://ann:secret@{rest}") == f"gator: Cannot use GATOR_DATABASE_URL: {sentence}"


def test_a_postgres_without_that_database_is_told(postgres: PostgresServer) -> None:
    said = refused(postgres.url("nowhere").replace("gator@", "gator:secret@"))
    assert said.startswith("gator: Cannot use GATOR_DATABASE_URL: connection ")
    assert said.endswith('database "nowhere" does not exist')


def test_a_postgres_that_cannot_hold_all_text_is_told(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE ascii OWNER gator TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    assert refused(postgres.url("ascii").replace("gator@", "gator:secret@")) == (
        "gator: Cannot use GATOR_DATABASE_URL: The database's encoding is SQL_ASCII; make it with ENCODING 'UTF8'."
    )


def test_a_postgres_that_another_process_serves_is_told(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOCK_S", -1.0)
    url = postgres.create()
    with open_for_writing(url):
        assert refused(url) == (
            "gator: Another gator process is using this database; stop it or choose another GATOR_DATABASE_URL."
        )


def test_a_postgres_of_a_newer_program_is_told_and_left_alone(postgres: PostgresServer) -> None:
    url = postgres.create()
    gator("migrate", GATOR_DATABASE_URL=url)
    with open_for_writing(url) as connection:
        connection.execute("INSERT INTO gator_migrations (number, name) VALUES (999, 'later')")
    assert refused(url).startswith("gator: The database is at migration 999, this program knows ")


def test_a_start_on_postgres_that_fails_for_another_reason_points_to_the_log(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.create()
    with open_for_writing(url) as connection:
        connection.execute("CREATE TABLE messages (in_the_way INTEGER)")
    with pytest.raises(
        ServeError, match=r"^The server could not start with GATOR_DATABASE_URL; see the log above"
    ):
        run(settings_for(tmp_path, port=0, database_url=url))
    open_for_writing(url).close()


# Without the driver


@pytest.fixture
def no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have programs that are started find no psycopg."""
    path = tmp_path / "no-driver"
    path.mkdir()
    (path / "psycopg.py").write_text("raise ImportError('it is not installed')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(path), os.environ.get("PYTHONPATH")))))


def program(directory: Path, *arguments: str, **environ: str) -> Said:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("GATOR_")}
    done = subprocess.run(
        [GATOR, *arguments], cwd=directory, env=clean | environ, capture_output=True, text=True, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("command", ["serve", "migrate", "doctor"])
def test_a_driver_that_is_missing_is_told_with_a_remedy(tmp_path: Path, command: str) -> None:
    said = program(tmp_path, command, GATOR_PORT="0", GATOR_DATABASE_URL="postgresql://ann:secret@host/chat")
    remedy = "GATOR_DATABASE_URL needs a driver: pip install 'gator-chat[postgres]'"
    if command == "doctor":
        assert (said.code, said.err) == (1, "")
        assert f"WRONG  database: {remedy}\n" in said.out
    else:
        assert (said.code, said.out, said.err) == (2, "", f"gator: {remedy}\n")


@pytest.mark.usefixtures("no_driver")
def test_without_the_driver_everything_works_that_needs_none(tmp_path: Path) -> None:
    assert program(tmp_path, "migrate").code == 0
    assert "ok     database: whole, up to date" in program(tmp_path, "doctor", GATOR_PORT="0").out
    with Server(tmp_path) as server:
        answer = httpx2.get(f"{server.url}/readyz", trust_env=False, verify=False)
        assert answer.json() == {"status": "ok"}
        assert server.terminate() == 0
        assert server.complaints() == []


# Stopping


async def test_the_house_is_drained_before_connections_are_closed() -> None:
    house = FakeHouse()
    stopping = asyncio.ensure_future(server(house).shutdown())
    await house.draining.wait()
    assert not stopping.done()
    house.drained.set()
    await stopping
    assert house.calls == ["drain"]


async def test_a_second_signal_ends_the_drain() -> None:
    house = FakeHouse()
    stopped = server(house)
    stopping = asyncio.ensure_future(stopped.shutdown())
    await house.draining.wait()
    stopped.force_exit = True
    await stopping
    await asyncio.sleep(0)
    assert house.calls == ["drain", "cancelled"]


async def test_a_server_that_never_opened_its_house_has_nothing_to_drain() -> None:
    await server(None).shutdown()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_the_second_does_not_wait(
    first: signal.Signals, second: signal.Signals
) -> None:
    stopped = server(None)
    with stopped.capture_signals():
        signal.raise_signal(first)
        assert (stopped.should_exit, stopped.force_exit) == (True, False)
        signal.raise_signal(second)
        assert (stopped.should_exit, stopped.force_exit) == (True, True)


def test_after_the_end_signals_are_what_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with server(None).capture_signals():
        assert signal.getsignal(signal.SIGTERM) != before
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_several_processes_are_refused_until_something_carries_events_between_them() -> None:
    said = gator("serve", "--workers", "4")
    assert said.code == 2
    assert said.err.startswith("gator: one process serves one database;")
