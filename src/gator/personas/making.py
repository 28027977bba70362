"""Making one reply: prompt, budget, provider, moderation. What it said is in the `LiveRun`."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from gator.domain.budget import Ledger, Prices, Reservation, Spent
from gator.domain.memory import MAX_SUMMARY_CHARS, Memory
from gator.domain.persona import Persona
from gator.domain.reply import Run, Usage
from gator.personas.context import Assembled, assemble
from gator.personas.fallback import Asked
from gator.personas.live_run import LiveRun
from gator.personas.moderation import Blocked, Moderator, Outgoing, Verdict
from gator.personas.summary import EVERY, forgotten, needs_summary, summary_prompt
from gator.personas.tokens import BYTES_PER_TOKEN, Calibration, Calibrations, estimate, prompt_tokens
from gator.personas.voices import Voices
from gator.ports import (
    AuditEntry,
    Briefing,
    Clock,
    Finished,
    Journal,
    MemorySaved,
    Prompt,
    ProviderError,
    Said,
    Store,
)
from gator.protocol.events import Message, ReplyFailure, ReplyRefusal, ReplyStatus
from gator.protocol.types import Seq, UtcMillis
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

HISTORY: Final = 100
"""Newest messages that a prompt may hold."""

MAX_REPLY_CHARS: Final = 16_000
"""Longest reply, in code points; whatever the provider thinks of `max_tokens`."""

_UNSAYABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""What no message may hold: NUL, and halves of surrogate pairs, which no UTF-8 has."""

PLATFORM_RULES: Final = (
    "You take part in a chat. Stay in your character, answer in the language you are spoken to, and "
    "write only your own next message, as plain text, without your name before it."
)


class Rejected(Struct, frozen=True):
    """Why there will be no reply at all."""

    code: ReplyRefusal
    retry_after_ms: int | None = None
    resets_at: UtcMillis | None = None


class Outcome(Struct, frozen=True):
    """How a reply came to its end.

    Attributes:
        told_from: The oldest message that the prompt told.
    """

    status: ReplyStatus
    code: ReplyFailure | None = None
    usage: Usage = Usage()
    cost_micros: int = 0
    rejected: Rejected | None = None
    told_from: Seq | None = None


class SummaryDue(Struct, frozen=True):
    """A summary that is worth its price.

    Attributes:
        memory: What is remembered, before it.
        messages: What neither a prompt nor the memory tells of.
    """

    memory: Memory | None
    messages: Sequence[Message]


class MakingLimits(Struct, frozen=True):
    """What the installation allows a reply.

    Attributes:
        max_tokens: Longest reply; a persona may want less.
        context_tokens: Longest prompt and reply together where the provider does not say.
        hold_back_chars: How much of a reply moderation sees before anybody else does; 0 for none.
    """

    max_tokens: int
    context_tokens: int
    hold_back_chars: int


