"""What falls out of the prompt is summed up in the background, and nobody waits for it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.wishes import GARDEN, create, delete
from tests.personas.puppet import Puppet, Stage, ends_of, replies, stage
from tests.support.house import Guest

from gator.domain.memory import Memory
from gator.domain.reply import Usage
from gator.personas.summary import INSTRUCTIONS
from gator.ports import MemorySaved, ProviderError
from gator.protocol.types import Seq

LONG = "word " * 60
BUDGETS = "user/day/tokens=100000"


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, Puppet(slots=1, context_tokens=600), budgets=BUDGETS) as on:
        yield on


def sums_up(on: Stage) -> bool:
    """Tell whether the newest call is one for a summary."""
    return bool(on.puppet.open) and on.last.prompt.turns[0].content == INSTRUCTIONS


async def talk_long(on: Stage, guest: Guest, *, messages: int = 12) -> None:
    """Say more than a prompt holds, and have the last of it answered."""
    for number in range(messages):
        await guest.post("garden", f"{number}: {LONG}")
    await on.ask(guest, "And now?")
    await on.finishes("Now this.")


async def memory(on: Stage) -> Memory | None:
    await on.house.settle()
    return await on.house.house.store.memory(GARDEN)


async def test_what_the_prompt_forgot_is_summed_up_after_the_reply(on: Stage) -> None:
    alice = await on.talk()
    await talk_long(on, alice)
    assert replies(alice)[0]["content"] == "Now this.", "nobody waits for it"
    assert sums_up(on)
    assert f"0: {LONG.strip()}" in on.last.prompt.turns[1].content
    before = on.house.house.personas.ledger.left(alice.user_id, on.house.clock.now())[0].left
    await on.finishes("They count, ", "with many words.", usage=Usage(90, 9))
    after = on.house.house.personas.ledger.left(alice.user_id, on.house.clock.now())[0].left
    assert after > before, "what was set aside is given back"
    assert after == 100_000 - 18 - 99
    kept = await memory(on)
    assert kept is not None
    assert kept.summary == "They count, with many words."
    assert 2 < kept.summary_seq < 14
    await on.ask(alice, "What did we do?")
    assert "They count, with many words." in on.last.prompt.turns[0].content


async def test_every_message_is_summed_up_once_and_in_order(on: Stage) -> None:
    alice = await on.talk()
    await talk_long(on, alice, messages=30)
    asked: list[str] = []
    while sums_up(on):
        asked.append(on.last.prompt.turns[1].content)
        await on.finishes(f"Summary {len(asked)}.")
        await on.ask(alice)
        await on.finishes("ok")
    told = [
        int(number) for content in asked for number in re.findall(r"^User: (\d+): word", content, re.MULTILINE)
    ]
    assert told == list(range(len(told)))
    assert len(told) > 20
    for number, content in enumerate(asked[1:], 1):
        assert f"Summary so far:\nSummary {number}.\n" in content


async def test_little_is_not_worth_it(on: Stage) -> None:
    alice = await on.talk()
    await talk_long(on, alice, messages=6)
    assert on.puppet.open == []


async def test_messages_beyond_the_history_are_not_forgotten(tmp_path: Path) -> None:
    """A context that holds all of the newest messages still leaves out what came before them."""
    async with stage(tmp_path, Puppet(context_tokens=100_000)) as on:
        alice = await on.talk()
        summed_up = 0
        for _ in range(3):
            for number in range(112):
                await alice.tell(type="send_message", conversation_id="garden", content=f"number {number}")
            await on.ask(alice)
            await on.finishes("ok")
            assert sums_up(on)
            told = re.findall(r"^User: number (\d+)$", on.last.prompt.turns[1].content, re.MULTILINE)
            assert [int(number) for number in told] == [(summed_up + n) % 112 for n in range(len(told))]
            summed_up += len(told)
            await on.finishes("They count.")


async def test_one_summary_at_a_time_and_the_next_reply_is_not_held_up(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(slots=2, context_tokens=600)) as on:
        alice = await on.talk()
        await talk_long(on, alice)
        summary = on.last
        run_id = await on.ask(alice)
        await on.finishes("ok")
        assert ends_of(alice, run_id) == ["new_message"]
        assert on.puppet.open == [summary]


async def test_a_summary_takes_a_slot_only_if_nobody_waits_for_it(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob", "elsewhere")
    for number in range(12):
        await alice.post("garden", f"{number}: {LONG}")
    await on.ask(alice)
    await on.ask(bob, where="elsewhere")
    await on.finishes("to alice")
    assert not sums_up(on)
    await on.finishes("to bob")
    await on.ask(alice)
    await on.finishes("to alice")
    assert sums_up(on)
    waits = await on.ask(bob, where="elsewhere")
    assert sums_up(on)
    await on.finishes("They count.")
    await on.finishes("to bob")
    assert ends_of(bob, waits) == ["new_message"]
    assert on.puppet.most_open == 1


async def test_what_somebody_changed_meanwhile_is_not_overwritten(on: Stage) -> None:
    alice = await on.talk()
    await talk_long(on, alice)
    own = Memory(summary="We only count.", summary_seq=Seq(0), pins=("No milk.",))
    await on.house.house.journal.write_down(MemorySaved(GARDEN, own))
    await on.finishes("They count.")
    assert await memory(on) == own


async def test_pins_stay(on: Stage) -> None:
    await on.house.house.journal.write_down(MemorySaved(GARDEN, Memory(pins=("No milk.",))))
    alice = await on.talk()
    await talk_long(on, alice)
    await on.finishes("They count.")
    kept = await memory(on)
    assert kept is not None
    assert (kept.summary, kept.pins) == ("They count.", ("No milk.",))


@pytest.mark.parametrize("fault", [ProviderError("provider_timeout", "silent"), ZeroDivisionError()])
async def test_a_summary_that_fails_is_nobodys_matter(on: Stage, fault: Exception) -> None:
    alice = await on.talk()
    await talk_long(on, alice)
    on.last.fail(fault)
    await on.house.settle()
    lines = [(level, event) for level, event, _ in on.house.log.lines if event == "summary_failed"]
    is_ours = isinstance(fault, ZeroDivisionError)
    assert lines == [("error" if is_ours else "warning", "summary_failed")]
    assert on.house.metric("gator_errors_total", where="summary") == is_ours
    assert on.house.log.take_errors() == ["summary_failed"] * is_ours
    assert (await memory(on), on.puppet.open, alice.of_type("reply_failed")) == (None, [], [])
    await on.ask(alice)
    await on.finishes("ok")
    assert sums_up(on), "the next reply tries again"


@pytest.mark.parametrize("summary", ["", " \n"])
async def test_an_empty_summary_is_none(on: Stage, summary: str) -> None:
    await talk_long(on, await on.talk())
    await on.finishes(*filter(None, [summary]))
    assert await memory(on) is None


async def test_who_has_nothing_left_gets_no_summary(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(context_tokens=600), budgets="user/day/messages=1") as on:
        alice = await on.talk()
        await talk_long(on, alice)
        assert replies(alice)[0]["content"] == "Now this."
        assert on.puppet.open == []


async def test_a_stopped_reply_sums_nothing_up(on: Stage) -> None:
    alice = await on.talk()
    for number in range(12):
        await alice.post("garden", f"{number}: {LONG}")
    run_id = await on.ask(alice)
    await on.says("Well")
    await alice.say(type="stop_reply", run_id=run_id)
    assert on.puppet.open == []


async def test_what_a_summary_has_cost_is_known_after_a_restart(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(context_tokens=600), budgets=BUDGETS) as on:
        alice = await on.talk()
        await talk_long(on, alice)
        await on.finishes("They count.", usage=Usage(90, 9))
        await on.house.settle()
    async with stage(tmp_path, Puppet(context_tokens=600), budgets=BUDGETS) as on:
        [limit] = on.house.house.personas.ledger.left(alice.user_id, on.house.clock.now())
        assert limit.left == 100_000 - 18 - 99


async def test_what_was_blocked_is_in_no_summary(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("knotweed\n")
    async with stage(tmp_path / "data", Puppet(context_tokens=600), moderation_words=words) as on:
        alice = await on.talk()
        await on.ask(alice, "How do I grow knotweed?")
        await talk_long(on, alice)
        assert sums_up(on)
        assert "knotweed" not in str(on.last.prompt)


async def test_a_stop_of_the_server_waits_for_no_summary(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(context_tokens=600)) as on:
        await talk_long(on, await on.talk())
        assert sums_up(on)
    assert on.puppet.open == []


async def test_a_summary_that_must_not_be_said_is_not_kept(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("knotweed\n")
    async with stage(tmp_path / "data", Puppet(context_tokens=600), moderation_words=words) as on:
        await talk_long(on, await on.talk())
        await on.finishes("They grow knotweed.")
        assert await memory(on) is None


async def test_a_conversation_that_is_gone_is_not_summed_up(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(context_tokens=600)) as on:
        await on.house.change(create("pond", "alice"))
        alice = await on.talk("alice", "pond")
        for number in range(12):
            await alice.post("pond", f"{number}: {LONG}")
        await on.ask(alice, where="pond")
        await on.finishes("ok")
        assert sums_up(on)
        await on.house.change(delete("pond", "alice"))
        assert on.puppet.open == []
