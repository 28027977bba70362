"""A stage for the tests of replies."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.personas.puppet import Stage, stage


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as on:
        yield on
