"""Sending: in order, each once, whatever happens to the connection."""

import pytest
from clients.python.tests.stage import Stage, settle

from gator_chat_client import ChatError, OutboxFull, Stored
from gator_chat_client import outbox as outbox_module


async def test_a_message_goes_out_under_its_id_and_the_next_one_after_its_ack(stage: Stage) -> None:
    async with stage.joined() as (client, tea):
        one, two = await tea.send("one"), await tea.send("two")
        await settle()
        (first,) = stage.link.heard("send_message")
        assert (first["content"], first["client_message_id"]) == ("one", one.client_message_id)
        assert [each.state for each in tea.snapshot.outgoing] == ["sending", "sending"]
        await stage.link.acknowledges(first, 1)
        assert await one.stored() == Stored("m1", 1)
        assert (one.state, two.state, client.waiting) == ("sent", "sending", 1)
        assert stage.link.heard("send_message")[-1]["content"] == "two"


@pytest.mark.parametrize("ack_first", [True, False])
async def test_an_own_message_takes_the_place_of_what_was_shown_before(stage: Stage, *, ack_first: bool) -> None:
    async with stage.joined() as (_client, tea):
        sent = await tea.send("mine")
        await settle()
        (command,) = stage.link.heard("send_message")
        if ack_first:
            await stage.link.acknowledges(command, 1)
            assert [(each.state, each.seq) for each in tea.snapshot.outgoing] == [("sent", 1)]
        await stage.link.tells(1, "mine", "ada", client_message_id=sent.client_message_id)
        assert tea.snapshot.outgoing == ()
        if not ack_first:
            await stage.link.acknowledges(command, 1)
        assert [each.content for each in tea.snapshot.messages] == ["mine"]
        assert tea.snapshot.outgoing == ()


async def test_a_message_typed_while_away_is_sent_after_the_join(stage: Stage) -> None:
    async with stage.joined() as (client, tea):
        stage.link.breaks()
        await settle()
        await tea.send("kept")
        await settle()
        await stage.passes(1)
        await stage.link.greets()
        assert stage.link.heard("send_message") == []
        await stage.link.lets_in(0)
        assert [each["content"] for each in stage.link.heard("send_message")] == ["kept"]
        await stage.link.acknowledges(stage.link.heard("send_message")[0], 1)
        assert client.waiting == 0


async def test_a_message_whose_ack_was_lost_is_sent_again_under_the_same_id(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        sent = await tea.send("one")
        await settle()
        stage.link.breaks()
        await stage.passes(1)
        await stage.link.greets()
        await stage.link.lets_in(0)
        (again,) = stage.link.heard("send_message")
        assert again["client_message_id"] == sent.client_message_id
        await stage.link.acknowledges(again, 1, duplicate=True)
        assert (await sent.stored()).seq == 1


async def test_a_message_that_nobody_answers_is_sent_again(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await tea.send("one")
        await stage.passes(14)
        assert len(stage.link.heard("send_message")) == 1
        await stage.passes(2)
        first, again = stage.link.heard("send_message")
        assert first == again


async def test_a_message_refused_for_haste_is_sent_again_before_any_other(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await tea.send("one")
        await tea.send("two")
        await settle()
        await stage.link.refuses(stage.link.heard("send_message")[0], "rate_limited", retry_after_ms=3000)
        await stage.passes(2.5)
        assert len(stage.link.heard("send_message")) == 1
        await stage.passes(0.5)
        assert [each["content"] for each in stage.link.heard("send_message")] == ["one", "one"]


async def test_a_message_refused_for_good_fails_and_the_next_one_goes_out(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        one = await tea.send("one")
        await tea.send("two")
        await settle()
        await stage.link.refuses(stage.link.heard("send_message")[0], "forbidden")
        with pytest.raises(ChatError, match="forbidden: No"):
            await one.stored()
        assert one.state == "failed"
        assert [(each.content, each.error) for each in tea.snapshot.outgoing] == [
            ("one", "forbidden"),
            ("two", None),
        ]
        assert stage.link.heard("send_message")[-1]["content"] == "two"


async def test_what_failed_can_be_tried_again_or_discarded(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        sent = await tea.send("one")
        await settle()
        await stage.link.refuses(stage.link.heard("send_message")[0], "forbidden")
        assert await tea.retry(sent.client_message_id)
        await settle()
        assert sent.state == "sending"
        first, again = stage.link.heard("send_message")
        assert first == again
        await stage.link.refuses(again, "forbidden")
        assert await tea.discard(sent.client_message_id)
        assert tea.snapshot.outgoing == ()
        assert not await tea.retry(sent.client_message_id)
        assert not await tea.discard(sent.client_message_id)


@pytest.mark.parametrize(
    ("content", "code"),
    [("x" * 5001, "message_too_long"), ("\N{GRINNING FACE}" * 4000 + "\x01" * 1000 * 0 + "é" * 1000, None)],
)
async def test_what_is_beyond_the_limits_is_not_even_sent(stage: Stage, content: str, code: str | None) -> None:
    async with stage.joined() as (_client, tea):
        sent = await tea.send(content)
        await settle()
        assert (sent.state == "failed") is (code is not None)
        assert len(stage.link.heard("send_message")) == (code is None)


async def test_text_that_is_not_unicode_fails_and_costs_nothing_else(stage: Stage) -> None:
    async with stage.joined() as (client, tea):
        sent = await tea.send("\ud800")
        with pytest.raises(ChatError, match="message_not_text"):
            await sent.stored()
        assert client.connection.state == "open"


async def test_in_a_conversation_that_is_closed_to_one_everything_fails_with_its_reason(stage: Stage) -> None:
    async with stage.connected() as client:
        sent = await client.conversation("tea").send("one")
        await settle()
        await stage.link.refuses(stage.link.heard("join_conversation")[-1], "conversation_not_found")
        await stage.link.refuses(stage.link.heard("send_message")[-1], "conversation_not_found")
        with pytest.raises(ChatError, match="conversation_not_found"):
            await sent.stored()
        await client.flushed()


async def test_a_question_to_a_persona_that_is_gone_is_stored_and_told(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        sent = await tea.send("Nia?", persona_id="nia")
        await settle()
        (command,) = stage.link.heard("send_message")
        assert command["persona_id"] == "nia"
        await stage.link.acknowledges(command, 1)
        await stage.link.refuses(command, "persona_not_found")
        assert sent.state == "sent"


async def test_only_so_many_may_wait(stage: Stage) -> None:
    async with stage.client() as client:
        for number in range(outbox_module.CAPACITY):
            await client.conversation("tea").send(str(number))
        with pytest.raises(OutboxFull):
            await client.conversation("tea").send("too many")
        assert client.waiting == outbox_module.CAPACITY
