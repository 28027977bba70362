from tests.contract.wishes import GARDEN, remove
from tests.support.clock import NOON_TEXT
from tests.support.house import Guest, StagedHouse

from gator.domain.typing import EXPIRY_S, REPEAT_S


def typing(guest: Guest) -> list[tuple[str, bool]]:
    """Take the indicators among the news: who, and whether they type."""
    return [(f["user_id"], f["is_typing"]) for f in guest.news() if f["type"] == "typing_indicator"]


async def start(guest: Guest, where: str = "garden") -> None:
    await guest.say(type="typing_start", conversation_id=where)


async def test_the_others_are_told_field_for_field(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    await start(alice)
    assert bob.news() == [
        {
            "type": "typing_indicator",
            "conversation_id": "garden",
            "user_id": "alice",
            "is_typing": True,
            "timestamp": NOON_TEXT,
        }
    ]


async def test_the_typist_s_own_connections_are_not_told(house: StagedHouse) -> None:
    phone, laptop = await house.arrive("alice", "garden"), await house.arrive("alice", "garden")
    house.look()
    assert await phone.say(type="typing_start", conversation_id="garden") == []
    assert laptop.news() == []


async def test_who_has_not_joined_is_not_told(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    zoe = await house.arrive("zoe", "kitchen")
    await bob.say(type="leave_conversation", conversation_id="garden")
    house.look()
    await start(alice)
    assert bob.news() == zoe.news() == []


async def test_repeats_are_absorbed_for_a_while(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    await start(alice)
    await house.advance(REPEAT_S / 2)
    await start(alice)
    assert typing(bob) == [("alice", True)]
    await house.advance(REPEAT_S / 2)
    await start(alice)
    assert typing(bob) == [("alice", True)]


async def test_typing_ends_by_itself(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await start(alice)
    house.look()
    await house.advance(EXPIRY_S - 0.01)
    assert typing(bob) == []
    await house.advance(0.01)
    assert typing(bob) == [("alice", False)]
    await house.advance(60)
    assert typing(bob) == []


async def test_typing_on_puts_the_end_off(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    for _ in range(10):
        await start(alice)
        await house.advance(EXPIRY_S - 0.5)
    assert set(typing(bob)) == {("alice", True)}
    await house.advance(0.5)
    assert typing(bob) == [("alice", False)]


async def test_everybody_s_typing_ends_in_its_own_time(house: StagedHouse) -> None:
    guests = [await house.arrive(name, "garden") for name in ("alice", "bob", "carol")]
    for guest in guests[:2]:
        await start(guest)
        await house.advance(2)
    house.look()
    await house.advance(EXPIRY_S - 4)
    assert typing(guests[2]) == [("alice", False)]
    await house.advance(2)
    assert typing(guests[2]) == [("bob", False)]


async def test_a_stop_is_told_once(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await start(alice)
    house.look()
    for _ in range(2):
        await alice.say(type="typing_stop", conversation_id="garden")
    assert typing(bob) == [("alice", False)]


async def test_a_message_ends_typing_before_it_is_heard(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await start(alice)
    house.look()
    await alice.post("garden", "hello")
    assert [frame["type"] for frame in bob.news()] == ["typing_indicator", "new_message"]


async def test_leaving_ends_typing_there_and_only_there(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    for guest in (alice, bob):
        await guest.join("kitchen")
    await start(alice, "garden")
    await start(alice, "kitchen")
    house.look()
    await alice.say(type="leave_conversation", conversation_id="garden")
    told = [(f["conversation_id"], f["is_typing"]) for f in bob.news() if f["type"] == "typing_indicator"]
    assert told == [("garden", False)]


async def test_losing_the_connection_ends_typing(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await start(alice)
    house.look()
    await alice.hang_up()
    assert typing(bob) == [("alice", False)]


async def test_another_device_goes_on_typing_when_the_first_is_gone(house: StagedHouse) -> None:
    phone, laptop = await house.arrive("alice", "garden"), await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "garden")
    await start(phone)
    await start(laptop)
    house.look()
    await phone.hang_up()
    assert typing(bob) == []
    await laptop.hang_up()
    assert typing(bob) == [("alice", False)]


async def test_being_removed_ends_typing(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "garden")
    await start(bob)
    house.look()
    await house.change(remove("garden", "alice", "bob"))
    assert typing(alice) == [("bob", False)]


async def test_typing_is_never_stored(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.arrive("bob", "garden")
    await start(alice)
    state = await house.house.store.conversation(GARDEN)
    assert state is not None
    assert state.head == 2
