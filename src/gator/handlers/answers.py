"""Answers that more than one command gives."""

from gator.protocol.errors import Refusal
from gator.protocol.events import Error


def refused(
    refusal: Refusal, *, timestamp: str, reply_to: str | None, client_message_id: str | None = None
) -> Error:
    """Word a refusal as the event `error`."""
    return Error(
        code=refusal.code,
        message=refusal.detail,
        reply_to=reply_to,
        client_message_id=client_message_id,
        retry_after_ms=refusal.retry_after_ms,
        timestamp=timestamp,
    )
