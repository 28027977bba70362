"""What every route needs: the services, and who asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, cast

from fastapi import Depends, Request

from gator.api.models import LoginOut
from gator.api.status import Status
from gator.domain.budget import Left
from gator.domain.identity import Identity
from gator.domain.open_mode import open_identity
from gator.domain.persona import Persona
from gator.handlers.services import Services
from gator.ports import Cards
from gator.protocol.errors import Refusal
from gator.protocol.handshake import token_of
from gator.protocol.types import UserId
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

USER_HEADER = "x-gator-user"
"""Names the user in open mode."""


class HttpLimits(Protocol):
    """The rate limits that concern HTTP; see `gateway/limits.py`. All raise `rate_limited`."""

    def check_http(self, who: str) -> None: ...
    def check_message(self, user_id: UserId) -> None: ...
    def check_create(self, user_id: UserId) -> None: ...


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The house as the routes see it.

    Attributes:
        login: Where people log in on the page; None if it is given its tokens.
        metrics: None where they are not served.
        is_ready: False while the server drains.
        status: The server at this moment.
        everybody_is_admin: Whether one needs no role to see it.
        max_personas: How many a user may own.
        budget_left: What replies may still use that a user asks for, of each of their limits.
        greeting_of: What a persona says first to somebody of this name; blank for nothing.
    """

    services: Services
    limits: HttpLimits
    mode: Literal["open", "jwt"]
    login: LoginOut | None
    metrics: Metrics
    serve_metrics: bool
    log: Log
    is_ready: Callable[[], bool]
    status: Status
    everybody_is_admin: bool
    cards: Cards
    max_personas: int
    budget_left: Callable[[UserId], Sequence[Left]]
    greeting_of: Callable[[Persona, str], str]


def context(request: Request) -> ApiContext:
    """Find the context of a running application."""
    return cast(ApiContext, request.app.state.api)


Context = Annotated[ApiContext, Depends(context)]


async def who(request: Request, api: Context) -> Identity:
    """Identify who asks, and take a request off their allowance.

    Raises:
        Refusal: `not_authenticated`, `invalid_token`, `rate_limited`.
    """
    check_address(request, api)
    identity = await _identify(request, api)
    api.limits.check_http(f"user {identity.user_id}")
    return identity


def check_address(request: Request, api: ApiContext) -> None:
    """Take a request off the allowance of the address that it comes from.

    Raises:
        Refusal: `rate_limited`.
    """
    address = request.client.host if request.client is not None else ""
    api.limits.check_http(f"address {address}")


async def _identify(request: Request, api: ApiContext) -> Identity:
    token, _ = token_of(None, request.headers.get("authorization"), ())
    if token is not None and api.services.identities is not None:
        return await api.services.identities.identify(token)
    named = request.headers.get(USER_HEADER)
    if api.mode == "open" and named is not None:
        return open_identity(_text(named))
    raise Refusal("not_authenticated")


def _text(header: str) -> str:
    """Read a header as UTF-8, as clients send it; ASGI hands it over as Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


Asker = Annotated[Identity, Depends(who)]
