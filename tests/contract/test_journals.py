"""Every journal that there is."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.contract.journal import JournalBench, JournalContract
from tests.contract.runs import RunContract
from tests.contract.sqlite import SqliteBench, sqlite_bench


class TestGroupCommitOnSqlite(JournalContract):
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        return sqlite_bench(data)


class TestRunsOnSqlite(RunContract):
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[SqliteBench]:
        return sqlite_bench(data)
