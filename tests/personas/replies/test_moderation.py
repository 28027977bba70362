"""What must not be said to a persona is not answered; what a persona must not say is not kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.personas.puppet import Stage, ends_of, replies, stage, text_of, told

from gator.personas.briefings import MAX_UNANSWERED
from gator.storage.sqlite import FILE_NAME, connect


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Stage]:
    words = tmp_path / "words"
    words.write_text("# what no gardener says\nknotweed\n")
    async with stage(tmp_path / "data", moderation_words=words) as on:
        yield on


def audited(on: Stage) -> list[tuple[str, str]]:
    """Read what was noted for whoever has to explain it."""
    database = connect(on.house.house.settings.data / FILE_NAME, read_only=True)
    rows = list(database.execute("SELECT direction, verdict FROM moderation ORDER BY rowid"))
    database.close()
    return rows


async def test_a_question_that_may_not_be_asked_is_stored_and_not_answered(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice, "How do I grow knotweed?")
    await on.house.settle()
    [rejected] = told(alice, "reply_rejected")
    assert (rejected["run_id"], rejected["code"]) == (run_id, "moderated")
    assert (ends_of(alice, run_id), on.puppet.calls) == (["reply_rejected"], [])
    assert await on.messages() == ["How do I grow knotweed?"]
    assert audited(on) == [("in", "blocked")]
    await on.ask(alice, "And roses?")
    await on.finishes("With love.")
    assert replies(alice)[0]["content"] == "With love."


async def test_what_must_not_be_said_is_taken_back_and_kept_nowhere(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("First you dig a hole as deep as your arm. ")
    assert text_of(alice, run_id) != ""
    await on.says("Then you put the knot", "weed into it. And", " water it well every day of the week.")
    on.last.finish()
    await on.house.settle()
    assert [frame["type"] for frame in told(alice, "reply_delta", "reply_reset", "reply_failed")][-2:] == [
        "reply_reset",
        "reply_failed",
    ]
    [reset], [failed] = told(alice, "reply_reset"), told(alice, "reply_failed")
    assert (reset["reason"], reset["epoch"]) == ("moderated", 1)
    assert (failed["code"], failed["retryable"], "message_id" in failed) == ("moderated", False, False)
    assert (ends_of(alice, run_id), on.puppet.open) == (["reply_failed"], [])
    run = await on.run(run_id)
    assert (run.state, run.code, run.text) == ("failed", "moderated", "")
    assert run.usage.completion_tokens > 0, "it was said, and is paid for"
    assert await on.messages() == ["Well?"]
    for kept in ("knotweed", "dig a hole"):
        assert kept not in str(alice.of_type("new_message"))
        assert kept not in str(on.house.log.lines)
    assert "knotweed" not in str(alice.heard)
    assert audited(on) == [("out", "blocked")]


async def test_what_is_held_back_is_told_in_the_end(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes("Roses ", "want ", "love")
    assert text_of(alice, run_id) == replies(alice)[0]["content"] == "Roses want love"


async def test_a_word_at_the_very_end_is_found(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes("Try ", "knotweed")
    assert (ends_of(alice, run_id), replies(alice)) == (["reply_failed"], [])


async def test_a_stopped_reply_shows_nothing_that_was_not_judged(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("First you dig a hole as deep as your arm. ", "Then ", "knotweed")
    await alice.say(type="stop_reply", run_id=run_id)
    assert "knotweed" not in str(alice.heard)
    assert replies(alice)[0]["content"].startswith("First you dig")


async def test_what_may_not_be_asked_is_told_to_no_provider_later_either(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(alice, "How do I grow knotweed?")
    await on.ask(alice, "And roses?")
    prompt = str(on.last.prompt)
    assert "roses" in prompt
    assert "knotweed" not in prompt


async def test_a_question_that_another_one_overtakes_is_judged_all_the_same(on: Stage) -> None:
    alice = await on.talk()
    await on.ask(await on.talk("bob"), "A poem?")
    overtaken = await on.ask(alice, "How do I grow knotweed?")
    asked = await on.ask(alice, "And roses?")
    await on.finishes("Violets are blue.")
    prompts = [str(call.prompt) for call in on.puppet.calls]
    assert ends_of(alice, overtaken) == ["reply_stopped"]
    assert "roses" in prompts[-1]
    assert "knotweed" not in str(prompts)
    await on.finishes("With love.")
    assert ends_of(alice, asked) == ["new_message"]
    await on.ask(alice, "Thank you.")
    assert "With love." in str(on.last.prompt)
    assert "knotweed" not in str(on.last.prompt)
    assert audited(on) == [("in", "blocked")]


async def test_of_very_much_said_at_once_what_was_not_judged_is_not_told(on: Stage) -> None:
    alice = await on.talk()
    for number in range(MAX_UNANSWERED + 3):
        await alice.post("garden", f"Remark {number}.")
    await on.ask(alice, "Well?")
    prompt = str(on.last.prompt)
    assert [f"Remark {number}." in prompt for number in range(5)] == [False, False, False, False, True]
