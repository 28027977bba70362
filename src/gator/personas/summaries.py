"""Rolling summaries, renewed in the background after a reply for which something was forgotten."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from msgspec import Struct
from msgspec.structs import replace

from gator.domain.budget import Spent
from gator.domain.memory import MAX_SUMMARY_CHARS, Memory
from gator.domain.persona import Persona
from gator.domain.reply import Run
from gator.personas.asking import Asking
from gator.personas.briefings import HISTORY, without_siblings
from gator.personas.moderation import Blocked
from gator.personas.speech import Speech
from gator.personas.summary import EVERY, forgotten, needs_summary, summary_prompt
from gator.personas.tokens import prompt_tokens
from gator.ports import Journal, MemorySaved, ProviderError, RunCharged, Store
from gator.protocol.events import Message
from gator.protocol.types import ConversationId, Seq
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics


class _Due(Struct, frozen=True):
    """A summary that is worth its price.

    Attributes:
        memory: What is remembered, before it.
        messages: What neither a prompt nor the memory tells of.
    """

    memory: Memory | None
    messages: Sequence[Message]


class Summaries:
    """Has the persona's voice renew a conversation's summary, at the expense of who asked last.

    Nobody waits for it. What goes wrong is logged and counted, and the next reply tries
    again; so does it where no slot is free. One at a time in a conversation.

    Args:
        slot: Takes a provider's slot for as long as the context lasts; None where none is free.
    """

    def __init__(
        self,
        asking: Asking,
        *,
        store: Store,
        journal: Journal,
        max_tokens: int,
        slot: Callable[[str], AbstractContextManager[None] | None],
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._asking = asking
        self._store = store
        self._journal = journal
        self._max_tokens = max_tokens
        self._slot = slot
        self._metrics = metrics
        self._log = log
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}

    def begin(self, run: Run, persona: Persona, told_from: Seq | None) -> None:
        """See in the background whether a summary is due after a reply, and have it made.

        Args:
            told_from: The oldest message that the reply's prompt told.
        """
        where = run.conversation_id
        if told_from is None or told_from <= EVERY or where in self._tasks:
            return
        task = asyncio.get_running_loop().create_task(self._renew(run, persona, told_from))
        self._tasks[where] = task
        task.add_done_callback(lambda _: self._tasks.pop(where))

    def forget(self, conversation_id: ConversationId) -> None:
        """Break off what is made for a conversation."""
        if conversation_id in self._tasks:
            self._tasks[conversation_id].cancel()

    async def close(self) -> None:
        """Break off all that is made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _renew(self, run: Run, persona: Persona, told_from: Seq) -> None:
        try:
            due = await self._due(run, told_from)
            slot = None if due is None else self._slot(self._asking.voices.first_of(persona).name)
            if due is not None and slot is not None:
                with slot:
                    await self._sum_up(run, persona, due)
        except Exception as error:
            self._metrics.errors.labels("summary").inc()
            self._log.error("summary_failed", run=run.id, exc_info=error)

    async def _due(self, run: Run, told_from: Seq) -> _Due | None:
        """Tell what to ask for, if enough has fallen out of the prompts."""
        memory = await self._store.memory(run.conversation_id)
        after = Seq(0) if memory is None else memory.summary_seq
        page = await self._store.messages(run.conversation_id, after=after, limit=HISTORY, unblocked=True)
        fallen_out = [message for message in without_siblings(page) if message.seq < told_from]
        return _Due(memory, forgotten(fallen_out, memory)) if needs_summary(fallen_out, memory) else None

    async def _sum_up(self, run: Run, persona: Persona, due: _Due) -> None:
        memory = due.memory or Memory()
        estimate = self._asking.calibration(persona).estimate
        request = summary_prompt(
            memory.summary,
            due.messages,
            budget_tokens=self._asking.context_of(persona),
            max_tokens=self._max_tokens,
            estimate=estimate,
        )
        prompt = replace(request.prompt, model=persona.model)
        said: list[str] = []
        speech = Speech(prompt, prompt_tokens(prompt.turns, estimate), self._asking.outgoing(), said.append)
        if not await self._listen(run, persona, speech):
            return
        summary = "".join(said)[:MAX_SUMMARY_CHARS].strip()
        if summary and await self._store.memory(run.conversation_id) == due.memory:
            renewed = Memory(summary, request.seq, memory.pins)
            await self._journal.write_down(MemorySaved(run.conversation_id, renewed))

    async def _listen(self, run: Run, persona: Persona, speech: Speech) -> bool:
        """Have it said; true if it may be kept. What it cost is charged to the run, said or not."""
        try:
            reservation = self._asking.reserve(run, speech)
        except Spent:
            return False
        try:
            await self._asking.listen(persona, speech, lambda _provider, _model: None, lambda: None)
        except ProviderError as error:
            self._asking.failed("summary_failed", run, speech, error)
            return False
        except Blocked as blocked:
            self._asking.note(run, "out", blocked.verdict)
            return False
        finally:
            cost = self._asking.settle(reservation, speech)
            if speech.usage.total:
                self._journal.remember(RunCharged(run.id, speech.usage, cost))
        return True
