"""Loaded before every test, so that nobody has imported the contract suites yet.

They are modules, not tests: what they assert is to be explained all the same.
"""

from collections.abc import Iterator

import pytest
from tests.support.postgres import PostgresServer

pytest.register_assert_rewrite(
    *(f"tests.contract.{port}" for port in ("broker", "clock", "identities", "journal", "store"))
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests of this process, started for the first that asks.

    A test makes databases of its own in it. One that kills or stops a server has one of its own.
    """
    with PostgresServer() as server:
        yield server
