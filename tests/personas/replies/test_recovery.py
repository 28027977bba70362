"""What a process leaves behind, stopped or killed, the next one takes up: once."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.contract.wishes import GARDEN, create, delete
from tests.personas.puppet import Puppet, Stage, ends_of, replies, stage

from gator.ports import PersonaDeleted
from gator.protocol.types import PersonaId, UserId


async def killed(on: Stage, at: Path) -> Path:
    """Copy what is on disk just now: that and no more outlives a `kill -9`."""
    await on.house.settle()
    shutil.copytree(on.house.house.settings.data, at)
    return at


async def test_a_reply_that_nobody_has_read_is_made_again_in_silence(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        alice, bob = await on.talk(), await on.talk("bob")
        thinks, waits = await on.ask(alice), await on.ask(bob)
    async with stage(tmp_path) as on:
        alice = await on.talk()
        await on.finishes("Here I am")
        await on.finishes("And here")
        assert [reply["reply"]["run_id"] for reply in replies(alice)] == [thinks, waits]
        assert ends_of(alice, thinks) == ends_of(alice, waits) == ["new_message"]
        assert await on.messages() == ["Well?", "Well?", "Here I am", "And here"]


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_reply_that_somebody_has_read_is_kept_and_not_made_again(tmp_path: Path, is_killed: bool) -> None:
    data = tmp_path / "first"
    async with stage(data) as on:
        alice = await on.talk()
        run_id = await on.ask(alice)
        await on.says("Once ", "upon ")
        await on.house.advance(1)
        await on.says("a time")
        if is_killed:
            data = await killed(on, tmp_path / "second")
    async with stage(data) as on:
        [message] = [m for m in await on.house.house.store.messages(GARDEN, limit=9) if m.is_ai]
        assert message.reply is not None
        assert (message.reply.run_id, message.reply.status) == (run_id, "interrupted")
        # After a kill at most a second of it is lost, and never its beginning.
        assert message.content == ("Once upon " if is_killed else "Once upon a time")
        assert on.puppet.calls == []
        run = await on.run(run_id)
        assert (run.state, run.usage.completion_tokens > 0) == ("interrupted", True)
        alice = await on.talk()
        await alice.say(type="resume_reply", run_id=run_id)
        assert replies(alice)[0]["content"] == message.content
        await alice.say(type="regenerate_reply", message_id=message.id)
        await on.finishes("Once upon a time.")
        assert replies(alice)[-1]["reply"]["attempt"] == 2
    async with stage(data) as on:
        assert len(await on.messages()) == 3


async def test_the_first_words_outlive_a_kill(tmp_path: Path) -> None:
    async with stage(tmp_path / "first") as on:
        await on.ask(await on.talk())
        await on.says("I")
        data = await killed(on, tmp_path / "second")
    async with stage(data) as on:
        assert await on.messages() == ["Well?", "I"]
        assert on.puppet.calls == []


async def test_a_kill_while_it_waits_or_thinks_leaves_both_runs(tmp_path: Path) -> None:
    async with stage(tmp_path / "first") as on:
        alice, bob = await on.talk(), await on.talk("bob")
        runs = [await on.ask(alice), await on.ask(bob)]
        data = await killed(on, tmp_path / "second")
    async with stage(data) as on:
        alice = await on.talk()
        for _ in runs:
            await on.finishes("ok")
        assert [reply["reply"]["run_id"] for reply in replies(alice)] == runs


async def test_a_full_queue_is_taken_up_whole(tmp_path: Path) -> None:
    async with stage(tmp_path, Puppet(slots=1)) as on:
        await on.ask(await on.talk("zoe", "elsewhere"), where="elsewhere")
        runs = [await on.ask(await on.talk(f"user-{number}")) for number in range(5)]
    async with stage(tmp_path, Puppet(slots=1)) as on:
        await on.finishes("ok")
        runs.append(await on.ask(await on.talk("late")))
    async with stage(tmp_path, Puppet(slots=1)) as on:
        # One of them was being made: six wait now.
        for _ in runs:
            await on.finishes("ok")
        assert [(await on.run(run)).state for run in runs] == ["done"] * 6


async def test_runs_of_a_conversation_that_is_gone_end(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        runs = []
        for where in ("tea", "pond"):
            await on.house.change(create(where, "alice"))
            runs.append(await on.ask(await on.talk("alice", where), where=where))
        await on.says("Half", call=on.puppet.calls[0])
        # As if the process had been killed between this and the end of the runs.
        engine = on.house.house.personas.replies
        await engine.close()
        for where in ("tea", "pond"):
            await on.house.house.journal.commit(delete(where, "alice"))
    async with stage(tmp_path) as on:
        assert [(await on.run(run)).state for run in runs] == ["stopped", "stopped"]
        assert on.puppet.calls == []


async def test_runs_of_a_persona_that_is_gone_end(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        begun = await on.ask(await on.talk())
        await on.says("Half")
        silent = await on.ask(await on.talk("bob"))
        await on.house.house.personas.replies.close()
        await on.house.house.journal.write_down(PersonaDeleted(PersonaId("nia")))
    async with stage(tmp_path) as on:
        on.puppet.calls.clear()
        assert [(await on.run(run)).state for run in (begun, silent)] == ["interrupted", "rejected"]
        assert (await on.run(silent)).code == "persona_not_found"


async def test_what_was_spent_before_is_not_forgotten(tmp_path: Path) -> None:
    budgets = "user/day/tokens=2000"

    def left(on: Stage, user: str = "alice") -> int:
        return on.house.house.personas.ledger.left(UserId(user), on.house.clock.now())[0].left

    async with stage(tmp_path, budgets=budgets) as on:
        alice = await on.talk()
        await on.ask(alice)
        await on.finishes("eighteen tokens")
        await on.ask(alice)
        await on.says("x" * 300)
    async with stage(tmp_path, budgets=budgets) as on:
        assert left(on) == 2000 - 18 - 100


async def test_what_is_being_said_does_not_hold_up_a_stop_of_the_server(tmp_path: Path) -> None:
    """A reply that just got its turn is broken off as well."""
    async with stage(tmp_path) as on:
        alice, bob = await on.talk(), await on.talk("bob")
        await on.ask(alice)
        second = await on.ask(bob)
        engine = on.house.house.personas.replies
        await alice.tell(type="stop_reply", run_id=alice.of_type("reply_queued")[0]["run_id"])
        for _ in range(10_000):
            if second in engine._live:
                break
            await asyncio.sleep(0)
        assert engine._live[second].speaking is None
    async with stage(tmp_path) as on:
        await on.finishes("ok")
        assert (await on.run(second)).state == "done"
