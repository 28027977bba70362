import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.sqlite import sqlite_bench
from tests.contract.wishes import (
    ANN,
    BOB,
    GARDEN,
    create,
    delete,
    enter,
    gone,
    post,
    read,
    remove,
    rename,
    seen,
)
from tests.storage.conftest import Queries
from tests.support.clock import NOON

from gator.domain.conversation import Change, Conversation
from gator.domain.message import PostMessage
from gator.ports import Committed, Note
from gator.protocol.errors import Refusal
from gator.protocol.events import NewMessage
from gator.protocol.types import ConversationId, Seq, UtcMillis
from gator.storage import writer as writing
from gator.storage.journal import Result
from gator.storage.sqlite import (
    FILE_NAME,
    DataInUse,
    DataLock,
    SqliteDatabase,
    connect,
    migrate,
    new_epoch,
    schema_version,
    sqlite_readers,
)
from gator.storage.store import SqlStore
from gator.storage.writer import SqlWriter

# The lock


def test_one_process_at_a_time_uses_a_directory(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    with pytest.raises(DataInUse, match=rf"is using '{tmp_path}'; stop it or choose another GATOR_DATA"):
        DataLock(tmp_path)
    lock.release()
    lock.release()
    DataLock(tmp_path).release()


def test_the_lock_says_who_has_it(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    assert (tmp_path / "gator.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    holder = "import os, sys, pathlib; from gator.storage.sqlite import DataLock; " \
        "lock = DataLock(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", holder, str(tmp_path)], check=False).returncode == -9
    DataLock(tmp_path).release()


# The connection


def test_an_acknowledged_change_survives_a_power_cut(connection: apsw.Connection) -> None:
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2, "2 is FULL"


def test_a_reader_cannot_write(connection: apsw.Connection, tmp_path: Path) -> None:
    reader = connect(tmp_path / FILE_NAME, read_only=True)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM meta")
    reader.close()


def test_a_reader_does_not_make_a_database(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        connect(tmp_path / "missing.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_sqlite_is_a_version_that_keeps_its_data() -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)


def test_a_restored_log_gets_another_epoch(connection: apsw.Connection, tmp_path: Path) -> None:
    before = SqlStore(sqlite_readers(tmp_path / FILE_NAME))
    new_epoch(connection, "another")
    after = SqlStore(sqlite_readers(tmp_path / FILE_NAME))
    assert before.epoch != after.epoch == "another"
    before.close()
    after.close()


# The writer


def test_talk_costs_one_statement_however_long_it_is_and_ids_one_more(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    writer = SqlWriter(SqliteDatabase(connection))
    writer.write([create("garden", "ann")], NOON)
    with queries(1):
        writer.write([post("garden", "ann", "a")], NOON)
    with queries(2):
        writer.write([post("garden", "ann", "b", key="k")], NOON)
    with queries(1):
        writer.write([post("garden", "ann", "b", key="k")], NOON)
    with queries(1):
        writer.write([post("garden", "ann", str(n)) for n in range(10)], NOON)
    with queries(2):
        writer.write([post("garden", "ann", str(n), key=str(n)) for n in range(10)], NOON)
    with queries(0):
        writer.write([post("garden", "zoe", "refused")], NOON)
    writer.close()


def test_talk_needs_no_transaction_around_it(connection: apsw.Connection) -> None:
    ran: list[str] = []

    def note(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        ran.append(sql.split()[0])
        return True

    writer = SqlWriter(SqliteDatabase(connection))
    writer.write([create("garden", "ann"), create("kitchen", "ann")], NOON)
    connection.set_exec_trace(note)
    writer.write([post("garden", "ann", "a"), post("kitchen", "ann", "b"), post("garden", "ann", "c")], NOON + 1)
    assert ran == ["INSERT"]
    heads = connection.execute("SELECT id, head, last_message_seq, active_at FROM conversations ORDER BY id")
    assert heads.fetchall() == [("garden", 3, 3, NOON + 1), ("kitchen", 2, 2, NOON + 1)]
    ran.clear()
    writer.write([post("garden", "ann", "d"), gone("ann", 7)], NOON)
    assert ran == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]


def test_notes_do_not_cut_talk_in_two(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    writer = SqlWriter(SqliteDatabase(connection))
    writer.write([create("garden", "ann"), seen("ann")], NOON)
    a, b, c = (post("garden", "ann", text) for text in "abc")
    with queries(3):
        results = writer.write([a, seen("ann"), b, gone("ann", 7), read("garden", "ann", 2), c], NOON)
    assert [said_in(result) for result in results] == ["a", None, "b", None, None, "c"]
    writer.close()


_talk = st.builds(
    post,
    st.sampled_from(["garden", "kitchen"]),
    st.sampled_from(["ann", "bob", "cleo"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([None, None, "k1", "k2"]),
)
_others = st.one_of(
    st.builds(enter, st.just("garden"), st.sampled_from(["ann", "bob"])),
    st.builds(remove, st.just("garden"), st.just("ann"), st.sampled_from(["ann", "bob"])),
    st.builds(rename, st.just("garden"), st.just("ann"), st.sampled_from(["x", "y"])),
    st.builds(delete, st.just("garden"), st.just("ann")),
    st.builds(create, st.just("kitchen"), st.sampled_from(["bob", "cleo"])),
    st.builds(seen, st.sampled_from(["ann", "bob"])),
    st.builds(gone, st.just("ann"), st.integers(1, 9)),
    st.builds(read, st.just("garden"), st.sampled_from(["ann", "bob"]), st.integers(1, 9)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_talk, _talk, _others), max_size=30))
def test_a_batch_does_what_its_entries_do_one_by_one(entries: list[Change | Note]) -> None:
    together, apart = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    begin: list[Change | Note] = [create("garden", "ann", "bob")]
    for connection in (together, apart):
        migrate(connection)
        SqlWriter(SqliteDatabase(connection)).write(begin, NOON)
    writer = SqlWriter(SqliteDatabase(apart))
    expected = [result for entry in entries for result in writer.write([entry], NOON)]
    assert list(map(plain, SqlWriter(SqliteDatabase(together)).write(entries, NOON))) == list(map(plain, expected))
    for table in ("conversations", "members", "messages", "events", "users"):
        assert dump(together, table) == dump(apart, table)


def plain(result: Result) -> object:
    """Compare refusals, which are exceptions, by what they say."""
    return (result.code, str(result)) if isinstance(result, Refusal) else result


def dump(connection: apsw.Connection, table: str) -> list[object]:
    return connection.execute(f"SELECT * FROM {table}").fetchall()


def said_in(result: Result) -> str | None:
    if isinstance(result, Committed) and isinstance(result.event, NewMessage):
        return result.event.message.content
    return None


def test_a_message_may_come_of_another_change_too(connection: apsw.Connection) -> None:
    @dataclass(frozen=True)
    class Relay:
        post: PostMessage

        @property
        def conversation_id(self) -> ConversationId:
            return self.post.conversation_id

        def decide(self, conversation: Conversation | None, now: UtcMillis) -> NewMessage:
            return self.post.decide(conversation, now)

    writer = SqlWriter(SqliteDatabase(connection))
    [_, relayed] = writer.write([create("garden", "ann", "bob"), Relay(post("garden", "ann", "a"))], NOON)
    assert isinstance(relayed, Committed)
    assert (said_in(relayed), relayed.audience) == ("a", (ANN, BOB))
    assert connection.execute("SELECT seq, content FROM messages").fetchall() == [(2, "a")]
    assert connection.execute("SELECT head, last_message_seq FROM conversations").fetchall() == [(2, 2)]


async def test_a_message_that_cannot_be_written_takes_no_other_along(tmp_path: Path) -> None:
    async with sqlite_bench(tmp_path) as bench:
        await bench.journal.commit(create("garden", "ann"))
        connect(tmp_path / FILE_NAME).execute(
            "CREATE TRIGGER broken BEFORE INSERT ON messages WHEN new.content = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
        outcomes: list[Any] = await asyncio.gather(
            *(bench.journal.commit(post("garden", "ann", text, key=text)) for text in ("a", "bad", "b", "a")),
            return_exceptions=True,
        )
        assert [getattr(outcome, "code", None) for outcome in outcomes] == [None, "internal", None, None]
        assert (outcomes[3].event, outcomes[3].duplicate) == (outcomes[0].event, True)
        log = await bench.store.log(GARDEN, after=Seq(0), limit=10)
        assert [event.seq for event in log] == [1, 2, 3]
        assert bench.log.take_errors() == ["commit_failed", "entry_failed"]


def test_the_state_of_a_conversation_is_read_once(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    SqlWriter(SqliteDatabase(connection)).write([create("garden", "ann")], NOON)
    writer = SqlWriter(SqliteDatabase(connection))
    with queries(3):
        writer.write([post("garden", "ann", "a")], NOON)
    with queries(1):
        writer.write([post("garden", "ann", "b")], NOON)
    writer.close()


def test_a_user_who_comes_back_unchanged_writes_nothing(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    writer = SqlWriter(SqliteDatabase(connection))
    with queries(1):
        writer.write([seen("ann", "Ann"), seen("ann", "Ann")], NOON)
    with queries(1):
        writer.write([seen("ann", "Anna")], NOON)
    writer.close()


def test_a_transaction_that_fails_is_forgotten_whole(connection: apsw.Connection) -> None:
    writer = SqlWriter(SqliteDatabase(connection))
    writer.write([create("garden", "ann"), seen("ann", "Ann")], NOON)
    connection.execute("CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'broken'); END")
    batch = [post("garden", "ann", "a"), seen("ann", "Anna"), rename("garden", "ann", "x")]
    with pytest.raises(apsw.ConstraintError, match="broken"):
        writer.write(batch, NOON)
    connection.execute("DROP TRIGGER broken")
    assert not connection.in_transaction
    [committed] = writer.write([post("garden", "ann", "a")], NOON)
    assert isinstance(committed, Committed)
    assert committed.event is not None
    assert committed.event.seq == 2
    writer.write([seen("ann", "Anna")], NOON)
    assert connection.execute("SELECT name FROM users").get == "Anna"


def test_the_writer_keeps_no_more_than_it_may(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "KEPT_CONVERSATIONS", 2)
    monkeypatch.setattr(writing, "KEPT_USERS", 2)
    writer = SqlWriter(SqliteDatabase(connection))
    names = ["a", "b", "c", "d"]
    for name in names:
        writer.write([create(name, "ann"), seen(name, name.upper())], NOON)
    results = writer.write([post(name, "ann", "hello") for name in names * 2], NOON)
    seqs = [result.event.seq for result in results if isinstance(result, Committed) and result.event]
    assert seqs == [2, 2, 2, 2, 3, 3, 3, 3]


def test_closing_lets_go_of_the_directory(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    SqlWriter(SqliteDatabase(connection), on_close=lock.release).close()
    DataLock(tmp_path).release()
    reader = connect(tmp_path / FILE_NAME, read_only=True)
    assert schema_version(reader) > 0
    reader.close()


def test_a_message_is_dated_by_the_batch_it_is_written_in(connection: apsw.Connection) -> None:
    writer = SqlWriter(SqliteDatabase(connection))
    writer.write([create("garden", "ann"), post("garden", "ann", "a")], NOON)
    rows = connection.execute("SELECT active_at, created_at FROM conversations WHERE id = ?", (GARDEN,)).fetchall()
    assert rows == [(NOON, NOON)]
