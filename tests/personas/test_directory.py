import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.personas.puppet import Stage, stage

from gator.domain.persona import Persona
from gator.personas.directory import Directory
from gator.protocol.errors import Refusal
from gator.protocol.types import PersonaId, UserId, UtcMillis

NIA = Persona(
    id=PersonaId("nia"), owner_id=UserId("alice"), name="Nia", created_at=UtcMillis(1), updated_at=UtcMillis(1)
)


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as on:
        yield on


@pytest.fixture
def directory(on: Stage) -> Directory:
    return on.house.house.personas.directory


def named(name: str) -> Persona:
    return replace(NIA, id=PersonaId(name), name=name)


async def test_of_many_added_at_once_no_more_are_taken_than_there_may_be(directory: Directory) -> None:
    added = await asyncio.gather(
        *(directory.add(named(f"p{number}"), most=3) for number in range(8)), return_exceptions=True
    )
    codes = [outcome.code if isinstance(outcome, Refusal) else None for outcome in added]
    assert codes == [None, None, *["too_many_personas"] * 6], "she has Nia already"
    assert directory.owned_by(UserId("alice")) == 3


async def test_a_change_brings_nobody_back_that_is_deleted_meanwhile(directory: Directory) -> None:
    await asyncio.gather(directory.change(replace(NIA, name="Nia Blue")), directory.delete(NIA.id))
    assert directory.get(NIA.id) is None
    with pytest.raises(Refusal, match="persona_not_found"):
        await directory.change(NIA)
    await directory.load()
    assert directory.get(NIA.id) is None
