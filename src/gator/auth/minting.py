"""Making tokens: for `gator token`, scripts and first steps. Real ones come from an issuer."""

from collections.abc import Sequence

import jwt

from gator.auth.keys import shared_key
from gator.protocol.plain_text import is_plain_text
from gator.protocol.types import MAX_ID_LENGTH, UtcMillis


def mint(
    secret: str,
    user_id: str,
    *,
    name: str | None = None,
    roles: Sequence[str] = (),
    now: UtcMillis,
    expires_s: int,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """Make a token signed with HS256.

    Args:
        secret: The server's own, at least 32 bytes.
        user_id: Who the token names: its `sub`.
        expires_s: How long it is valid, from `now`.

    Raises:
        ValueError: The secret is too weak, or the user id is none.
    """
    if not is_plain_text(user_id, MAX_ID_LENGTH):
        raise ValueError(
            f"A user id is 1 to {MAX_ID_LENGTH} characters without control characters, not {user_id!r}."
        )
    issued_s = now // 1000
    claims = {
        "iss": issuer,
        "sub": user_id,
        "aud": audience,
        "iat": issued_s,
        "exp": issued_s + expires_s,
        "name": name,
        "roles": list(roles) or None,
    }
    return jwt.encode({claim: value for claim, value in claims.items() if value is not None}, shared_key(secret))
