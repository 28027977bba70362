"""The engine PostgreSQL, through psycopg: a session that writes, and a few that read.

psycopg is used as it waits, not its asyncio side: whoever writes or reads has a thread already, and
needs less processor time that way (`docs/decisions/0010`).

One process serves a database. The session that writes holds an advisory lock for as long as it lives,
which is what the lock on the data directory is to SQLite.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from time import monotonic, sleep
from typing import Any, Final, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.types.json import Json

from gator.storage.database import (
    Bindings,
    DatabaseInUse,
    Readers,
    Rows,
    SchemaTooNew,
    Unreachable,
    one_line,
)
from gator.storage.migrations import migrations
from gator.storage.statements import statements

OLDEST: Final = 14
"""Oldest release that is asked to work."""

READERS: Final = 4
"""Threads that read. Each read waits for the way to the database and back."""

CONNECT_S: Final = 5
"""How long one attempt to connect may take."""

LOCK_S: Final = 10.0
"""How long a process that starts waits for the one before it to end."""

LOCK_PAUSE_S: Final = 0.1
"""Between two looks."""

_SESSION: Final[dict[str, Any]] = {
    "application_name": "gator",
    "client_encoding": "UTF8",
    "connect_timeout": str(CONNECT_S),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    # Of several hosts the one that is no replica, for reads too: who was told of a message finds it.
    "target_session_attrs": "read-write",
}
"""What is asked of libpq, unless the address says otherwise."""

_SETTINGS: Final = {
    # As the session itself has it. Else a machine that is gone holds the lock for two hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
    # At night nobody writes, and the lock goes with the session.
    "idle_session_timeout": "0",
    # Every statement is made of look-ups in an index. The planner believes a young table to be small, and would
    # read it whole, until the next ANALYZE; and takes what costs as much as that for worth compiling.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""What is asked of the server."""

_LOCK: Final = "hashtextextended('gator ' || current_schema(), 0)"

_BINDING: Final = re.compile(r"(?<!:):(\w+)")

T = TypeVar("T")


class PostgresInUse(DatabaseInUse):
    """Another process serves this database."""

    def __str__(self) -> str:
        return "Another gator process is using this database; stop it or choose another GATOR_DATABASE_URL."


class UnfitDatabase(Exception):
    """The database cannot be used; the text says why and what to do."""


@cache
def postgres_statements() -> dict[str, str]:
    """Read every statement as psycopg wants it."""
    return {
        name: _BINDING.sub(r"%(\1)s", text.replace("%", "%%")) for name, text in statements("postgres").items()
    }


def connect(url: str, *, read_only: bool = False) -> psycopg.Connection:
    """Open a session, in which a statement is a transaction unless one is begun.

    Raises:
        UnfitDatabase: The address is none.
        psycopg.OperationalError: It cannot be reached, or refuses.
    """
    try:
        named = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # whose text may hold the password
        raise UnfitDatabase("it is no address such as postgresql://user:password@host:5432/name.") from None
    if any("@" in str(named.get(part, "")) for part in ("host", "port", "dbname")):
        # Else the rest of a password is taken for a host or a port, and shown when there is none such.
        raise UnfitDatabase("it has an @ too many: in a user or password, @ is written as %40 and / as %2F.")
    given = {name: value for name, value in _SESSION.items() if name not in named}
    connection = psycopg.connect(url, autocommit=True, **given)
    try:
        _settle(connection)
    except BaseException:
        connection.close()
        raise
    if read_only:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.autocommit = False
    return connection


def _settle(connection: psycopg.Connection) -> None:
    connection.execute(
        # What an old server does not know is left out, so that it can be told how old it is.
        "SELECT set_config(name, value, false) FROM json_each_text(%s) AS asked(name, value) "
        "WHERE current_setting(name, true) IS NOT NULL",
        (Json(_SETTINGS),),
    )
    # In the one schema where our tables are, or are to be: by `search_path` alone the next session might find
    # others, once a schema is made that comes before it there, such as one with the name of the role.
    connection.execute(
        "SELECT set_config('search_path', quote_ident(coalesce("
        "(SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE pg_class.oid = to_regclass('gator_migrations')), "
        "current_schema())), false)"
    )


