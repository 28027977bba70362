"""Proof by signed token."""

from typing import Final

import jwt

from gator.auth.claims import Claims, TokenRules, identity_from
from gator.auth.jwks import MIN_INTERVAL_S, Jwks
from gator.auth.keys import shared_key
from gator.auth.signatures import Header, read_header, verified_claims
from gator.domain.identity import Identity
from gator.ports import Clock
from gator.protocol.errors import Refusal

KEPT_TOKENS: Final = 4_096
"""Tokens whose signature is not computed again: whoever lost a connection comes back with the same."""


class JwtIdentities:
    """Proof by signed token: HS256 by a shared secret, the rest by a JWK Set.

    Implements the port `Identities`.

    Args:
        clock: The time by which tokens begin and end.
        rules: What is asked of every token.
        secret: Shared with the issuer, at least 32 bytes; None refuses HS256.
        jwks: Public keys; None refuses all that is not HS256.

    Raises:
        ValueError: Neither secret nor keys are given, or the secret is too weak.
    """

    __slots__ = ("_clock", "_jwks", "_rules", "_shared_key", "_verified")

    def __init__(
        self, clock: Clock, rules: TokenRules, *, secret: str | None = None, jwks: Jwks | None = None
    ) -> None:
        if secret is None and jwks is None:
            raise ValueError("Tokens need a secret or a JWK Set to be checked with; neither is given.")
        self._clock = clock
        self._rules = rules
        self._shared_key = None if secret is None else shared_key(secret)
        self._jwks = jwks
        self._verified: dict[str, tuple[jwt.PyJWK, Claims]] = {}

    async def identify(self, token: str) -> Identity:
        """Check a token and read who it names; see `Identities`.

        Waits only if keys have to be read: once at first, then when they are old or
        the token names one that is not known, at most every 10 s for all callers.

        Raises:
            Refusal: `invalid_token`; or `overloaded`, which is temporary, while the
                keys cannot be read and the one the token names is not in memory.
        """
        header = read_header(token)
        if self._jwks is not None and self._must_refresh(header):
            await self._jwks.refresh()
        return self._identity(token, header)

    def identify_now(self, token: str) -> Identity | None:
        """Do as `identify` without waiting.

        Returns:
            None if keys have to be read first: await `identify` then.

        Raises:
            Refusal: As `identify`.
        """
        header = read_header(token)
        return None if self._must_refresh(header) else self._identity(token, header)

    def _must_refresh(self, header: Header) -> bool:
        if self._jwks is None or header.algorithm == "HS256":
            return False
        return self._jwks.is_due(header.algorithm, header.kid)

    def _identity(self, token: str, header: Header) -> Identity:
        return identity_from(self._claims(token, self._key(header)), self._rules, self._clock.now())

    def _claims(self, token: str, key: jwt.PyJWK) -> Claims:
        known = self._verified.get(token)
        # Verified means by this very key: one that was replaced is not trusted any more.
        if known is not None and known[0] is key:
            return known[1]
        claims = verified_claims(token, key)
        self._verified[token] = (key, claims)
        if len(self._verified) > KEPT_TOKENS:
            del self._verified[next(iter(self._verified))]
        return claims

    def _key(self, header: Header) -> jwt.PyJWK:
        if header.algorithm == "HS256":
            if self._shared_key is None:
                raise Refusal("invalid_token", "The token is signed with HS256, and there is no shared secret.")
            return self._shared_key
        if self._jwks is None:
            raise Refusal(
                "invalid_token", f"The token is signed with {header.algorithm}, and there is no JWK Set."
            )
        key = self._jwks.find(header.algorithm, header.kid)
        if key is not None:
            return key
        if not self._jwks.is_current:
            # The token may well be good: nobody should be logged out by an outage of the issuer.
            raise Refusal(
                "overloaded",
                "The keys that tokens are checked with cannot be read now.",
                retry_after_ms=int(MIN_INTERVAL_S * 1000),
            )
        raise Refusal("invalid_token", _unknown_key(header))


def _unknown_key(header: Header) -> str:
    if header.kid is None:
        return f"The token names no key, and there is not exactly one for {header.algorithm}."
    return f"There is no key {header.kid[:64]!r} for {header.algorithm}."
