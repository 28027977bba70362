"""Who may connect."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gator.domain.identity import Identity
from gator.domain.open_mode import open_identity
from gator.gateway.limits import RateLimits
from gator.gateway.origins import origin_allowed
from gator.ports import Identities
from gator.protocol.errors import (
    CONNECTING_TOO_FAST,
    INVALID_TOKEN,
    INVALID_USER,
    ORIGIN_NOT_ALLOWED,
    OVERLOADED,
    RESTARTING,
    TOO_MANY_CONNECTIONS,
    Close,
    ErrorCode,
    Refusal,
)
from gator.protocol.handshake import token_of
from gator.protocol.types import UserId
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client says before the first frame.

    Attributes:
        user_id: From the address; None at `/ws/auth`.
        address: The network address of the client, or of the proxy's client.
    """

    user_id: str | None
    query_token: str | None
    authorization: str | None
    subprotocols: Sequence[str]
    origin: str | None
    host: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that may connect, and the subprotocol to answer with."""

    identity: Identity
    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A client that is accepted only to be told why it is closed: a browser sees no more."""

    close: Close
    subprotocol: str | None


_CLOSE_FOR: Final[dict[ErrorCode, Close]] = {"not_authenticated": INVALID_USER, "overloaded": OVERLOADED}


class Admission:
    """Judges handshakes, in the order from cheap to dear.

    Args:
        count: Open connections of the process, and of a user.
        max_per_user: None lifts the limit.
    """

    def __init__(
        self,
        *,
        mode: Literal["open", "jwt"],
        identities: Identities | None,
        limits: RateLimits,
        allowed_origins: Collection[str],
        loopback_only: bool,
        count: Callable[[], int],
        count_of_user: Callable[[UserId], int],
        max_connections: int,
        max_per_user: int | None,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._mode = mode
        self._identities = identities
        self._limits = limits
        self._allowed_origins = allowed_origins
        self._loopback_only = loopback_only
        self._count = count
        self._count_of_user = count_of_user
        self._max_connections = max_connections
        self._max_per_user = max_per_user
        self._metrics = metrics
        self._log = log
        self.draining = False

    def admit_now(self, handshake: Handshake) -> Admitted | Refused | None:
        """Judge a handshake without waiting; None if keys of tokens have to be read first."""
        token, subprotocol = token_of(handshake.query_token, handshake.authorization, handshake.subprotocols)
        close = self._closed_to(handshake)
        if close is not None:
            return Refused(self._counted(close, handshake.address), subprotocol)
        try:
            identity = self._identify(handshake, token)
        except Refusal as refusal:
            return self._unidentified(refusal, handshake, subprotocol)
        return None if identity is None else Admitted(identity, subprotocol)

    async def admit(self, handshake: Handshake) -> Admitted | Refused:
        """Judge a handshake. Waits only if keys of tokens have to be read."""
        verdict = self.admit_now(handshake)
        if verdict is not None:
            return verdict
        token, subprotocol = token_of(handshake.query_token, handshake.authorization, handshake.subprotocols)
        assert self._identities is not None
        assert token is not None
        try:
            identity = _checked(await self._identities.identify(token), handshake)
        except Refusal as refusal:
            return self._unidentified(refusal, handshake, subprotocol)
        return Admitted(identity, subprotocol)

    def _unidentified(self, refusal: Refusal, handshake: Handshake, subprotocol: str | None) -> Refused:
        self._log.info("not_identified", reason=refusal.detail, address=handshake.address)
        close = _CLOSE_FOR.get(refusal.code, INVALID_TOKEN)
        return Refused(self._counted(close, handshake.address), subprotocol)

    def check_count(self, identity: Identity, address: str) -> Close | None:
        """Judge whether there is a place for one more connection of a user.

        To be asked at the last moment, without an await before the connection is
        opened: handshakes that run side by side would all find the last place free.
        """
        close = None
        if self._count() >= self._max_connections:
            close = OVERLOADED
        elif self._max_per_user is not None and self._count_of_user(identity.user_id) >= self._max_per_user:
            close = TOO_MANY_CONNECTIONS
        return None if close is None else self._counted(close, address)

    def _counted(self, close: Close, address: str) -> Close:
        self._metrics.connections_closed.labels(str(close.code)).inc()
        self._log.info("not_admitted", reason=close.reason, address=address)
        return close

    def _closed_to(self, handshake: Handshake) -> Close | None:
        if self.draining:
            return RESTARTING
        if not self._limits.may_connect(handshake.address):
            return CONNECTING_TOO_FAST
        if not origin_allowed(
            handshake.origin, handshake.host, self._allowed_origins, loopback_only=self._loopback_only
        ):
            return ORIGIN_NOT_ALLOWED
        return None

    def _identify(self, handshake: Handshake, token: str | None) -> Identity | None:
        if self._mode == "open" and handshake.user_id is not None:
            return open_identity(handshake.user_id)
        if self._identities is None or token is None:
            raise Refusal("invalid_token", "There is no token.")
        identity = self._identities.identify_now(token)
        return None if identity is None else _checked(identity, handshake)


def _checked(identity: Identity, handshake: Handshake) -> Identity:
    if handshake.user_id is not None and handshake.user_id != identity.user_id:
        raise Refusal("invalid_token", "The token is another user's than the address names.")
    return identity
