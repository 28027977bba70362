"""The messages and the wscat dialogue of the document, as they stand there."""

import json
import re
from typing import Any

import pytest
from tests.seed.conftest import at
from tests.seed.document import HERE, block, json_blocks
from tests.support.client import Client
from tests.support.server import Server

CONVERSATION = "conversation-uuid"

Json = dict[str, Any]


def read(example: str) -> Json:
    """Read an example; one of them has a comment, which JSON has not."""
    found: Json = json.loads(re.sub(r"//.*$", "", example, flags=re.MULTILINE))
    return found


TOLD = {(found := read(example))["type"]: found for example in json_blocks("### Server → Client Messages")}
ASKED = [read(example) for example in json_blocks("### Client → Server Messages")]


def check_like(example: object, found: object, where: str = "") -> None:
    """Check that all fields of an example are there, by the same names and types."""
    assert type(found) is type(example), f"{where} is a {type(found).__name__}"
    if isinstance(example, dict):
        assert isinstance(found, dict)
        for name, value in example.items():
            assert name in found, f"{where}.{name} is missing"
            check_like(value, found[name], f"{where}.{name}")
    elif isinstance(example, list) and isinstance(found, list):
        for item in found:
            check_like(example[0], item, f"{where}[]")
    if where.endswith(".timestamp"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(found)), f"{where}: {found}"


def test_the_pytest_file_is_the_one_in_the_document() -> None:
    code = block("python", "from backend.api.main import app")
    assert (HERE / "test_seed_document.py").read_text() == code


def test_the_document_has_the_messages_that_are_tried_here() -> None:
    assert set(TOLD) == {"new_message", "typing_indicator", "presence_update", "online_users", "error"}
    assert [asked["type"] for asked in ASKED] == [
        "join_conversation",
        "conversation_joined",
        "leave_conversation",
        "send_message",
        "typing_start",
        "typing_stop",
        "get_online_status",
    ]


async def test_the_wscat_dialogue_is_answered_frame_by_frame(server: Server) -> None:
    dialogue = block("bash", "wscat -c")
    [address] = re.findall(r"^wscat -c (\S+)$", dialogue, re.MULTILINE)
    join, send, *typing = re.findall(r"^> (.*)$", dialogue, re.MULTILINE)
    assert len(typing) == 2

    async with await Client.open(at(server, address)) as client:
        greeting = await client.until()
        check_like(TOLD["online_users"], greeting)
        assert greeting["users"] == ["test-user-id"]

        await client.say_text(join)
        joined = await client.until()
        check_like(ASKED[1], joined)
        assert (joined["type"], joined["conversation_id"]) == ("conversation_joined", "test-conv-id")

        await client.say_text(send)
        ack = await client.until()
        assert (ack["type"], ack["conversation_id"], ack["duplicate"]) == ("ack", "test-conv-id", False)
        told = await client.until()
        check_like(TOLD["new_message"], told)
        assert (told["type"], told["conversation_id"]) == ("new_message", "test-conv-id")
        message = told["message"]
        assert message["id"] == ack["message_id"]
        assert (message["sender_id"], message["content"], message["is_ai"]) == ("test-user-id", "Hello!", False)

        for frame in typing:
            await client.say_text(frame)
        # One is not told of one's own typing, and nothing is wrong with it.
        assert await client.settle() == []


async def test_every_message_of_the_document_is_taken_and_told_as_it_stands_there(server: Server) -> None:
    join, _, leave, send, start, stop, status = ASKED
    async with (
        await Client.open(server.as_user("user1-uuid")) as one,
        await Client.open(server.as_user("user-uuid")) as other,
    ):
        check_like(TOLD["online_users"], await one.until("online_users"))
        for client in (one, other):
            await client.say(**join)
            check_like(ASKED[1], await client.until("conversation_joined"))
        presence = await one.until("presence_update")
        check_like(TOLD["presence_update"], presence)
        assert (presence["user_id"], presence["online"]) == ("user-uuid", True)

        for command, is_typing in ((start, True), (stop, False)):
            await other.say(**command)
            typing = await one.until("typing_indicator")
            check_like(TOLD["typing_indicator"], typing)
            assert (typing["user_id"], typing["is_typing"]) == ("user-uuid", is_typing)

        await other.say(**send)
        for client in (one, other):
            told = await client.until("new_message", conversation_id=CONVERSATION)
            check_like(TOLD["new_message"], told)
            assert told["message"]["content"] == send["content"]
        # There are no personas here: the message is delivered all the same.
        unknown = await other.until("error")
        check_like(TOLD["error"], unknown)
        assert unknown["code"] == "persona_not_found"

        await other.say(**status)
        online = await other.until("online_users", users=["user1-uuid"])
        check_like(TOLD["online_users"], online)

        await other.say(**leave)
        assert (await other.until("conversation_left"))["conversation_id"] == CONVERSATION


@pytest.mark.parametrize("content", ["", "   ", "x" * 5001])
async def test_what_the_document_forbids_to_say_is_refused_and_the_connection_lives(
    server: Server, content: str
) -> None:
    async with await Client.open(server.as_user("user-uuid")) as client:
        await client.ask("join_conversation", conversation_id=CONVERSATION)
        refused = await client.ask("send_message", conversation_id=CONVERSATION, content=content)
        check_like(TOLD["error"], refused)
        accepted = await client.ask("send_message", conversation_id=CONVERSATION, content="x" * 5000)
        assert accepted["type"] == "ack"
