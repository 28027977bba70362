"""mark_read."""

from tests.contract.wishes import GARDEN, create, post
from tests.handlers.test_conversations import NOT_FOUND
from tests.support.clock import NOON_TEXT
from tests.support.house import Guest, StagedHouse

from gator.protocol.types import UserId


async def position(house: StagedHouse, guest: Guest) -> int:
    summary = await house.house.store.summary(UserId(guest.user_id), GARDEN)
    assert summary is not None
    return summary.read_seq


async def test_all_connections_of_the_reader_are_told_and_nobody_else(house: StagedHouse) -> None:
    phone, laptop = await house.arrive("alice", "garden"), house.connect("alice")
    bob = await house.arrive("bob", "garden")
    await bob.post("garden", "hello")
    house.look()
    marked = {
        "type": "read_marked",
        "conversation_id": "garden",
        "seq": 3,
        "timestamp": NOON_TEXT,
    }
    assert await phone.say(type="mark_read", conversation_id="garden", seq=3, id="1") == [
        marked | {"reply_to": "1"}
    ]
    assert laptop.news() == [marked]
    assert bob.news() == []
    assert await position(house, phone) == 3


async def test_it_never_moves_back(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.change(*(post("garden", "alice", str(n)) for n in range(5)))
    await alice.say(type="mark_read", conversation_id="garden", seq=4)
    await alice.say(type="mark_read", conversation_id="garden", seq=2)
    assert await position(house, alice) == 4


async def test_nobody_has_read_what_is_not_there(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    [marked] = await alice.say(type="mark_read", conversation_id="garden", seq=2**53 - 1)
    assert marked["seq"] == await position(house, alice) == 1


async def test_one_reads_without_having_joined(house: StagedHouse) -> None:
    await house.change(create("garden", "alice"))
    alice = house.connect("alice")
    await house.settle()
    house.look()
    [marked] = await alice.say(type="mark_read", conversation_id="garden", seq=1)
    assert marked["type"] == "read_marked"


async def test_who_is_no_member_cannot_tell_what_there_is(house: StagedHouse) -> None:
    await house.change(create("garden", "alice"))
    zoe = house.connect("zoe")
    await house.settle()
    house.look()
    for where in ("garden", "never was"):
        assert await zoe.say(type="mark_read", conversation_id=where, seq=1) == [NOT_FOUND]
