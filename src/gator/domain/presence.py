"""Who is online, and who may see it.

A user is online from their first connection until a grace after their last one.
They are *shown* in the conversations they have joined since they came online, and
stay shown there until they go offline or are no longer a member: so whoever was told
"online" is always told "offline" too. Somebody sees a user through any conversation
that the viewer has joined and in which the user is shown.
"""

from collections.abc import Iterable

from gator.protocol.types import ConversationId, UserId


class PresenceBook:
    """Connections counted by user, and where each user is shown."""

    __slots__ = ("_connections", "_leaving", "_shown")

    def __init__(self) -> None:
        self._connections: dict[UserId, int] = {}
        self._leaving: dict[UserId, float] = {}
        self._shown: dict[UserId, set[ConversationId]] = {}

    def __len__(self) -> int:
        """Users online, those in their grace included."""
        return len(self._connections) + len(self._leaving)

    def connected(self, user: UserId) -> bool:
        """Count a connection.

        Returns:
            True if the user was offline before.
        """
        count = self._connections.get(user, 0)
        self._connections[user] = count + 1
        return count == 0 and self._leaving.pop(user, None) is None

    def disconnected(self, user: UserId, offline_at: float) -> bool:
        """Count a connection's end.

        Returns:
            True if it was the last one: the user goes offline at `offline_at`
            unless they are back before.
        """
        count = self._connections[user] - 1
        if count > 0:
            self._connections[user] = count
            return False
        del self._connections[user]
        self._leaving[user] = offline_at
        return True

    def is_online(self, user: UserId) -> bool:
        """Tell whether a user has a connection or is in their grace."""
        return user in self._connections or user in self._leaving

    def connections_of(self, user: UserId) -> int:
        """Count a user's connections."""
        return self._connections.get(user, 0)

    def show(self, user: UserId, conversation: ConversationId) -> bool:
        """Show a user in a conversation that they have joined.

        Returns:
            True if they were not shown there before.
        """
        shown = self._shown.setdefault(user, set())
        if conversation in shown:
            return False
        shown.add(conversation)
        return True

    def hide(self, user: UserId, conversation: ConversationId) -> None:
        """Stop showing a user where they are no longer a member."""
        shown = self._shown.get(user)
        if shown is not None:
            shown.discard(conversation)
            if not shown:
                del self._shown[user]

    def shown_in(self, user: UserId) -> frozenset[ConversationId]:
        """Name the conversations in which a user is shown."""
        return frozenset(self._shown.get(user, ()))

    def is_shown(self, user: UserId, conversation: ConversationId) -> bool:
        """Tell whether a user is shown in a conversation."""
        return conversation in self._shown.get(user, ())

    def sees(self, viewer_joined: Iterable[ConversationId], user: UserId) -> bool:
        """Tell whether who has joined `viewer_joined` sees a user's presence."""
        shown = self._shown.get(user)
        return shown is not None and not shown.isdisjoint(viewer_joined)

    def expire(self, now: float) -> dict[UserId, frozenset[ConversationId]]:
        """Take offline everybody whose grace is over.

        Returns:
            Each with the conversations they were shown in, whose viewers are to be told.
        """
        over = []
        # Everybody gets the same grace, so the order of leaving is the order of expiry.
        for user, at in self._leaving.items():
            if at > now:
                break
            over.append(user)
        gone = {}
        for user in over:
            del self._leaving[user]
            gone[user] = frozenset(self._shown.pop(user, ()))
        return gone

    def next_expiry(self) -> float | None:
        """Tell when `expire` will next find somebody; None if nobody is leaving."""
        return next(iter(self._leaving.values()), None)
