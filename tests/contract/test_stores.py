"""Every store that there is."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.contract.journal import JournalBench
from tests.contract.postgres import postgres_bench
from tests.contract.sqlite import sqlite_bench
from tests.contract.store import StoreContract
from tests.support.postgres import PostgresServer


class TestStoreOnSqlite(StoreContract):
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        return sqlite_bench(data)


class TestStoreOnPostgres(StoreContract):
    @pytest.fixture(autouse=True)
    def serve(self, postgres: PostgresServer) -> None:
        self.server = postgres

    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        return postgres_bench(self.server, data)
