"""One connection: the greeting, frames that are no commands, limits, failures, the end."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import NOON_TEXT
from tests.support.house import Frame, Guest, StagedHouse, staged

from gator.handlers import HANDLERS
from gator.protocol.commands import Heartbeat, MarkRead
from gator.protocol.errors import RATE_LIMITED


@pytest.fixture
async def bounded(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    """A house with small limits."""
    async with staged(
        tmp_path / "bounded",
        limits="on",
        messages_per_s=1,
        messages_burst=2,
        typing_burst=1,
        joins_burst=3,
        commands_per_s=10,
        commands_burst=150,
    ) as house:
        yield house


async def hear(house: StagedHouse, guest: Guest, text: str) -> list[Frame]:
    """Have a client send a frame as it is, and give what it hears."""
    await guest.tell_text(text)
    await house.settle()
    return guest.news()


async def test_the_first_frame_is_the_greeting_field_for_field(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await house.settle()
    assert alice.heard == [
        {
            "type": "online_users",
            "users": ["alice"],
            "connection_id": alice.peer.id,
            "user_id": "alice",
            "heartbeat_ms": 25_000,
            "epoch": house.house.store.epoch,
            "limits": {
                "max_frame_bytes": 65_536,
                "max_message_chars": 5_000,
                "max_joined_conversations": 1_000,
                "max_connections_per_user": 0,
                "messages_per_second": 0,
            },
            "timestamp": NOON_TEXT,
        }
    ]


async def test_the_greeting_announces_the_limits_in_force(bounded: StagedHouse) -> None:
    alice = bounded.connect("alice")
    await bounded.settle()
    limits = alice.heard[0]["limits"]
    assert (limits["messages_per_second"], limits["max_connections_per_user"]) == (1, 5)


@pytest.mark.parametrize(
    ("text", "code", "reply_to"),
    [
        ("", "bad_json", None),
        ("hello", "bad_json", None),
        ('{"type": "heartbeat"', "bad_json", None),
        ("null", "not_an_object", None),
        ("[]", "not_an_object", None),
        ('"heartbeat"', "not_an_object", None),
        ("{}", "unknown_type", None),
        ('{"type": "fly", "id": "1"}', "unknown_type", "1"),
        ('{"type": 7, "id": "1"}', "unknown_type", "1"),
        ('{"type": "send_message", "id": "1"}', "invalid_command", "1"),
        ('{"type": "heartbeat", "id": ""}', "invalid_command", ""),
        ('{"type": "heartbeat", "id": 7}', "invalid_command", None),
        ('{"type": "mark_read", "conversation_id": "g", "seq": -1, "id": "1"}', "invalid_command", "1"),
        ('{"type": "heartbeat", "x": ' + "[" * 16 + "]" * 16 + "}", "too_deep", None),
    ],
)
async def test_what_is_no_command_is_answered_and_the_connection_lives(
    house: StagedHouse, text: str, code: str, reply_to: str | None
) -> None:
    alice = house.connect("alice")
    await house.settle()
    alice.news()
    [error] = await hear(house, alice, text)
    assert (error["type"], error["code"], error.get("reply_to")) == ("error", code, reply_to)
    assert error["message"]
    assert error["timestamp"] == NOON_TEXT
    assert [frame["type"] for frame in await alice.say(type="heartbeat")] == ["heartbeat"]
    assert house.metric("gator_refused_total", code=code) == 1


async def test_a_binary_frame_is_answered_and_the_connection_lives(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await house.settle()
    alice.news()
    alice.connection.receive_binary()
    await house.settle()
    assert [frame["code"] for frame in alice.news()] == ["binary_not_supported"]


async def test_fields_from_the_future_are_ignored(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await house.settle()
    alice.news()
    assert [f["type"] for f in await alice.say(type="heartbeat", colour="green", nested={"a": [1]})] == [
        "heartbeat"
    ]


async def test_a_bug_in_a_handler_is_answered_counted_and_logged(
    house: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    async def broken_later(*_: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    monkeypatch.setitem(HANDLERS, Heartbeat, broken)
    monkeypatch.setitem(HANDLERS, MarkRead, broken_later)
    alice = house.connect("alice")
    await house.settle()
    alice.news()
    for command in (
        {"type": "heartbeat", "id": "1"},
        {"type": "mark_read", "conversation_id": "garden", "seq": 1, "id": "1"},
    ):
        assert await alice.say(**command) == [
            {
                "type": "error",
                "code": "internal",
                "message": "The server failed; nothing was changed.",
                "reply_to": "1",
                "timestamp": NOON_TEXT,
            }
        ]
    assert house.metric("gator_errors_total", where="handler") == 2
    assert house.log.take_errors() == ["handler_failed", "handler_failed"]
    assert (await alice.join("garden"))["type"] == "conversation_joined"


# Limits


async def test_too_many_messages_are_refused_with_the_time_to_wait(bounded: StagedHouse) -> None:
    alice = await bounded.arrive("alice", "garden")
    answers = [await alice.post("garden", str(n), client_message_id=str(n), id=str(n)) for n in range(3)]
    assert [answer["type"] for answer in answers] == ["ack", "ack", "error"]
    assert answers[2] == {
        "type": "error",
        "code": "rate_limited",
        "message": "Too many in too short a time; wait `retry_after_ms`.",
        "retry_after_ms": 1000,
        "reply_to": "2",
        "client_message_id": "2",
        "timestamp": NOON_TEXT,
    }
    await bounded.advance(1)
    assert (await alice.post("garden", "2", client_message_id="2"))["type"] == "ack"


async def test_a_user_s_connections_share_their_limits(bounded: StagedHouse) -> None:
    phone, laptop = await bounded.arrive("alice", "garden"), bounded.connect("alice")
    answers = [(await guest.post("garden", "x"))["type"] for guest in (phone, laptop, phone)]
    assert answers == ["ack", "ack", "error"]


async def test_typing_and_joining_have_their_own_limits(bounded: StagedHouse) -> None:
    alice = await bounded.arrive("alice", "garden")
    assert await alice.say(type="typing_start", conversation_id="garden") == []
    [error] = await alice.say(type="typing_stop", conversation_id="garden")
    assert error["code"] == "rate_limited"
    answers = [(await alice.join("garden"))["type"] for _ in range(3)]
    assert answers == ["conversation_joined", "conversation_joined", "error"]
    assert (await alice.post("garden", "x"))["type"] == "ack"


async def test_frames_as_such_are_limited_whatever_is_in_them(bounded: StagedHouse) -> None:
    alice = bounded.connect("alice")
    for _ in range(150):
        await alice.tell_text("nonsense")
    await bounded.settle()
    alice.news()
    [error] = await hear(bounded, alice, '{"type": "heartbeat", "id": "1"}')
    assert (error["code"], error["retry_after_ms"], error["reply_to"]) == ("rate_limited", 100, "1")
    alice.connection.receive_binary()
    await bounded.settle()
    assert [frame["code"] for frame in alice.news()] == ["rate_limited"]


async def test_who_keeps_on_hammering_is_closed(bounded: StagedHouse) -> None:
    alice = bounded.connect("alice")
    for _ in range(150 + 100):
        await alice.tell_text('{"type": "heartbeat"}')
    assert alice.peer.is_open
    await alice.tell_text('{"type": "heartbeat"}')
    await bounded.settle()
    assert alice.sink.closed == RATE_LIMITED
    assert (RATE_LIMITED.code, RATE_LIMITED.reconnect) == (4029, True)
    assert "hammering" in bounded.log.events("info")


# Draining and ending


async def test_who_drains_finishes_and_begins_nothing(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    alice.connection.drain(1500)
    await house.settle()
    assert alice.news() == [{"type": "reconnect", "after_ms": 1500, "timestamp": NOON_TEXT}]
    assert (await alice.post("garden", "goodbye"))["type"] == "ack"
    assert (await alice.join("kitchen"))["code"] == "draining"
    [error] = await alice.say(type="create_conversation", kind="group", member_ids=[], id="1")
    assert (error["code"], error["reply_to"]) == ("draining", "1")
    assert [f["type"] for f in await alice.say(type="leave_conversation", conversation_id="garden")] == [
        "conversation_left"
    ]


async def test_after_the_end_nothing_is_answered(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await alice.hang_up()
    heard = len(alice.heard)
    for text in (json.dumps({"type": "heartbeat"}), "nonsense"):
        await alice.tell_text(text)
    await house.settle()
    assert len(alice.heard) == heard
