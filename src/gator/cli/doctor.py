"""`gator doctor`: what would keep the server from working, before it does."""

import os
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from gator.app_storage import NO_DRIVER
from gator.page.files import find_page, is_page
from gator.settings import Settings, SettingsError, load
from gator.storage.database import one_line
from gator.storage.migrations import migrations
from gator.storage.sqlite import FILE_NAME, DataInUse, DataLock, connect, schema_version

SAFE_SQLITE: Final = (3, 51, 3)
"""First SQLite without the bug that can corrupt a database in WAL mode."""

FREE_BYTES: Final = 256 * 1024 * 1024

Finding = tuple[bool, str]
"""Whether it is well, and a sentence."""


def examine(given: dict[str, Any], say: Callable[[str], object]) -> bool:
    """Look at everything; true if all is well."""
    try:
        settings = load(**given)
    except SettingsError as error:
        for problem in error.problems:
            say(f"WRONG  settings: {problem}")
        return False
    well = True
    for ok, sentence in _findings(settings):
        say(f"{'ok   ' if ok else 'WRONG'}  {sentence}")
        well = well and ok
    return well


def _findings(settings: Settings) -> Iterator[Finding]:
    yield True, f"settings: auth is {settings.auth}, limits are {settings.limits}"
    in_use = False
    if settings.database_url is None:
        yield _sqlite()
        findings = _data(settings.data)
    else:
        findings = _postgres(settings.database_url.get_secret_value())
    for finding, used in findings:
        in_use = in_use or used
        yield finding
    yield _port(settings, in_use)
    yield _open_files(settings)
    yield _page(settings)


def _sqlite() -> Finding:
    version = apsw.sqlite_lib_version()
    ok = tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE
    return ok, f"SQLite is {version}" + ("" if ok else "; it can corrupt data, install a newer apsw")


def _data(directory: Path) -> Iterator[tuple[Finding, bool]]:
    if not directory.exists():
        parent = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
        ok = os.access(parent, os.W_OK)
        yield (ok, f"data: {str(directory)!r} {'will be' if ok else 'cannot be'} created"), False
        return
    if not os.access(directory, os.W_OK):
        yield (False, f"data: {str(directory)!r} cannot be written to"), False
        return
    space = os.statvfs(directory)
    free = space.f_bavail * space.f_frsize
    yield (free >= FREE_BYTES, f"data: {free // 2**20} MiB free at {str(directory)!r}"), False
    try:
        DataLock(directory).release()
        in_use = False
    except DataInUse:
        in_use = True
    yield (True, f"data: {'a server is using it' if in_use else 'no server is using it'}"), in_use
    file = directory / FILE_NAME
    if not file.exists():
        yield (True, "database: none yet, the server will make it"), in_use
        return
    yield _database(file), in_use


def _database(file: Path) -> Finding:
    try:
        connection = connect(file, read_only=True)
        try:
            at, known = schema_version(connection), len(migrations("sqlite"))
            verdict = " ".join(str(connection.execute("PRAGMA quick_check(1)").get).split())
        finally:
            connection.close()
    except apsw.Error as error:
        return False, f"database: cannot be read: {error}"
    if verdict != "ok":
        return False, f"database: damaged: {verdict}; restore a backup, then run `gator migrate --restored`"
    return _steps(at, known, "whole, ")


def _postgres(url: str) -> Iterator[tuple[Finding, bool]]:
    try:
        import psycopg

        from gator.storage import postgres
    except ImportError:
        yield (False, f"database: {NO_DRIVER}"), False
        return
    try:
        with postgres.connect(url) as connection:
            release = connection.info.parameter_status("server_version")
            yield (True, f"database: {postgres.named(connection)} is PostgreSQL {release}"), False
            problems = [*postgres.problems(connection)]
            for problem in (*problems, *postgres.doubts(connection)):
                yield (False, f"database: {problem}"), False
            if problems:
                return
            in_use = postgres.is_in_use(connection)
            yield (True, f"database: {'a server is using it' if in_use else 'no server is using it'}"), in_use
            yield _steps(postgres.schema_version(connection), len(migrations("postgres"))), in_use
    except (psycopg.Error, postgres.UnfitDatabase) as error:
        yield (False, f"database: cannot be used: {one_line(error)}"), False


def _steps(at: int, known: int, so_far: str = "") -> Finding:
    if at > known:
        return False, f"database: at migration {at}, this program knows {known}; install a newer one"
    if at == 0 and not so_far:
        return True, "database: empty, the server will make its tables"
    state = "up to date" if at == known else f"{known - at} migrations behind, the server will apply them"
    return True, f"database: {so_far}{state}"


def _port(settings: Settings, in_use: bool) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if in_use:
                return True, f"port: {settings.host}:{settings.port} is taken, by the running server as it seems"
            return False, f"port: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
    return True, f"port: {settings.host}:{settings.port} is free"


def _page(settings: Settings) -> Finding:
    directory = settings.page or find_page()
    if directory is None:
        return True, "page: not built, everything else works; `make web` builds it"
    ok = is_page(directory)
    return ok, f"page: {'in' if ok else 'there is no index.html in'} {str(directory)!r}"


def _open_files(settings: Settings) -> Finding:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.max_connections + 100
    ok = allowed >= needed
    remedy = "" if ok else f"; raise it (ulimit -n) or lower GATOR_MAX_CONNECTIONS to {max(1, allowed - 100)}"
    return ok, f"open files: {allowed} allowed, {needed} needed for {settings.max_connections} connections{remedy}"
