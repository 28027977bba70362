"""Who is typing where, and until when."""

from collections.abc import Iterator
from typing import Final

from gator.protocol.types import ConversationId, UserId

REPEAT_S: Final = 2.0
"""Repeats of `typing_start` within this time are absorbed."""

EXPIRY_S: Final = 5.0
"""Typing ends by itself this long after the last `typing_start`."""

Typist = tuple[ConversationId, UserId]


class TypingBook:
    """Everybody who is typing, with the moments that matter.

    Entries are kept in the order in which they expire, so that looking for the
    expired ones costs no more than there are.
    """

    __slots__ = ("_told", "_until")

    def __init__(self) -> None:
        self._until: dict[Typist, float] = {}
        self._told: dict[Typist, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def start(self, typist: Typist, now: float) -> bool:
        """Note a `typing_start`.

        Returns:
            True if the others are to be told; False if they were within `REPEAT_S`.
        """
        self._until.pop(typist, None)
        self._until[typist] = now + EXPIRY_S
        told = self._told.get(typist)
        if told is not None and now - told < REPEAT_S:
            return False
        self._told[typist] = now
        return True

    def stop(self, typist: Typist) -> bool:
        """Note that somebody stopped.

        Returns:
            True if they were typing, so that the others are to be told.
        """
        self._told.pop(typist, None)
        return self._until.pop(typist, None) is not None

    def expire(self, now: float) -> list[Typist]:
        """Stop everybody whose time is over, and name them."""
        over = []
        for typist, until in self._until.items():
            if until > now:
                break
            over.append(typist)
        for typist in over:
            self.stop(typist)
        return over

    def next_expiry(self) -> float | None:
        """Tell when `expire` will next find somebody; None if nobody types."""
        return next(iter(self._until.values()), None)

    def in_conversation(self, conversation_id: ConversationId) -> Iterator[UserId]:
        """Name those who type in a conversation."""
        return (user for where, user in self._until if where == conversation_id)
