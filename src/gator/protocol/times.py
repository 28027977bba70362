"""Moments as text on the wire: RFC 3339, UTC, milliseconds, ending in Z."""

from datetime import UTC, datetime
from functools import lru_cache

from gator.protocol.types import UtcMillis


@lru_cache(maxsize=64)
def _second(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(at: UtcMillis) -> str:
    """Word a moment as RFC 3339 §5.6: `2025-01-15T10:30:00.000Z`.

    The second is formatted once and kept, because a busy server words the same
    one thousands of times.
    """
    seconds, millis = divmod(at, 1000)
    return f"{_second(seconds)}.{millis:03d}Z"
