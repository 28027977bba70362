"""A reply can be ended at every stage, by every member, and ends once."""

import asyncio

import pytest
from tests.contract.wishes import create, delete, promote
from tests.personas.puppet import ENDS, Stage, ends_of, replies, told
from tests.support.house import Guest

from gator.protocol.types import PersonaId


async def stop(guest: Guest, run_id: str) -> dict[str, object]:
    """Stop a run, and give the answer."""
    frames = await guest.say(type="stop_reply", run_id=run_id, id="stop")
    return next(frame for frame in frames if frame.get("reply_to") == "stop")


async def test_a_reply_that_waits_is_stopped(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    first, waits = await on.ask(alice), await on.ask(bob)
    assert (await stop(bob, waits))["type"] == "run_accepted"
    [stopped] = told(alice, "reply_stopped")
    assert (stopped["run_id"], stopped["by"]) == (waits, "bob")
    await on.finishes("ok")
    assert (ends_of(alice, first), ends_of(alice, waits)) == (["new_message"], ["reply_stopped"])
    assert len(on.puppet.calls) == 1
    assert (await on.run(waits)).state == "stopped"


async def test_a_reply_that_thinks_is_stopped(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await stop(alice, run_id)
    assert ends_of(alice, run_id) == ["reply_stopped"]
    assert on.puppet.open == []
    assert told(alice, "persona_state")[-1]["state"] == "idle"
    run = await on.run(run_id)
    assert run.state == "stopped"
    assert run.usage.prompt_tokens > 0, "the provider read the question"


async def test_what_a_stopped_reply_has_said_is_kept(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id = await on.ask(alice)
    await on.says("It all began ")
    on.last.say("when")
    await on.house.settle()
    await stop(bob, run_id)
    [reply] = replies(alice)
    assert (reply["content"], reply["reply"]["status"]) == ("It all began when", "stopped")
    assert "".join(frame["text"] for frame in told(alice, "reply_delta")) == reply["content"]
    [stopped] = told(alice, "reply_stopped")
    assert (stopped["by"], stopped["message_id"]) == ("bob", reply["id"])
    assert ends_of(alice, run_id) == ["new_message", "reply_stopped"]
    assert on.puppet.open == []
    assert (await on.run(run_id)).usage.completion_tokens == 6


async def test_of_two_stops_the_first_one_counts(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id = await on.ask(alice)
    await on.says("Well")
    for guest in (bob, alice):  # before anything comes of the first
        await guest.tell(type="stop_reply", run_id=run_id)
    await on.house.settle()
    assert [frame["by"] for frame in told(alice, "reply_stopped")] == ["bob"]
    assert (await stop(alice, run_id))["type"] == "run_accepted"
    assert ends_of(alice, run_id) == ["new_message", "reply_stopped"]
    assert len(replies(alice)) == 1


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_that_races_the_end_leaves_one_end(on: Stage, turns: int) -> None:
    """However many turns of the event loop lie between the last word and the stop."""
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("Well")
    on.last.finish()
    for _ in range(turns):
        await asyncio.sleep(0)
    await stop(alice, run_id)
    assert ends_of(alice, run_id) in (["new_message"], ["new_message", "reply_stopped"])
    [reply] = replies(alice)
    status = reply["reply"].get("status", "complete")
    assert (status == "stopped") == bool(told(alice, "reply_stopped"))
    assert (await on.run(run_id)).state == {"stopped": "stopped", "complete": "done"}[status]
    assert on.puppet.open == []


async def test_a_stop_during_the_final_write_comes_too_late(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    on.last.say("Well")
    on.last.finish()
    while on.puppet.open:
        await on.house.house.store.ready()
    live = on.house.house.personas.replies._live.get(run_id)
    if live is not None:
        live.stop(alice.user_id)
    await on.house.settle()
    assert ends_of(alice, run_id) == ["new_message"]


async def test_a_stop_between_its_turn_and_its_first_step_asks_nobody(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    first, second = await on.ask(alice), await on.ask(bob)
    engine = on.house.house.personas.replies
    await alice.tell(type="stop_reply", run_id=first)
    for _ in range(10_000):
        if second in engine._live:
            break
        await asyncio.sleep(0)
    assert engine._live[second].speaking is None
    engine._live[second].stop(bob.user_id)
    await on.house.settle()
    assert ends_of(bob, second) == ["reply_stopped"]


async def test_any_member_may_stop_from_any_device(on: Stage) -> None:
    alice, phone = await on.talk(), on.house.connect("bob")
    await on.talk("bob")
    run_id = await on.ask(alice)
    assert (await stop(phone, run_id))["type"] == "run_accepted"
    assert ends_of(alice, run_id) == ["reply_stopped"]


async def test_a_reader_may_not_stop(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    await on.house.change(promote("garden", "alice", "bob", "reader"))
    run_id = await on.ask(alice)
    assert (await stop(bob, run_id))["code"] == "forbidden"
    await on.finishes("ok")
    assert ends_of(alice, run_id) == ["new_message"]


async def test_a_stranger_learns_nothing_of_a_run(on: Stage) -> None:
    alice, zoe = await on.talk(), on.house.connect("zoe")
    run_id = await on.ask(alice)
    answers = []
    for unknown in (run_id, "no-such-run"):
        answer = await stop(zoe, unknown)
        answers.append({name: answer[name] for name in ("type", "code", "message")})
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "run_not_found"
    await on.finishes("ok")
    assert (await stop(zoe, run_id))["code"] == "run_not_found"
    assert ends_of(alice, run_id) == ["new_message"]


async def test_who_goes_away_stops_nothing(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id = await on.ask(alice)
    await on.says("Well")
    await alice.hang_up()
    await on.finishes(", yes")
    assert ends_of(bob, run_id) == ["new_message"]


async def test_with_a_persona_its_replies_end(on: Stage) -> None:
    await on.persona("Otto")
    alice, bob, cleo = await on.talk(), await on.talk("bob"), await on.talk("cleo")
    live, waits = await on.ask(alice), await on.ask(bob)
    others = await on.ask(cleo, persona_id="otto")
    await on.says("Well")
    await on.house.house.personas.directory.delete(PersonaId("nia"))
    await on.house.settle()
    assert (ends_of(alice, live), ends_of(alice, waits)) == (["new_message", "reply_stopped"], ["reply_stopped"])
    assert [frame["position"] for frame in told(alice, "reply_queued") if frame["run_id"] == others] == [2, 1]
    await on.finishes("I am Otto")
    assert replies(alice)[-1]["sender_id"] == "otto"
    assert on.puppet.open == []


async def test_with_a_conversation_its_replies_end(on: Stage) -> None:
    await on.house.change(create("tea", "alice", "bob"))
    alice, bob = await on.talk("alice", "tea"), await on.talk("bob", "tea")
    live, waits = await on.ask(alice, where="tea"), await on.ask(bob, where="tea")
    await on.says("Well")
    await on.house.change(delete("tea", "alice"))
    assert on.puppet.open == []
    assert [(await on.run(run)).state for run in (live, waits)] == ["stopped", "stopped"]
    assert (await on.run(live)).usage.total > 0
    assert len(on.puppet.calls) == 1
    assert told(alice, *ENDS) == []
