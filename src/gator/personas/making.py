"""Making one reply: prompt, budget, provider, moderation. What it said is in the `LiveRun`."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from gator.domain.budget import Ledger, Prices, Spent
from gator.domain.persona import Persona
from gator.domain.reply import Run, Usage
from gator.personas.context import Assembled, assemble
from gator.personas.live_run import LiveRun
from gator.personas.moderation import Blocked, Moderator, Outgoing, Verdict
from gator.personas.tokens import BYTES_PER_TOKEN, Calibration, Calibrations, estimate, prompt_tokens
from gator.personas.voices import Voices
from gator.ports import AuditEntry, Clock, Finished, Journal, Prompt, ProviderError, Said, Store
from gator.protocol.events import Message, ReplyFailure, ReplyRefusal, ReplyStatus
from gator.protocol.types import UserId, UtcMillis
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

HISTORY: Final = 100
"""Newest messages that a prompt may hold."""

MAX_REPLY_CHARS: Final = 16_000
"""Longest reply, in code points; whatever the provider thinks of `max_tokens`."""

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
    """How a reply came to its end."""

    status: ReplyStatus
    code: ReplyFailure | None = None
    usage: Usage = Usage()
    cost_micros: int = 0
    rejected: Rejected | None = None


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
            typing: Called once, with the first piece.
        """
        history = await self._store.messages(live.run.conversation_id, limit=HISTORY)
        question = next((message for message in history if message.id == live.run.answers), None)
        if question is not None and not await self._may_be_asked(live, question):
            return Outcome("failed", rejected=Rejected("moderated"))
        assembled = await self._assemble(live.persona, history, live.run)
        prompt = assembled.prompt
        at_most = Usage(assembled.tokens, prompt.max_tokens)
        try:
            reservation = self._ledger.reserve(
                live.run.requested_by,
                live.run.persona_id,
                at_most.total,
                self.cost_of(prompt.model, at_most),
                self._clock.now(),
            )
        except Spent as spent:
            return Outcome("failed", rejected=Rejected("budget", resets_at=spent.resets_at))
        usage = Usage()
        cost = 0
        try:
            outgoing = Outgoing(self._moderator, self._limits.hold_back_chars)
            speech = Speech(live, prompt, assembled.tokens, outgoing)
            status, code = await self._speak(speech, started, typing)
            usage = speech.usage
            cost = self.cost_of(live.model, usage)
            return Outcome(status, code, usage, cost)
        finally:
            self._ledger.settle(reservation, usage.total, cost, self._clock.now())
            self._metrics.reply_tokens.labels(live.provider, "prompt").inc(usage.prompt_tokens)
            self._metrics.reply_tokens.labels(live.provider, "reply").inc(usage.completion_tokens)
            for name, is_open in self._voices.left_alone().items():
                self._metrics.provider_open.labels(name).set(is_open)

    def _calibration(self, persona: Persona) -> Calibration:
        return self._calibrations.of(self.provider_of(persona), persona.model)

    async def _speak(
        self, speech: "Speech", started: Callable[[LiveRun], None], typing: Callable[[LiveRun], None]
    ) -> tuple[ReplyStatus, ReplyFailure | None]:
        live = speech.live
        try:
            return await self._listen(speech, started, typing), None
        except asyncio.CancelledError:
            return "stopped", None
        except ProviderError as error:
            self._metrics.provider_errors.labels(live.provider, error.code).inc()
            self._log.warning("provider_failed", run=live.run.id, provider=live.provider, reason=error.detail)
            return "failed", error.code
        except Blocked as blocked:
            self._note(live, "out", blocked.verdict)
            live.begin_anew()
            return "failed", "moderated"

    async def _listen(
        self, speech: "Speech", started: Callable[[LiveRun], None], typing: Callable[[LiveRun], None]
    ) -> ReplyStatus:
        live = speech.live
        asked_at = self._clock.monotonic()

        def asked(provider: str, model: str | None) -> None:
            live.provider, live.model = provider, model
            started(live)

        status: ReplyStatus = "complete"
        speech.is_asked = True
        async with self._voices.reply(live.persona, speech.prompt, asked) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finished):
                    status = "truncated" if piece.truncated else "complete"
                    live.model = piece.model or live.model
                    speech.counted = piece.usage
                    break
                if not speech.heard:
                    self._metrics.reply_first_delta_seconds.observe(self._clock.monotonic() - asked_at)
                    typing(live)
                await speech.hear(piece)
                if live.length >= MAX_REPLY_CHARS:
                    status = "truncated"
                    break
        await speech.end()
        self._learn(speech, self._clock.monotonic() - asked_at)
        return status

    def _learn(self, speech: "Speech", took_s: float) -> None:
        live = speech.live
        if speech.outgoing.flagged is not None:
            self._note(live, "out", speech.outgoing.flagged)
        if speech.counted is not None:
            plain = prompt_tokens(speech.prompt.turns, estimate)
            self._calibration(live.persona).observe(plain, speech.counted.prompt_tokens)
        if took_s > 0:
            self._metrics.reply_tokens_per_second.observe(speech.usage.completion_tokens / took_s)

    # What it is asked

    async def _assemble(self, persona: Persona, history: Iterable[Message], run: Run) -> Assembled:
        memory = await self._store.memory(run.conversation_id)
        user = await self._store.user(run.requested_by)
        context = self._voices.first_of(persona).context_tokens or self._limits.context_tokens
        return assemble(
            persona,
            history=_as_told(history, run),
            memory=memory,
            user_name=run.requested_by if user is None or user.name is None else user.name,
            budget_tokens=context,
            max_tokens=self._limits.max_tokens,
            platform_rules=PLATFORM_RULES,
            estimate=self._calibration(persona).estimate,
        )

    # What may be said

    async def _may_be_asked(self, live: LiveRun, question: Message) -> bool:
        if self._moderator is None:
            return True
        verdict = await self._moderator.check(question.content)
        if verdict.decision != "allowed":
            self._note(live, "in", verdict)
        return verdict.decision != "blocked"

    def _note(self, live: LiveRun, direction: str, verdict: Verdict) -> None:
        self._journal.remember(
            AuditEntry(
                run_id=live.run.id,
                conversation_id=live.run.conversation_id,
                user_id=live.run.requested_by,
                at=self._clock.now(),
                direction="in" if direction == "in" else "out",
                verdict="blocked" if verdict.decision == "blocked" else "flagged",
                categories=tuple(verdict.categories),
                by=verdict.by,
            )
        )


