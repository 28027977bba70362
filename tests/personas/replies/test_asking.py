"""Who asks a persona gets one reply, told as it is made and kept as a message."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.wishes import add, create
from tests.personas.puppet import Stage, ends_of, replies, stage, text_of, told

from gator.protocol.types import RunId


def sketch(frames: list[dict[str, object]]) -> list[str]:
    """Name what was told, in order."""
    return [f"{frame['type']} {frame.get('state', '')}".strip() for frame in frames]


WHOLE_STORY = [
    "new_message",
    "reply_queued",
    "persona_state thinking",
    "reply_started",
    "persona_state typing",
    "reply_delta",
    "reply_delta",
    "new_message",
    "persona_state idle",
]


async def tell_a_story(on: Stage) -> None:
    on.last.say("I ", "am ", "here")
    await on.finishes()


async def test_a_reply_is_told_in_order_and_becomes_a_message(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice, "Are you there?")
    await tell_a_story(on)
    assert sketch(told(alice)) == WHOLE_STORY
    question, reply = (frame["message"] for frame in alice.of_type("new_message"))
    assert (reply["content"], reply["sender_id"], reply["is_ai"]) == ("I am here", "nia", True)
    assert reply["reply"] == {"run_id": run_id, "answers": question["id"], "model": "puppet-1"}
    assert (reply["sender"], reply["persona_id"]) == ({"name": "Nia"}, "nia")
    [started] = alice.of_type("reply_started")
    assert (started["provider"], started["attempt"], started["epoch"]) == ("puppet", 1, 0)
    assert {frame["message_id"] for frame in alice.of_type("reply_started", "reply_delta")} == {reply["id"]}
    assert on.puppet.open == []


async def test_everybody_in_the_conversation_hears_the_same(on: Stage) -> None:
    alice, bob, phone = await on.talk(), await on.talk("bob"), await on.talk()
    await on.ask(alice)
    await tell_a_story(on)
    assert told(alice) == told(bob) == told(phone)


async def test_a_persona_answers_all_that_is_said_in_its_direct_conversation(on: Stage) -> None:
    await on.house.change(create("tea", "alice", "nia", kind="direct"))
    alice = await on.talk("alice", "tea")
    await alice.post("tea", "Hello")
    await tell_a_story(on)
    assert sketch(told(alice)) == WHOLE_STORY
    await alice.post("tea", "And again")
    await tell_a_story(on)
    assert len(replies(alice)) == 2


@pytest.mark.parametrize("content", ["@Nia, are you there?", "hey @nia", "(@NIA)"])
async def test_a_persona_answers_where_it_is_mentioned_in_a_group(on: Stage, content: str) -> None:
    alice = await on.talk()
    await alice.post("garden", content)
    await tell_a_story(on)
    assert sketch(told(alice)) == WHOLE_STORY


@pytest.mark.parametrize("content", ["Nia, are you there?", "@Niall", "me@nia.example", "@Otto", "@"])
async def test_nobody_answers_who_was_not_asked(on: Stage, content: str) -> None:
    await on.persona("Otto")  # which is no member
    alice = await on.talk()
    await alice.post("garden", content)
    assert sketch(told(alice)) == ["new_message"]
    assert await on.house.house.store.live_runs() == []


async def test_a_persona_that_is_named_answers_where_it_is_no_member(on: Stage) -> None:
    await on.persona("Otto")
    alice = await on.talk()
    await on.ask(alice, persona_id="otto")
    await tell_a_story(on)
    assert [reply["sender_id"] for reply in replies(alice)] == ["otto"]


async def test_a_message_without_a_persona_has_no_run(on: Stage) -> None:
    alice = await on.talk()
    await alice.post("garden", "Hello, all")
    assert sketch(told(alice)) == ["new_message"]


async def test_a_private_persona_answers_its_owner_alone(on: Stage) -> None:
    await on.persona("Secret", visibility="private")
    await on.house.change(add("garden", "alice", "secret"))
    alice, bob = await on.talk(), await on.talk("bob")
    answers = []
    for persona_id in ("secret", "no-such-persona"):
        answer = await bob.post("garden", "Psst", persona_id=persona_id)
        answers.append({name: answer[name] for name in ("type", "code", "message")})
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "persona_not_found"
    await bob.post("garden", "@Secret?")
    assert sketch(told(bob)) == ["new_message"] * 3
    assert await on.house.house.store.live_runs() == []
    await on.ask(alice, persona_id="secret")
    assert len(on.puppet.calls) == 1


async def test_a_message_said_ten_times_gets_one_reply_at_the_price_of_one(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/messages=10 user/day/tokens=5000") as on:
        alice = await on.talk()
        for _ in range(10):
            frame = {"type": "send_message", "conversation_id": "garden", "content": "Well?", "persona_id": "nia"}
            await alice.tell(**frame, client_message_id="k")
        await on.house.settle()
        await tell_a_story(on)
        [message] = {frame["message_id"] for frame in alice.of_type("ack")}
        assert [frame["duplicate"] for frame in alice.of_type("ack")] == [False] + [True] * 9
        assert [reply["reply"]["answers"] for reply in replies(alice)] == [message]
        assert (len(alice.of_type("reply_queued")), len(on.puppet.calls)) == (1, 1)
        left = on.house.house.personas.ledger.left(alice.user_id, on.house.clock.now())
        assert [each.left for each in left] == [9, 5000 - 18]
        # Neither does the reply make it a new question.
        await alice.tell(**frame, client_message_id="k")
        await on.house.settle()
        assert len(on.puppet.calls) == 1


async def test_the_first_piece_is_told_at_once_and_more_every_25_ms(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice)
    for piece in ("one ", "two ", "three ", "four "):
        on.last.say(piece)
        await on.house.settle()
    assert [frame["text"] for frame in told(alice, "reply_delta")] == ["one "]
    await on.house.advance(0.024)
    assert len(told(alice, "reply_delta")) == 1
    await on.house.advance(0.001)
    assert [frame["text"] for frame in told(alice, "reply_delta")] == ["one ", "two three four "]
    on.last.say("five ")
    await on.house.settle()
    assert len(told(alice, "reply_delta")) == 2
    await on.house.advance(0.025)
    assert [frame["offset"] for frame in told(alice, "reply_delta")] == [0, 4, 19]


async def test_a_piece_after_a_pause_is_told_at_once(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice)
    await on.says("one ", "two ")
    on.last.say("three ")
    await on.house.settle()
    assert [frame["text"] for frame in told(alice, "reply_delta")] == ["one ", "two ", "three "]


async def test_the_rest_is_told_before_the_message(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice)
    await on.finishes("one ", "two")
    assert [frame["type"] for frame in told(alice, "reply_delta", "new_message")][1:] == [
        "reply_delta",
        "reply_delta",
        "new_message",
    ]


PIECES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
        st.sampled_from(
            ["🐊", "👩‍👩‍👧", "e\u0301", "\u200d", "\x00", " ", "\n", "\ud83d", "\udc0a", "\u2028", "ﷺ"]
        ),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(pieces=PIECES, pauses=st.lists(st.booleans(), min_size=12, max_size=12))
async def test_the_deltas_are_the_message_however_they_are_cut(
    on: Stage, pieces: list[str], pauses: list[bool]
) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    for piece, pause in zip(pieces, pauses, strict=False):
        on.last.say(piece)
        if pause:
            await on.house.settle()
            await on.house.advance(0.04)
    await on.finishes("!")
    [content] = [reply["content"] for reply in replies(alice) if reply["reply"]["run_id"] == run_id]
    said = "".join(pieces).translate(dict.fromkeys([0, *range(0xD800, 0xE000)]))
    assert content == (said + "!").lstrip()
    reached = 0
    for frame in alice.of_type("reply_delta"):
        if frame["run_id"] == run_id:
            assert frame["offset"] == reached
            reached += len(frame["text"])
    assert text_of(alice, run_id) == content
    await alice.hang_up()


async def test_what_the_persona_is_asked_ends_with_the_question(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    await on.ask(alice, "First question")
    await on.ask(bob, "Second question")
    await on.finishes("First answer")
    assert [turn.role for turn in on.last.prompt.turns][-2:] == ["assistant", "user"]
    assert on.last.prompt.turns[-1].content.endswith("Second question")


async def test_a_question_is_part_of_the_prompt_however_much_was_said_meanwhile(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    await on.ask(alice, "First question")
    await on.ask(bob, "Second question")
    for number in range(105):
        await alice.tell(type="send_message", conversation_id="garden", content=f"chatter {number}")
    await on.finishes("First answer")
    assert on.last.prompt.turns[-1].content.endswith("Second question")


async def test_a_run_is_stored_with_its_usage(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes("Yes")
    run = await on.run(run_id)
    assert (run.state, run.provider, run.usage.total, run.text) == ("done", "puppet", 18, "")
    assert on.house.metric("gator_replies_total", state="complete") == 1
    assert on.house.metric("gator_reply_tokens_total", provider="puppet", kind="reply") == 7
    assert ends_of(alice, run_id) == ["new_message"]


async def test_who_sends_over_http_gets_one_reply_as_well(on: Stage) -> None:
    """The route asks and queues as it does in a server; only its server is left out."""
    from fastapi import Response

    from gator.api.messages import send_message
    from gator.api.models import NewMessageBody

    alice = await on.talk()
    body = NewMessageBody(content="Well?", persona_id="nia", client_message_id="k")
    await asyncio.gather(
        *(send_message("garden", body, alice.peer.identity, on.http(), Response()) for _ in range(10))
    )
    await on.house.settle()
    await tell_a_story(on)
    assert sketch(told(alice)) == WHOLE_STORY
    assert len(await on.house.house.store.runs_since(on.house.clock.now())) == 1
    assert await on.house.house.store.run(RunId(alice.of_type("reply_queued")[0]["run_id"])) is not None
