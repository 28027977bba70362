"""One reply while it is being made: what it has said, and what of that was told."""

import asyncio
from collections.abc import Callable
from typing import Final

from gator.domain.persona import Persona
from gator.domain.reply import Run
from gator.domain.scheduling import Ticket
from gator.ports import Clock, Timer
from gator.protocol.events import ReplyDelta
from gator.protocol.times import rfc3339
from gator.protocol.types import UserId

COALESCE_S: Final = 0.025
"""Shortest time between two deltas. Providers may have gathered pieces before."""

CHECKPOINT_S: Final = 1.0
CHECKPOINT_CHARS: Final = 512
"""How much of a reply a crash may lose."""


class LiveRun:
    """A reply that this process makes.

    Queue: the pieces of one `COALESCE_S`, bounded by the longest reply.

    Args:
        tell: Sends a delta to everybody in the conversation.
        write_down: Keeps the text so far for after a crash.
    """

    def __init__(
        self,
        run: Run,
        ticket: Ticket,
        persona: Persona,
        *,
        clock: Clock,
        tell: Callable[[ReplyDelta], None],
        write_down: Callable[["LiveRun"], None],
    ) -> None:
        self.run = run
        self.ticket = ticket
        self.persona = persona
        self.epoch = run.epoch
        self.provider = ""
        self.model: str | None = None
        self.has_started = False
        self.stopped_by: UserId | None = None
        self.is_stopping = False
        self.speaking: asyncio.Task[object] | None = None
        self._clock = clock
        self._tell = tell
        self._write_down = write_down
        self._pieces: list[str] = []
        self._length = 0
        self._told = 0
        self._written = 0
        self._next_at = 0.0
        self._timer: Timer | None = None
        self._keeping: Timer | None = None

    @property
    def text(self) -> str:
        """All that it has said."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def length(self) -> int:
        """How many code points it has said."""
        return self._length

    def say(self, text: str) -> None:
        """Take a piece; it is told at once, unless another one was told less than `COALESCE_S` ago."""
        is_first = self._told == 0
        self._pieces.append(text)
        self._length += len(text)
        if self._timer is None:
            wait_s = self._next_at - self._clock.monotonic()
            if is_first or wait_s <= 0:
                self.tell_now()
            else:
                self._timer = self._clock.call_later(wait_s, self.tell_now)
        # From the first piece on somebody has read it: it is not to be made again.
        if is_first or self._length - self._written >= CHECKPOINT_CHARS:
            self._keep()
        elif self._keeping is None:
            self._keeping = self._clock.call_later(CHECKPOINT_S, self._keep)

    def tell_now(self) -> None:
        """Tell what was not told yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._told < self._length:
            self._next_at = self._clock.monotonic() + COALESCE_S
            delta = self.delta(self._told)
            self._told = self._length
            self._tell(delta)

    def _keep(self) -> None:
        self.rest()
        self._written = self._length
        self._write_down(self)

    def rest(self) -> None:
        """Write nothing more down by itself."""
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    def begin_anew(self) -> None:
        """Forget what was said: it must not be shown."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.epoch += 1
        self._pieces = []
        self._length = self._told = self._written = 0

    def delta(self, offset: int) -> ReplyDelta:
        """Word what was said from an offset on."""
        return ReplyDelta(
            conversation_id=self.run.conversation_id,
            run_id=self.run.id,
            persona_id=self.run.persona_id,
            message_id=self.run.message_id,
            epoch=self.epoch,
            offset=offset,
            text=self.text[offset:],
            timestamp=rfc3339(self._clock.now()),
        )

    def stop(self, by: UserId | None) -> None:
        """Break off; what was said is kept. Idempotent, and the first one counts."""
        if self.is_stopping:
            return
        self.is_stopping = True
        self.stopped_by = by
        if self.speaking is not None:
            self.speaking.cancel()
