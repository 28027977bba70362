"""When to join, and from where on: at first, after a loss, and where events are missing. No I/O, no clock."""

from collections import deque
from itertools import count
from typing import Final

from gator_chat_client.gaps import Discontinuity
from gator_chat_client.happenings import Positioned, Skipped
from gator_chat_client.protocol.commands import JoinConversation
from gator_chat_client.protocol.events import ConversationJoined
from gator_chat_client.protocol.types import ConversationId, Seq
from gator_chat_client.snapshot import Snapshot

MOST_ASKED: Final = 5
"""How often the same missing events are asked for before they are given up."""

MAX_UNKNOWN: Final = 1_000
"""Events of unknown kinds in a row that are recognised as such; behind more of them stands a gap."""

_numbers: Final = count(1)


class Joining:
    """The joins of one conversation, over as many connections as it takes.

    Without a position the first join only asks for the head of the log; the second one then asks
    for the last `history` events before it. From then on every join asks for what follows the
    position. Where the position is stands in the snapshot.

    Attributes:
        first_live: Events up to here are history; None before the first answer.
    """

    def __init__(self, *, history: int, first_live: int | None) -> None:
        self._history = history
        self.first_live = first_live
        self._asked: JoinConversation | None = None
        self._is_in = False
        self._acked = 0
        """Position of the last message of this client's own."""
        self._unknown: deque[int] = deque(maxlen=MAX_UNKNOWN)
        self._hole_at: int | None = None
        """Position after which events were missing and were asked for again."""
        self._asked_for_hole = 0
        self._beat_at: int | None = None
        """Position at the last heartbeat."""

    @property
    def is_in(self) -> bool:
        """True while events follow: the last join was answered."""
        return self._is_in

    def is_caught_up(self, snapshot: Snapshot) -> bool:
        """Tell whether all that was promised is there."""
        return self._is_in and snapshot.seq >= snapshot.head

    def unknown_at(self, seq: int) -> None:
        """Something of an unknown kind came that says to have this place in the log."""
        self._unknown.append(seq)

    def beyond_unknown(self, snapshot: Snapshot, seq: int) -> Skipped | None:
        """Explain the hole before a place, if only what is of an unknown kind stands in it."""
        hole = range(snapshot.seq + 1, seq)
        return Skipped(seq - 1) if hole and all(place in self._unknown for place in hole) else None

    def ask(self, snapshot: Snapshot) -> JoinConversation:
        """Ask for what follows what is there."""
        has_position = snapshot.epoch is not None
        self._is_in = False
        self._asked = JoinConversation(
            id=f"join-{next(_numbers)}",
            conversation_id=ConversationId(snapshot.id),
            after_seq=Seq(snapshot.seq) if has_position else None,
            epoch=snapshot.epoch,
        )
        return self._asked

    def is_answer(self, reply_to: str | None) -> bool:
        """Tell whether that answers the last join."""
        return reply_to is not None and self._asked is not None and self._asked.id == reply_to

    def left(self) -> None:
        """Nothing follows any more before the next join is answered."""
        self._asked = None
        self._is_in = False

    def answered(self, answer: ConversationJoined, snapshot: Snapshot) -> Positioned | None:
        """Take the answer to the last join in.

        Returns:
            Where to begin, if this was the first join of all: the next one is to be said then.
        """
        self._asked = None
        self._acked = self._acked if answer.recovered else min(self._acked, answer.seq)
        if snapshot.epoch is None:
            self.first_live = answer.seq
            return Positioned(max(0, answer.seq - self._history), answer.epoch)
        self._is_in = True
        return None

    def acknowledged(self, seq: int) -> None:
        """An own message was stored there; its event comes before the next heartbeat, or is lost."""
        self._acked = max(self._acked, seq)

    def beat(self, snapshot: Snapshot, head: int) -> JoinConversation | None:
        """A heartbeat came. Join again if it shows a loss that left no trace.

        What was missing before it is on its way, unless nothing has come since the last beat.

        Args:
            snapshot: Before the heartbeat is folded in.
            head: Newest position that the heartbeat names; 0 if none.
        """
        was_at, self._beat_at = self._beat_at, snapshot.seq
        if not self._is_in or max(head, self._acked, snapshot.head) <= snapshot.seq:
            return None
        is_stuck = was_at == snapshot.seq
        return self.ask(snapshot) if self.is_caught_up(snapshot) or is_stuck else None

    def mend(self, snapshot: Snapshot, seq: int) -> JoinConversation | Discontinuity | None:
        """Events before `seq` are missing: ask for them, a few times; then give them up."""
        if not self._is_in:
            return None  # the join that is under way brings them
        if self._hole_at != snapshot.seq:
            self._hole_at, self._asked_for_hole = snapshot.seq, 0
        if self._asked_for_hole < MOST_ASKED:
            self._asked_for_hole += 1
            return self.ask(snapshot)
        return Discontinuity(snapshot.id, "missing", after_seq=snapshot.seq, at_seq=seq - 1)
