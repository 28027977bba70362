"""`gator doctor`."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.gator import Said, gator

from gator.cli import doctor
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
