"""Houses for the tests of the handlers: one open, one where tokens prove who one is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.house import SECRET, StagedHouse, staged


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    async with staged(tmp_path / "open") as house:
        yield house


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    async with staged(tmp_path / "strict", auth="jwt", jwt_secret=SECRET) as house:
        yield house
