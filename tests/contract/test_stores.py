"""Every store that there is."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.contract.journal import JournalBench
from tests.contract.sqlite import sqlite_bench
from tests.contract.store import StoreContract


class TestSqliteStore(StoreContract):
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        return sqlite_bench(data)
