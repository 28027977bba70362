"""send_message."""

import asyncio

import pytest
from tests.contract.wishes import create, remove
from tests.handlers.test_conversations import NOT_FOUND, UUID7
from tests.support.clock import NOON_TEXT
from tests.support.house import StagedHouse


async def test_a_message_is_acknowledged_and_heard_field_for_field(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden", name="Alice", avatar="alice.png")
    ack, heard = await alice.say(
        type="send_message", conversation_id="garden", content="hello", client_message_id="k", id="1"
    )
    message_id = ack["message_id"]
    assert UUID7.fullmatch(message_id)
    assert ack == {
        "type": "ack",
        "conversation_id": "garden",
        "message_id": message_id,
        "seq": 2,
        "duplicate": False,
        "client_message_id": "k",
        "reply_to": "1",
        "timestamp": NOON_TEXT,
    }
    assert heard == {
        "type": "new_message",
        "conversation_id": "garden",
        "seq": 2,
        "message": {
            "id": message_id,
            "seq": 2,
            "sender_id": "alice",
            "sender": {"name": "Alice", "avatar": "alice.png"},
            "content": "hello",
            "timestamp": NOON_TEXT,
            "is_ai": False,
            "client_message_id": "k",
        },
        "timestamp": NOON_TEXT,
    }


async def test_the_message_of_the_seed_is_understood(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    ack, heard = await alice.say(
        type="send_message", conversation_id="garden", content="Hello! This is my message.", persona_id=None
    )
    assert "client_message_id" not in ack
    assert "reply_to" not in ack
    assert set(heard["message"]) == {"id", "seq", "sender_id", "sender", "content", "timestamp", "is_ai"}


async def test_a_repeat_gets_the_original_answer_and_is_heard_once(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    first = await alice.post("garden", "hello", client_message_id="k", id="1")
    await house.advance(60)
    house.look()
    again = await alice.say(
        type="send_message", conversation_id="garden", content="hello", client_message_id="k", id="2"
    )
    assert again == [first | {"duplicate": True, "reply_to": "2"}]
    assert bob.news() == []


async def test_a_repeat_with_other_content_is_refused(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await alice.post("garden", "hello", client_message_id="k")
    assert await alice.say(
        type="send_message", conversation_id="garden", content="other", client_message_id="k", id="2"
    ) == [
        {
            "type": "error",
            "code": "conflict",
            "message": "'k' was used before for a message with other content.",
            "reply_to": "2",
            "client_message_id": "k",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_the_content_comes_back_as_it_was_sent(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    content = '<script>alert("x")</script>\r\n\t \u202e \N{CROCODILE} e\u0301 & \\u0041'
    await alice.post("garden", content)
    assert alice.heard[-1]["message"]["content"] == content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "message_blank"),
        (" \t\r\n\u00a0", "message_blank"),
        ("x" * 5001, "message_too_long"),
        ("\N{CROCODILE}" * 5001, "message_too_long"),
        ("a\x00b", "message_not_text"),
    ],
)
async def test_what_is_no_message_is_refused_and_leaves_nothing(
    house: StagedHouse, content: str, code: str
) -> None:
    alice = await house.arrive("alice", "garden")
    [error] = await alice.say(
        type="send_message", conversation_id="garden", content=content, client_message_id="k", id="1"
    )
    assert (error["type"], error["code"], error["reply_to"], error["client_message_id"]) == (
        "error", code, "1", "k",
    )  # fmt: skip
    assert (await alice.post("garden", "good", client_message_id="k"))["seq"] == 2


@pytest.mark.parametrize("content", ["x" * 5000, "\N{CROCODILE}" * 5000, "x", "  x  "])
async def test_what_just_fits_is_taken(house: StagedHouse, content: str) -> None:
    alice = await house.arrive("alice", "garden")
    assert (await alice.post("garden", content))["type"] == "ack"


async def test_who_is_no_member_cannot_tell_what_there_is(house: StagedHouse) -> None:
    await house.change(create("garden", "alice", "bob"), remove("garden", "alice", "bob"))
    bob, zoe = house.connect("bob"), house.connect("zoe")
    await house.settle()
    house.look()
    for guest in (bob, zoe):
        for where in ("garden", "never was"):
            assert await guest.say(type="send_message", conversation_id=where, content="hello") == [NOT_FOUND]


async def test_who_reads_a_channel_does_not_write_in_it(house: StagedHouse) -> None:
    await house.change(create("news", "alice", kind="channel"))
    bob = await house.arrive("bob", "news")
    assert await bob.say(type="send_message", conversation_id="news", content="hello", id="1") == [
        {
            "type": "error",
            "code": "forbidden",
            "message": "This needs the role 'member' or above; yours is 'reader'.",
            "reply_to": "1",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_one_writes_without_having_joined(house: StagedHouse) -> None:
    await house.change(create("garden", "alice"))
    alice = house.connect("alice")
    assert (await alice.post("garden", "hello"))["type"] == "ack"
    assert alice.of_type("new_message") == []


async def test_an_unknown_persona_is_told_to_the_sender_and_the_message_stays(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    ack, error, heard = await alice.say(
        type="send_message", conversation_id="garden", content="help", persona_id="sage", id="1"
    )
    assert ack["type"] == "ack"
    assert error == {
        "type": "error",
        "code": "persona_not_found",
        "message": "There is no such persona, or you may not ask it; a message that named it is stored.",
        "reply_to": "1",
        "timestamp": NOON_TEXT,
    }
    assert heard["message"]["persona_id"] == "sage"
    assert bob.news() == [heard]


async def test_messages_of_a_connection_keep_their_order(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await asyncio.gather(
        *(alice.tell(type="send_message", conversation_id="garden", content=str(n), id=str(n)) for n in range(50))
    )
    await house.settle()
    acks = alice.of_type("ack")
    assert [ack["reply_to"] for ack in acks] == [str(n) for n in range(50)]
    assert [ack["seq"] for ack in acks] == list(range(2, 52))
    assert [f["message"]["content"] for f in alice.of_type("new_message")] == [str(n) for n in range(50)]


async def test_every_message_is_dated_by_the_moment_it_was_stored(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.advance(1.5)
    ack = await alice.post("garden", "later")
    assert ack["timestamp"] == "2025-01-15T10:30:01.500Z"


async def test_an_answer_to_a_connection_that_is_gone_goes_nowhere(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await alice.tell(type="send_message", conversation_id="garden", content="my last words")
    await alice.hang_up()
    assert bob.heard[-1]["message"]["content"] == "my last words"
    assert alice.of_type("ack") == []
