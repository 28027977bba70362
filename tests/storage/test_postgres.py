"""PostgreSQL as a neighbour that restarts, fails over, is slow to answer, and belongs to somebody else too."""

import asyncio
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from tests.contract.postgres import PostgresBench
from tests.contract.wishes import GARDEN, create, post
from tests.support.clock import NOON
from tests.support.house import FakeLog
from tests.support.postgres import PostgresServer

from gator.protocol.errors import Refusal
from gator.storage import postgres as engine
from gator.storage.database import SchemaTooNew
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


def test_who_starts_waits_for_the_one_before(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_for_writing(url)
    with connect(url) as looking:
        assert is_in_use(looking)
    was_refused, started = Event(), list[bool]()
    monkeypatch.setattr(engine, "sleep", lambda _seconds: was_refused.set())

    def start() -> None:
        with open_for_writing(url):
            started.append(first.closed)

    waiting = Thread(target=start)
    waiting.start()
    assert was_refused.wait(60)
    first.close()
    waiting.join(60)
    assert started == [True]


def test_a_schema_that_comes_before_ours_hides_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_for_writing(url) as first:
        migrate(first)
        first.execute("CREATE SCHEMA gator")  # by the default search_path it comes first, for a role of this name
        with connect(url) as second:
            assert schema_version(second) == len(migrations("postgres"))
            assert is_in_use(second)
            assert second.execute("SELECT current_schema()").fetchone() == ("public",)


def test_the_migrations_of_another_program_are_not_taken_for_ours(url: str) -> None:
    with connect(url) as connection:
        connection.execute("CREATE TABLE migrations (id INTEGER, migration TEXT)")
        assert schema_version(connection) == 0
        assert len(migrate(connection)) == len(migrations("postgres"))


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


@pytest.mark.parametrize("who", ["ann:sec@ret", "ann:sec/ret", "ann:sec/r@et", "ann@127.0.0.1:secret"])
def test_a_password_is_not_taken_for_a_host_or_port_and_shown(who: str) -> None:
    with pytest.raises(UnfitDatabase, match="@ is written as %40 and / as %2F"):
        connect(f"postgresql://{who}@host/db")


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


def test_a_session_goes_on_waiting_for_the_disk_when_the_server_no_longer_would(own: PostgresServer) -> None:
    with open_for_writing(own.create()) as connection:
        own.execute("ALTER SYSTEM SET synchronous_commit = off")
        own.execute("SELECT pg_reload_conf()")
        with connect(own.url("postgres")) as other:
            while setting(other, "synchronous_commit") != "off":  # until the server has read it
                other.execute("SELECT pg_sleep(0.01)")
        assert setting(connection, "synchronous_commit") == "on"


def test_of_several_hosts_all_use_the_one_that_is_no_replica(own: PostgresServer) -> None:
    url = own.create()
    database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with PostgresServer() as replica:
        replica.execute(f"CREATE DATABASE {database} OWNER gator")
        replica.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        both = f"postgresql://gator@/{database}?host={replica.home},{own.home}"
        for read_only in (False, True):
            with connect(both, read_only=read_only) as connection:
                assert connection.info.host == str(own.home)


def test_a_session_that_cannot_be_settled_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[psycopg.Connection] = []
    settle = engine._settle

    def fail(connection: psycopg.Connection) -> None:
        opened.append(connection)
        settle(connection)
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(engine, "_settle", fail)
    with pytest.raises(psycopg.OperationalError, match="gone"):
        connect(url)
    assert [connection.closed for connection in opened] == [True]


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
        connection.execute("INSERT INTO gator_migrations (number, name) VALUES (999, 'later')")
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
        words = query if isinstance(query, str) else query.decode()
        ran.append(words.split()[0].rstrip(";"))
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
    assert ran == ["BEGIN", "WITH", "UPDATE"], "and the COMMIT with the mark"
    ran.clear()
    writer.write([post("garden", "ann", str(n), key=str(n)) for n in range(10)], NOON)
    assert ran == ["BEGIN", "SELECT", "WITH", "UPDATE"]
    ran.clear()
    writer.write([post("garden", "zoe", "refused")], NOON)
    assert ran == ["BEGIN", "COMMIT"], "what writes nothing leaves no mark"
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
    assert bench.head_on_disk(GARDEN) == 3
    assert bench.log.take_errors() == ["commit_failed", "entry_failed"]


async def test_the_log_does_not_hold_what_could_not_be_written(bench: PostgresBench) -> None:
    with connect(bench.url) as connection:
        connection.execute("ALTER TABLE messages ADD CONSTRAINT no_whispers CHECK (content <> 'whispered')")
    with pytest.raises(Refusal):
        await bench.journal.commit(post("garden", "ann", "whispered"))
    assert "no_whispers" in str(bench.log.lines)
    assert "whispered" not in str(bench.log.lines)
    bench.log.take_errors()
