import pytest
from tests.contract.wishes import add, create, delete, post, promote, remove, rename
from tests.support.clock import NOON_TEXT
from tests.support.house import Guest, StagedHouse

from gator.hub.notifications import Notifications
from gator.ports import Published
from gator.protocol.events import ConversationRenamed
from gator.protocol.types import ConversationId, Seq, UserId


def notifications(guest: Guest) -> list[tuple[str, str, int]]:
    """Take the notifications among the news: where, why, at which position."""
    return [(f["conversation_id"], f["reason"], f["seq"]) for f in guest.news() if f["type"] == "notification"]


async def test_members_who_have_not_joined_get_the_message_field_for_field(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), house.connect("bob")
    await house.change(add("garden", "alice", "bob"))
    house.look()
    ack = await alice.post("garden", "hello", client_message_id="k")
    assert bob.news() == [
        {
            "type": "notification",
            "conversation_id": "garden",
            "seq": 3,
            "reason": "new_message",
            "message": {
                "id": ack["message_id"],
                "seq": 3,
                "sender_id": "alice",
                "sender": {},
                "content": "hello",
                "timestamp": NOON_TEXT,
                "is_ai": False,
                "client_message_id": "k",
            },
            "timestamp": NOON_TEXT,
        }
    ]


async def test_who_has_joined_is_not_notified(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    await alice.post("garden", "hello")
    assert notifications(bob) == notifications(alice) == []


async def test_each_connection_is_judged_for_itself(house: StagedHouse) -> None:
    phone, laptop = await house.arrive("alice", "garden"), house.connect("alice")
    await house.settle()
    house.look()
    await phone.post("garden", "from the phone")
    assert notifications(phone) == []
    assert notifications(laptop) == [("garden", "new_message", 2)]


async def test_strangers_are_not_notified(house: StagedHouse) -> None:
    alice, zoe = await house.arrive("alice", "garden"), house.connect("zoe")
    await house.settle()
    house.look()
    await alice.post("garden", "hello")
    await house.change(rename("garden", "alice", "x"), delete("garden", "alice"))
    assert zoe.news() == []


async def test_who_is_added_removed_or_left_without_a_conversation_is_notified(house: StagedHouse) -> None:
    bob, carol = house.connect("bob"), house.connect("carol")
    await house.settle()
    house.look()
    await house.change(create("garden", "alice", "bob"))
    assert notifications(bob) == [("garden", "added", 1)]
    await house.change(add("garden", "alice", "carol"))
    assert notifications(bob) == []
    assert notifications(carol) == [("garden", "added", 2)]
    await house.change(remove("garden", "alice", "carol"))
    assert notifications(bob) == []
    assert notifications(carol) == [("garden", "removed", 3)]
    await house.change(delete("garden", "alice"))
    assert notifications(bob) == [("garden", "deleted", 4)]
    assert notifications(carol) == []


async def test_a_notification_of_anything_but_a_message_has_no_content(house: StagedHouse) -> None:
    bob = house.connect("bob")
    await house.settle()
    house.look()
    await house.change(create("garden", "alice", "bob"))
    assert bob.news() == [
        {
            "type": "notification",
            "conversation_id": "garden",
            "seq": 1,
            "reason": "added",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_who_is_removed_from_where_they_joined_is_told_once(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "garden")
    house.look()
    await house.change(remove("garden", "alice", "bob"))
    assert notifications(bob) == []


async def test_renaming_and_roles_notify_nobody(house: StagedHouse) -> None:
    bob = house.connect("bob")
    await house.change(create("garden", "alice", "bob"))
    house.look()
    await house.change(rename("garden", "alice", "x"), promote("garden", "alice", "bob", "admin"))
    assert bob.news() == []


async def test_a_large_conversation_notifies_nobody_of_messages(house: StagedHouse) -> None:
    bob = house.connect("bob")
    await house.change(create("garden", "alice", "bob", *(f"u{n}" for n in range(99))))
    house.look()
    await house.change(post("garden", "alice", "hello"))
    assert notifications(bob) == []
    await house.change(remove("garden", "alice", "bob"))
    assert notifications(bob) == [("garden", "removed", 3)]


async def test_a_slow_reader_is_not_notified(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "kitchen")
    await house.change(add("garden", "alice", "bob"))
    house.look()
    bob.freeze()
    await house.change(post("kitchen", "bob", "makes it slow"))
    await alice.post("garden", "hello")
    await bob.thaw()
    assert notifications(bob) == []
    assert house.metric("gator_shed_total", kind="ephemeral") == 1


def test_an_event_that_concerns_nobody_in_particular_cannot_be_worded(house: StagedHouse) -> None:
    connected = house.connect("bob")
    notifications = Notifications(presence=house.house.hub.presence, rooms=house.house.hub.rooms)
    event = ConversationRenamed(
        conversation_id=ConversationId("garden"), seq=Seq(2), timestamp=NOON_TEXT, title="x", by=UserId("alice")
    )
    with pytest.raises(ValueError, match="nobody is notified of a ConversationRenamed"):
        notifications.receive(Published(event, audience=(connected.user_id,)))
