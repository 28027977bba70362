"""What is SQLite's own; `tests/contract/store.py` has what every store promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.sqlite import SqliteBench, sqlite_bench
from tests.contract.wishes import ANN, BOB, CLEO, GARDEN, create, post
from tests.storage.conftest import Queries

from gator.protocol.types import Seq


@pytest.fixture
async def bench(tmp_path: Path, queries: Queries) -> AsyncIterator[SqliteBench]:
    async with sqlite_bench(tmp_path) as bench:
        await bench.journal.commit(create("garden", "ann", "bob"))
        await bench.journal.commit(create("direct", "ann", "bob", kind="direct"))
        await bench.journal.commit(post("garden", "ann", "a"))
        yield bench


async def test_a_conversation_is_read_by_two_statements(bench: SqliteBench, queries: Queries) -> None:
    with queries(2):
        await bench.store.conversation(GARDEN)


async def test_a_page_of_the_log_is_read_by_two_statements(bench: SqliteBench, queries: Queries) -> None:
    with queries(2):
        await bench.store.log(GARDEN, after=Seq(0), limit=200)


async def test_a_page_of_messages_is_read_by_one_statement(bench: SqliteBench, queries: Queries) -> None:
    for where in ({}, {"after": Seq(0)}, {"before": Seq(9)}):
        with queries(1):
            await bench.store.messages(GARDEN, limit=50, **where)


async def test_a_row_of_the_list_costs_at_most_two_statements(bench: SqliteBench, queries: Queries) -> None:
    with queries(1 + 2 + 2):
        assert len(await bench.store.conversations_of(ANN, before=None, limit=50)) == 2


async def test_asking_for_acquaintances_costs_at_most_two_statements_each(
    bench: SqliteBench, queries: Queries
) -> None:
    with queries(2 * 1 + 1):
        assert len(await bench.store.acquaintances(ANN, [BOB, CLEO, BOB])) == 1


async def test_a_store_that_is_closed_refuses_to_read(bench: SqliteBench) -> None:
    bench.store.close()
    with pytest.raises(RuntimeError):
        await bench.store.ready()
