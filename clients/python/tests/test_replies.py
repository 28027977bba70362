"""Replies of personas: they grow, survive a lost connection, end once. The fold itself is in the vectors."""

import asyncio
import json
from typing import Any

import pytest
from clients.python.tests.stage import Stage, settle

from gator_chat_client import ChatError, Snapshot, fold, siblings_of
from gator_chat_client.frames import read
from gator_chat_client.protocol.events import NewMessage

RUN = {"conversation_id": "tea", "run_id": "r1", "persona_id": "nia"}


async def begins(stage: Stage) -> None:
    await stage.link.tells(1, "Nia?", "ada")
    await stage.link.says(
        "reply_started", **RUN, answers="m1", message_id="m2", epoch=0, attempt=1, provider="scripted"
    )


async def goes_on(stage: Stage, offset: int, text: str, **fields: Any) -> None:
    await stage.link.says("reply_delta", **RUN, message_id="m2", epoch=0, offset=offset, text=text, **fields)


async def test_a_reply_grows_and_becomes_a_message(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await begins(stage)
        assert tea.snapshot.replies[0].state == "thinking"
        await goes_on(stage, 0, "Bread")
        await goes_on(stage, 3, "ad and")
        assert tea.snapshot.replies[0].text == "Bread and"
        reply = {"run_id": "r1", "answers": "m1"}
        await stage.link.tells(2, "Bread and butter.", "nia", is_ai=True, reply=reply)
        assert tea.snapshot.replies == ()
        await goes_on(stage, 9, " butter.")
        assert tea.snapshot.replies == (), "what comes late takes nothing back"


async def test_what_is_missing_of_a_reply_is_asked_for_once(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await begins(stage)
        await goes_on(stage, 0, "\N{BREAD} and")
        await goes_on(stage, 9, "later")
        await goes_on(stage, 14, "still later")
        (asked,) = stage.link.heard("resume_reply")
        assert (asked["run_id"], asked["epoch"], asked["offset"]) == ("r1", 0, 5)
        await goes_on(stage, 5, " jam later still later", reply_to=asked["id"])
        assert tea.snapshot.replies[0].text == "\N{BREAD} and jam later still later"
        await goes_on(stage, 99, "again")
        assert len(stage.link.heard("resume_reply")) == 2


async def test_after_a_reconnect_the_rest_of_a_reply_is_asked_for(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await begins(stage)
        await goes_on(stage, 0, "Bread")
        stage.link.breaks()
        await stage.passes(1)
        await stage.link.greets()
        await stage.link.lets_in(1)
        (asked,) = stage.link.heard("resume_reply")
        assert asked["offset"] == 5
        await goes_on(stage, 0, "Bread and")
        assert tea.snapshot.replies[0].text == "Bread and"


async def test_a_reply_that_the_server_no_longer_knows_is_forgotten(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await begins(stage)
        await goes_on(stage, 7, "?")
        await stage.link.refuses(stage.link.heard("resume_reply")[0], "run_not_found")
        assert tea.snapshot.replies == ()


async def test_a_reply_whose_rest_is_refused_for_haste_is_asked_for_again(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await begins(stage)
        await goes_on(stage, 7, "?")
        await stage.link.refuses(stage.link.heard("resume_reply")[0], "rate_limited", retry_after_ms=1)
        await goes_on(stage, 8, "!")
        assert len(stage.link.heard("resume_reply")) == 2
        assert tea.snapshot.replies != ()


async def test_a_persona_that_is_idle_has_ended_its_reply(stage: Stage) -> None:
    async with stage.joined() as (_client, _tea):
        await begins(stage)
        await goes_on(stage, 0, "Bread")
        await stage.link.says("persona_state", conversation_id="tea", persona_id="nia", state="idle")
        assert len(stage.link.heard("resume_reply")) == 1


async def test_a_reply_ends_for_a_newer_reason_as_well(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await begins(stage)
        await stage.link.says("reply_failed", **RUN, answers="m1", code="of_the_future", retryable=True)
        assert tea.snapshot.replies == ()


async def test_a_reply_is_stopped_and_made_anew_by_commands_that_are_answered(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        stopping = asyncio.create_task(tea.stop_reply("r1"))
        await settle()
        (stop,) = stage.link.heard("stop_reply")
        await stage.link.says("run_accepted", run_id="r1", reply_to=stop["id"])
        await stopping
        anew = asyncio.create_task(tea.regenerate_reply("m2"))
        await settle()
        (again,) = stage.link.heard("regenerate_reply")
        await stage.link.says("run_accepted", run_id="r2", reply_to=again["id"])
        assert await anew == "r2"


async def test_a_command_that_is_refused_or_not_answered_raises(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        refused = asyncio.create_task(tea.stop_reply("r1"))
        await settle()
        await stage.link.refuses(stage.link.heard("stop_reply")[0], "run_not_found")
        with pytest.raises(ChatError, match="run_not_found"):
            await refused
        unanswered = asyncio.create_task(tea.stop_reply("r1"))
        await stage.passes(15)
        with pytest.raises(ChatError, match="no_answer"):
            await unanswered
        lost = asyncio.create_task(tea.stop_reply("r1"))
        await settle()
        stage.link.breaks()
        with pytest.raises(ChatError, match="no_connection"):
            await lost
        with pytest.raises(ChatError, match="no_connection"):
            await tea.stop_reply("r1")


def test_siblings_are_the_attempts_at_one_reply() -> None:
    snapshot = Snapshot(id="tea", epoch="e")
    for seq, attempt in ((1, None), (2, 1), (3, 2)):
        reply = None if attempt is None else {"run_id": f"r{attempt}", "answers": "m1", "attempt": attempt}
        event = {
            "type": "new_message",
            "conversation_id": "tea",
            "seq": seq,
            "timestamp": "",
            "message": {
                "id": f"m{seq}",
                "seq": seq,
                "sender_id": "nia" if reply else "ada",
                "sender": {},
                "content": "",
                "timestamp": "",
                "is_ai": reply is not None,
                **({} if reply is None else {"reply": reply}),
            },
        }
        parsed = read(json.dumps(event))
        assert isinstance(parsed, NewMessage)
        snapshot = fold(snapshot, parsed)
    assert [each.id for each in siblings_of(snapshot, "m3")] == ["m2", "m3"]
    assert [each.id for each in siblings_of(snapshot, "m1")] == ["m1"]
    assert siblings_of(snapshot, "m9") == []


def test_who_stopped_a_reply_is_remembered_until_it_is_made_anew() -> None:
    event = {"type": "reply_stopped", **RUN, "answers": "m1", "by": "bob", "timestamp": ""}
    stopped = read(json.dumps(event))
    snapshot = fold(Snapshot(id="tea"), stopped)
    assert [(end.how, end.by) for end in snapshot.reply_ends] == [("stopped", "bob")]
    queued = {"type": "reply_queued", **RUN, "run_id": "r2", "answers": "m1", "position": 0, "timestamp": ""}
    assert fold(snapshot, read(json.dumps(queued))).reply_ends == ()
