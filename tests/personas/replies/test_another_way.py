"""Where one way to a reply fails there may be another: a shorter prompt, or another provider from the start."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.personas.puppet import Puppet, Stage, ends_of, replies, stage, text_of, told

from gator.domain.reply import Usage
from gator.ports import ProviderError

CUT = ProviderError("provider_broke_off", "cut")
TOO_LONG = ProviderError("provider_refused", "400", retryable=False, too_long=True)


@pytest.fixture
async def second() -> Puppet:
    return Puppet("second")


@pytest.fixture
async def restarting(tmp_path: Path, second: Puppet) -> AsyncIterator[Stage]:
    async with stage(tmp_path, others=[second], reply_fallback=True, reply_restart=True) as on:
        yield on


async def test_a_reply_that_breaks_off_is_begun_anew_by_the_next_provider(
    restarting: Stage, second: Puppet
) -> None:
    on = restarting
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("Once upon ")
    on.last.fail(CUT)
    await on.house.settle()
    assert text_of(alice, run_id) == ""
    await on.says("There was ", call=second.calls[-1])
    assert text_of(alice, run_id) == "There was "
    await on.finishes("a frog.", call=second.calls[-1])
    [reset] = told(alice, "reply_reset")
    assert (reset["reason"], reset["epoch"]) == ("fallback", 1)
    assert [(frame["provider"], frame["epoch"]) for frame in told(alice, "reply_started")] == [
        ("puppet", 0),
        ("second", 1),
    ]
    assert [frame["state"] for frame in told(alice, "persona_state")] == [
        *("thinking", "typing"),
        *("thinking", "typing"),
        "idle",
    ]
    [reply] = replies(alice)
    assert (reply["content"], "status" in reply["reply"]) == ("There was a frog.", False)
    assert ends_of(alice, run_id) == ["new_message"]
    run = await on.run(run_id)
    assert run.provider == "second"
    assert run.usage.completion_tokens == 4 + 7, "both have said something, and both are paid"
    assert (on.puppet.open, second.open) == ([], [])


async def test_who_joins_after_a_new_beginning_hears_nothing_of_the_old_one(
    restarting: Stage, second: Puppet
) -> None:
    on = restarting
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("Once upon ")
    on.last.fail(CUT)
    await on.house.settle()
    await on.says("There was ", call=second.calls[-1])
    bob = await on.talk("bob")
    assert text_of(bob, run_id) == "There was "
    assert {frame["epoch"] for frame in told(bob, "reply_started", "reply_delta")} == {1}


async def test_where_all_break_off_the_text_of_the_last_one_is_kept(restarting: Stage, second: Puppet) -> None:
    on = restarting
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("Once upon ")
    on.last.fail(CUT)
    await on.house.settle()
    await on.says("There was ", call=second.calls[-1])
    second.calls[-1].fail(CUT)
    await on.house.settle()
    [reply] = replies(alice)
    assert (reply["content"], reply["reply"]["status"]) == ("There was ", "failed")
    assert ends_of(alice, run_id) == ["new_message", "reply_failed"]


async def test_nothing_is_begun_anew_unasked(tmp_path: Path, second: Puppet) -> None:
    async with stage(tmp_path, others=[second], reply_fallback=True) as on:
        alice = await on.talk()
        await on.ask(alice)
        await on.says("Once upon ")
        on.last.fail(CUT)
        await on.house.settle()
        assert (second.calls, told(alice, "reply_reset")) == ([], [])
        assert replies(alice)[0]["reply"]["status"] == "failed"


async def test_a_new_beginning_that_nobody_can_pay_is_none(tmp_path: Path, second: Puppet) -> None:
    budget = "user/day/messages=1"
    async with stage(tmp_path, others=[second], reply_fallback=True, reply_restart=True, budgets=budget) as on:
        alice = await on.talk()
        run_id = await on.ask(alice)
        await on.says("Once upon ")
        on.last.fail(CUT)
        await on.house.settle()
        assert (second.calls, told(alice, "reply_reset")) == ([], [])
        assert replies(alice)[0]["content"] == "Once upon ", "what was said is not taken back for nothing"
        assert ends_of(alice, run_id) == ["new_message", "reply_failed"]


async def test_a_prompt_that_was_too_long_is_asked_once_more_and_shorter(on: Stage) -> None:
    alice = await on.talk()
    for number in range(60):
        await alice.post("garden", f"{number} {'word ' * 100}")
    run_id = await on.ask(alice)
    on.last.fail(TOO_LONG)
    await on.house.settle()
    first, again = (call.prompt for call in on.puppet.calls)
    sizes = [sum(len(turn.content) for turn in prompt.turns) for prompt in (first, again)]
    assert 0.6 * sizes[0] < sizes[1] < 0.9 * sizes[0]
    assert all(prompt.turns[-1].content.endswith("Well?") for prompt in (first, again))
    await on.finishes("Well.", usage=Usage(5, 2))
    assert ends_of(alice, run_id) == ["new_message"]
    assert (await on.run(run_id)).usage == Usage(5, 2), "a refusal costs nothing"


async def test_a_prompt_that_is_always_too_long_is_not_asked_for_ever(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    for _ in range(2):
        on.last.fail(TOO_LONG)
        await on.house.settle()
    assert len(on.puppet.calls) == 2
    assert ends_of(alice, run_id) == ["reply_failed"]
