"""`gator doctor`."""

import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.cli.gator import Said, gator
from tests.support.postgres import PostgresServer

from gator.cli import doctor
from gator.storage import postgres as engine
from gator.storage.postgres import open_for_writing
from gator.storage.sqlite import FILE_NAME, DataLock, connect, migrate


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for no more than this machine has."""
    monkeypatch.setattr(doctor, "FREE_BYTES", 1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    connection.close()
    return tmp_path / FILE_NAME


def examine(data: Path, port: int = 0, **environ: str) -> Said:
    environ = {"GATOR_MAX_CONNECTIONS": "10"} | environ
    return gator("doctor", "--data", str(data), "--port", str(port), **environ)


def wrong(said: Said) -> list[str]:
    """Give what is wrong; the exit status has to agree."""
    found = [line.removeprefix("WRONG  ") for line in said.out.splitlines() if line.startswith("WRONG")]
    assert said.code == (1 if found else 0)
    return found


@pytest.mark.usefixtures("healthy")
def test_where_all_is_well_it_says_so(tmp_path: Path, database: Path) -> None:
    said = examine(tmp_path)
    assert wrong(said) == []
    for sentence in (
        "settings: auth is open, limits are on",
        "SQLite is 3.",
        "data: no server is using it",
        "database: whole, up to date",
        "port: 127.0.0.1:0 is free",
        "open files: ",
    ):
        assert f"ok     {sentence}" in said.out


@pytest.mark.usefixtures("healthy")
def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(tmp_path: Path) -> None:
    said = examine(tmp_path / "later" / "data")
    assert wrong(said) == []
    assert "will be created" in said.out
    said = examine(tmp_path)
    assert wrong(said) == []
    assert "database: none yet, the server will make it" in said.out
    assert not (tmp_path / FILE_NAME).exists()


def test_wrong_settings_are_all_named(tmp_path: Path) -> None:
    found = wrong(examine(tmp_path, GATOR_AUTH="magic", GATOR_LIMITS="maybe"))
    assert [line.split(":")[1].strip() for line in found] == ["GATOR_AUTH", "GATOR_LIMITS"]


@pytest.mark.usefixtures("healthy")
def test_a_taken_port_is_wrong_unless_the_server_has_it(tmp_path: Path, taken_port: int) -> None:
    [problem] = wrong(examine(tmp_path, taken_port))
    assert problem.startswith(f"port: cannot listen on 127.0.0.1:{taken_port}: ")
    lock = DataLock(tmp_path)
    said = examine(tmp_path, taken_port)
    lock.release()
    assert wrong(said) == []
    assert "data: a server is using it" in said.out
    assert "by the running server as it seems" in said.out


@pytest.mark.usefixtures("healthy")
def test_a_damaged_database_is_wrong(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database, this is a diary " * 200)
    [problem] = wrong(examine(tmp_path))
    assert problem.startswith("database: ")


@pytest.mark.usefixtures("healthy")
def test_a_database_with_a_damaged_page_is_wrong(tmp_path: Path, database: Path) -> None:
    pages = bytearray(database.read_bytes())
    pages[3 * 4096 : 4 * 4096] = b"\xaa" * 4096
    database.write_bytes(pages)
    [problem] = wrong(examine(tmp_path))
    assert problem.startswith("database: damaged: ")
    assert "gator migrate --restored" in problem


@pytest.mark.usefixtures("healthy")
@pytest.mark.parametrize(("version", "is_wrong"), [(0, False), (999, True)])
def test_the_age_of_a_database_is_told(tmp_path: Path, database: Path, version: int, is_wrong: bool) -> None:
    connection = connect(database)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    said = examine(tmp_path)
    assert bool(wrong(said)) == is_wrong
    assert ("install a newer one" if is_wrong else "migrations behind, the server will apply them") in said.out


@pytest.mark.usefixtures("healthy")
def test_too_few_open_files_are_wrong(tmp_path: Path) -> None:
    [problem] = wrong(examine(tmp_path, GATOR_MAX_CONNECTIONS=str(2**40)))
    assert "open files: " in problem
    assert "raise it (ulimit -n) or lower GATOR_MAX_CONNECTIONS" in problem


@pytest.mark.usefixtures("healthy")
def test_a_full_disk_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_BYTES", 2**80)
    [problem] = wrong(examine(tmp_path))
    assert "MiB free at" in problem


@pytest.mark.usefixtures("healthy")
def test_the_page_that_is_served_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.mkdir()
    said = examine(tmp_path, GATOR_PAGE=str(page))
    assert wrong(said) == [f"page: there is no index.html in {str(page)!r}"]
    (page / "index.html").touch()
    assert f"ok     page: in {str(page)!r}" in examine(tmp_path, GATOR_PAGE=str(page)).out


# PostgreSQL


@pytest.fixture(scope="module")
def careful() -> Iterator[PostgresServer]:
    """A server that forgets nothing, and lets the role `locked` in with a password."""
    with PostgresServer(fsync=True) as server:
        server.execute("CREATE ROLE locked LOGIN PASSWORD 'the right one'")
        server.stop()
        rules = server.home / "data" / "pg_hba.conf"
        rules.write_text(f"local all locked scram-sha-256\n{rules.read_text()}")
        server.start()
        yield server


def examine_postgres(url: str, port: int = 0) -> Said:
    return gator("doctor", "--port", str(port), GATOR_MAX_CONNECTIONS="10", GATOR_DATABASE_URL=url)


def test_where_postgres_is_well_it_says_so(careful: PostgresServer) -> None:
    url = careful.create()
    said = examine_postgres(url)
    assert wrong(said) == []
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    assert f"ok     database: postgresql://{careful.home}:5432/{name} is PostgreSQL {careful.version}." in said.out
    assert "ok     database: no server is using it" in said.out
    assert "ok     database: empty, the server will make its tables" in said.out
    assert "SQLite" not in said.out
    assert "data:" not in said.out
    assert examine_postgres(url).out == said.out, "nothing was made"
    gator("migrate", GATOR_DATABASE_URL=url)
    assert "ok     database: up to date" in examine_postgres(url).out


def test_a_postgres_that_is_behind_or_ahead_is_told(careful: PostgresServer) -> None:
    url = careful.create()
    gator("migrate", GATOR_DATABASE_URL=url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM gator_migrations WHERE number > 1")
        said = examine_postgres(url)
        assert wrong(said) == []
        assert "1 migrations behind, the server will apply them" in said.out
        connection.execute("INSERT INTO gator_migrations (number, name) VALUES (999, 'later')")
    [problem] = wrong(examine_postgres(url))
    assert problem.startswith("database: at migration 999, this program knows ")


def test_a_postgres_in_use_explains_the_taken_port(careful: PostgresServer, taken_port: int) -> None:
    url = careful.create()
    [problem] = wrong(examine_postgres(url, taken_port))
    assert problem.startswith("port: cannot listen on ")
    with open_for_writing(url):
        said = examine_postgres(url, taken_port)
    assert wrong(said) == []
    assert "database: a server is using it" in said.out
    assert "by the running server as it seems" in said.out


def test_a_postgres_that_forgets_is_wrong(postgres: PostgresServer) -> None:
    found = wrong(examine_postgres(postgres.create()))
    assert [problem.partition(";")[0].rpartition(":")[0] for problem in found] == [
        "database: fsync is off",
        "database: full_page_writes is off",
    ]


def test_a_postgres_that_cannot_hold_all_text_is_wrong(careful: PostgresServer) -> None:
    careful.execute("CREATE DATABASE latin OWNER gator TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    assert wrong(examine_postgres(careful.url("latin"))) == [
        "database: The database's encoding is LATIN1; make it with ENCODING 'UTF8'."
    ]


def test_a_postgres_that_cannot_be_reached_is_wrong(tmp_path: Path) -> None:
    said = examine_postgres(f"postgresql://ann:secret@/chat?host={tmp_path}")
    [problem] = wrong(said)
    assert problem.startswith("database: cannot be used: connection ")
    assert "secret" not in said.out + said.err


def test_a_wrong_password_is_not_shown(careful: PostgresServer) -> None:
    url = careful.url("postgres").replace("gator@", "locked:the%20wrong%20one@")
    said = examine_postgres(url)
    [problem] = wrong(said)
    assert 'password authentication failed for user "locked"' in problem
    assert "wrong one" not in said.out + said.err
    assert "%20" not in said.out + said.err


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("host/chat?nonsense=secret", "it is no address such as postgresql://user:password@host:5432/name."),
        ("secret@host/chat", "it has an @ too many: in a user or password, @ is written as %40 and / as %2F."),
    ],
)
def test_an_address_that_is_none_is_wrong(address: str, sentence: str) -> None:
    said = examine_postgres(f"postgresql://ann:secret@{address}")
    assert wrong(said) == [f"database: cannot be used: {sentence}"]
    assert "secret" not in said.out + said.err


def test_an_old_postgres_is_wrong(careful: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "OLDEST", 99)
    assert wrong(examine_postgres(careful.create())) == [
        f"database: PostgreSQL is {careful.version}; 99 or newer is needed."
    ]


@pytest.mark.parametrize("case", ["no right", "no schema"])
def test_a_postgres_where_no_tables_can_be_made_is_wrong(careful: PostgresServer, case: str) -> None:
    url = careful.create()
    if case == "no right":
        careful.execute("CREATE ROLE guest LOGIN")
        url = url.replace("gator@", "guest@")
        sentence = (
            "The role 'guest' may not make tables in the schema 'public': "
            "grant it CREATE there, or make it the owner of the database."
        )
    else:
        url += "&options=-csearch_path%3Delsewhere"
        sentence = "There is no schema for its tables: none of search_path (elsewhere) exists and may be used."
    assert wrong(examine_postgres(url)) == [f"database: {sentence}"]


def test_who_may_make_no_tables_needs_none_where_they_are(careful: PostgresServer) -> None:
    url = careful.create()
    gator("migrate", GATOR_DATABASE_URL=url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM gator")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    assert wrong(examine_postgres(url)) == []
