"""Where a WebSocket handshake carries its token.

Browsers cannot set headers on a WebSocket, so there are two more places than RFC 6750
knows: the list of subprotocols, and the address, which ends up in other people's logs.
"""

from collections.abc import Sequence
from typing import Final

SUBPROTOCOL: Final = "gator.v1"
"""The subprotocol that this server speaks (RFC 6455 §1.9)."""

BEARER_PREFIX: Final = "bearer."
"""What the rest of is a token, in the list of subprotocols."""


def token_of(
    query_token: str | None, authorization: str | None, subprotocols: Sequence[str]
) -> tuple[str | None, str | None]:
    """Find the token of a handshake, and the subprotocol to answer with.

    A client that sends several tokens, against RFC 6750 §2, is known by the first of:
    header, subprotocol, address. An `Authorization` of another scheme may be a proxy's
    and is passed over; so is an empty token.

    Args:
        query_token: The address's `token`, percent-decoded.
        authorization: The header's value.
        subprotocols: Offered, in the client's order: `gator.v1, bearer.TOKEN`.

    Returns:
        The token, not checked yet, and `gator.v1` if that was offered. The form with
        the token is never answered: RFC 6455 §4.2.2 would send it back.
    """
    offered = [name.strip() for name in subprotocols]
    selected = SUBPROTOCOL if SUBPROTOCOL in offered else None
    token = _of_header(authorization) or _of_subprotocols(offered) or query_token or None
    return token, selected


def _of_header(authorization: str | None) -> str | None:
    # RFC 6750 §2.1; the scheme's case means nothing (RFC 9110 §11.1).
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _of_subprotocols(offered: Sequence[str]) -> str | None:
    tokens = (name.removeprefix(BEARER_PREFIX) for name in offered if name.startswith(BEARER_PREFIX))
    return next(filter(None, tokens), None)
