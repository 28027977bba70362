"""Asking a provider: within budgets, under moderation, and counted."""

from collections.abc import Callable, Container, Iterable
from typing import Literal

from gator.domain.budget import Ledger, Prices, Reservation, Spent
from gator.domain.persona import Persona
from gator.domain.reply import Run, Usage
from gator.personas.fallback import Asked
from gator.personas.moderation import Moderator, Outgoing, Verdict
from gator.personas.speech import Speech
from gator.personas.tokens import Calibration, Calibrations, estimate, prompt_tokens
from gator.personas.voices import Voices
from gator.ports import AuditEntry, Clock, Finished, Journal, ProviderError
from gator.protocol.types import Seq
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics


class Asking:
    """What replies and summaries have in common.

    Args:
        moderator: None where nothing is moderated.
        hold_back_chars: How much of a reply moderation sees before anybody else does; 0 for none.
        context_tokens: Longest prompt and reply together where a provider does not say.
    """

    def __init__(
        self,
        *,
        voices: Voices,
        journal: Journal,
        ledger: Ledger,
        prices: Prices,
        moderator: Moderator | None,
        hold_back_chars: int,
        context_tokens: int,
        clock: Clock,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self.voices = voices
        self.moderator = moderator
        self._journal = journal
        self._ledger = ledger
        self._prices = prices
        self._hold_back_chars = hold_back_chars
        self._context_tokens = context_tokens
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._calibrations = Calibrations()

    def load(self, runs: Iterable[Run]) -> None:
        """Count what was spent before this process."""
        self._ledger.replay(runs)

    def cost_of(self, model: str | None, usage: Usage) -> int:
        """Price a usage, in millionths of the currency."""
        return self._prices.cost_micros(model, usage)

    def calibration(self, persona: Persona) -> Calibration:
        """Tell how a persona's model counts."""
        return self._calibrations.of(self.voices.first_of(persona).name, persona.model)

    def context_of(self, persona: Persona) -> int:
        """Tell the longest prompt and reply together, in tokens."""
        return self.voices.first_of(persona).context_tokens or self._context_tokens

    def outgoing(self) -> Outgoing:
        """Begin to moderate what is said."""
        return Outgoing(self.moderator, self._hold_back_chars)

    def reserve(self, run: Run, speech: Speech) -> Reservation:
        """Set aside the most that a speech may cost, at the expense of who asked.

        Raises:
            Spent: A limit would be crossed.
        """
        at_most = Usage(speech.prompt_tokens, speech.prompt.max_tokens)
        cost = self.cost_of(speech.prompt.model, at_most)
        return self._ledger.reserve(run.requested_by, run.persona_id, at_most.total, cost, self._clock.now())

    def can_pay_again(self, run: Run, speech: Speech) -> bool:
        """Tell whether a speech may be had once more, beside what is reserved for it."""
        try:
            self._ledger.release(self.reserve(run, speech))
        except Spent:
            return False
        return True

    def settle(self, reservation: Reservation, speech: Speech) -> int:
        """Charge what a speech has cost, and return that, in millionths of the currency."""
        usage = speech.usage
        cost = self.cost_of(speech.model, usage)
        self._ledger.settle(reservation, usage.total, cost, self._clock.now())
        self._metrics.reply_tokens.labels(speech.provider, "prompt").inc(usage.prompt_tokens)
        self._metrics.reply_tokens.labels(speech.provider, "reply").inc(usage.completion_tokens)
        for name, is_open in self.voices.left_alone().items():
            self._metrics.provider_open.labels(name).set(is_open)
        return cost

    async def listen(
        self,
        persona: Persona,
        speech: Speech,
        asked: Asked,
        begun: Callable[[], None],
        *,
        passing_over: Container[str] = (),
    ) -> Literal["complete", "truncated"]:
        """Have a provider speak to the end.

        Args:
            asked: Told the name and model of each provider that is asked.
            begun: Called once, with the first words.
            passing_over: Providers that are not asked.

        Raises:
            ProviderError: What was said before counts.
            Blocked: Moderation will not have it.
        """
        is_truncated = True  # unless the provider says that it is not
        try:
            async with self.voices.reply(
                persona, speech.prompt, speech.noting(asked), passing_over=passing_over
            ) as pieces:
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
            self.calibration(persona).observe(plain, speech.counted.prompt_tokens)
        return "truncated" if is_truncated else "complete"

    def failed(self, what: str, run: Run, speech: Speech, error: ProviderError) -> None:
        """Count and log a provider's failure."""
        self._metrics.provider_errors.labels(speech.provider, error.code).inc()
        self._log.warning(what, run=run.id, provider=speech.provider, reason=error.detail)

    def note(
        self, run: Run, direction: Literal["in", "out"], verdict: Verdict, message: Seq | None = None
    ) -> None:
        """Keep what moderation said of a text."""
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
                message_seq=message,
            )
        )
