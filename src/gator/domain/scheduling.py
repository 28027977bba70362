"""Whose turn it is to be answered by a persona.

One reply at a time in a conversation, in the order in which they were asked for. Across
conversations users take turns: who asks once is served within one turn, however many
another one has asked for.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from gator.protocol.types import ConversationId, PersonaId, RunId, UserId

MAX_WAITING_IN_CONVERSATION: Final = 5
MAX_WAITING: Final = 1_000
MAX_RUNNING_OF_USER: Final = 2

RETRY_AFTER_MS: Final = 5_000
"""When whoever found no place may ask again."""


class Ticket(Struct, frozen=True):
    """A run that waits for its turn."""

    run_id: RunId
    conversation_id: ConversationId
    persona_id: PersonaId
    user_id: UserId
    provider: str


class QueueFull(Exception):
    """There is no place for one more run.

    Attributes:
        of_conversation: The conversation's queue is full, and not the installation's.
    """

    def __init__(self, *, of_conversation: bool) -> None:
        super().__init__(of_conversation)
        self.of_conversation = of_conversation


class Turns:
    """Runs that wait and runs that are being made.

    Queue: `MAX_WAITING` tickets, of them `MAX_WAITING_IN_CONVERSATION` in one conversation.
    """

    __slots__ = ("_busy", "_running_of", "_served", "_waiting", "_waiting_in")

    def __init__(self) -> None:
        self._waiting: OrderedDict[UserId, OrderedDict[RunId, Ticket]] = OrderedDict()
        self._waiting_in: dict[ConversationId, OrderedDict[RunId, Ticket]] = {}
        self._busy: dict[ConversationId, Ticket] = {}
        self._running_of: Counter[UserId] = Counter()
        self._served: set[UserId] = set()
        """Users who had a turn since they last waited for nothing."""

    def __len__(self) -> int:
        """Count the runs that wait."""
        return sum(map(len, self._waiting_in.values()))

    def add(self, ticket: Ticket, *, is_bounded: bool = True) -> int:
        """Take a place at the end; returns how many runs come before it in its conversation.

        Args:
            is_bounded: False for a run that had its place, or was being made, before a restart.

        Raises:
            QueueFull: There is none.
        """
        in_conversation = self._waiting_in.get(ticket.conversation_id, ())
        if is_bounded and len(in_conversation) >= MAX_WAITING_IN_CONVERSATION:
            raise QueueFull(of_conversation=True)
        if is_bounded and len(self) >= MAX_WAITING:
            raise QueueFull(of_conversation=False)
        ahead = len(in_conversation) + (ticket.conversation_id in self._busy)
        if ticket.user_id not in self._waiting and self._running_of[ticket.user_id]:
            self._served.add(ticket.user_id)
        self._waiting.setdefault(ticket.user_id, OrderedDict())[ticket.run_id] = ticket
        self._waiting_in.setdefault(ticket.conversation_id, OrderedDict())[ticket.run_id] = ticket
        return ahead

    def take(self, has_slot: Callable[[str], bool]) -> Ticket | None:
        """Begin the run whose turn it is; None if nobody can be served now.

        Args:
            has_slot: Whether a provider can make one more reply.
        """
        # Who had no turn yet comes first, as new flows do in FQ-CoDel (RFC 8290 §4.2).
        for user in sorted(self._waiting, key=self._served.__contains__):
            if self._running_of[user] >= MAX_RUNNING_OF_USER:
                continue
            for ticket in self._waiting[user].values():
                if self._is_first(ticket) and has_slot(ticket.provider):
                    self.remove(ticket)
                    if user in self._waiting:
                        self._waiting.move_to_end(user)
                        self._served.add(user)
                    self._busy[ticket.conversation_id] = ticket
                    self._running_of[user] += 1
                    return ticket
        return None

    def _is_first(self, ticket: Ticket) -> bool:
        if ticket.conversation_id in self._busy:
            return False
        return next(iter(self._waiting_in[ticket.conversation_id])) == ticket.run_id

    def done(self, ticket: Ticket) -> None:
        """A run that was begun has ended."""
        del self._busy[ticket.conversation_id]
        self._running_of[ticket.user_id] -= 1
        if not self._running_of[ticket.user_id]:
            del self._running_of[ticket.user_id]

    def remove(self, ticket: Ticket) -> None:
        """Give up a place. Harmless if it is not waiting."""
        of_user = self._waiting.get(ticket.user_id)
        if of_user is None or of_user.pop(ticket.run_id, None) is None:
            return
        if not of_user:
            del self._waiting[ticket.user_id]
            self._served.discard(ticket.user_id)
        in_conversation = self._waiting_in[ticket.conversation_id]
        del in_conversation[ticket.run_id]
        if not in_conversation:
            del self._waiting_in[ticket.conversation_id]

    def waiting_in(self, conversation_id: ConversationId) -> Iterator[tuple[int, Ticket]]:
        """Name who waits in a conversation, each with how many come before."""
        ahead = int(conversation_id in self._busy)
        yield from enumerate(list(self._waiting_in.get(conversation_id, {}).values()), ahead)

    def running_in(self, conversation_id: ConversationId) -> Ticket | None:
        """Name the run that is being made in a conversation."""
        return self._busy.get(conversation_id)
