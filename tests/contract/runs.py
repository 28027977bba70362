"""What a journal and its store promise about the runs of personas. Part of `JournalContract`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from msgspec.structs import replace
from tests.contract.wishes import ANN, GARDEN, create, delete, post

from gator.domain.memory import Memory
from gator.domain.message import PostMessage
from gator.domain.persona import Lore, LoreEntry, Persona
from gator.domain.reply import Greet, PostReply, Run, RunRequest, Usage
from gator.ports import (
    AvatarSaved,
    Journal,
    MemorySaved,
    PersonaDeleted,
    PersonaSaved,
    RunAsked,
    RunCharged,
    RunEnded,
    RunMoved,
    Store,
)
from gator.protocol.errors import Refusal
from gator.protocol.events import NewMessage, Reply, ReplyStatus, Sender
from gator.protocol.types import MessageId, PersonaId, RunId, Seq, UserId, UtcMillis

NIA = PersonaId("nia")
_numbers = count(1)


class RunBench(Protocol):
    """What of a `JournalBench` these tests need."""

    journal: Journal
    store: Store

    async def reopen(self) -> None: ...


def request(persona: PersonaId = NIA, attempt: int = 1) -> RunRequest:
    """Ask for a reply."""
    number = next(_numbers)
    return RunRequest(
        id=RunId(f"run-{number}"),
        persona_id=persona,
        requested_by=ANN,
        message_id=MessageId(f"reply-{number}"),
        attempt=attempt,
    )


def ask(*runs: RunRequest, key: str | None = None) -> PostMessage:
    """Say something that asks for replies."""
    return replace(post("garden", "ann", "Nia, are you there?", key), runs=runs)


def reply_to(run: Run, content: str = "I am.", status: ReplyStatus = "complete") -> PostReply:
    """Make what a run said a message."""
    return PostReply(
        conversation_id=run.conversation_id,
        run_id=run.id,
        persona_id=run.persona_id,
        sender=Sender(name="Nia"),
        content=content,
        message_id=run.message_id,
        reply=Reply(run_id=run.id, answers=run.answers, attempt=run.attempt, status=status, model="m-1"),
        usage=Usage(30, 4),
        cost_micros=12,
    )


def persona(persona_id: PersonaId = NIA) -> Persona:
    """Describe a persona with everything that JSON may hold."""
    return Persona(
        id=persona_id,
        owner_id=ANN,
        name="Nia",
        description='"; DROP TABLE personas; --',
        created_at=UtcMillis(5),
        updated_at=UtcMillis(6),
        lore=Lore(entries=(LoreEntry(keys=("tea",), content="Green.", extensions={"x": [1, None]}),)),
        card={"nested": {"é": "\u2028"}},
    )


class RunContract(ABC):
    """Suite for every journal."""

    @abstractmethod
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[RunBench]: ...

    async def _asked(self, bench: RunBench) -> Run:
        await bench.journal.commit(create("garden", "ann"))
        wanted = request()
        await bench.journal.commit(ask(wanted))
        run = await bench.store.run(wanted.id)
        assert run is not None
        return run

    async def test_a_run_is_stored_with_the_message_that_asks_for_it(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            await bench.journal.commit(create("garden", "ann"))
            wanted = request()
            committed = await bench.journal.commit(ask(wanted))
            assert isinstance(committed.event, NewMessage)
            [run] = await bench.store.live_runs()
            assert (run.id, run.answers, run.answers_seq) == (wanted.id, committed.event.message.id, Seq(2))
            assert (run.state, run.persona_id, run.requested_by, run.attempt) == ("queued", NIA, ANN, 1)
            await bench.reopen()
            assert await bench.store.live_runs() == [run]

    async def test_a_refused_message_asks_for_nothing(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            with pytest.raises(Refusal):
                await bench.journal.commit(ask(request()))
            assert await bench.store.live_runs() == []

    async def test_a_message_sent_ten_times_at_once_gets_one_run(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            await bench.journal.commit(create("garden", "ann"))
            sent = await asyncio.gather(*(bench.journal.commit(ask(request(), key="k")) for _ in range(10)))
            assert sorted(each.duplicate for each in sent) == [False] + [True] * 9
            assert len(await bench.store.live_runs()) == 1

    async def test_a_reply_is_a_message_of_the_persona_and_ends_its_run(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            committed = await bench.journal.commit(reply_to(run))
            assert isinstance(committed.event, NewMessage)
            message = committed.event.message
            assert (message.is_ai, message.sender_id, message.content) == (True, UserId(NIA), "I am.")
            [_, read] = await bench.store.messages(GARDEN, limit=10)
            assert read.reply == message.reply
            assert (read.id, read.seq) == (run.message_id, Seq(3))
            ended = await bench.store.run(run.id)
            assert ended is not None
            assert (ended.state, ended.usage, ended.cost_micros) == ("done", Usage(30, 4), 12)
            assert await bench.store.live_runs() == []

    @pytest.mark.parametrize("status", ["stopped", "failed", "interrupted", "truncated"])
    async def test_of_two_ends_the_first_one_counts(self, tmp_path: Path, status: ReplyStatus) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            await bench.journal.commit(reply_to(run, "First", status))
            with pytest.raises(Refusal) as caught:
                await bench.journal.commit(reply_to(run, "Second"))
            assert caught.value.code == "conflict"
            await bench.journal.write_down(RunEnded(run.id, "failed", UtcMillis(9), "internal"))
            ended = await bench.store.run(run.id)
            assert ended is not None
            assert (ended.state, ended.code) == (status, None)
            assert [each.content for each in await bench.store.messages(GARDEN, limit=10)][1:] == ["First"]

    async def test_a_run_may_end_without_a_message(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            await bench.journal.write_down(RunEnded(run.id, "failed", UtcMillis(9), "empty", Usage(3, 0), 1))
            with pytest.raises(Refusal):
                await bench.journal.commit(reply_to(run))
            ended = await bench.store.run(run.id)
            assert ended is not None
            assert (ended.state, ended.code, ended.usage, ended.ended_at) == ("failed", "empty", Usage(3, 0), 9)

    async def test_a_run_may_be_charged_after_its_end(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            await bench.journal.commit(create("garden", "ann", "nia"))
            asked = request()
            await bench.journal.commit(ask(asked))
            await bench.journal.write_down(RunEnded(asked.id, "failed", UtcMillis(5), "x", Usage(3, 4), 10))
            await bench.journal.write_down(RunCharged(asked.id, Usage(10, 20), 5))
            run = await bench.store.run(asked.id)
            assert run is not None
            assert (run.state, run.usage, run.cost_micros) == ("failed", Usage(13, 24), 15)

    async def test_what_a_run_has_said_outlives_the_process(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            await bench.journal.write_down(RunMoved(run.id, 1, "I a", UtcMillis(7), "embedded", "m-1"))
            await bench.reopen()
            [left] = await bench.store.live_runs()
            assert (left.state, left.epoch, left.text, left.provider) == ("running", 1, "I a", "embedded")
            await bench.journal.commit(reply_to(left, left.text, "interrupted"))
            await bench.journal.write_down(RunMoved(run.id, 2, "late", UtcMillis(8), "embedded", "m-1"))
            ended = await bench.store.run(run.id)
            assert ended is not None
            assert (ended.state, ended.text) == ("interrupted", "")

    async def test_a_reply_is_asked_for_anew_once(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            await bench.journal.commit(reply_to(run))
            again = replace(run, id=RunId("again"), message_id=MessageId("sibling"), attempt=2)
            await bench.journal.write_down(RunAsked(again))
            with pytest.raises(Refusal) as caught:
                await bench.journal.write_down(
                    RunAsked(replace(again, id=RunId("and-again"), message_id=MessageId("s-2")))
                )
            assert caught.value.code == "conflict"
            for message in (run.answers, run.message_id, MessageId("sibling")):
                newest = await bench.store.run_of_message(message)
                assert newest is not None
                assert newest.id == "again"
            assert await bench.store.run_of_message(MessageId("nowhere")) is None

    async def test_a_reply_that_mentions_another_persona_asks_it(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            follow_up = replace(request(PersonaId("max")), hops=1)
            await bench.journal.commit(replace(reply_to(run), follow_ups=(follow_up,)))
            [live] = await bench.store.live_runs()
            assert (live.id, live.answers, live.hops) == (follow_up.id, run.message_id, 1)

    async def test_a_reply_to_a_conversation_that_is_gone_is_refused(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            await bench.journal.commit(delete("garden", "ann"))
            with pytest.raises(Refusal) as caught:
                await bench.journal.commit(reply_to(run))
            assert caught.value.code == "conversation_not_found"
            # Nothing of the refused change is left: the run has not ended.
            assert [each.id for each in await bench.store.live_runs()] == [run.id]

    async def test_runs_are_counted_from_a_moment_on(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            run = await self._asked(bench)
            await bench.journal.write_down(RunMoved(run.id, 0, "said", UtcMillis(1), "p", None))
            [counted] = await bench.store.runs_since(run.queued_at)
            assert (counted.id, counted.text) == (run.id, "")
            assert await bench.store.runs_since(UtcMillis(run.queued_at + 1)) == []

    async def test_a_persona_is_kept_as_it_is(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            await bench.journal.write_down(PersonaSaved(persona()))
            other = replace(persona(PersonaId("max")), name="Max")
            await bench.journal.write_down(PersonaSaved(other))
            changed = replace(persona(), name="Nia B", card={})
            await bench.journal.write_down(PersonaSaved(changed))
            await bench.reopen()
            assert await bench.store.personas() == [other, changed]
            shown = await bench.store.user(UserId(NIA))
            assert shown is not None
            assert shown.name == "Nia B"
            await bench.journal.write_down(PersonaDeleted(NIA))
            assert await bench.store.personas() == [other]

    async def test_a_persona_has_a_picture_or_none(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            assert await bench.store.avatar(NIA) is None
            await bench.journal.write_down(AvatarSaved(NIA, "image/png", b"\x89PNG\x00"))
            await bench.journal.write_down(AvatarSaved(NIA, "image/gif", b"GIF89a"))
            assert await bench.store.avatar(NIA) == ("image/gif", b"GIF89a")
            await bench.journal.write_down(AvatarSaved(NIA, "", None))
            assert await bench.store.avatar(NIA) is None

    async def test_a_conversation_has_a_memory(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            assert await bench.store.memory(GARDEN) is None
            memory = Memory(summary="They like tea.", summary_seq=Seq(40), pins=("No milk.",))
            await bench.journal.write_down(MemorySaved(GARDEN, memory))
            assert await bench.store.memory(GARDEN) == memory

    async def test_a_persona_greets_once_and_where_it_is_a_member(self, tmp_path: Path) -> None:
        async with self.open_bench(tmp_path) as bench:
            hello = Greet(
                conversation_id=GARDEN,
                persona_id=NIA,
                sender=Sender(name="Nia"),
                content="Hello!",
                message_id=MessageId("hello"),
            )
            await bench.journal.commit(create("garden", "ann", "nia"))
            greeted = await bench.journal.commit(hello)
            assert isinstance(greeted.event, NewMessage)
            assert greeted.event.message.is_ai
            again = await bench.journal.commit(replace(hello, message_id=MessageId("hello-2")))
            assert again.event is None
            with pytest.raises(Refusal):
                await bench.journal.commit(replace(hello, persona_id=PersonaId("max")))
