"""Every journal that there is."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.contract.journal import JournalBench, JournalContract
from tests.contract.postgres import PostgresBench, postgres_bench
from tests.contract.runs import RunContract
from tests.contract.sqlite import SqliteBench, sqlite_bench
from tests.support.postgres import PostgresServer


class TestGroupCommitOnSqlite(JournalContract):
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        return sqlite_bench(data)


class TestRunsOnSqlite(RunContract):
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[SqliteBench]:
        return sqlite_bench(data)


class TestGroupCommitOnPostgres(JournalContract):
    @pytest.fixture(autouse=True)
    def serve(self, postgres: PostgresServer) -> None:
        self.server = postgres

    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        return postgres_bench(self.server, data)


class TestRunsOnPostgres(RunContract):
    @pytest.fixture(autouse=True)
    def serve(self, postgres: PostgresServer) -> None:
        self.server = postgres

    def open_bench(self, data: Path) -> AbstractAsyncContextManager[PostgresBench]:
        return postgres_bench(self.server, data)
