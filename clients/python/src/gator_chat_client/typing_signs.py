"""Signs of typing: throttled on the way out, expiring on the way in."""

from collections.abc import Callable
from typing import Final

from gator_chat_client.clock import Clock, Timer

REPEAT_S: Final = 3.0
"""How often the server is told while the user types; it forgets after 5 s."""

PAUSE_S: Final = 4.0
"""After so long without a key the user has stopped."""

EXPIRY_S: Final = 6.0
"""After so long without news of somebody's typing they have stopped: the sign of it may be lost."""


class OwnTyping:
    """Tells that the user types, at most every `REPEAT_S`, and that they stopped.

    Args:
        tell: Says it to the server; False if that is not possible now.
    """

    def __init__(self, tell: Callable[[bool], bool], clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._told_at: float | None = None
        self._pause: Timer | None = None

    def key(self) -> None:
        """A key was pressed."""
        now = self._clock.monotonic()
        if self._told_at is None or now - self._told_at >= REPEAT_S:
            self._told_at = now if self._tell(True) else None
        self._restart()

    def stop(self) -> None:
        """The user has stopped, or emptied the line."""
        if self._told_at is not None:
            self._tell(False)
        self.forget()

    def forget(self) -> None:
        """The server knows without being told: a message was sent, or the connection is gone."""
        self._told_at = None
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _restart(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._pause = self._clock.call_later(PAUSE_S, self.stop)


class OthersTyping:
    """Forgets who types and of whom nothing more is heard.

    Args:
        expired: Hears of users who count as having stopped.
    """

    def __init__(self, expired: Callable[[str], None], clock: Clock) -> None:
        self._expired = expired
        self._clock = clock
        self._timers: dict[str, Timer] = {}

    def heard(self, user_id: str, *, is_typing: bool) -> None:
        """Somebody types, or stopped."""
        timer = self._timers.pop(user_id, None)
        if timer is not None:
            timer.cancel()
        if is_typing:
            self._timers[user_id] = self._clock.call_later(EXPIRY_S, lambda: self._expire(user_id))

    def forget(self) -> None:
        """The connection is gone."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _expire(self, user_id: str) -> None:
        self._timers.pop(user_id, None)
        self._expired(user_id)
