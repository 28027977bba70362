"""Whatever goes wrong with a reply, there is one end, and what was said before is kept."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.personas.puppet import Stage, ends_of, replies, stage, text_of, told

from gator.ports import ProviderError
from gator.storage.sqlite import FILE_NAME, connect


def refused() -> ProviderError:
    return ProviderError("provider_refused", "404", retryable=False)


def timed_out() -> ProviderError:
    return ProviderError("provider_timeout", "silent for 20 s")


async def test_a_provider_that_fails_before_the_first_word(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    on.last.fail(timed_out())
    await on.house.settle()
    [failed] = told(alice, "reply_failed")
    assert (failed["code"], failed["retryable"], "message_id" in failed) == ("provider_timeout", True, False)
    assert (ends_of(alice, run_id), replies(alice)) == (["reply_failed"], [])
    run = await on.run(run_id)
    assert (run.state, run.code, run.usage.total) == ("failed", "provider_timeout", 0)
    assert (on.puppet.open, told(alice, "persona_state")[-1]["state"]) == ([], "idle")
    assert on.house.metric("gator_provider_errors_total", provider="puppet", code="provider_timeout") == 1


async def test_a_provider_that_breaks_off_leaves_what_it_said(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("Once upon ")
    on.last.fail(ProviderError("provider_broke_off", "cut"))
    await on.house.settle()
    [reply] = replies(alice)
    assert (reply["content"], reply["reply"]["status"]) == ("Once upon ", "failed")
    [failed] = told(alice, "reply_failed")
    assert (failed["code"], failed["message_id"]) == ("provider_broke_off", reply["id"])
    assert ends_of(alice, run_id) == ["new_message", "reply_failed"]
    run = await on.run(run_id)
    assert run.usage.prompt_tokens > 0
    assert run.usage.completion_tokens == 4


@pytest.mark.parametrize("said", [(), ("Once ",)])
async def test_a_provider_with_a_fault_fails_its_own_reply_alone(on: Stage, said: Iterable[str]) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id, next_one = await on.ask(alice), await on.ask(bob)
    await on.says(*said)
    on.last.fail(ZeroDivisionError("a fault"))
    await on.house.settle()
    assert [frame["code"] for frame in told(alice, "reply_failed")] == ["internal"]
    assert (await on.run(run_id)).usage.prompt_tokens > 0
    assert on.house.log.take_errors() == ["reply_failed"]
    assert [reply["content"] for reply in replies(alice)] == list(said)
    await on.finishes("ok")
    assert ends_of(bob, next_one) == ["new_message"]


@pytest.mark.parametrize("said", [(), (" ",), ("\n", "\t \n")])
async def test_an_empty_reply_is_none(on: Stage, said: Iterable[str]) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes(*said)
    [failed] = told(alice, "reply_failed")
    assert (failed["code"], failed["retryable"]) == ("empty", True)
    assert (replies(alice), told(alice, "reply_delta")) == ([], [])
    assert (await on.run(run_id)).usage.total == 18


async def test_white_space_before_the_first_word_is_not_the_first_word(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice)
    await on.says("\n", " ", "  Well ", "yes")
    await on.finishes()
    assert replies(alice)[0]["content"] == "Well yes"
    assert [frame["state"] for frame in told(alice, "persona_state")] == ["thinking", "typing", "idle"]
    assert on.house.metric("gator_reply_first_delta_seconds_count") == 1


async def test_a_reply_that_is_too_long_is_cut(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gator.personas.speech.MAX_REPLY_CHARS", 10)
    alice = await on.talk()
    run_id = await on.ask(alice)
    on.last.say("🐊" * 6, "🐊" * 6, "never heard")
    await on.house.settle()
    [reply] = replies(alice)
    assert (reply["content"], reply["reply"]["status"]) == ("🐊" * 10, "truncated")
    assert text_of(alice, run_id) == "🐊" * 10
    assert (ends_of(alice, run_id), on.puppet.open) == (["new_message"], [])
    assert (await on.run(run_id)).usage.completion_tokens == 16


async def test_a_reply_that_reached_its_tokens_is_cut_and_kept(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes("And so", truncated=True)
    assert replies(alice)[0]["reply"]["status"] == "truncated"
    assert (await on.run(run_id)).state == "truncated"


async def test_a_provider_that_ends_without_a_word_about_it_was_cut_off(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice)
    await on.says("And so")
    on.last.leave()
    await on.house.settle()
    assert replies(alice)[-1]["reply"]["status"] == "truncated"


async def test_a_provider_that_does_not_count_is_charged_by_estimate(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes("Nine char", usage=None)
    run = await on.run(run_id)
    assert (run.usage.completion_tokens, run.usage.prompt_tokens > 20) == (3, True)


async def test_a_provider_that_is_asked_again_is_announced_once(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gator.personas.fallback.BACKOFF_S", 0)
    alice = await on.talk()
    await on.ask(alice)
    on.last.fail(ProviderError("provider_busy", "429"))
    while len(on.puppet.calls) < 2:
        await on.house.house.store.ready()
    await on.finishes("Here I am")
    assert len(told(alice, "reply_started")) == 1
    assert replies(alice)[0]["content"] == "Here I am"


async def test_a_reply_that_cannot_be_written_down_is_not_lost(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        alice = await on.talk()
        run_id = await on.ask(alice)
        await on.says("Worth ", "keeping")
        database = connect(tmp_path / FILE_NAME)
        database.execute("ALTER TABLE messages RENAME COLUMN content TO hidden")
        await on.finishes()
        assert ends_of(alice, run_id) == ["reply_failed"]
        assert told(alice, "reply_failed")[0]["code"] == "internal"
        assert set(on.house.log.take_errors()) == {"commit_failed", "entry_failed", "reply_not_kept"}
        database.execute("ALTER TABLE messages RENAME COLUMN hidden TO content")
        database.close()
    async with stage(tmp_path) as on:
        assert await on.messages() == ["Well?", "Worth keeping"]
        assert (await on.run(run_id)).state == "interrupted"
