"""A house for the tests of the gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.house import StagedHouse, staged


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    async with staged(tmp_path) as house:
        yield house
