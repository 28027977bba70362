"""join_conversation, leave_conversation, create_conversation."""

import re

import pytest
from tests.contract.wishes import GARDEN, add, create, delete, remove
from tests.support.clock import NOON_TEXT
from tests.support.house import StagedHouse

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

NOT_FOUND = {
    "type": "error",
    "code": "conversation_not_found",
    "message": "There is no such conversation, or you are not a member of it.",
    "timestamp": NOON_TEXT,
}

# Joining


async def test_the_first_to_join_creates_and_owns(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await house.settle()
    house.look()
    assert await alice.say(type="join_conversation", conversation_id="garden", id="1") == [
        {
            "type": "conversation_joined",
            "conversation_id": "garden",
            "seq": 1,
            "epoch": house.house.store.epoch,
            "recovered": False,
            "reason": "no_position",
            "role": "owner",
            "member_count": 1,
            "online": ["alice"],
            "online_count": 1,
            "reply_to": "1",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_joining_makes_one_a_member(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    bob = house.connect("bob")
    joined = await bob.join("garden")
    assert (joined["role"], joined["member_count"], joined["seq"]) == ("member", 2, 2)
    assert alice.of_type("members_added") == [
        {
            "type": "members_added",
            "conversation_id": "garden",
            "seq": 2,
            "by": "bob",
            "members": [{"user_id": "bob", "role": "member"}],
            "member_count": 2,
            "timestamp": NOON_TEXT,
        }
    ]


async def test_joining_again_changes_nothing(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    assert (await alice.join("garden"))["seq"] == 1
    again = house.connect("alice")
    assert (await again.join("garden"))["seq"] == 1


async def test_in_a_channel_who_joins_reads(house: StagedHouse) -> None:
    await house.change(create("news", "alice", kind="channel"))
    bob = house.connect("bob")
    assert (await bob.join("news"))["role"] == "reader"


async def test_who_joins_an_abandoned_conversation_owns_it(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    await house.change(remove("garden", "alice", "alice"))
    assert (await house.connect("bob").join("garden"))["role"] == "owner"


@pytest.mark.parametrize("where", ["direct", "deleted"])
async def test_there_is_no_joining_what_is_closed_to_one(house: StagedHouse, where: str) -> None:
    await house.change(
        create("direct", "alice", "bob", kind="direct"), create("deleted", "alice"), delete("deleted", "alice")
    )
    zoe = house.connect("zoe")
    await house.settle()
    house.look()
    assert await zoe.say(type="join_conversation", conversation_id=where, id="1") == [
        NOT_FOUND | {"reply_to": "1"}
    ]


async def test_with_tokens_only_members_join(strict: StagedHouse) -> None:
    await strict.change(create("garden", "alice", "bob"))
    bob, zoe = strict.connect("bob"), strict.connect("zoe")
    await strict.settle()
    strict.look()
    assert (await bob.join("garden"))["role"] == "member"
    assert await zoe.say(type="join_conversation", conversation_id="garden") == [NOT_FOUND]
    assert await zoe.say(type="join_conversation", conversation_id="never was") == [NOT_FOUND]
    state = await strict.house.store.conversation(GARDEN)
    assert state is not None
    assert set(state.members) == {"alice", "bob"}


async def test_with_tokens_who_was_removed_does_not_join(strict: StagedHouse) -> None:
    await strict.change(create("garden", "alice", "bob"), remove("garden", "alice", "bob"))
    bob = strict.connect("bob")
    assert (await bob.join("garden"))["code"] == "conversation_not_found"
    await strict.change(add("garden", "alice", "bob"))
    assert (await bob.join("garden"))["type"] == "conversation_joined"


# Leaving


async def test_leaving_is_answered(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    assert await alice.say(type="leave_conversation", conversation_id="garden", id="2") == [
        {
            "type": "conversation_left",
            "conversation_id": "garden",
            "reason": "asked",
            "reply_to": "2",
            "timestamp": NOON_TEXT,
        }
    ]


@pytest.mark.parametrize("where", ["garden", "never was", "elsewhere"])
async def test_leaving_where_one_is_not_is_answered_the_same_whatever_is_there(
    house: StagedHouse, where: str
) -> None:
    await house.change(create("garden", "bob"))
    alice = house.connect("alice")
    await house.settle()
    house.look()
    left = {"type": "conversation_left", "conversation_id": where, "reason": "asked", "timestamp": NOON_TEXT}
    assert await alice.say(type="leave_conversation", conversation_id=where) == [left]


async def test_leaving_leaves_membership_alone(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await alice.say(type="leave_conversation", conversation_id="garden")
    assert (await alice.post("garden", "still a member"))["type"] == "ack"


# Creating


async def test_creating_names_the_members_and_is_answered(strict: StagedHouse) -> None:
    alice = strict.connect("alice")
    await strict.settle()
    strict.look()
    [created] = await alice.say(
        type="create_conversation", kind="group", title="Garden", member_ids=["bob", "carol", "bob"], id="1"
    )
    assert UUID7.fullmatch(created["conversation_id"])
    assert created == {
        "type": "conversation_created",
        "conversation_id": created["conversation_id"],
        "seq": 1,
        "kind": "group",
        "title": "Garden",
        "by": "alice",
        "members": [
            {"user_id": "alice", "role": "owner"},
            {"user_id": "bob", "role": "member"},
            {"user_id": "carol", "role": "member"},
        ],
        "member_count": 3,
        "reply_to": "1",
        "timestamp": NOON_TEXT,
    }
    joined = await strict.connect("bob").join(created["conversation_id"])
    assert (joined["type"], joined["role"]) == ("conversation_joined", "member")


async def test_what_is_created_has_no_trace_of_the_answer(strict: StagedHouse) -> None:
    alice = strict.connect("alice")
    await strict.settle()
    strict.look()
    [created] = await alice.say(type="create_conversation", kind="group", member_ids=[], id="secret")
    again = strict.connect("alice")
    await again.join(created["conversation_id"], after_seq=0)
    assert again.of_type("conversation_created") == [
        {key: value for key, value in created.items() if key != "reply_to"}
    ]


async def test_a_direct_conversation_is_made_once_and_then_found(strict: StagedHouse) -> None:
    alice, bob = strict.connect("alice"), strict.connect("bob")
    await strict.settle()
    strict.look()
    [first] = await alice.say(type="create_conversation", kind="direct", member_ids=["bob"], id="1")
    bob.news()
    [again] = await bob.say(type="create_conversation", kind="direct", member_ids=["alice"], id="2")
    assert again["conversation_id"] == first["conversation_id"]
    assert (again["type"], again["kind"], again["seq"]) == ("conversation_created", "direct", 1)
    assert {member["user_id"] for member in again["members"]} == {"alice", "bob"}
    assert {member["role"] for member in again["members"]} == {"member"}
    assert again["reply_to"] == "2"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"member_ids": []}, "A direct conversation has exactly one other member."),
        ({"member_ids": ["alice"]}, "A direct conversation has exactly one other member."),
        ({"member_ids": ["bob", "carol"]}, "A direct conversation has exactly one other member."),
        ({"member_ids": ["bob"], "title": "Us"}, "A direct conversation has no title."),
    ],
)
async def test_a_direct_conversation_is_of_two(strict: StagedHouse, more: dict[str, object], reason: str) -> None:
    alice = strict.connect("alice")
    await strict.settle()
    strict.look()
    assert await alice.say(type="create_conversation", kind="direct", id="1", **more) == [
        {
            "type": "error",
            "code": "invalid_command",
            "message": reason,
            "reply_to": "1",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_a_large_conversation_is_answered_without_its_members(strict: StagedHouse) -> None:
    alice = strict.connect("alice")
    await strict.settle()
    strict.look()
    others = [f"u{n}" for n in range(100)]
    [created] = await alice.say(type="create_conversation", kind="channel", member_ids=others)
    assert (created["members"], created["member_count"]) == ([], 101)
    joined = await strict.connect("u7").join(created["conversation_id"])
    assert joined["role"] == "reader"
