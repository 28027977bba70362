"""The public keys of a JWK Set, kept in memory and kept fresh."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

import jwt

from gator.auth.key_sources import KeySource
from gator.auth.keys import KeySet, KeysUnavailable, PublicAlgorithm, parse_jwks
from gator.ports import Clock

REFRESH_S: Final = 300.0
"""Age at which keys are read again; a key that was removed is accepted no longer than this."""

MIN_INTERVAL_S: Final = 10.0
"""Shortest time between two reads, however many tokens name keys that nobody has."""


class Jwks:
    """Public keys by id, read again when they are old or one is missing.

    One read at a time, at most one in 10 s. A read that fails leaves the keys as they
    were and is reported; a document that was read replaces them all, even by none.

    Args:
        source: Where the keys are.
        clock: Tells their age.
        refresh_s: Age at which they are read again.
        on_failure: Told what went wrong with a read, at most once in 10 s.
    """

    __slots__ = ("_clock", "_flight", "_keys", "_loaded_at", "_on_failure", "_refresh_s", "_source", "_tried_at")

    def __init__(
        self,
        source: KeySource,
        clock: Clock,
        *,
        refresh_s: float = REFRESH_S,
        on_failure: Callable[[str], object],
    ) -> None:
        self._source = source
        self._clock = clock
        self._refresh_s = refresh_s
        self._on_failure = on_failure
        self._keys = KeySet()
        self._loaded_at = -math.inf
        self._tried_at = -math.inf
        self._flight: asyncio.Task[None] | None = None

    @property
    def is_current(self) -> bool:
        """True if the last read worked, so that a key that is not here does not exist."""
        return self._loaded_at == self._tried_at > -math.inf

    def find(self, algorithm: PublicAlgorithm, kid: str | None) -> jwt.PyJWK | None:
        """Find the key that a token names, among those in memory."""
        return self._keys.find(algorithm, kid)

    def is_due(self, algorithm: PublicAlgorithm, kid: str | None) -> bool:
        """Tell whether the keys must be read before a token is judged."""
        now = self._clock.monotonic()
        if now - self._tried_at < MIN_INTERVAL_S:
            return False
        return now - self._loaded_at >= self._refresh_s or self.find(algorithm, kid) is None

    async def refresh(self) -> None:
        """Read the keys now, as at start-up, or wait for the read that is under way.

        Never raises for the source's sake. Cancelling one who waits does not stop the
        read, since others may wait for it.
        """
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._load())
        await asyncio.shield(self._flight)

    async def _load(self) -> None:
        try:
            self._keys = parse_jwks(await self._source.read())
        except KeysUnavailable as failure:
            self._tried_at = self._clock.monotonic()
            self._on_failure(f"Keys for tokens: {self._source.name!r} {failure.reason}.")
            return
        self._loaded_at = self._tried_at = self._clock.monotonic()
        if len(self._keys) == 0:
            self._on_failure(f"Keys for tokens: {self._source.name!r} holds no key that this server can use.")