def open_for_writing(url: str) -> psycopg.Connection:
    """Open the session that writes, and keep every other process from doing so.

    Raises:
        PostgresInUse: Somebody else does.
        UnfitDatabase: It would not keep what it is given.
        psycopg.Error: It cannot be reached, or refuses.
    """
    connection = connect(url)
    try:
        problem = next(iter(problems(connection)), None)
        if problem is not None:
            raise UnfitDatabase(problem)
        until = monotonic() + LOCK_S
        while not take_lock(connection):
            if monotonic() > until:
                raise PostgresInUse
            sleep(LOCK_PAUSE_S)
        be_durable(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def problems(connection: psycopg.Connection) -> Iterator[str]:
    """Say why a database cannot be used."""
    release = connection.info.server_version // 10_000
    if release < OLDEST:
        yield f"PostgreSQL is {release}; {OLDEST} or newer is needed."
    encoding = setting(connection, "server_encoding")
    if encoding != "UTF8":
        yield f"The database's encoding is {encoding}; make it with ENCODING 'UTF8'."
    row = connection.execute(
        "SELECT current_schema(), current_user, has_schema_privilege(current_schema(), 'CREATE')"
    ).fetchone()
    assert row is not None
    schema, role, may_make_tables = row
    if schema is None:
        path = setting(connection, "search_path")
        yield f"There is no schema for its tables: none of search_path ({path}) exists and may be used."
    elif not may_make_tables and schema_version(connection) < len(migrations("postgres")):
        # In a database of somebody else's nobody may, by default, from PostgreSQL 15 on.
        yield (
            f"The role {role!r} may not make tables in the schema {schema!r}: "
            "grant it CREATE there, or make it the owner of the database."
        )


def doubts(connection: psycopg.Connection) -> Iterator[str]:
    """Say what makes a database lose what it was given, though it can be used."""
    if setting(connection, "fsync") != "on":
        yield "fsync is off: what was acknowledged is lost when the database's machine loses power."
    if setting(connection, "full_page_writes") != "on":
        yield "full_page_writes is off: the database may be damaged when its machine loses power."


def named(connection: psycopg.Connection) -> str:
    """Name a database for people, without a password."""
    return f"postgresql://{connection.info.host}:{connection.info.port}/{connection.info.dbname}"


def setting(connection: psycopg.Connection, name: str) -> str:
    """Read a setting of the server as it is for this session."""
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return "" if row is None else str(row[0])


def is_in_use(connection: psycopg.Connection) -> bool:
    """Tell whether a process serves this database."""
    if not take_lock(connection):
        return True
    connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")
    return False


def schema_version(connection: psycopg.Connection) -> int:
    """Read the number of the last migration that was applied; 0 in an empty database."""
    row = connection.execute("SELECT to_regclass('gator_migrations')").fetchone()
    if row is None or row[0] is None:
        return 0
    row = connection.execute("SELECT coalesce(max(number), 0) FROM gator_migrations").fetchone()
    return 0 if row is None else int(row[0])


def check_schema(connection: psycopg.Connection) -> None:
    """Refuse a database that this program would not migrate.

    Raises:
        SchemaTooNew: A newer program has been here.
    """
    at, known = schema_version(connection), len(migrations("postgres"))
    if at > known:
        raise SchemaTooNew(at, known)


def migrate(connection: psycopg.Connection) -> list[str]:
    """Bring the schema up to date; each step in a transaction of its own.

    Returns:
        Names of the steps taken; empty when nothing was to do.

    Raises:
        SchemaTooNew: A newer program has been here.
    """
    check_schema(connection)
    at = schema_version(connection)
    if at == 0:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS gator_migrations "
            "(number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
            "applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
    taken = []
    for step in migrations("postgres")[at:]:
        with connection.transaction():
            connection.execute(step.sql)
            connection.execute(
                "INSERT INTO gator_migrations (number, name) VALUES (%s, %s)", (step.number, step.name)
            )
        taken.append(f"{step.number:04d}_{step.name}")
    return taken


def new_epoch(connection: psycopg.Connection, epoch: str) -> None:
    """Declare the log another history, as after restoring a backup or losing commits in a failover.

    Clients that come back with a position of the old history are told to reload.
    """
    connection.execute(postgres_statements()["change_epoch"], {"epoch": epoch})


class PostgresReader:
    """See `Reader`. A read whose connection was lost is done again on another one, once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None
        self._sql = postgres_statements()

    def read(self, query: Callable[[Rows], T]) -> T:
        """See `Reader.read`."""
        known = self._connection
        if known is not None and not known.closed:
            try:
                return self._read(known, query)
            except psycopg.OperationalError:
                known.close()
        try:
            self._connection = connect(self._url, read_only=True)
            return self._read(self._connection, query)
        except psycopg.OperationalError as error:
            raise Unreachable(one_line(error)) from error

    def close(self) -> None:
        """See `Reader.close`."""
        if self._connection is not None:
            self._connection.close()

    def _read(self, connection: psycopg.Connection, query: Callable[[Rows], T]) -> T:
        def rows(name: str, bindings: Bindings) -> Sequence[Sequence[Any]]:
            return connection.execute(self._sql[name], bindings).fetchall()

        try:
            found = query(rows)
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
        connection.commit()  # a rollback would have psycopg forget what it has prepared
        return found


def postgres_readers(url: str) -> Readers:
    """Make readers of a database."""
    return Readers(lambda: PostgresReader(url), READERS, psycopg.Error)


def take_lock(connection: psycopg.Connection) -> bool:
    """Try to be the one that serves this database, for as long as the session lives."""
    row = connection.execute(f"SELECT pg_try_advisory_lock({_LOCK})").fetchone()
    return bool(row is not None and row[0])


def be_durable(connection: psycopg.Connection) -> None:
    """Have commits of this session wait for the disk, whatever becomes of the server's settings."""
    # "Acknowledged means on disk" is not the server's to choose; what waits for replicas as well is.
    configured = setting(connection, "synchronous_commit")
    durable = "on" if configured == "off" else configured
    connection.execute("SELECT set_config('synchronous_commit', %s, false)", (durable,))
