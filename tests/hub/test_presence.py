import random
from pathlib import Path

import pytest
from tests.contract.wishes import BOB, GARDEN, add, create, delete, remove
from tests.support.clock import NOON, NOON_TEXT
from tests.support.house import Guest, StagedHouse, staged

from gator.protocol.events import ReadMarked
from gator.protocol.types import Seq, UserId

GRACE_S = 3


def presence(guest: Guest) -> list[tuple[str, bool]]:
    """Take the updates among the news: who, and whether they are online."""
    return [(f["user_id"], f["online"]) for f in guest.news() if f["type"] == "presence_update"]


async def test_who_joins_is_seen_at_once_field_for_field(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    house.look()
    await house.arrive("bob", "garden")
    assert [frame for frame in alice.news() if frame["type"] == "presence_update"] == [
        {"type": "presence_update", "user_id": "bob", "online": True, "timestamp": NOON_TEXT}
    ]


async def test_who_joins_sees_who_is_there(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    bob = house.connect("bob")
    joined = await bob.join("garden")
    assert (joined["online"], joined["online_count"]) == (["alice", "bob"], 2)
    assert bob.of_type("presence_update") == []


async def test_who_is_online_but_has_not_joined_is_not_shown(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    house.connect("bob")
    house.look()
    joined = await alice.join("garden")
    assert (joined["online"], joined["member_count"]) == (["alice"], 2)


async def test_only_who_shares_a_joined_conversation_is_told(house: StagedHouse) -> None:
    zoe = await house.arrive("zoe", "kitchen")
    house.look()
    bob = await house.arrive("bob", "garden")
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    assert zoe.news() == []


async def test_offline_comes_after_the_grace(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    await bob.hang_up()
    assert house.house.hub.presence.is_online(BOB)
    await house.advance(GRACE_S - 0.01)
    assert presence(alice) == []
    await house.advance(0.01)
    assert presence(alice) == [("bob", False)]
    assert not house.house.hub.presence.is_online(BOB)


async def test_a_page_reload_is_no_event(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    await bob.hang_up()
    await house.advance(GRACE_S - 1)
    await house.arrive("bob", "garden")
    await house.advance(60)
    assert presence(alice) == []


async def test_the_grace_begins_anew_each_time(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    for _ in range(5):
        await bob.hang_up()
        await house.advance(GRACE_S - 0.5)
        bob = house.connect("bob")
    await bob.hang_up()
    await house.advance(GRACE_S - 0.5)
    assert presence(alice) == []
    await house.advance(0.5)
    assert presence(alice) == [("bob", False)]


async def test_the_last_connection_counts(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    phone, laptop = await house.arrive("bob", "garden"), await house.arrive("bob", "garden")
    assert presence(alice) == [("bob", True)]
    await phone.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == []
    await laptop.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == [("bob", False)]


async def test_who_is_seen_already_is_not_announced_again(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await alice.join("kitchen")
    house.look()
    await bob.join("kitchen")
    assert presence(alice) == []


async def test_who_could_not_be_seen_before_is_announced(house: StagedHouse) -> None:
    carol = await house.arrive("carol", "kitchen")
    bob = await house.arrive("bob", "garden")
    house.look()
    await bob.join("kitchen")
    assert presence(carol) == [("bob", True)]


async def test_going_offline_is_told_once_however_much_is_shared(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    for guest in (alice, bob):
        for where in ("kitchen", "attic"):
            await guest.join(where)
    house.look()
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == [("bob", False)]


async def test_leaving_a_conversation_is_not_going_offline(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    await bob.say(type="leave_conversation", conversation_id="garden")
    await house.advance(60)
    assert presence(alice) == []
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == [("bob", False)]


async def test_who_was_removed_is_not_followed_any_more(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await house.change(remove("garden", "alice", "bob"))
    house.look()
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == []
    again = await alice.join("garden")
    assert again["online"] == ["alice"]


async def test_who_left_before_being_removed_is_not_followed_either(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await bob.say(type="leave_conversation", conversation_id="garden")
    await house.change(remove("garden", "alice", "bob"))
    house.look()
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == []


async def test_where_a_conversation_ended_nobody_is_shown(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "garden")
    await house.change(delete("garden", "alice"))
    await bob.hang_up()
    again = house.connect("bob")
    await house.settle()
    assert again.heard[0]["users"] == ["bob"]


async def test_the_greeting_names_who_one_may_see(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    await house.arrive("bob", "garden")
    await house.arrive("zoe", "kitchen")
    laptop = house.connect("alice")
    await house.settle()
    assert laptop.heard[0]["users"] == ["alice", "bob"]


@pytest.mark.parametrize("online_before", [True, False])
async def test_last_seen_is_stored(house: StagedHouse, online_before: bool) -> None:
    bob = await house.arrive("bob", "garden")
    second = house.connect("bob") if online_before else None
    await house.advance(10)
    await bob.hang_up()
    user = await house.house.store.user(BOB)
    assert user is not None
    assert user.last_seen_at == (None if online_before else NOON + 10_000)
    if second is not None:
        await second.hang_up()


async def test_without_a_grace_offline_is_told_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path, presence_grace_s=0) as house:
        alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
        house.look()
        await bob.hang_up()
        await house.advance(0)
        assert presence(alice) == [("bob", False)]


async def test_users_online_are_counted(house: StagedHouse) -> None:
    guests = [house.connect(name) for name in ("alice", "alice", "bob")]
    assert house.metric("gator_users_online") == 2
    for guest in guests:
        await guest.hang_up()
    assert house.metric("gator_users_online") == 2
    await house.advance(GRACE_S)
    assert house.metric("gator_users_online") == 0


async def test_all_connections_of_a_user_are_told(house: StagedHouse) -> None:
    phone, laptop = house.connect("alice"), house.connect("alice")
    bob = house.connect("bob")
    await house.settle()
    house.look()
    marked = ReadMarked(conversation_id=GARDEN, seq=Seq(1), timestamp=NOON_TEXT)
    house.house.hub.presence.tell(UserId("alice"), [marked, marked])
    house.house.hub.presence.tell(UserId("nobody"), [marked])
    await house.settle()
    assert [len(guest.news()) for guest in (phone, laptop, bob)] == [2, 2, 0]


# Large conversations: counts instead of names

OTHERS = [f"u{n:03}" for n in range(100)]


@pytest.fixture
async def large(house: StagedHouse) -> StagedHouse:
    """A house with a conversation of 102 members: Alice, Bob and a hundred others."""
    await house.change(create("garden", "alice", "bob", *OTHERS))
    return house


def counts(guest: Guest) -> list[tuple[int, int]]:
    """Take the counts among the news: how many are online, and type."""
    return [(f["online"], f["typing"]) for f in guest.news() if f["type"] == "occupancy"]


async def test_in_a_large_conversation_nobody_is_named(large: StagedHouse) -> None:
    alice = large.connect("alice")
    joined = await alice.join("garden")
    assert (joined["member_count"], joined["online"], joined["online_count"]) == (102, [], 1)
    await large.arrive("bob", "garden")
    await large.advance(10)
    assert alice.of_type("presence_update") == []


async def test_a_large_conversation_is_told_its_counts(large: StagedHouse) -> None:
    alice, bob = await large.arrive("alice", "garden"), await large.arrive("bob", "garden")
    await large.advance(10)
    large.look()
    await bob.say(type="typing_start", conversation_id="garden")
    await large.advance(2)
    assert (
        alice.news()
        == bob.news()
        == [
            {
                "type": "occupancy",
                "conversation_id": "garden",
                "online": 2,
                "typing": 1,
                "member_count": 102,
                "timestamp": "2025-01-15T10:30:12.000Z",
            }
        ]
    )


async def test_counts_come_at_most_once_in_an_interval(large: StagedHouse) -> None:
    alice = await large.arrive("alice", "garden")
    await large.advance(10)
    large.look()
    for name in OTHERS[:20]:
        guest = await large.arrive(name, "garden")
        await guest.say(type="typing_start", conversation_id="garden")
        await large.advance(0.11)
    assert counts(alice) == [(20, 19)]
    await large.advance(2)
    assert counts(alice) == [(21, 20)]
    await large.advance(10)
    assert counts(alice)[-1] == (21, 0)


async def test_where_nothing_changes_nothing_is_told(large: StagedHouse) -> None:
    alice = await large.arrive("alice", "garden")
    await large.advance(10)
    large.look()
    await large.advance(20)
    assert counts(alice) == []


async def test_an_empty_large_conversation_is_told_nothing(large: StagedHouse) -> None:
    alice = await large.arrive("alice", "garden")
    await large.advance(10)
    await alice.hang_up()
    await large.advance(10)
    assert (await large.house.hub.rooms.conversation(GARDEN)) is not None


async def test_who_was_seen_before_it_grew_is_seen_going(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await house.change(add("garden", "alice", *OTHERS))
    house.look()
    await bob.hang_up()
    await house.advance(GRACE_S + 1)
    assert presence(alice) == [("bob", False)]


@pytest.mark.parametrize("seed", range(10))
async def test_whoever_was_told_that_one_came_is_told_that_one_went(house: StagedHouse, seed: int) -> None:
    dice = random.Random(seed)
    viewers = [await house.arrive("alice", "garden"), await house.arrive("bob", "kitchen")]
    viewers.append(await house.arrive("carol", "garden"))
    await viewers[2].join("kitchen")
    connections: list[Guest] = []
    for _ in range(60):
        match dice.choice(["connect", "join", "join", "leave", "hang up", "wait"]):
            case "connect" if len(connections) < 3:
                connections.append(house.connect("dan"))
            case "join" if connections:
                await dice.choice(connections).join(dice.choice(["garden", "kitchen"]))
            case "leave" if connections:
                where = dice.choice(["garden", "kitchen"])
                await dice.choice(connections).say(type="leave_conversation", conversation_id=where)
            case "hang up" if connections:
                await connections.pop(dice.randrange(len(connections))).hang_up()
            case "wait":
                await house.advance(dice.choice([0.5, 2, 4]))
        for viewer in viewers:
            told = [online for user, online in presence_of(viewer) if user == "dan"]
            assert told == [n % 2 == 0 for n in range(len(told))], "came, went, came, went ..."
    for connection in connections:
        await connection.hang_up()
    await house.advance(GRACE_S)
    for viewer in viewers:
        assert len([user for user, _ in presence_of(viewer) if user == "dan"]) % 2 == 0


def presence_of(guest: Guest) -> list[tuple[str, bool]]:
    """List all updates that a guest ever heard."""
    return [(frame["user_id"], frame["online"]) for frame in guest.of_type("presence_update")]
