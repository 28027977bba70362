"""What becomes of replies, in the words of the wire, told to everybody in the conversation."""

from typing import Any

from msgspec import convert

from gator.domain.reply import Run
from gator.personas.live_run import LiveRun
from gator.personas.making import Rejected
from gator.ports import Clock, Rooms
from gator.protocol.events import (
    EphemeralEvent,
    PersonaActivity,
    PersonaState,
    ReplyDelta,
    ReplyFailed,
    ReplyFailure,
    ReplyQueued,
    ReplyRefusal,
    ReplyRejected,
    ReplyReset,
    ReplyStarted,
    ReplyStopped,
    ResetReason,
)
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, MessageId, UserId


class Telling:
    """Words events about runs. Whoever joins later gets the same words again."""

    def __init__(self, rooms: Rooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock

    def all(self, conversation_id: ConversationId, event: EphemeralEvent) -> None:
        """Tell everybody who has joined; slow readers miss it."""
        self._rooms.tell_all(conversation_id, event)

    def delta(self, event: ReplyDelta) -> None:
        """Tell a piece of a reply."""
        self.all(event.conversation_id, event)

    def activity(self, live: LiveRun, state: PersonaActivity) -> None:
        """Tell what a persona does."""
        run = live.run
        self.all(
            run.conversation_id,
            PersonaState(
                conversation_id=run.conversation_id,
                persona_id=run.persona_id,
                state=state,
                timestamp=rfc3339(self._clock.now()),
            ),
        )

    def queued(self, run: Run, position: int) -> ReplyQueued:
        """Word that a run waits."""
        return ReplyQueued(**self._of(run), answers=run.answers, position=position)

    def started(self, live: LiveRun) -> ReplyStarted:
        """Word that a run was begun."""
        run = live.run
        return ReplyStarted(
            **self._of(run),
            answers=run.answers,
            message_id=run.message_id,
            epoch=live.epoch,
            attempt=run.attempt,
            provider=live.provider,
            model=live.model,
        )

    def reset(self, live: LiveRun, reason: ResetReason) -> ReplyReset:
        """Word that what was said does not count."""
        return ReplyReset(**self._of(live.run), message_id=live.run.message_id, epoch=live.epoch, reason=reason)

    def stopped(self, run: Run, by: UserId | None, message_id: MessageId | None) -> ReplyStopped:
        """Word that somebody ended a run."""
        return ReplyStopped(**self._of(run), answers=run.answers, by=by, message_id=message_id)

    def failed(self, run: Run, code: ReplyFailure, message_id: MessageId | None) -> ReplyFailed:
        """Word that a run went wrong."""
        return ReplyFailed(
            **self._of(run),
            answers=run.answers,
            code=code,
            retryable=code != "moderated",
            message_id=message_id,
        )

    def rejected(self, run: Run, why: Rejected) -> ReplyRejected:
        """Word that there will be no reply."""
        return ReplyRejected(
            **self._of(run),
            answers=run.answers,
            code=why.code,
            retry_after_ms=why.retry_after_ms,
            resets_at=None if why.resets_at is None else rfc3339(why.resets_at),
        )

    def ended(self, run: Run) -> ReplyStopped | ReplyFailed | ReplyRejected:
        """Word how a run ended that became no message, as it is stored."""
        if run.state == "rejected":
            return self.rejected(run, Rejected(convert(run.code, ReplyRefusal)))
        if run.state == "failed":
            return self.failed(run, convert(run.code, ReplyFailure), None)
        return self.stopped(run, None, None)

    def _of(self, run: Run) -> dict[str, Any]:
        return {
            "conversation_id": run.conversation_id,
            "run_id": run.id,
            "persona_id": run.persona_id,
            "timestamp": rfc3339(self._clock.now()),
        }
