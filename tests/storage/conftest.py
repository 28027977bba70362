"""Databases for the tests of storage, and how many statements they run."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock

import apsw
import pytest
from tests.contract.postgres import PostgresBench
from tests.contract.wishes import create
from tests.support.postgres import PostgresServer

from gator.storage import outage
from gator.storage import postgres as engine
from gator.storage.sqlite import FILE_NAME, connect, migrate

Queries = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    """A migrated database, open for writing."""
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    yield connection
    connection.close()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Queries:
    """Expect a number of statements, transactions aside, on connections opened from now on."""
    ran: list[str] = []
    lock = Lock()

    def note(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        if sql.split()[0] not in ("BEGIN", "COMMIT", "PRAGMA"):
            with lock:
                ran.append(sql)
        return True

    hook = lambda connection: connection.set_exec_trace(note)  # noqa: E731
    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, hook])

    @contextmanager
    def expect(count: int) -> Iterator[None]:
        ran.clear()
        yield
        assert len(ran) == count, "\n\n".join(ran)

    return expect


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everybody give up after the first try."""
    monkeypatch.setattr(engine, "LOCK_S", -1.0)
    monkeypatch.setattr(outage, "OUTAGE_S", -1.0)


@pytest.fixture
async def bench(url: str) -> AsyncIterator[PostgresBench]:
    """A journal with a conversation of Ann's."""
    bench = PostgresBench(url)
    await bench.journal.commit(create("garden", "ann"))
    yield bench
    await bench.close()
    bench.close_store()


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """A server that may be killed."""
    with PostgresServer(fsync=True) as server:
        yield server
