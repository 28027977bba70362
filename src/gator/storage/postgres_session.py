"""The session that writes to PostgreSQL, and finds its way back to a database that restarts or fails over.

    write -> lost before COMMIT ------------------> a new session, the batch once more
          -> lost after COMMIT, before its answer -> a new session, which looks for the batch's mark

Each transaction that writes leaves a mark of its own in `meta`. A transaction id would not do: what became of
it may be asked (`pg_xact_status`), but after a crash the same id is given to somebody else's transaction.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import errors

from gator.storage.database import Bindings, Interrupted, UnknownFate, Unreachable, one_line
from gator.storage.outage import Outage
from gator.storage.postgres import (
    PostgresInUse,
    be_durable,
    connect,
    new_epoch,
    postgres_statements,
    take_lock,
)
from gator.telemetry.logs import Log

REWOUND: Final = (
    "the database came back with another history than it had confirmed, as after a failover to a replica that "
    "lagged behind: this process ends, and clients are told to reload their history"
)
"""What `database_rewound` means in the log."""

FATE_S: Final = 60.0
"""How long a commit whose answer was lost is asked after."""

_TRANSIENT: Final = (errors.SerializationFailure, errors.DeadlockDetected)
"""A transaction was ended for the sake of others."""

_GONE: Final = (errors.AdminShutdown, errors.CrashShutdown, errors.ReadOnlySqlTransaction)
"""The server is about to hang up, or has become a replica."""


class PostgresDatabase:
    """See `Database`. One process at a time, and one session at a time of it, by the lock."""

    def __init__(
        self, url: str, connection: psycopg.Connection, *, log: Log, on_rewound: Callable[[], object]
    ) -> None:
        """Take over a session that `open_for_writing` opened, to a migrated database.

        Args:
            on_rewound: Called when the database comes back without the last commit that it had confirmed,
                or with one of another process after it. What this process remembers is then of another
                history: it has to end, and writes no more.
        """
        self._url = url
        self._connection = connection
        self._log = log
        self._on_rewound = on_rewound
        self._is_rewound = False
        self._sql = postgres_statements()
        self._outage = Outage()
        self._backend = _backend_of(connection)
        session = secrets.token_hex(8)
        self._marks = (f"{session}:{number}" for number in count(1))
        self._mark = _mark_in(connection)
        """Of the last commit that is known to be one."""
        self._pending: str | None = None
        """Of a commit whose answer was lost."""
        self._has_written = False
        self._told = ""
        """Why the database could not be reached, as the log has it already."""

    def rows(self, name: str, bindings: Bindings) -> Sequence[Sequence[Any]]:
        """See `Database.rows`."""
        cursor = self._connection.execute(self._sql[name], bindings)
        self._has_written |= not (cursor.statusmessage or "").startswith("SELECT")
        return cursor.fetchall() if cursor.description is not None else ()

    def run_each(self, name: str, bindings: Iterable[Bindings]) -> None:
        """See `Database.run_each`."""
        self._has_written = True
        with self._connection.cursor() as cursor:
            cursor.executemany(self._sql[name], bindings)

    @contextmanager
    def transaction(self, *, of_one_statement: bool) -> Iterator[None]:  # noqa: ARG002 - each leaves its mark
        """See `Database.transaction`."""
        self._reach()
        self._has_written = False
        try:
            self._connection.execute("BEGIN")
            yield
            if not self._has_written:  # whatever becomes of that: it may be done again
                self._finish("COMMIT")
        except BaseException as error:
            self._undo(error)
            raise
        if self._has_written:
            self._commit()

    def give_up(self) -> None:
        """See `Database.give_up`."""
        self._outage.give_up()

    def close(self) -> None:
        """See `Database.close`."""
        self._connection.close()

    def _commit(self) -> None:
        self._pending = next(self._marks)
        try:
            # In one message, so that the mark costs no way to the database and back.
            self._finish(f"UPDATE meta SET value = '{self._pending}' WHERE name = 'commit'; COMMIT")
        except psycopg.Error as error:
            if not self._is_lost(error):
                self._pending = None
                self._undo(error)
                raise
            if not self._has_arrived(self._pending):
                raise Interrupted(one_line(error)) from error
        else:
            self._mark, self._pending = self._pending, None

    def _finish(self, text: str) -> None:
        cursor = self._connection.execute(text.encode())
        while cursor.nextset():
            continue
        if cursor.statusmessage != "COMMIT":  # PostgreSQL answers ROLLBACK where there was nothing left to commit
            raise errors.InFailedSqlTransaction(f"COMMIT was answered by {cursor.statusmessage}")

    def _has_arrived(self, mark: str) -> bool:
        """Find out what became of a commit, though the database may be gone for a while.

        Once another session has the lock the one before has ended: what it has not committed, it never will.

        Raises:
            UnknownFate: That could not be found out.
            Unreachable: The database has another history, in which it was not carried out.
        """
        if not self._reconnect(FATE_S):
            raise UnknownFate(f"commit {mark}")
        self._log.warning("commit_looked_up", mark=mark, found=self._mark == mark)
        return self._mark == mark

    def _undo(self, error: BaseException) -> None:
        """Take a transaction back that failed.

        Raises:
            Interrupted: It did for no reason of its own.
        """
        is_lost = self._is_lost(error)
        if not is_lost:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.Error:
                self._connection.close()
        if is_lost or isinstance(error, _TRANSIENT):
            raise Interrupted(one_line(error)) from error

    def _is_lost(self, error: BaseException) -> bool:
        """Tell whether an error ended the connection."""
        if isinstance(error, _GONE):
            self._connection.close()
        return isinstance(error, psycopg.Error) and self._connection.closed

    def _reach(self) -> None:
        """Have a session that may write.

        Raises:
            Unreachable: See there.
        """
        if self._is_rewound:
            raise Unreachable(REWOUND)
        if self._connection.closed and not self._reconnect():
            raise Unreachable("the database is away, or another process serves it")

    def _reconnect(self, within_s: float | None = None) -> bool:
        """Open another session, if one is to be had in time.

        Raises:
            Unreachable: The database has another history.
        """
        if not self._outage.is_on:
            self._log.warning("database_lost", backend=self._backend[0])
        why: Exception | None = None
        for _ in self._outage.attempts(within_s):
            try:
                self._open_another()
            except (psycopg.Error, PostgresInUse) as error:
                why = error
                continue
            self._told = ""
            self._log.warning("database_back", after_s=round(self._outage.lasted_s, 3))
            self._outage.end()
            return True
        if why is not None and one_line(why) != self._told:
            self._told = one_line(why)
            self._log.warning("database_away", since_s=round(self._outage.lasted_s), error=self._told)
        return False

    def _open_another(self) -> None:
        connection = connect(self._url)
        try:
            if not take_lock(connection):
                # Ours of before, if the server has not noticed yet that its connection is gone.
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE (pid, backend_start) = (%s, %s)",
                    self._backend,
                )
                raise PostgresInUse
            be_durable(connection)
            mark = _mark_in(connection)
            if mark not in (self._mark, self._pending):
                self._rewind(connection)
            backend = _backend_of(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._backend = connection, backend
        self._mark, self._pending = mark, None

    def _rewind(self, connection: psycopg.Connection) -> None:
        """Give the history that is there another name, and write no more.

        Raises:
            Unreachable: In any case but that of an error.
        """
        self._log.error("database_rewound", confirmed=self._mark, meaning=REWOUND)
        new_epoch(connection, secrets.token_hex(8))
        self._is_rewound = True
        self._on_rewound()
        raise Unreachable(REWOUND)


def _backend_of(connection: psycopg.Connection) -> tuple[int, object]:
    """Name the server's side of a session, as nothing else is ever named."""
    row = connection.execute(
        "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _mark_in(connection: psycopg.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = 'commit'").fetchone()
    return "" if row is None else str(row[0])
