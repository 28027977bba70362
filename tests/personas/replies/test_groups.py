"""Personas that talk with one another fall silent by themselves."""

from pathlib import Path

from tests.contract.wishes import create
from tests.personas.puppet import Stage, replies, stage, told


async def group(on: Stage, *names: str) -> None:
    """Open a group with personas beside Nia."""
    for name in names:
        await on.persona(name)
    await on.house.change(create("pond", "alice", "nia", *map(str.lower, names)))


async def keep_talking(on: Stage, line: str, *, most: int = 40) -> int:
    """Have whoever is asked say a line, until nobody is; gives how often that was."""
    for said in range(most):
        if not on.puppet.open:
            return said
        await on.finishes(line)
    raise AssertionError("they never stop")


async def test_two_personas_told_to_keep_each_other_talking_stop_by_themselves(on: Stage) -> None:
    await group(on, "Otto")
    alice = await on.talk("alice", "pond")
    await alice.post("pond", "@Nia, ask @Otto something, and never stop!")
    # Both were mentioned, and each one's answer may lead to two more.
    assert await keep_talking(on, "Go on, @Nia, and you, @Otto!") <= 6
    assert on.puppet.open == []
    await alice.post("pond", "@Nia, once more")
    assert await keep_talking(on, "What do you say, @Otto and @Nia?") == 3
    runs = await on.house.house.store.runs_since(on.house.clock.now())
    assert max(run.hops for run in runs) == 2
    assert on.puppet.most_open == 1


async def test_a_persona_that_mentions_another_one_has_it_answer(on: Stage) -> None:
    await group(on, "Otto")
    alice = await on.talk("alice", "pond")
    await alice.post("pond", "@Nia, who knows?")
    await on.finishes("Ask @Otto.")
    assert on.last.prompt.turns[-1].content.endswith("Ask @Otto.")
    await on.finishes("Nobody does.")
    nia, otto = replies(alice)
    assert (otto["sender_id"], otto["reply"]["answers"]) == ("otto", nia["id"])


async def test_a_persona_never_asks_itself(on: Stage) -> None:
    await group(on)
    alice = await on.talk("alice", "pond")
    await alice.post("pond", "@Nia?")
    await on.finishes("I, @Nia, am here.")
    assert (on.puppet.open, len(on.puppet.calls)) == ([], 1)


async def test_a_persona_asks_only_one_other_and_only_whom_its_asker_may(on: Stage) -> None:
    await on.persona("Secret", owner="bob", visibility="private")
    await group(on, "Otto", "Ida")
    await on.house.change(create("den", "alice", "nia", "otto", "ida", "secret"))
    alice = await on.talk("alice", "den")
    await alice.post("den", "@Nia?")
    await on.finishes("@Secret, @Otto, @Ida?")
    await on.finishes("Yes?")
    assert [reply["sender_id"] for reply in replies(alice)] == ["nia", "otto"]


async def test_after_four_messages_of_personas_in_a_row_nobody_is_asked_any_more(on: Stage) -> None:
    await group(on, "Otto", "Ida")
    alice = await on.talk("alice", "pond")
    await alice.post("pond", "@Nia, @Otto, @Ida: talk!")
    # Each of the first three asks another one; those three would ask three more.
    assert await keep_talking(on, "And you, @Nia, @Otto?") == 6
    await alice.post("pond", "@Nia, go on")
    assert await keep_talking(on, "And you, @Otto, @Nia?") == 3, "a person has spoken"


async def test_a_stopped_reply_asks_nobody(on: Stage) -> None:
    await group(on, "Otto")
    alice = await on.talk("alice", "pond")
    await alice.post("pond", "@Nia?")
    await on.says("Ask @Otto. ")
    await alice.say(type="stop_reply", run_id=told(alice, "reply_queued")[0]["run_id"])
    assert (len(replies(alice)), on.puppet.open) == (1, [])


async def test_a_chain_is_paid_by_the_person_who_began_it(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/messages=2") as on:
        await group(on, "Otto")
        alice = await on.talk("alice", "pond")
        await alice.post("pond", "@Nia?")
        assert await keep_talking(on, "Well, @Otto, @Nia?") == 2
        assert [frame["code"] for frame in told(alice, "reply_rejected")] == ["budget"]
        runs = await on.house.house.store.runs_since(on.house.clock.now())
        assert {run.requested_by for run in runs} == {"alice"}


async def test_up_to_three_personas_answer_a_message_one_after_the_other(on: Stage) -> None:
    await group(on, "Otto", "Ida", "Udo")
    alice = await on.talk("alice", "pond")
    await alice.post("pond", "@Udo @Ida @Otto @Nia")
    await keep_talking(on, "Here.")
    assert [reply["sender_id"] for reply in replies(alice)] == ["udo", "ida", "otto"]
    assert on.puppet.most_open == 1
