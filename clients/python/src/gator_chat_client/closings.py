"""Whether to come back after a connection ended or was refused, and how soon."""

from dataclasses import dataclass
from typing import Final

from gator_chat_client.protocol.errors import CLOSES, RATE_LIMITED, RESTARTING, Close
from gator_chat_client.states import Reason

CALM_S: Final = 60.0
"""Least wait after being closed for haste, as that row of the table asks."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended.

    Attributes:
        reason: In the words of the table of states; `refused` if coming back would change nothing.
        why: A sentence for people.
        code: The closing code, if there was one.
        least_s: Do not come back before that.
        is_due: Come back exactly then: the server has drawn that time for this client.
    """

    reason: Reason
    why: str
    code: int | None = None
    least_s: float = 0.0
    is_due: bool = False


def after_close(code: int | None, reason: str) -> Ending:
    """Look up a closing code in the table of closes. A client comes back from a code that is not in it.

    Args:
        code: None if the connection broke without one.
    """
    row = _row(code, reason)
    if row is None:
        return Ending("lost", reason or "the connection broke", code)
    if row.reconnect:
        least_s = CALM_S if row is RATE_LIMITED else 0.0
        return Ending("server_restarts" if row is RESTARTING else "lost", reason or row.reason, code, least_s)
    meaning = f" {row.meaning}" if reason in ("", row.reason) else ""
    return Ending("refused", f"{reason or row.reason}.{meaning}", code)


def after_status(status: int) -> Ending:
    """Judge an HTTP answer that stands where the WebSocket should have begun."""
    is_temporary = status >= 500 or status in (408, 429)
    return Ending("lost" if is_temporary else "refused", f"HTTP status {status}")


def _row(code: int | None, reason: str) -> Close | None:
    # A code always comes back or never does, whatever the reason.
    rows = [row for row in CLOSES if row.code == code]
    return next((row for row in rows if row.reason == reason), rows[0] if rows else None)