class Making:
    """Makes replies, one call of `make` each.

    Args:
        moderator: None where nothing is moderated.
    """

    def __init__(
        self,
        *,
        voices: Voices,
        store: Store,
        journal: Journal,
        ledger: Ledger,
        prices: Prices,
        moderator: Moderator | None,
        limits: MakingLimits,
        clock: Clock,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._voices = voices
        self._store = store
        self._journal = journal
        self._ledger = ledger
        self._prices = prices
        self._moderator = moderator
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._calibrations = Calibrations()

    def provider_of(self, persona: Persona) -> str:
        """Name the provider whose slot a persona's reply takes."""
        return self._voices.first_of(persona).name

    def slots_of(self, provider: str) -> int:
        """Count the replies that a provider makes at once."""
        return self._voices.slots_of(provider)

    def load(self, runs: Iterable[Run]) -> None:
        """Count what was spent before this process."""
        self._ledger.replay(runs)

    def usage_of_interrupted(self, run: Run) -> Usage:
        """Estimate what a run had used whose process is gone."""
        return Usage(0, estimate(run.text))

    def cost_of(self, model: str | None, usage: Usage) -> int:
        """Price a usage, in millionths of the currency."""
        return self._prices.cost_micros(model, usage)

    async def close(self) -> None:
        """Let go of the providers."""
        await self._voices.close()

    async def make(
        self, live: LiveRun, started: Callable[[LiveRun], None], typing: Callable[[LiveRun], None]
    ) -> Outcome:
        """Make a reply; what it says goes to `live.say`.

        Being cancelled ends it as `stopped`: what was used until then is charged.

        Args:
            started: Called before a provider is asked; again if that is another one.
            typing: Called once, with the first words.
        """
        run = live.run
        briefing = await self._briefing(run)
        if briefing.question is not None and not await self._may_be_asked(live, briefing.question):
            return Outcome("failed", rejected=Rejected("moderated"))
        told = _told(run, briefing)
        assembled = self._assemble(live.persona, told, run, briefing)
        speech = Speech(assembled.prompt, assembled.tokens, self._outgoing(), live.say)
        try:
            reservation = self._reserve(run, speech)
        except Spent as spent:
            return Outcome("failed", rejected=Rejected("budget", resets_at=spent.resets_at))
        try:
            status, code = await self._speak(live, speech, started, typing)
        finally:
            self._settle(reservation, speech)
        kept = told[len(assembled.left_out) :]
        return Outcome(
            status,
            code,
            speech.usage,
            self.cost_of(speech.model, speech.usage),
            told_from=min((message.seq for message in kept), default=None),
        )

    def _outgoing(self) -> Outgoing:
        return Outgoing(self._moderator, self._limits.hold_back_chars)

    def _reserve(self, run: Run, speech: "Speech") -> Reservation:
        at_most = Usage(speech.prompt_tokens, speech.prompt.max_tokens)
        cost = self.cost_of(speech.prompt.model, at_most)
        return self._ledger.reserve(run.requested_by, run.persona_id, at_most.total, cost, self._clock.now())

    def _settle(self, reservation: Reservation, speech: "Speech") -> None:
        usage = speech.usage
        self._ledger.settle(reservation, usage.total, self.cost_of(speech.model, usage), self._clock.now())
        self._metrics.reply_tokens.labels(speech.provider, "prompt").inc(usage.prompt_tokens)
        self._metrics.reply_tokens.labels(speech.provider, "reply").inc(usage.completion_tokens)
        for name, is_open in self._voices.left_alone().items():
            self._metrics.provider_open.labels(name).set(is_open)

    def _calibration(self, persona: Persona) -> Calibration:
        return self._calibrations.of(self.provider_of(persona), persona.model)

    async def _speak(
        self,
        live: LiveRun,
        speech: "Speech",
        started: Callable[[LiveRun], None],
        typing: Callable[[LiveRun], None],
    ) -> tuple[ReplyStatus, ReplyFailure | None]:
        asked_at = self._clock.monotonic()

        def asked(provider: str, model: str | None) -> None:
            if (provider, model) != (speech.provider, speech.model):
                live.provider, live.model = provider, model
                started(live)

        def begun() -> None:
            self._metrics.reply_first_delta_seconds.observe(self._clock.monotonic() - asked_at)
            typing(live)

        try:
            status = await self._listen(live.persona, speech, asked, begun)
        except asyncio.CancelledError:
            return "stopped", None
        except ProviderError as error:
            self._metrics.provider_errors.labels(speech.provider, error.code).inc()
            self._log.warning("provider_failed", run=live.run.id, provider=speech.provider, reason=error.detail)
            return "failed", error.code
        except Blocked as blocked:
            self._note(live.run, "out", blocked.verdict)
            live.begin_anew()
            return "failed", "moderated"
        except Exception as error:
            # Caught here, where what was used until then is known.
            self._metrics.errors.labels("reply").inc()
            self._log.error("reply_failed", run=live.run.id, exc_info=error)
            return "failed", "internal"
        finally:
            live.model = speech.model
            if speech.outgoing.flagged is not None:
                self._note(live.run, "out", speech.outgoing.flagged)
        took_s = self._clock.monotonic() - asked_at
        if took_s > 0:
            self._metrics.reply_tokens_per_second.observe(speech.usage.completion_tokens / took_s)
        return status, None

    async def _listen(
        self, persona: Persona, speech: "Speech", asked: Asked, begun: Callable[[], None]
    ) -> Literal["complete", "truncated"]:
        """Have a provider speak to the end.

        Args:
            begun: Called once, with the first words.

        Raises:
            ProviderError: What was said before counts.
            Blocked: Moderation will not have it.
        """
        is_truncated = True  # unless the provider says that it is not
        try:
            async with self._voices.reply(persona, speech.prompt, speech.noting(asked)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Finished):
                        is_truncated = piece.truncated
                        speech.model = piece.model or speech.model
                        speech.counted = piece.usage
                        break
                    await speech.hear(piece, begun)
                    if not speech.room:
                        break
        except ProviderError:
            speech.is_owed = speech.has_begun  # who failed before the first word has no claim
            raise
        await speech.end()
        if speech.counted is not None:
            plain = prompt_tokens(speech.prompt.turns, estimate)
            self._calibration(persona).observe(plain, speech.counted.prompt_tokens)
        return "truncated" if is_truncated else "complete"

    # What it remembers

    async def summary_due(self, run: Run, told_from: Seq | None) -> SummaryDue | None:
        """Tell what to ask for a new summary, if enough has fallen out of the prompts.

        Args:
            told_from: The oldest message of the last prompt.
        """
        if told_from is None or told_from <= EVERY:
            return None
        memory = await self._store.memory(run.conversation_id)
        after = Seq(0) if memory is None else memory.summary_seq
        page = await self._store.messages(run.conversation_id, after=after, limit=HISTORY)
        fallen_out = [message for message in _without_siblings(page) if message.seq < told_from]
        return SummaryDue(memory, forgotten(fallen_out, memory)) if needs_summary(fallen_out, memory) else None

    async def sum_up(self, live: LiveRun, due: SummaryDue) -> None:
        """Have the persona's voice renew a conversation's summary, at the expense of who asked last.

        Nobody waits for it. What goes wrong is logged and counted, and the next reply tries again.
        """
        run, memory = live.run, due.memory or Memory()
        request = summary_prompt(
            memory.summary,
            due.messages,
            budget_tokens=self._context_of(live.persona),
            max_tokens=self._limits.max_tokens,
            estimate=self._calibration(live.persona).estimate,
        )
        prompt = replace(request.prompt, model=live.persona.model)
        said: list[str] = []
        tokens = prompt_tokens(prompt.turns, self._calibration(live.persona).estimate)
        speech = Speech(prompt, tokens, self._outgoing(), said.append)
        try:
            reservation = self._reserve(run, speech)
        except Spent:
            return
        try:
            await self._listen(live.persona, speech, lambda _provider, _model: None, lambda: None)
        except ProviderError as error:
            self._metrics.provider_errors.labels(speech.provider, error.code).inc()
            self._log.warning("summary_failed", run=run.id, provider=speech.provider, reason=error.detail)
            return
        except Blocked as blocked:
            self._note(run, "out", blocked.verdict)
            return
        finally:
            self._settle(reservation, speech)
        summary = "".join(said)[:MAX_SUMMARY_CHARS].strip()
        if summary and await self._store.memory(run.conversation_id) == due.memory:
            renewed = Memory(summary, request.seq, memory.pins)
            await self._journal.write_down(MemorySaved(run.conversation_id, renewed))

    # What it is asked

    async def _briefing(self, run: Run) -> Briefing:
        """Read what the reply follows.

        What was said while a first attempt waited belongs to it. Another attempt is not to know
        what came after the question.
        """
        return await self._store.briefing(
            run.conversation_id,
            run.requested_by,
            question=run.answers_seq,
            before=None if run.attempt == 1 else run.answers_seq,
            limit=HISTORY,
        )

    def _assemble(self, persona: Persona, told: Sequence[Message], run: Run, briefing: Briefing) -> Assembled:
        user = briefing.user
        return assemble(
            persona,
            history=told,
            memory=briefing.memory,
            user_name=run.requested_by if user is None or user.name is None else user.name,
            budget_tokens=self._context_of(persona),
            max_tokens=self._limits.max_tokens,
            platform_rules=PLATFORM_RULES,
            estimate=self._calibration(persona).estimate,
        )

    def _context_of(self, persona: Persona) -> int:
        return self._voices.first_of(persona).context_tokens or self._limits.context_tokens

    # What may be said

    async def _may_be_asked(self, live: LiveRun, question: Message) -> bool:
        if self._moderator is None:
            return True
        verdict = await self._moderator.check(question.content)
        if verdict.decision != "allowed":
            self._note(live.run, "in", verdict)
        return verdict.decision != "blocked"

    def _note(self, run: Run, direction: Literal["in", "out"], verdict: Verdict) -> None:
        self._journal.remember(
            AuditEntry(
                run_id=run.id,
                conversation_id=run.conversation_id,
                user_id=run.requested_by,
                at=self._clock.now(),
                direction=direction,
                verdict="blocked" if verdict.decision == "blocked" else "flagged",
                categories=tuple(verdict.categories),
                by=verdict.by,
            )
        )


class Speech:
    """What is known of what a provider says, while it speaks.

    Args:
        say: Takes what may be shown.

    Attributes:
        provider: Who speaks; empty while nobody was asked.
        counted: What the provider counted.
        is_owed: Whether the provider has a claim to its prompt's price.
        room: Code points that it may still say.
    """

    def __init__(self, prompt: Prompt, prompt_tokens: int, outgoing: Outgoing, say: Callable[[str], None]) -> None:
        self.prompt = prompt
        self.prompt_tokens = prompt_tokens
        self.outgoing = outgoing
        self.provider = ""
        self.model: str | None = None
        self.counted: Usage | None = None
        self.is_owed = False
        self.has_begun = False
        self.room = MAX_REPLY_CHARS
        self._say = say
        self._heard_bytes = 0

    def noting(self, asked: Asked) -> Asked:
        """Note who is asked, after having told it."""

        def note(provider: str, model: str | None) -> None:
            asked(provider, model)
            self.provider, self.model, self.is_owed = provider, model, True

        return note

    async def hear(self, piece: Said, begun: Callable[[], None]) -> None:
        """Take a piece, and say of it what may be shown now.

        Raises:
            Blocked: Moderation will not have it.
        """
        # Paid for, shown or not.
        self._heard_bytes += len(piece.text.encode(errors="replace"))
        text = _UNSAYABLE.sub("", piece.text)
        if not self.has_begun:
            text = text.lstrip()
            if not text:
                return
            self.has_begun = True
            begun()
        text = text[: self.room]
        self.room -= len(text)
        self._show(await self.outgoing.feed(text))

    async def end(self) -> None:
        """Say what was held back.

        Raises:
            Blocked: Moderation will not have it.
        """
        self._show(await self.outgoing.finish())

    def _show(self, text: str) -> None:
        if text:
            self._say(text)

    @property
    def usage(self) -> Usage:
        """What the provider counted, or an estimate of it where it was cut off."""
        if self.counted is not None:
            return self.counted
        return Usage(self.prompt_tokens if self.is_owed else 0, -(-self._heard_bytes // BYTES_PER_TOKEN))


def _told(run: Run, briefing: Briefing) -> list[Message]:
    """Order what the prompt tells: the newest messages, and last of all the question."""
    told = [message for message in _without_siblings(briefing.newest) if message.id != run.answers]
    return told if briefing.question is None else [*told, briefing.question]


def _without_siblings(history: Iterable[Message]) -> list[Message]:
    """Keep of replies that were made anew the last one, in the place of the first."""
    told: dict[object, Message] = {}
    for message in history:
        reply = message.reply
        told[message.id if reply is None else (reply.answers, message.sender_id)] = message
    return list(told.values())
