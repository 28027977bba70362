"""PostgreSQL that goes away, comes back, or comes back as another one."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.contract.postgres import PostgresBench
from tests.contract.wishes import GARDEN, create, gone, post, rename, seen
from tests.support.clock import NOON
from tests.support.house import FakeLog
from tests.support.postgres import PostgresServer
from tests.support.postgres_line import Cut, PostgresLine

from gator.protocol.errors import Refusal
from gator.protocol.types import Seq
from gator.storage import outage
from gator.storage import postgres as engine
from gator.storage import postgres_session as session
from gator.storage.database import Interrupted
from gator.storage.postgres import (
    connect,
    migrate,
    new_epoch,
    open_for_writing,
)
from gator.storage.postgres_session import PostgresDatabase
from gator.storage.writer import SqlWriter


async def said(bench: PostgresBench) -> list[str]:
    return [message.content for message in await bench.store.messages(GARDEN, limit=1_000)]


async def heads(bench: PostgresBench) -> list[int]:
    return [event.seq for event in await bench.store.log(GARDEN, after=Seq(0), limit=1_000)]


def drop_sessions(server: PostgresServer, url: str) -> None:
    """End every session of a database, as a restart or an impatient colleague would."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    server.execute(f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = '{name}'")


@contextmanager
def cut_line(server: PostgresServer) -> Iterator[PostgresLine]:
    """A line to a server, that can be cut."""
    with (
        tempfile.TemporaryDirectory(prefix="line-", dir="/tmp") as home,
        PostgresLine(Path(home), server.socket) as line,
    ):
        yield line


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a server recover on a crowded machine."""
    monkeypatch.setattr(outage, "OUTAGE_S", 60.0)


async def test_a_session_that_ends_is_not_noticed(postgres: PostgresServer, bench: PostgresBench) -> None:
    for text in ("a", "b", "c"):
        drop_sessions(postgres, bench.url)
        committed = await bench.journal.commit(post("garden", "ann", text))
        assert not committed.duplicate
        assert (await said(bench))[-1] == text
    assert await heads(bench) == [1, 2, 3, 4]
    assert bench.log.take_errors() == []


@pytest.mark.usefixtures("patience")
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


@pytest.mark.usefixtures("patience")
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


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("key", [None, "k"])
async def test_a_commit_whose_answer_is_lost_is_carried_out_once(
    postgres: PostgresServer, url: str, cut: Cut, key: str | None
) -> None:
    with cut_line(postgres) as line:
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


async def test_a_commit_that_never_arrived_is_not_taken_for_somebody_elses(own: PostgresServer) -> None:
    url, neighbour = own.create(), own.create()
    with psycopg.connect(neighbour, autocommit=True) as connection:
        connection.execute("CREATE TABLE theirs (n INTEGER)")
    with cut_line(own) as line:
        bench = PostgresBench(line.url(url))
        await bench.journal.commit(create("garden", "ann"))

        def crash() -> None:
            # After a crash PostgreSQL gives transaction ids that nobody has seen on disk to others.
            own.kill()
            own.start()
            with psycopg.connect(neighbour, autocommit=True) as connection:
                for number in range(5):
                    connection.execute("INSERT INTO theirs VALUES (%s)", (number,))

        line.cut, line.on_cut = "before", crash
        await bench.journal.commit(post("garden", "ann", "once"))
        await bench.journal.commit(post("garden", "ann", "then"))
        assert await said(bench) == ["once", "then"]
        assert await heads(bench) == [1, 2, 3]
        assert bench.rewound == 0
        await bench.close()
        bench.close_store()


async def test_a_crash_after_something_that_wrote_nothing_is_no_other_history(own: PostgresServer) -> None:
    bench = PostgresBench(own.create())
    await bench.journal.commit(create("garden", "ann"))
    await bench.journal.commit(post("garden", "ann", "a", key="k"))
    for nothing in (post("garden", "zoe", "refused"), post("garden", "ann", "a", key="k")):
        with suppress(Refusal):
            await bench.journal.commit(nothing)
        own.kill()
        own.start()
        await bench.journal.commit(post("garden", "ann", "b"))
    assert await said(bench) == ["a", "b", "b"]
    assert bench.rewound == 0
    assert bench.log.take_errors() == []
    await bench.close()
    bench.close_store()


async def test_where_another_process_wrote_in_between_nothing_is_written_on(
    postgres: PostgresServer, bench: PostgresBench
) -> None:
    await bench.journal.commit(post("garden", "ann", "a"))
    drop_sessions(postgres, bench.url)
    other = PostgresBench(bench.url)
    await other.journal.commit(rename("garden", "ann", "theirs"))
    await other.close()
    other.close_store()
    with pytest.raises(Refusal) as refused:
        await bench.journal.commit(post("garden", "ann", "b"))
    assert refused.value.code == "overloaded"
    assert bench.rewound == 1
    assert await heads(bench) == [1, 2, 3]
    assert bench.log.take_errors() == ["database_rewound", "database_unreachable"]


async def test_another_history_that_could_not_be_named_yet_is_named_later(
    postgres: PostgresServer, bench: PostgresBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.journal.commit(post("garden", "ann", "a"))
    epoch = bench.store.epoch
    drop_sessions(postgres, bench.url)
    with connect(bench.url) as elsewhere:
        elsewhere.execute("UPDATE meta SET value = 'of another history' WHERE name = 'commit'")
    fails = [psycopg.OperationalError("gone again")]

    def name(connection: psycopg.Connection, epoch: str) -> None:
        if fails:
            raise fails.pop()
        new_epoch(connection, epoch)

    monkeypatch.setattr(session, "new_epoch", name)
    with pytest.raises(Refusal):
        await bench.journal.commit(post("garden", "ann", "b"))
    assert (fails, bench.rewound) == ([], 1)
    assert bench.log.take_errors().count("database_rewound") == 2
    await bench.reopen()
    assert bench.store.epoch != epoch


async def test_who_closes_does_not_wait_for_a_database_that_is_away(own: PostgresServer) -> None:
    with cut_line(own) as line:
        bench = PostgresBench(line.url(own.create()))
        await bench.journal.commit(create("garden", "ann"))
        line.cut, line.on_cut = "before", own.kill
        unknown = asyncio.ensure_future(bench.journal.commit(post("garden", "ann", "a")))
        async with asyncio.timeout(session.FATE_S / 2):
            await asyncio.to_thread(line.was_cut.wait)
            waiting = asyncio.ensure_future(said(bench))
            await asyncio.sleep(0)  # it has asked
            await asyncio.to_thread(bench.store.close)
            await bench.close()
            outcomes = await asyncio.gather(unknown, waiting, return_exceptions=True)
        assert [getattr(outcome, "code", None) for outcome in outcomes] == ["internal", "overloaded"]
        bench._past_all.close()
        bench.log.take_errors()


@pytest.mark.usefixtures("no_waiting")
async def test_who_asks_whether_it_is_ready_finds_that_it_is_back(
    postgres: PostgresServer, bench: PostgresBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await bench.journal.ready()
    drop_sessions(postgres, bench.url)
    with connect(bench.url) as other:
        assert engine.take_lock(other)
        with pytest.raises(Refusal):
            await bench.journal.commit(post("garden", "ann", "a"))
        assert not await bench.journal.ready()
        assert await bench.store.ready(), "it may be read"
    bench.log.take_errors()
    monkeypatch.setattr(outage, "OUTAGE_S", 60.0)
    assert await bench.journal.ready()


async def test_a_commit_whose_fate_stays_unknown_is_not_written_again(
    own: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FATE_S", 0.05)
    url = own.create()
    with cut_line(own) as line:
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
async def test_while_there_is_no_database_everything_is_refused_for_now(
    own: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = PostgresBench(own.create())
    await bench.journal.commit(create("garden", "ann"))
    await bench.journal.commit(post("garden", "ann", "before"))
    own.kill()
    changes = [post("garden", "ann", f"lost {number}") for number in range(20)]
    for _ in range(3):
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
    monkeypatch.setattr(outage, "OUTAGE_S", 60.0)
    assert await bench.store.conversation(GARDEN) is not None
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
    monkeypatch.setattr(outage, "OUTAGE_S", -1.0)
    with pytest.raises(Refusal) as refused:
        await bench.journal.commit(post("garden", "ann", "a"))
    assert refused.value.code == "overloaded"
    bench.log.take_errors()
    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    monkeypatch.setattr(outage, "OUTAGE_S", 60.0)
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
    monkeypatch.setattr(outage, "OUTAGE_S", -1.0)
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
    assert bench.log.take_errors() == ["database_rewound", "database_unreachable"]
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
