"""PostgreSQL as a neighbour that restarts, fails over, is slow to answer, and belongs to somebody else too."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from tests.contract.postgres import PostgresBench
from tests.contract.wishes import GARDEN, create, gone, post, seen
from tests.support.clock import NOON
from tests.support.house import FakeLog
from tests.support.postgres import PostgresServer
from tests.support.postgres_line import Cut, PostgresLine

from gator.protocol.errors import Refusal
from gator.protocol.types import Seq
from gator.storage import database
from gator.storage import postgres as engine
from gator.storage import postgres_session as session
from gator.storage.database import Interrupted, SchemaTooNew
from gator.storage.migrations import migrations
from gator.storage.postgres import (
    PostgresInUse,
    UnfitDatabase,
    connect,
    doubts,
    is_in_use,
    migrate,
    named,
    new_epoch,
    open_for_writing,
    postgres_readers,
    schema_version,
    setting,
)
from gator.storage.postgres_session import PostgresDatabase
from gator.storage.store import SqlStore
from gator.storage.writer import SqlWriter


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """An empty database."""
    return postgres.create()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everybody give up after the first try."""
    monkeypatch.setattr(engine, "LOCK_S", -1.0)
    monkeypatch.setattr(session, "OUTAGE_S", -1.0)
    monkeypatch.setattr(database, "OUTAGE_S", -1.0)


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


async def said(bench: PostgresBench) -> list[str]:
    return [message.content for message in await bench.store.messages(GARDEN, limit=1_000)]


async def heads(bench: PostgresBench) -> list[int]:
    return [event.seq for event in await bench.store.log(GARDEN, after=Seq(0), limit=1_000)]


# Whose it is


@pytest.mark.usefixtures("no_waiting")
def test_one_process_at_a_time_serves_a_database(url: str) -> None:
    first = open_for_writing(url)
    with pytest.raises(
        PostgresInUse, match="is using this database; stop it or choose another GATOR_DATABASE_URL"
    ):
        open_for_writing(url)
    first.close()
    open_for_writing(url).close()


def test_who_starts_waits_for_the_one_before(url: str) -> None:
    first = open_for_writing(url)
    with connect(url) as looking:
        assert is_in_use(looking)
    started: list[bool] = []

    def start() -> None:
        with open_for_writing(url):
            started.append(True)

    waiting = Thread(target=start)
    waiting.start()
    first.close()
    waiting.join(60)
    assert started == [True]


@pytest.mark.usefixtures("no_waiting")
def test_each_schema_of_a_database_is_an_installation_of_its_own(url: str) -> None:
    with connect(url) as connection:
        connection.execute("CREATE SCHEMA other")
    separator = "&" if "?" in url else "?"
    with open_for_writing(url) as one, open_for_writing(f"{url}{separator}options=-csearch_path%3Dother") as other:
        migrate(one)
        assert len(migrate(other)) == len(migrations("postgres"))


# What it has to be


