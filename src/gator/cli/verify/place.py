"""Where one client is in one conversation, over as many connections as it takes.

Does what `docs/protocol.md` asks of a client, and judges what it is told on the way.
"""

from enum import Enum, auto
from typing import Final

from gator.cli.verify.figures import Figures
from gator.cli.verify.promises import Verdicts
from gator.protocol.commands import JoinConversation
from gator.protocol.events import ConversationJoined, Unrecovered
from gator.protocol.types import ConversationId, Seq

MOST_MISSING: Final = 1_000
"""Positions of a hole that are remembered, to tell a late event from a lost one."""

_OTHER_HISTORY: Final[frozenset[Unrecovered | None]] = frozenset({"epoch_changed", "ahead_of_log"})


class Step(Enum):
    """What an event means to a client."""

    NEXT = auto()
    """It is the next one: take it."""
    KNOWN = auto()
    """It was told before: drop it."""
    GAP = auto()
    """Others are missing before it: join again."""


class Place:
    """A client's place in a conversation.

    Attributes:
        position: Everything up to here was told.
        live_since: Monotonic seconds since which the client is up to date here.
    """

    def __init__(self, who: str, conversation_id: str, verdicts: Verdicts, figures: Figures) -> None:
        self.conversation_id = ConversationId(conversation_id)
        self.position = 0
        self.live_since = 0.0
        self._who = f"{who} in {conversation_id!r}"
        self._verdicts = verdicts
        self._figures = figures
        self._epoch: str | None = None
        self._asked: JoinConversation | None = None
        self._joins = 0
        self._next: int | None = None
        """What the present join has to tell next; None while there is none."""
        self._head = 0
        self._missing: set[int] = set()
        self._hole_at: int | None = None
        """Position after which events were missing and were asked for again."""

    @property
    def is_in(self) -> bool:
        """True while events follow on the present connection."""
        return self._next is not None and self._asked is None

    def lost(self) -> None:
        """The connection ended, or is another one now."""
        self._asked = self._next = None
        self._missing.clear()

    def join(self, after_gap: bool = False) -> JoinConversation:
        """Ask for what was missed, and for what is to come.

        Args:
            after_gap: Events were missing. If they still are, the client goes on
                without them instead of asking for ever.
        """
        self._hole_at = self.position if after_gap else None
        self._joins += 1
        self._asked = JoinConversation(
            id=f"join-{self._joins}-{self.conversation_id}"[:128],
            conversation_id=self.conversation_id,
            after_seq=Seq(self.position),
            epoch=self._epoch,
        )
        return self._asked

    def joined(self, answer: ConversationJoined, now: float) -> int | None:
        """Take in the answer to a join.

        Returns:
            The position after which the log has to be loaded over HTTP, up to the head
            in the answer; None if all that was missed follows.
        """
        asked = self._asked
        if asked is None or answer.reply_to != asked.id:
            return None
        self._asked = None
        self._epoch, self._head, self.live_since = answer.epoch, answer.seq, now
        self._missing.clear()
        after = asked.after_seq or 0
        if answer.recovered:
            what = f"{self._who} is told that all after {after} follows, of {answer.seq}"
            self._verdicts.check("resume", after <= answer.seq and answer.reason is None, what)
            self._next = after + 1
            return None
        self._next = answer.seq + 1
        self.position = answer.seq
        if answer.reason in _OTHER_HISTORY:
            what = f"{self._who} was told everything up to {after}, and now that there is another history"
            self._verdicts.broken("heard_is_stored", f"{what} ({answer.reason})")
            return None
        holds = answer.reason == "too_far_behind"
        what = f"{self._who} gave the position {after} and is not caught up: {answer.reason}"
        self._verdicts.check("resume", holds, what)
        return after

    def told(self, seq: int) -> Step:
        """Take in the number of an event."""
        if self._next is None:
            self._verdicts.broken("resume", f"{self._who} is told event {seq} before the answer to its join")
            return Step.KNOWN
        if seq < self._next:
            return self._told_late(seq)
        if seq > self._next:
            self._skipped(seq)
        else:
            self._verdicts.kept("resume" if seq <= self._head else "live")
        self._next = seq + 1
        if seq <= self.position:
            return Step.KNOWN
        if seq > self.position + 1 and self._asked is not None:
            return Step.KNOWN  # it is told again after the answer to the new join
        if seq > self.position + 1 and self._hole_at != self.position:
            return Step.GAP
        self.position = seq
        return Step.NEXT

    def _told_late(self, seq: int) -> Step:
        if seq in self._missing:
            self._missing.remove(seq)
            self._figures.out_of_order += 1
            self._verdicts.broken("one_order", f"{self._who} is told event {seq} after later ones")
        else:
            # At least once: an event may come twice, and its number tells.
            self._figures.told_again += 1
        return Step.KNOWN

    def _skipped(self, seq: int) -> None:
        assert self._next is not None
        missing = range(self._next, min(seq, self._next + MOST_MISSING))
        self._missing.update(missing)
        what = f"{self._who} is told event {seq} after {self._next - 1}"
        if self._next <= self._head:
            self._verdicts.broken("resume", f"{what}, while catching up to {self._head}")
        else:
            self._verdicts.broken("live", what)
