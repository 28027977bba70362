"""Who waits for a reply, how many may, and whose turn it is."""

from pathlib import Path

from tests.personas.puppet import Puppet, Stage, ends_of, replies, stage, told
from tests.support.house import Guest


def positions(guest: Guest, run_id: str) -> list[int]:
    """Name the places that a run was told to have, in order."""
    return [frame["position"] for frame in told(guest, "reply_queued") if frame["run_id"] == run_id]


async def test_one_reply_at_a_time_in_a_conversation(on: Stage) -> None:
    alice, bob, cleo = await on.talk(), await on.talk("bob"), await on.talk("cleo")
    first, second, third = await on.ask(alice), await on.ask(bob), await on.ask(cleo)
    assert len(on.puppet.calls) == 1
    assert [positions(alice, run) for run in (first, second, third)] == [[0], [1], [2]]
    await on.finishes("one")
    assert len(on.puppet.calls) == 2
    assert positions(bob, third) == [2, 1]
    await on.finishes("two")
    await on.finishes("three")
    assert [reply["reply"]["run_id"] for reply in replies(alice)] == [first, second, third]
    assert on.puppet.most_open == 1


async def test_the_sixth_that_waits_is_rejected_and_its_message_kept(on: Stage) -> None:
    guests = [await on.talk(f"user-{number}") for number in range(7)]
    for guest in guests[:-1]:
        await on.ask(guest, f"by {guest.user_id}")
    late = guests[-1]
    rejected = await on.ask(late, "too late")
    [frame] = told(late, "reply_rejected")
    assert (frame["run_id"], frame["code"], frame["retry_after_ms"]) == (rejected, "queue_full", 5_000)
    assert "too late" in await on.messages()
    assert (await on.run(rejected)).state == "rejected"
    for _ in range(6):
        await on.finishes("answer")
    assert len(replies(late)) == len(on.puppet.calls) == 6
    assert on.house.metric("gator_replies_rejected_total", code="queue_full") == 1


async def test_who_asks_once_is_served_next_whatever_another_one_has_asked_for(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(slots=1)) as on:
        alice = on.house.connect("alice")
        for number in range(50):
            await alice.join(f"room-{number}")
            await alice.post(f"room-{number}", "Well?", persona_id="nia")
        assert len(on.puppet.calls) == 1
        bob = await on.talk("bob", "bobs")
        run_id = await on.ask(bob, where="bobs")
        await on.finishes("to alice")
        assert len(on.puppet.calls) == 2
        await on.finishes("to bob")
        assert ends_of(bob, run_id) == ["new_message"]
        # And who has waited long is not forgotten for whoever comes anew.
        await on.ask(bob, where="bobs")
        await on.finishes("to alice")
        await on.finishes("to bob")
        assert [reply["content"] for reply in replies(bob)] == ["to bob"] * 2


async def test_a_provider_makes_no_more_replies_at_once_than_it_has_slots(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(slots=3)) as on:
        for number in range(6):
            await on.ask(await on.talk(f"user-{number}", f"room-{number}"), where=f"room-{number}")
        assert len(on.puppet.calls) == 3
        while on.puppet.open:
            await on.finishes("ok", call=on.puppet.open[0])
        assert (len(on.puppet.calls), on.puppet.most_open) == (6, 3)


async def test_one_user_has_two_replies_at_once(on: Stage) -> None:
    alice = on.house.connect("alice")
    for number in range(3):
        await alice.join(f"room-{number}")
        await alice.post(f"room-{number}", "Well?", persona_id="nia")
    assert len(on.puppet.calls) == 2
    await on.finishes("ok", call=on.puppet.calls[0])
    assert len(on.puppet.calls) == 3


async def test_a_follow_up_before_the_first_word_is_answered_together_with_the_question(on: Stage) -> None:
    alice = await on.talk()
    first = await on.ask(alice, "What is this?")
    second = await on.ask(alice, "I mean the plant.")
    [stopped] = told(alice, "reply_stopped")
    assert (stopped["run_id"], "by" in stopped, "message_id" in stopped) == (first, False, False)
    assert (await on.run(first)).state == "stopped"
    assert [call.is_open for call in on.puppet.calls] == [False, True]
    question = on.last.prompt.turns[-1].content
    assert question.index("What is this?") < question.index("I mean the plant.")
    await on.finishes("A fern.")
    assert [reply["reply"]["run_id"] for reply in replies(alice)] == [second]
    assert (ends_of(alice, first), ends_of(alice, second)) == (["reply_stopped"], ["new_message"])


async def test_a_follow_up_takes_the_place_of_what_waits(on: Stage) -> None:
    alice, bob, cleo = await on.talk(), await on.talk("bob"), await on.talk("cleo")
    await on.ask(alice)
    waiting, behind = await on.ask(bob, "First"), await on.ask(cleo)
    newer = await on.ask(bob, "Second")
    assert ends_of(bob, waiting) == ["reply_stopped"]
    assert (positions(bob, behind), positions(bob, newer)) == ([2, 1], [2])
    for _ in range(3):
        await on.finishes("ok")
    assert len(replies(bob)) == len(on.puppet.calls) == 3


async def test_a_follow_up_after_the_first_word_waits(on: Stage) -> None:
    alice = await on.talk()
    first = await on.ask(alice)
    await on.says("It is")
    second = await on.ask(alice, "And that?")
    assert (positions(alice, second), told(alice, "reply_stopped")) == ([1], [])
    await on.finishes(" a fern.")
    await on.finishes("An oak.")
    assert [reply["reply"]["run_id"] for reply in replies(alice)] == [first, second]


async def test_somebody_elses_question_supersedes_nothing(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    await on.ask(alice)
    await on.ask(bob)
    await on.persona("Otto")
    await on.ask(alice, persona_id="otto")
    assert told(alice, "reply_stopped") == []
    assert (len(on.puppet.open), len(told(alice, "reply_queued"))) == (1, 3)


async def test_whoever_gives_up_a_place_makes_room_for_the_next(tmp_path: Path) -> None:
    """Bob's run waits for a slot of his own, Cleo's behind it only for Bob's."""
    async with stage(tmp_path, Puppet(slots=3)) as on:
        bob = on.house.connect("bob")
        for where in ("one", "two", "garden"):
            await bob.join(where)
            await bob.post(where, "Well?", persona_id="nia")
        cleo = await on.talk("cleo")
        await on.ask(cleo)
        assert len(on.puppet.calls) == 2
        waits = bob.of_type("reply_queued")[-2]["run_id"]
        await bob.say(type="stop_reply", run_id=waits)
        assert len(on.puppet.calls) == 3
        await on.finishes("to cleo")
        assert len(replies(cleo)) == 1


async def test_what_waits_is_counted(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    await on.ask(alice)
    run_id = await on.ask(bob)
    assert on.house.metric("gator_replies_waiting") == on.house.metric("gator_replies_live") == 1
    await bob.say(type="stop_reply", run_id=run_id)
    assert on.house.metric("gator_replies_waiting") == 0
