"""The list of conversations, kept live."""

from typing import Any

import pytest
from clients.python.tests.stage import Stage, message, settle
from clients.python.tests.test_conversation import summary

from gator_chat_client import ChatError


def page(*ids: str, cursor: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"conversations": [summary(each, **fields) for each in ids], "next_cursor": cursor}


def ids(client: Any) -> list[str]:
    return [item.id for item in client.conversations.snapshot.items]


async def test_a_message_brings_its_conversation_to_the_top_and_is_unread(stage: Stage) -> None:
    stage.routes["GET /conversations"] = page("jam", "tea", seq=1, read_seq=1)
    async with stage.connected() as client:
        await client.conversations.load()
        await stage.link.says(
            "notification", conversation_id="tea", seq=2, reason="new_message", message=message(2, "hi")
        )
        assert ids(client) == ["tea", "jam"]
        tea = client.conversations.snapshot.items[0]
        assert (tea.unread, tea.last_message and tea.last_message.content) == (1, "hi")
        await stage.link.says("read_marked", conversation_id="tea", seq=2)
        assert client.conversations.snapshot.items[0].unread == 0


async def test_a_conversation_that_is_new_is_asked_for(stage: Stage) -> None:
    stage.routes["GET /conversations"] = page("tea")
    async with stage.connected() as client:
        await client.conversations.load()
        stage.routes["GET /conversations/jam"] = summary("jam")
        await stage.link.says("notification", conversation_id="jam", seq=1, reason="added")
        await settle()
        assert ids(client) == ["jam", "tea"]
        await stage.link.says("notification", conversation_id="jam", seq=5, reason="removed")
        assert ids(client) == ["tea"]


async def test_pages_follow_one_another(stage: Stage) -> None:
    stage.routes["GET /conversations"] = page("tea", "jam", cursor="next")
    async with stage.connected() as client:
        await client.conversations.load()
        assert client.conversations.snapshot.has_more
        stage.routes["GET /conversations"] = page("jam", "rye")
        await client.conversations.load_more()
        assert stage.requests[-1].url.params["cursor"] == "next"
        assert ids(client) == ["tea", "jam", "rye"]
        assert not client.conversations.snapshot.has_more
        asked = len(stage.requests)
        await client.conversations.load_more()
        assert len(stage.requests) == asked


async def test_after_a_reconnect_the_list_is_loaded_anew(stage: Stage) -> None:
    stage.routes["GET /conversations"] = page("tea")
    async with stage.connected() as client:
        await client.conversations.load()
        stage.routes["GET /conversations"] = page("jam", "tea")
        stage.link.breaks()
        await stage.passes(1)
        await stage.link.greets()
        await settle()
        assert ids(client) == ["jam", "tea"]


async def test_a_list_that_cannot_be_loaded_says_so(stage: Stage) -> None:
    async with stage.connected() as client:
        with pytest.raises(ChatError, match="not_found"):
            await client.conversations.load()
        assert client.conversations.snapshot.status == "failed"


async def test_names_counts_and_ends_are_followed(stage: Stage) -> None:
    stage.routes["GET /conversations"] = page("tea", seq=1)
    async with stage.joined(1) as (client, _tea):
        await client.conversations.load()
        await stage.link.says("conversation_renamed", conversation_id="tea", seq=2, title="Jam", by="bob")
        await stage.link.says(
            "members_added",
            conversation_id="tea",
            seq=3,
            by="bob",
            members=[{"user_id": "cleo", "role": "member"}],
            member_count=3,
        )
        (item,) = client.conversations.snapshot.items
        assert (item.title, item.member_count) == ("Jam", 3)
        await stage.link.says("conversation_deleted", conversation_id="tea", seq=4, by="bob")
        assert ids(client) == []


async def test_requests_name_the_user_and_a_refusal_is_an_error_with_a_code(stage: Stage) -> None:
    async with stage.connected() as client:
        with pytest.raises(ChatError) as refused:
            await client.http.me()
        assert (refused.value.code, refused.value.status) == ("not_found", 404)
        assert stage.requests[-1].headers["X-Gator-User"] == "ada"
        stage.routes["GET /users/me"] = {"id": 5}
        with pytest.raises(ChatError, match="unreadable"):
            await client.http.me()
