"""get_online_status."""

from tests.contract.wishes import create, gone, remove
from tests.support.clock import NOON, NOON_TEXT
from tests.support.house import StagedHouse


async def test_those_who_share_a_conversation_are_answered_for(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.arrive("bob", "garden")
    await house.arrive("zoe", "kitchen")
    await house.change(create("d", "alice", "carol", kind="direct"))
    house.look()
    asked = ["bob", "carol", "zoe", "never was", "alice", "bob"]
    assert await alice.say(type="get_online_status", user_ids=asked, id="1") == [
        {
            "type": "online_users",
            "users": ["bob", "alice"],
            "statuses": {
                "bob": {"online": True, "last_seen": None},
                "carol": {"online": False, "last_seen": None},
                "alice": {"online": True, "last_seen": None},
            },
            "reply_to": "1",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_who_went_was_last_seen_then(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await bob.hang_up()
    await house.advance(10)
    house.look()
    [answer] = await alice.say(type="get_online_status", user_ids=["bob"])
    assert (answer["users"], answer["statuses"]) == ([], {"bob": {"online": False, "last_seen": NOON_TEXT}})


async def test_a_stranger_and_nobody_look_the_same(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.arrive("zoe", "kitchen")
    await house.house.journal.write_down(gone("zoe", NOON))
    house.look()
    answers = [await alice.say(type="get_online_status", user_ids=[user]) for user in ("zoe", "nobody")]
    assert answers[0] == answers[1]
    assert (answers[0][0]["users"], answers[0][0]["statuses"]) == ([], {})


async def test_who_left_is_a_stranger(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.arrive("bob", "garden")
    await house.change(remove("garden", "alice", "bob"))
    house.look()
    [answer] = await alice.say(type="get_online_status", user_ids=["bob"])
    assert (answer["users"], answer["statuses"]) == ([], {})


async def test_asking_for_nobody_is_answered(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    [answer] = await alice.say(type="get_online_status", user_ids=[])
    assert (answer["users"], answer["statuses"]) == ([], {})