def test_a_database_that_cannot_hold_all_text_is_refused(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE latin OWNER gator TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(UnfitDatabase, match="encoding is LATIN1; make it with ENCODING 'UTF8'"):
        open_for_writing(postgres.url("latin"))


def test_all_text_gets_there_whatever_the_database_asks_of_its_clients(postgres: PostgresServer, url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    postgres.execute(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
    with connect(url) as connection:
        assert connection.execute("SELECT %s || 'é'", ("日本 🐊",)).fetchone() == ("日本 🐊é",)


def test_an_old_server_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "OLDEST", 99)
    with pytest.raises(UnfitDatabase, match=r"PostgreSQL is \d+; 99 or newer is needed"):
        open_for_writing(url)


@pytest.mark.parametrize(
    "address", ["postgresql://ann:secret@[::1", "postgresql://ann:secret@host/db?nonsense=secret", "secret"]
)
def test_what_is_no_address_is_said_without_the_password(address: str) -> None:
    with pytest.raises(UnfitDatabase) as refused:
        connect(address)
    assert "no address such as postgresql://" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("password", ["sec@ret", "sec/ret", "sec/r@et"])
def test_a_password_is_not_taken_for_a_host_and_shown(password: str) -> None:
    with pytest.raises(UnfitDatabase, match="@ is written as %40 and / as %2F"):
        connect(f"postgresql://ann:{password}@host/db")


def test_a_database_where_no_tables_can_be_made_is_refused(postgres: PostgresServer, url: str) -> None:
    separator = "&" if "?" in url else "?"
    with pytest.raises(UnfitDatabase, match=r"none of search_path \(nowhere\) exists"):
        open_for_writing(f"{url}{separator}options=-csearch_path%3Dnowhere")
    postgres.execute("CREATE ROLE guest LOGIN")
    guest = url.replace("gator@", "guest@")
    with connect(url) as connection:
        # As it is from PostgreSQL 15 on.
        connection.execute("CREATE SCHEMA theirs")
        connection.execute("GRANT USAGE ON SCHEMA theirs TO guest")
    with pytest.raises(UnfitDatabase, match="'guest' may not make tables in the schema 'theirs'"):
        open_for_writing(f"{guest}{separator}options=-csearch_path%3Dtheirs")


def test_commits_wait_for_the_disk_whatever_the_server_says(postgres: PostgresServer, url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    for given, used in (("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")):
        postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = {given}")
        with open_for_writing(url) as connection:
            assert setting(connection, "synchronous_commit") == used


def test_a_session_may_be_idle_whatever_the_server_says(postgres: PostgresServer, url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    postgres.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '1min'")
    with open_for_writing(url) as connection:
        assert setting(connection, "idle_session_timeout") == "0"


def test_a_server_that_forgets_is_doubted(postgres: PostgresServer, own: PostgresServer, url: str) -> None:
    with connect(url) as forgetful:
        assert [sentence.split(":")[0] for sentence in doubts(forgetful)] == [
            "fsync is off",
            "full_page_writes is off",
        ]
    with connect(own.create()) as careful:
        assert list(doubts(careful)) == []


def test_a_reader_cannot_write(url: str) -> None:
    with connect(url, read_only=True) as reader, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TABLE t ()")


def test_it_is_named_without_its_password(url: str) -> None:
    with connect(url.replace("gator@", "gator:secret@")) as connection:
        assert named(connection).endswith(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
        assert "secret" not in named(connection)


# Its schema


def test_an_empty_database_takes_every_step_once(url: str) -> None:
    with connect(url) as connection:
        assert schema_version(connection) == 0
        assert migrate(connection) == [f"{step.number:04d}_{step.name}" for step in migrations("postgres")]
        assert schema_version(connection) == len(migrations("postgres"))
        assert migrate(connection) == []


def test_a_database_of_a_newer_program_is_left_alone(url: str) -> None:
    with connect(url) as connection:
        migrate(connection)
        connection.execute("INSERT INTO migrations (number, name) VALUES (999, 'later')")
        with pytest.raises(SchemaTooNew, match="at migration 999"):
            migrate(connection)


def test_a_step_that_fails_leaves_nothing(url: str) -> None:
    with connect(url) as connection:
        connection.execute("CREATE TABLE messages (in_the_way INTEGER)")
        with pytest.raises(psycopg.errors.DuplicateTable):
            migrate(connection)
        assert schema_version(connection) == 0
        assert connection.execute("SELECT to_regclass('users')").fetchone() == (None,)


def test_a_restored_log_gets_another_epoch(url: str) -> None:
    with connect(url) as connection:
        migrate(connection)
        before = SqlStore(postgres_readers(url))
        new_epoch(connection, "another")
        after = SqlStore(postgres_readers(url))
    assert before.epoch != after.epoch == "another"
    before.close()
    after.close()


# Writing


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """First words of the messages sent to the server from now on."""
    ran: list[str] = []
    execute = psycopg.Cursor.execute

    def note(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        ran.append(query.split()[0].rstrip(";"))
        return execute(cursor, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    return ran


def test_talk_costs_three_messages_however_long_it_is_and_ids_one_more(url: str, ran: list[str]) -> None:
    connection = open_for_writing(url)
    migrate(connection)
    writer = SqlWriter(PostgresDatabase(url, connection, log=FakeLog(), on_rewound=lambda: None))
    writer.write([create("garden", "ann")], NOON)
    ran.clear()
    writer.write([post("garden", "ann", str(n)) for n in range(10)], NOON)
    assert ran == ["BEGIN", "WITH", "COMMIT"]
    ran.clear()
    writer.write([post("garden", "ann", str(n), key=str(n)) for n in range(10)], NOON)
    assert ran == ["BEGIN", "SELECT", "WITH", "COMMIT"]
    writer.close()


async def test_a_message_that_cannot_be_written_takes_no_other_along(bench: PostgresBench) -> None:
    with connect(bench.url) as connection:
        connection.execute(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;"
            "CREATE TRIGGER broken BEFORE INSERT ON messages FOR EACH ROW WHEN (new.content = 'bad') "
            "EXECUTE FUNCTION broken()"
        )
    outcomes: list[Any] = await asyncio.gather(
        *(bench.journal.commit(post("garden", "ann", text, key=text)) for text in ("a", "bad", "b", "a")),
        return_exceptions=True,
    )
    assert [getattr(outcome, "code", None) for outcome in outcomes] == [None, "internal", None, None]
    assert (outcomes[3].event, outcomes[3].duplicate) == (outcomes[0].event, True)
    assert await heads(bench) == [1, 2, 3]
    assert bench.log.take_errors() == ["commit_failed", "entry_failed"]


# Outages


def drop_sessions(server: PostgresServer, url: str) -> None:
    """End every session of a database, as a restart or an impatient colleague would."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    server.execute(f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = '{name}'")


async def test_a_session_that_ends_is_not_noticed(postgres: PostgresServer, bench: PostgresBench) -> None:
    for text in ("a", "b", "c"):
        drop_sessions(postgres, bench.url)
        committed = await bench.journal.commit(post("garden", "ann", text))
        assert not committed.duplicate
        assert (await said(bench))[-1] == text
    assert await heads(bench) == [1, 2, 3, 4]
    assert bench.log.take_errors() == []


async def test_a_server_that_is_killed_and_comes_back_loses_nothing(own: PostgresServer) -> None:
    bench = PostgresBench(own.create())
    await bench.journal.commit(create("garden", "ann"))
    for number in range(3):
        before, during = f"before {number}", f"during {number}"
        await bench.journal.commit(post("garden", "ann", before))
        own.kill()
        waiting = asyncio.create_task(bench.journal.commit(post("garden", "ann", during)))
        await asyncio.to_thread(own.start)
        await waiting
        assert (await said(bench))[-2:] == [before, during]
    assert await heads(bench) == list(range(1, 8))
    assert bench.log.take_errors() == []
    await bench.close()
    bench.close_store()


async def test_reads_wait_for_a_server_that_is_killed_and_comes_back(own: PostgresServer) -> None:
    bench = PostgresBench(own.create())
    await bench.journal.commit(create("garden", "ann"))
    await bench.journal.commit(post("garden", "ann", "before"))
    for _ in range(2):
        own.kill()
        reading = [asyncio.create_task(said(bench)) for _ in range(2 * engine.READERS)]
        assert not await bench.store.ready(), "who asks that is not to wait"
        await asyncio.to_thread(own.start)
        assert await asyncio.gather(*reading) == [["before"]] * len(reading)
        assert await bench.store.ready()
    await bench.close()
    bench.close_store()


@pytest.fixture
def line(postgres: PostgresServer) -> Iterator[PostgresLine]:
    """A line to the server that can be cut."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="line-", dir="/tmp"))
        yield stack.enter_context(PostgresLine(Path(home), postgres.socket))


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("key", [None, "k"])
async def test_a_commit_whose_answer_is_lost_is_carried_out_once(
    url: str, line: PostgresLine, cut: Cut, key: str | None
) -> None:
    bench = PostgresBench(line.url(url))
    await bench.journal.commit(create("garden", "ann"))
    line.cut = cut
    committed = await bench.journal.commit(post("garden", "ann", "once", key=key))
    assert line.cuts == 1
    assert not committed.duplicate
    assert await said(bench) == ["once"]
    assert await heads(bench) == [1, 2]
    told = [published.event.seq for published in bench.published]
    assert told == [1, 2]
    await bench.close()
    bench.close_store()


async def test_a_commit_whose_fate_stays_unknown_is_not_written_again(
    own: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FATE_S", 0.05)
    url = own.create()
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="line-", dir="/tmp"))
        line = stack.enter_context(PostgresLine(Path(home), own.socket))
        bench = PostgresBench(line.url(url))
        await bench.journal.commit(create("garden", "ann"))
        line.cut = "after"
        line.on_cut = own.kill
        with pytest.raises(Refusal) as refused:
            await bench.journal.commit(post("garden", "ann", "once"))
        assert refused.value.code == "internal"
        assert bench.log.take_errors() == ["commit_unknown"]
        await asyncio.to_thread(own.start)
        await bench.journal.commit(post("garden", "ann", "then"))
        assert await said(bench) == ["once", "then"]
        await bench.close()
        bench.close_store()


@pytest.mark.usefixtures("no_waiting")
async def test_while_there_is_no_database_everything_is_refused_for_now(own: PostgresServer) -> None:
    bench = PostgresBench(own.create())
    await bench.journal.commit(create("garden", "ann"))
    await bench.journal.commit(post("garden", "ann", "before"))
    own.kill()
    changes = [post("garden", "ann", f"lost {number}") for number in range(20)]
    outcomes = await asyncio.gather(*map(bench.journal.commit, changes), return_exceptions=True)
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refusal)} == {"overloaded"}
    assert len(outcomes) == len([outcome for outcome in outcomes if isinstance(outcome, Refusal)])
    assert bench.log.take_errors() == ["database_unreachable"], "one for all, not one for each"
    assert not await bench.store.ready()
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await bench.store.conversation(GARDEN)
        assert (refused.value.code, refused.value.retry_after_ms) == ("overloaded", 1_000)
    own.start()
    assert await bench.store.ready()
    await bench.journal.commit(post("garden", "ann", "after"))
    assert await said(bench) == ["before", "after"]
    await bench.close()
    bench.close_store()


async def test_a_server_that_became_a_replica_is_left_for_the_one_that_is_none(
    postgres: PostgresServer, bench: PostgresBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(bench.url)["dbname"]
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    drop_sessions(postgres, bench.url)
    monkeypatch.setattr(session, "OUTAGE_S", -1.0)
    with pytest.raises(Refusal) as refused:
        await bench.journal.commit(post("garden", "ann", "a"))
    assert refused.value.code == "overloaded"
    bench.log.take_errors()
    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await bench.journal.commit(post("garden", "ann", "b"))
    assert await said(bench) == ["b"]


async def test_a_session_that_may_no_longer_write_is_left(bench: PostgresBench) -> None:
    # As where the machine behind an address becomes a replica without ending its sessions.
    bench.database._connection.execute("SET default_transaction_read_only = on")
    await bench.journal.commit(post("garden", "ann", "a"))
    assert await said(bench) == ["a"]
    assert bench.log.take_errors() == []


async def test_another_process_that_took_over_is_left_alone(
    postgres: PostgresServer, bench: PostgresBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "OUTAGE_S", -1.0)
    drop_sessions(postgres, bench.url)
    with psycopg.connect(bench.url, autocommit=True, application_name="gator") as other:
        assert engine.take_lock(other)
        with pytest.raises(Refusal) as refused:
            await bench.journal.commit(post("garden", "ann", "a"))
        assert refused.value.code == "overloaded"
        assert other.execute("SELECT 1").fetchone() == (1,), "it lives"


async def test_a_history_without_what_was_confirmed_is_not_written_on(own: PostgresServer) -> None:
    bench = PostgresBench(own.create())
    await bench.journal.commit(create("garden", "ann"))
    epoch = bench.store.epoch
    own.stop()
    shutil.copytree(own.home / "data", own.home / "older", copy_function=shutil.copy2)
    own.start()
    for text in ("a", "b"):
        await bench.journal.commit(post("garden", "ann", text))
    own.kill()
    shutil.rmtree(own.home / "data")
    (own.home / "older").rename(own.home / "data")
    shutil.chown(own.home / "data", own.home.stat().st_uid, own.home.stat().st_gid)
    for path in (own.home / "data").rglob("*"):
        shutil.chown(path, own.home.stat().st_uid, own.home.stat().st_gid)
    own.start()
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await bench.journal.commit(post("garden", "ann", "c"))
        assert refused.value.code == "overloaded"
    assert bench.rewound == 1
    assert bench.log.take_errors() == ["database_rewound", "database_unreachable", "database_unreachable"]
    await bench.reopen()
    assert bench.store.epoch != epoch
    await bench.journal.commit(post("garden", "ann", "d"))
    assert await said(bench) == ["d"]
    await bench.close()
    bench.close_store()


def test_a_batch_that_always_takes_its_session_along_is_given_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_for_writing(url)
    migrate(connection)
    tries = []

    class Falling(PostgresDatabase):
        def rows(self, name: str, bindings: dict[str, Any]) -> Any:
            tries.append(name)
            return self._connection.execute("SELECT pg_terminate_backend(pg_backend_pid())").fetchall()

    writer = SqlWriter(Falling(url, connection, log=FakeLog(), on_rewound=lambda: None))
    with pytest.raises(Interrupted):
        writer.write([gone("ann", 5), seen("bob")], NOON)
    assert tries == ["mark_last_seen"] * 3
    writer.close()
