"""Making one reply: briefing, prompt, budget, provider, moderation. What it said is in the `LiveRun`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from gator.domain.budget import Spent
from gator.domain.persona import Persona
from gator.domain.reply import Run, Usage
from gator.personas.asking import Asking
from gator.personas.briefings import HISTORY, MAX_UNANSWERED, questions_in, told
from gator.personas.context import Assembled, assemble
from gator.personas.live_run import LiveRun
from gator.personas.moderation import Blocked
from gator.personas.speech import Speech
from gator.ports import Briefing, Clock, ProviderError, Store
from gator.protocol.events import Message, ReplyFailure, ReplyRefusal, ReplyStatus, ResetReason
from gator.protocol.types import Seq, UtcMillis
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

PLATFORM_RULES: Final = (
    "You take part in a chat. Stay in your character, answer in the language you are spoken to, and "
    "write only your own next message, as plain text, without your name before it."
)

SHORTER: Final = 0.75
"""How much of the context is used once more, after a provider said that the prompt was too long."""


class Rejected(Struct, frozen=True):
    """Why there will be no reply at all."""

    code: ReplyRefusal
    retry_after_ms: int | None = None
    resets_at: UtcMillis | None = None


class Outcome(Struct, frozen=True):
    """How a reply came to its end.

    Attributes:
        usage: Of all providers that were asked.
        told_from: The oldest message that the prompt told.
    """

    status: ReplyStatus
    code: ReplyFailure | None = None
    usage: Usage = Usage()
    cost_micros: int = 0
    rejected: Rejected | None = None
    told_from: Seq | None = None


class Told(Struct, frozen=True):
    """Who hears of a reply while it is made.

    Attributes:
        started: Before a provider is asked; again if that is another one.
        typing: With the first words.
        reset: What was said does not count.
    """

    started: Callable[[LiveRun], None]
    typing: Callable[[LiveRun], None]
    reset: Callable[[LiveRun, ResetReason], None]


@dataclass(slots=True)
class _Course:
    """What is tried for one reply, and what that has used.

    Attributes:
        share: How much of the context the prompt may fill.
        passing_over: Providers that broke off in the middle of it.
    """

    share: float = 1.0
    passing_over: set[str] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    cost_micros: int = 0


class Making:
    """Makes replies, one call of `make` each.

    Args:
        max_tokens: Longest reply; a persona may want less.
        restarts: Whether another provider begins anew where one broke off in the middle.
    """

    def __init__(
        self,
        asking: Asking,
        *,
        store: Store,
        max_tokens: int,
        restarts: bool,
        clock: Clock,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._asking = asking
        self._store = store
        self._max_tokens = max_tokens
        self._restarts = restarts
        self._clock = clock
        self._metrics = metrics
        self._log = log

    async def make(self, live: LiveRun, on: Told) -> Outcome:
        """Make a reply; what it says goes to `live.say`.

        Being cancelled ends it as `stopped`: what was used until then is charged.
        """
        run = live.run
        # What was said while a first attempt waited belongs to it. Another attempt is not to know
        # what came after the question.
        briefing = await self._store.briefing(
            run.conversation_id,
            run.requested_by,
            question=run.answers_seq,
            before=None if run.attempt == 1 else run.answers_seq,
            limit=HISTORY,
        )
        left_out = await self._judge(run, questions_in(run, briefing))
        if run.answers_seq in left_out:
            return Outcome("failed", rejected=Rejected("moderated"))
        messages = told(run, briefing, left_out)
        course = _Course()
        while True:
            assembled = self._assemble(live.persona, messages, run, briefing, course.share)
            outcome = await self._try(live, on, course, assembled)
            if outcome is not None:
                break
        kept = messages[len(assembled.left_out) :]
        return Outcome(
            outcome.status,
            outcome.code,
            course.usage,
            course.cost_micros,
            outcome.rejected,
            told_from=min((message.seq for message in kept), default=None),
        )

    async def _try(self, live: LiveRun, on: Told, course: _Course, assembled: Assembled) -> Outcome | None:
        """Ask once; None if it is to be asked again, in another way."""
        speech = Speech(assembled.prompt, assembled.tokens, self._asking.outgoing(), live.say)
        try:
            reservation = self._asking.reserve(live.run, speech)
        except Spent as spent:
            if course.passing_over:  # something was said, and there is no money to say it again
                return Outcome("failed", "provider_broke_off")
            return Outcome("failed", rejected=Rejected("budget", resets_at=spent.resets_at))
        try:
            return await self._speak(live, speech, on, course)
        finally:
            course.cost_micros += self._asking.settle(reservation, speech)
            course.usage += speech.usage

    async def _speak(self, live: LiveRun, speech: Speech, on: Told, course: _Course) -> Outcome | None:
        asked_at = self._clock.monotonic()

        def asked(provider: str, model: str | None) -> None:
            if (provider, model) != (speech.provider, speech.model):
                live.provider, live.model = provider, model
                on.started(live)

        def begun() -> None:
            self._metrics.reply_first_delta_seconds.observe(self._clock.monotonic() - asked_at)
            on.typing(live)

        try:
            status = await self._asking.listen(
                live.persona, speech, asked, begun, passing_over=course.passing_over
            )
        except asyncio.CancelledError:
            return Outcome("stopped")
        except ProviderError as error:
            self._asking.failed("provider_failed", live.run, speech, error)
            return None if self._goes_on(live, speech, on, course, error) else Outcome("failed", error.code)
        except Blocked as blocked:
            self._asking.note(live.run, "out", blocked.verdict)
            live.begin_anew()
            on.reset(live, "moderated")
            return Outcome("failed", "moderated")
        except Exception as error:
            # Caught here, where what was used until then is known.
            self._metrics.errors.labels("reply").inc()
            self._log.error("reply_failed", run=live.run.id, exc_info=error)
            return Outcome("failed", "internal")
        finally:
            live.model = speech.model
            if speech.outgoing.flagged is not None:
                self._asking.note(live.run, "out", speech.outgoing.flagged)
        took_s = self._clock.monotonic() - asked_at
        if took_s > 0:
            self._metrics.reply_tokens_per_second.observe(speech.usage.completion_tokens / took_s)
        return Outcome(status)

    def _goes_on(self, live: LiveRun, speech: Speech, on: Told, course: _Course, error: ProviderError) -> bool:
        """See whether there is another way after a failure, and take it."""
        if error.too_long and not speech.has_begun and course.share == 1.0:
            course.share = SHORTER
            return True
        if not (self._restarts and speech.has_begun and error.retryable):
            return False
        course.passing_over.add(speech.provider)
        if not self._asking.voices.has_another(live.persona, course.passing_over):
            return False
        if not self._asking.can_pay_again(live.run, speech):
            return False
        live.begin_anew()
        on.reset(live, "fallback")
        return True

    def _assemble(
        self, persona: Persona, messages: list[Message], run: Run, briefing: Briefing, share: float
    ) -> Assembled:
        user = briefing.user
        return assemble(
            persona,
            history=messages,
            memory=briefing.memory,
            user_name=run.requested_by if user is None or user.name is None else user.name,
            budget_tokens=int(self._asking.context_of(persona) * share),
            max_tokens=self._max_tokens,
            platform_rules=PLATFORM_RULES,
            estimate=self._asking.calibration(persona).estimate,
        )

    async def _judge(self, run: Run, questions: list[Message]) -> set[Seq]:
        """Have moderation see what is told to a provider for the first time; returns what it may not be told."""
        moderator = self._asking.moderator
        if moderator is None:
            return set()
        unseen, questions = questions[:-MAX_UNANSWERED], questions[-MAX_UNANSWERED:]
        verdicts = await asyncio.gather(*(moderator.check(question.content) for question in questions))
        for question, verdict in zip(questions, verdicts, strict=True):
            if verdict.decision != "allowed":
                self._asking.note(run, "in", verdict, question.seq)
        blocked = (
            question.seq
            for question, verdict in zip(questions, verdicts, strict=True)
            if verdict.decision == "blocked"
        )
        return {*(question.seq for question in unseen), *blocked}
