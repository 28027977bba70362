"""The token of a user: asked for, kept until it is about to end, never checked."""

import base64
import binascii
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from gator_chat_client.address import check_token
from gator_chat_client.clock import Clock

TokenSource = Callable[[], str | Awaitable[str]]
"""Gives a token that is good for a while; called for every connection, and before a token ends."""

MARGIN_S: Final = 60.0
"""How long before its end a token is replaced, if it lives for longer than twice that."""


class _Claims(msgspec.Struct):
    exp: float | None = None


class Credentials:
    """Gives the token of the moment.

    Args:
        source: A token for good, a function that gives one, or None in open mode.
    """

    def __init__(self, source: str | TokenSource | None, clock: Clock) -> None:
        self._source = check_token(source) if isinstance(source, str) else source
        self._clock = clock
        self._token: str | None = None
        self._renew_at_ms: float | None = None

    @property
    def can_refresh(self) -> bool:
        """True if another token can be had when one ends."""
        return callable(self._source)

    async def fresh(self) -> str | None:
        """Ask for a token.

        Raises:
            AddressError: What was given is no token.
        """
        if self._source is None or isinstance(self._source, str):
            self._token = self._source
            return self._source
        given = self._source()
        self._token = check_token(await given if inspect.isawaitable(given) else given)
        self._renew_at_ms = self._renewal_of(self._token)
        return self._token

    async def current(self) -> str | None:
        """Give the token of the last connection as long as it is good, else a fresh one."""
        if self._token is None or (self._renew_at_ms is not None and self._clock.now() >= self._renew_at_ms):
            return await self.fresh()
        return self._token

    def refresh_in_s(self) -> float | None:
        """Tell in how many seconds to replace the token; None if it never has to be, or cannot be."""
        if self._renew_at_ms is None or not self.can_refresh:
            return None
        return max(1.0, (self._renew_at_ms - self._clock.now()) / 1000)

    def _renewal_of(self, token: str) -> float | None:
        end_s = expiry_of(token)
        if end_s is None:
            return None
        left_s = end_s - self._clock.now() / 1000
        return 1000 * (end_s - min(MARGIN_S, left_s / 2))


def expiry_of(token: str) -> float | None:
    """Read the end of a JWT, in seconds since 1970, unverified: only the server can do that."""
    _, _, rest = token.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(decoded, type=_Claims).exp
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
