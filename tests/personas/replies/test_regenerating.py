"""A reply is made anew beside the old one."""

import asyncio
from pathlib import Path

import pytest
from tests.contract.wishes import promote
from tests.personas.puppet import Stage, ends_of, replies, stage, told
from tests.support.house import Frame, Guest

from gator.domain.reply import Run
from gator.ports import Note, ProviderError, RunAsked
from gator.protocol.errors import Refusal
from gator.protocol.types import MessageId


async def regenerate(guest: Guest, message_id: str) -> Frame:
    """Ask for a reply anew, and give the answer."""
    guest.news()
    frames = await guest.say(type="regenerate_reply", message_id=message_id, id="anew")
    return next(frame for frame in frames if frame.get("reply_to") == "anew")


async def answered(on: Stage, guest: Guest, question: str = "Well?", answer: str = "First") -> str:
    """Ask, be answered, and give the id of the answer."""
    await on.ask(guest, question)
    await on.finishes(answer)
    reply_id: str = replies(guest)[-1]["id"]
    return reply_id


async def test_a_reply_made_anew_is_a_sibling_and_both_are_kept(on: Stage) -> None:
    alice = await on.talk()
    first = await answered(on, alice)
    accepted = await regenerate(alice, first)
    assert accepted["type"] == "run_accepted"
    assert on.last.prompt == on.puppet.calls[0].prompt, "as if the first had never been"
    await on.finishes("Second")
    one, two = replies(alice)
    assert (one["reply"]["answers"], two["content"]) == (two["reply"]["answers"], "Second")
    assert (two["reply"]["attempt"], two["reply"]["run_id"]) == (2, accepted["run_id"])
    assert [frame["attempt"] for frame in told(alice, "reply_started")] == [1, 2]
    assert await on.messages() == ["Well?", "First", "Second"]


async def test_it_may_be_asked_for_by_any_of_its_messages(on: Stage) -> None:
    alice = await on.talk()
    first = await answered(on, alice)
    question = alice.of_type("new_message")[0]["message"]["id"]
    for attempt, named in enumerate((question, first, question), 2):
        await regenerate(alice, named)
        await on.finishes("Again")
        assert replies(alice)[-1]["reply"]["attempt"] == attempt


async def test_of_a_conversation_that_went_on_only_the_part_before_the_question_is_told(on: Stage) -> None:
    alice = await on.talk()
    await answered(on, alice, "Zero?", "Nought")
    first = await answered(on, alice, "One?", "Uno")
    await answered(on, alice, "Two?", "Due")
    for number in range(100):
        await alice.tell(type="send_message", conversation_id="garden", content=f"chatter {number}")
    await regenerate(alice, first)
    said = [turn.content for turn in on.last.prompt.turns[1:]]
    assert said == ["Zero?", "Nought", "One?"]


async def test_the_next_prompt_knows_the_newest_of_siblings(on: Stage) -> None:
    alice = await on.talk()
    first = await answered(on, alice)
    await regenerate(alice, first)
    await on.finishes("Second")
    await on.ask(alice, "And?")
    assert [turn.content for turn in on.last.prompt.turns[1:]] == ["Well?", "Second", "And?"]


async def test_while_it_is_being_made_it_stops_first(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    first = await on.ask(alice)
    await on.says("Half")
    question = alice.of_type("new_message")[0]["message"]["id"]
    accepted = await regenerate(bob, question)
    assert ends_of(alice, first) == ["new_message", "reply_stopped"]
    assert told(alice, "reply_stopped")[0]["by"] == "bob"
    await on.finishes("Whole")
    assert [(reply["content"], reply["reply"].get("attempt", 1)) for reply in replies(alice)] == [
        ("Half", 1),
        ("Whole", 2),
    ]
    assert (await on.run(accepted["run_id"])).requested_by == "bob"
    assert on.puppet.most_open == 1


async def test_of_two_at_once_one_is_a_conflict(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    first = await answered(on, alice)
    store = on.house.house.store
    read, both = store.run_of_message, asyncio.Barrier(2)

    async def read_together(message_id: MessageId) -> Run | None:
        run = await read(message_id)
        await both.wait()
        return run

    monkeypatch.setattr(store, "run_of_message", read_together)
    answers = await asyncio.gather(regenerate(alice, first), regenerate(bob, first))
    assert sorted(frame.get("code", "ok") for frame in answers) == ["conflict", "ok"]
    await on.finishes("Second")
    assert len(on.puppet.calls) == 2


async def test_one_that_is_being_written_down_is_not_asked_for_again(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    first = await answered(on, alice)
    journal = on.house.house.journal
    write_down, is_written, may_go_on = journal.write_down, asyncio.Event(), asyncio.Event()

    async def write_and_wait(note: Note) -> None:
        await write_down(note)
        if isinstance(note, RunAsked) and not is_written.is_set():
            is_written.set()
            await may_go_on.wait()

    monkeypatch.setattr(journal, "write_down", write_and_wait)
    async with asyncio.TaskGroup() as both:
        accepted = both.create_task(regenerate(alice, first))
        await is_written.wait()
        with pytest.raises(Refusal) as refusal:
            await on.house.house.personas.replies.regenerate(bob.peer, MessageId(first))
        may_go_on.set()
    assert refusal.value.code == "conflict"
    assert accepted.result()["type"] == "run_accepted"
    await on.finishes("Second")
    assert len(on.puppet.calls) == 2


async def test_what_waits_for_its_turn_is_not_asked_for_again(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    first = await answered(on, alice)
    await on.ask(bob)
    await regenerate(alice, first)
    assert (await regenerate(bob, first))["code"] == "conflict"


async def test_a_reply_that_failed_is_asked_for_by_its_question(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice)
    on.last.fail(ProviderError("provider_timeout", "silent"))
    await on.house.settle()
    question = alice.of_type("new_message")[0]["message"]["id"]
    await regenerate(alice, question)
    await on.finishes("At last")
    [reply] = replies(alice)
    assert (reply["content"], reply["reply"]["attempt"]) == ("At last", 2)


async def test_only_members_may(on: Stage) -> None:
    alice, bob, zoe = await on.talk(), await on.talk("bob"), on.house.connect("zoe")
    first = await answered(on, alice)
    await on.house.change(promote("garden", "alice", "bob", "reader"))
    assert (await regenerate(bob, first))["code"] == "forbidden"
    assert (await regenerate(zoe, first))["code"] == "run_not_found"
    assert (await regenerate(zoe, "no-such-message"))["code"] == "run_not_found"
    assert len(on.puppet.calls) == 1


async def test_whose_persona_it_is_not_stops_nothing(on: Stage) -> None:
    await on.persona("Secret", visibility="private")
    alice, bob = await on.talk(), await on.talk("bob")
    run_id = await on.ask(alice, persona_id="secret")
    await on.says("Psst")
    question = alice.of_type("new_message")[0]["message"]["id"]
    assert (await regenerate(bob, question))["code"] == "persona_not_found"
    await on.finishes("!")
    assert (ends_of(alice, run_id), replies(alice)[0]["content"]) == (["new_message"], "Psst!")


@pytest.mark.parametrize("spent", [False, True])
async def test_who_asks_anew_pays(tmp_path: Path, spent: bool) -> None:
    async with stage(tmp_path, budgets=f"user/day/messages={1 if spent else 2}") as on:
        alice = await on.talk()
        first = await answered(on, alice)
        accepted = await regenerate(alice, first)
        assert len(on.puppet.calls) == (1 if spent else 2)
        assert ends_of(alice, accepted["run_id"]) == (["reply_rejected"] if spent else [])
