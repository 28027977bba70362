"""What the tests of the client share."""

import pytest
from clients.python.tests.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """Where a client plays."""
    return Stage()
