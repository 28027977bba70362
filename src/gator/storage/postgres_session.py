"""The session that writes to PostgreSQL, and finds its way back to a database that restarts or fails over.

    write -> lost before COMMIT ------------------> a new session, the batch once more
          -> lost after COMMIT, before its answer -> a new session, which asks what became of it

So nothing is written twice, and nothing is called lost that is not.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from time import monotonic, sleep
from typing import Any, Final

import psycopg
from psycopg import errors

from gator.storage.database import OUTAGE_S, Bindings, Interrupted, UnknownFate, Unreachable
from gator.storage.postgres import (
    PAUSES_S,
    PostgresInUse,
    be_durable,
    connect,
    new_epoch,
    one_line,
    postgres_statements,
    take_lock,
)
from gator.telemetry.logs import Log

REWOUND: Final = (
    "the database came back without what it had confirmed, as after a failover to a replica that lagged behind: "
    "this process ends, and clients are told to reload their history"
)
"""What `database_rewound` means in the log."""

FATE_S: Final = 60.0
"""How long a commit whose answer was lost is asked after."""


class PostgresDatabase:
    """See `Database`. Finds its way back to a database that restarts or fails over.

    A commit whose answer was lost with the connection is looked up by its transaction id
    (`pg_xact_status`), so that nothing is written twice and nothing is called lost that is not.
    """

    def __init__(
        self, url: str, connection: psycopg.Connection, *, log: Log, on_rewound: Callable[[], object]
    ) -> None:
        """Take over a session that `open_for_writing` opened.

        Args:
            on_rewound: Called when the database comes back without commits that it had confirmed, as
                after a failover to a replica that lagged behind. What this process remembers is then
                of another history: it has to end, and writes no more.
        """
        self._url = url
        self._on_rewound = on_rewound
        self._is_rewound = False
        self._last_commit = ""
        self._connection = connection
        self._log = log
        self._sql = postgres_statements()
        self._backend = connection.info.backend_pid
        self._lost_at: float | None = None
        """When the database was last seen to be gone; None while it is there."""

    def rows(self, name: str, bindings: Bindings) -> Sequence[Sequence[Any]]:
        """See `Database.rows`."""
        cursor = self._connection.execute(self._sql[name], bindings)
        return cursor.fetchall() if cursor.description is not None else ()

    def run_each(self, name: str, bindings: Iterable[Bindings]) -> None:
        """See `Database.run_each`."""
        with self._connection.cursor() as cursor:
            cursor.executemany(self._sql[name], bindings)

    @contextmanager
    def transaction(self, *, of_one_statement: bool) -> Iterator[None]:  # noqa: ARG002 - a commit is to be found again
        """See `Database.transaction`."""
        self._reach(OUTAGE_S)
        transaction_id = ""
        try:
            transaction_id = self._begin()
            yield
        except BaseException as error:
            if self._is_lost(error):
                raise Interrupted(one_line(error)) from error
            self._connection.execute("ROLLBACK")
            raise
        self._commit(transaction_id)

    def close(self) -> None:
        """See `Database.close`."""
        self._connection.close()

    def _begin(self) -> str:
        # Both in one message: a commit costs one way to the database and back less.
        cursor = self._connection.execute("BEGIN; SELECT pg_current_xact_id()::text")
        cursor.nextset()
        row = cursor.fetchone()
        assert row is not None
        return str(row[0])

    def _commit(self, transaction_id: str) -> None:
        try:
            self._connection.execute("COMMIT")
        except psycopg.Error as error:
            if not self._is_lost(error):
                raise
            if not self._was_committed(transaction_id):
                raise Interrupted(one_line(error)) from error
        self._last_commit = transaction_id

    def _was_committed(self, transaction_id: str) -> bool:
        """Find out what became of a commit, though the database may be gone for a while.

        Raises:
            UnknownFate: That could not be found out.
        """
        until = monotonic() + FATE_S
        while monotonic() < until:
            try:
                self._reach(FATE_S)
                status = _status_of(self._connection, transaction_id)
            except (Unreachable, psycopg.OperationalError):
                status = None
            if status in ("committed", "aborted"):
                self._log.warning("commit_looked_up", transaction=transaction_id, status=status)
                return status == "committed"
            sleep(PAUSES_S[2])
        raise UnknownFate(f"transaction {transaction_id}")

    def _is_lost(self, error: BaseException) -> bool:
        """Tell whether an error ended the connection, or the transaction for no reason of its own."""
        if not isinstance(error, psycopg.Error):
            return False
        if isinstance(error, (errors.SerializationFailure, errors.DeadlockDetected)):
            self._connection.execute("ROLLBACK")
            return True
        gone = (errors.AdminShutdown, errors.CrashShutdown, errors.ReadOnlySqlTransaction)
        if isinstance(error, gone):  # the server has yet to hang up, or is a replica now
            self._connection.close()
        return self._connection.closed

    def _reach(self, within_s: float) -> None:
        """Have a session that may write.

        Raises:
            Unreachable: None was to be had within that time, counted from when the last one was lost.
        """
        if self._is_rewound:
            raise Unreachable(REWOUND)
        if not self._connection.closed:
            return
        if self._lost_at is None:
            self._lost_at = monotonic()
            self._log.warning("database_lost", backend=self._backend)
        until = self._lost_at + within_s
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            try:
                self._reconnect()
                break
            except (psycopg.Error, PostgresInUse) as error:
                if monotonic() >= until:
                    raise Unreachable(one_line(error)) from error
                sleep(pause_s)
        self._log.warning("database_back", after_s=round(monotonic() - self._lost_at, 3))
        self._lost_at = None

    def _reconnect(self) -> None:
        connection = connect(self._url)
        try:
            if not take_lock(connection):
                # Ours of before, if the server has not noticed yet that its connection is gone.
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid = %s AND usename = current_user "
                    "AND application_name = current_setting('application_name')",
                    (self._backend,),
                )
                raise PostgresInUse
            be_durable(connection)
            if self._last_commit and _status_of(connection, self._last_commit) == "aborted":
                self._rewind(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._backend = connection.info.backend_pid

    def _rewind(self, connection: psycopg.Connection) -> None:
        """Give the history that is left another name, and write no more.

        Raises:
            Unreachable: In any case.
        """
        self._is_rewound = True
        self._log.error("database_rewound", transaction=self._last_commit, meaning=REWOUND)
        new_epoch(connection, secrets.token_hex(8))
        self._on_rewound()
        raise Unreachable(REWOUND)


def _status_of(connection: psycopg.Connection, transaction_id: str) -> str | None:
    try:
        row = connection.execute("SELECT pg_xact_status(CAST(%s AS xid8))", (transaction_id,)).fetchone()
    except errors.InvalidParameterValue:  # of a history that did not come so far
        return "aborted"
    return None if row is None else row[0]