class Speech:
    """What is known of a reply while its provider speaks."""

    def __init__(self, live: LiveRun, prompt: Prompt, prompt_tokens: int, outgoing: Outgoing) -> None:
        self.live = live
        self.prompt = prompt
        self.prompt_tokens = prompt_tokens
        self.outgoing = outgoing
        self.counted: Usage | None = None
        self.is_asked = False
        self.heard = 0
        """Bytes that the provider said, shown or not: they are paid for."""

    async def hear(self, piece: Said) -> None:
        """Take a piece, and say of the reply what may be shown now.

        Raises:
            Blocked: Moderation will not have it.
        """
        text = piece.text.replace("\x00", "")
        if not self.heard:
            text = text.lstrip()
        self.heard += len(text.encode("utf-8", "replace"))
        shown = await self.outgoing.feed(text)
        if shown:
            self.live.say(shown)

    async def end(self) -> None:
        """Say what was held back.

        Raises:
            Blocked: Moderation will not have it.
        """
        rest = await self.outgoing.finish()
        if rest:
            self.live.say(rest)

    @property
    def usage(self) -> Usage:
        """What the provider counted, or an estimate of it where it was cut off."""
        if self.counted is not None:
            return self.counted
        return Usage(self.prompt_tokens if self.is_asked else 0, -(-self.heard // BYTES_PER_TOKEN))


def _as_told(history: Iterable[Message], run: Run) -> list[Message]:
    """Leave out what the reply would not follow: its siblings, older siblings of others, what came later."""
    told: dict[object, Message] = {}
    for message in history:
        reply = message.reply
        if reply is not None and reply.answers == run.answers and message.sender_id == UserId(run.persona_id):
            continue
        if run.attempt > 1 and message.seq > run.answers_seq:
            break
        told[message.id if reply is None else (reply.answers, message.sender_id)] = message
    return list(told.values())
