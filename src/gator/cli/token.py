"""`gator token`: a token for trying out."""

import re
import time
from collections.abc import Sequence
from typing import Final

from gator.auth.minting import mint
from gator.protocol.types import UtcMillis
from gator.settings import Settings

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class TokenError(Exception):
    """No token could be made; the text says why and what to do."""


def make(settings: Settings, user: str, *, name: str | None, expires: str, roles: Sequence[str]) -> str:
    """Make a token that a server with the same settings accepts.

    Raises:
        TokenError: There is no secret, or a value cannot be used.
    """
    if settings.jwt_secret is None:
        raise TokenError("Set GATOR_JWT_SECRET to the server's secret first.")
    try:
        return mint(
            settings.jwt_secret.get_secret_value(),
            user,
            name=name,
            roles=roles,
            now=UtcMillis(time.time_ns() // 1_000_000),
            expires_s=seconds(expires),
            issuer=settings.token_issuer,
            audience=settings.token_audience,
        )
    except ValueError as error:
        raise TokenError(str(error)) from None


def seconds(duration: str) -> int:
    """Read a duration such as `90s`, `15m`, `12h` or `30d`.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"(\d{1,9})([smhd])", duration)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{duration!r} is no duration; write one like 90s, 15m, 12h or 30d.")
    return int(match[1]) * _UNITS_S[match[2]]
