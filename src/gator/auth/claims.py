"""What a token claims (RFC 7519 §4), and whether it may be believed now.

Everything here is asked of claims whose signature was checked before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gator.domain.identity import Identity
from gator.protocol.errors import Refusal
from gator.protocol.plain_text import is_plain_text
from gator.protocol.types import MAX_ID_LENGTH, UserId, UtcMillis

Claims = Mapping[str, object]

LEEWAY_S: Final = 30.0
"""How far the issuer's clock may be off."""

MAX_NAME_LENGTH: Final = 200
MAX_PICTURE_LENGTH: Final = 2048

_LATEST_DATE_S: Final = 253_402_300_799
"""The end of the year 9999. Later dates are milliseconds, or another mistake."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What this server asks of every token.

    Attributes:
        issuer: The `iss` that tokens must carry; None if any may.
        audience: The name in `aud` by which this server knows itself.
        leeway_s: How far the issuer's clock may be off.
        expiry_required: Whether a token must say when it ends.
    """

    issuer: str | None = None
    audience: str | None = None
    leeway_s: float = LEEWAY_S
    expiry_required: bool = True


def identity_from(claims: Claims, rules: TokenRules, now: UtcMillis) -> Identity:
    """Read who a token names.

    Optional claims that make no sense are dropped: a bad picture locks nobody out.

    Raises:
        Refusal: `invalid_token`, naming the claim at fault.
    """
    check_issuer(claims, rules.issuer)
    check_audience(claims, rules.audience)
    check_times(claims, rules.leeway_s, now)
    return Identity(
        user_id=_user_id(claims),
        name=_name(claims),
        avatar=_picture(claims),
        roles=_roles(claims),
        expires_at=_expires_at(claims, required=rules.expiry_required),
    )


def check_issuer(claims: Claims, issuer: str | None) -> None:
    """Refuse a token of another issuer (RFC 7519 §4.1.1, RFC 8725 §3.8)."""
    if issuer is not None and claims.get("iss") != issuer:
        raise Refusal("invalid_token", f"The token's `iss` is not {issuer!r}.")


def check_audience(claims: Claims, audience: str | None) -> None:
    """Refuse a token meant for others (RFC 7519 §4.1.3, RFC 8725 §3.9).

    A server without a name refuses every token that names an audience: the RFC
    says it must, and a token issued for another application must not open this one.
    """
    claimed = claims.get("aud")
    if audience is None:
        if claimed is not None:
            raise Refusal("invalid_token", "The token has an `aud`, and this server has no audience configured.")
        return
    audiences = claimed if isinstance(claimed, list) else [claimed]
    if audience not in audiences:
        raise Refusal("invalid_token", f"The token's `aud` does not name {audience!r}.")


def check_times(claims: Claims, leeway_s: float, now: UtcMillis) -> None:
    """Refuse a token outside its time: `exp`, `nbf`, `iat` (RFC 7519 §4.1.4 to §4.1.6)."""
    now_s = now / 1000
    expires = _date(claims, "exp")
    if expires is not None and now_s >= expires + leeway_s:
        raise Refusal("invalid_token", f"The token expired {now_s - expires:.0f} s ago.")
    begins = _date(claims, "nbf")
    if begins is not None and now_s < begins - leeway_s:
        raise Refusal("invalid_token", f"The token is valid only in {begins - now_s:.0f} s (`nbf`).")
    issued = _date(claims, "iat")
    if issued is not None and now_s < issued - leeway_s:
        raise Refusal("invalid_token", f"The token was issued {issued - now_s:.0f} s in the future (`iat`).")


def _expires_at(claims: Claims, *, required: bool) -> UtcMillis | None:
    expires = _date(claims, "exp")
    if expires is None:
        if required:
            raise Refusal("invalid_token", "The token has no `exp`.")
        return None
    return UtcMillis(int(expires * 1000))


def _date(claims: Claims, name: str) -> float | None:
    """Read a NumericDate (RFC 7519 §2): seconds since 1970, perhaps with a fraction."""
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Refusal("invalid_token", f"The token's `{name}` is not a number.")
    # Python's JSON also knows NaN and Infinity; neither is within.
    if not 0 <= value <= _LATEST_DATE_S:
        raise Refusal("invalid_token", f"The token's `{name}` is not in seconds since 1970.")
    return value


def _user_id(claims: Claims) -> UserId:
    subject = claims.get("sub")
    if not is_plain_text(subject, MAX_ID_LENGTH):
        raise Refusal(
            "invalid_token",
            f"The token's `sub` is not 1 to {MAX_ID_LENGTH} characters without control characters.",
        )
    return UserId(subject)


def _name(claims: Claims) -> str | None:
    name = claims.get("name")
    if not is_plain_text(name, MAX_NAME_LENGTH):
        return None
    return name.strip() or None


def _picture(claims: Claims) -> str | None:
    picture = claims.get("picture")
    if not is_plain_text(picture, MAX_PICTURE_LENGTH) or not _is_web_url(picture):
        return None
    return picture


def _is_web_url(text: str) -> bool:
    """Tell whether a browser may load it: never `javascript:` or `data:`."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, text))


def _roles(claims: Claims) -> frozenset[str]:
    """Read `roles`: an array, or words in one string as OAuth's `scope` has them."""
    roles = claims.get("roles")
    if isinstance(roles, str):
        roles = roles.split()
    if not isinstance(roles, list):
        return frozenset()
    return frozenset(role for role in roles if is_plain_text(role, MAX_ID_LENGTH))
