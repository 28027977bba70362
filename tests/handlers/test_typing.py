"""typing_start, typing_stop; `tests/hub/test_typing.py` has who hears of it."""

import pytest
from tests.contract.wishes import create
from tests.support.clock import NOON_TEXT
from tests.support.house import StagedHouse

NOT_JOINED = {
    "type": "error",
    "code": "not_joined",
    "message": "This connection has not joined the conversation.",
    "timestamp": NOON_TEXT,
}


async def test_typing_is_not_answered(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    for command in ("typing_start", "typing_stop", "typing_stop"):
        assert await alice.say(type=command, conversation_id="garden", id="1") == []


@pytest.mark.parametrize("command", ["typing_start", "typing_stop"])
async def test_one_types_only_where_one_has_joined_whatever_there_is(house: StagedHouse, command: str) -> None:
    await house.change(create("mine", "alice"), create("others", "bob"))
    alice = house.connect("alice")
    await house.settle()
    house.look()
    for where in ("mine", "others", "never was"):
        error = NOT_JOINED | {"reply_to": "1"}
        assert await alice.say(type=command, conversation_id=where, id="1") == [error]


async def test_a_reader_does_not_type(house: StagedHouse) -> None:
    await house.change(create("news", "alice", kind="channel"))
    bob = await house.arrive("bob", "news")
    [error] = await bob.say(type="typing_start", conversation_id="news", id="1")
    assert (error["code"], error["reply_to"]) == ("forbidden", "1")
    assert await bob.say(type="typing_stop", conversation_id="news") == []
