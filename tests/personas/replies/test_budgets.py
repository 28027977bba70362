"""What replies cost is set aside before and settled after, whatever became of them."""

from pathlib import Path

from tests.personas.puppet import Stage, ends_of, stage, told

from gator.domain.reply import Usage
from gator.ports import ProviderError


def used(on: Stage, user: str = "alice") -> int:
    """Add up what counts against a user's first limit."""
    from gator.protocol.types import UserId

    ledger = on.house.house.personas.ledger
    [first, *_] = ledger.left(UserId(user), on.house.clock.now())
    return first.limit.most - first.left


async def test_what_the_provider_counts_is_what_is_settled(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/tokens=5000", prices="puppet-1=2/10 *=0/0") as on:
        alice = await on.talk()
        counted = [Usage(100, 7), Usage(3, 0), Usage(512, 512)]
        for usage in counted:
            run_id = await on.ask(alice)
            assert used(on) > 512, "set aside meanwhile"
            await on.finishes("ok", usage=usage)
            run = await on.run(run_id)
            assert run.usage == usage
            assert run.cost_micros == usage.prompt_tokens * 2 + usage.completion_tokens * 10
            on.house.clock.advance(1)
        assert used(on) == sum(usage.total for usage in counted)


async def test_who_has_nothing_left_is_told_when_there_is_more(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/messages=1") as on:
        alice, bob = await on.talk(), await on.talk("bob")
        await on.ask(alice)
        await on.finishes("ok")
        rejected = await on.ask(alice, "Once more?")
        [frame] = told(alice, "reply_rejected")
        assert (frame["code"], frame["resets_at"]) == ("budget", "2025-01-16T00:00:00.000Z")
        assert ends_of(alice, rejected) == ["reply_rejected"]
        assert "Once more?" in await on.messages()
        assert (await on.run(rejected)).code == "budget"
        assert len(on.puppet.calls) == 1
        await on.ask(bob)
        assert len(on.puppet.calls) == 2
        await on.finishes("ok")
        await on.house.advance(24 * 3600)
        await on.ask(alice)
        assert len(on.puppet.calls) == 3


async def test_a_stopped_reply_gives_back_what_it_did_not_use(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/tokens=5000") as on:
        alice = await on.talk()
        run_id = await on.ask(alice)
        await on.says("Nine char")
        set_aside = used(on)
        await alice.say(type="stop_reply", run_id=run_id)
        run = await on.run(run_id)
        assert 0 < used(on) == run.usage.total == set_aside - 512 + 3


async def test_who_failed_before_the_first_word_is_paid_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/tokens=5000 user/day/messages=9") as on:
        alice = await on.talk()
        await on.ask(alice)
        on.last.fail(ProviderError("provider_timeout", "silent"))
        await on.house.settle()
        assert used(on) == 0
        left = on.house.house.personas.ledger.left(alice.user_id, on.house.clock.now())
        assert left[1].left == 9


async def test_a_fault_of_the_provider_is_charged_for_what_was_said(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/tokens=5000") as on:
        run_id = await on.ask(await on.talk())
        await on.says("Nine char")
        on.last.fail(ZeroDivisionError())
        await on.house.settle()
        on.house.log.take_errors()
        assert 3 < used(on) == (await on.run(run_id)).usage.total


async def test_a_reply_that_is_superseded_gives_back_what_was_set_aside(tmp_path: Path) -> None:
    async with stage(tmp_path, budgets="user/day/tokens=5000") as on:
        alice = await on.talk()
        runs = [await on.ask(alice, "One"), await on.ask(alice, "Two")]
        await on.finishes("ok")
        assert used(on) == sum([(await on.run(run)).usage.total for run in runs]) < 512
