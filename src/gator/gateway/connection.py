"""One client's connection: frames in, handlers called, answers out. Any transport."""

from collections.abc import Awaitable
from time import perf_counter

from gator.domain.identity import Identity
from gator.gateway.limits import RateLimits
from gator.handlers import HANDLERS
from gator.handlers.answers import refused
from gator.handlers.services import Services
from gator.hub.hub import Hub
from gator.hub.peer import Sink
from gator.ports import Timer
from gator.protocol.codec import NAMES, command_id, decode
from gator.protocol.commands import Command, SendMessage
from gator.protocol.errors import RATE_LIMITED, TOKEN_EXPIRED, Refusal
from gator.protocol.events import Limits, OnlineUsers
from gator.protocol.session import Session, State, Step
from gator.protocol.types import ConnectionId
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics


class Connection:
    """A connection from its greeting to its end.

    The gateway that made it calls `receive_text` for one frame at a time, and the next
    only when what the last one returned is done; and `ended` once, however it ended.
    """

    __slots__ = (
        "_expiry",
        "_expiry_leeway_s",
        "_hub",
        "_limits",
        "_log",
        "_metrics",
        "_opened_at",
        "_services",
        "_session",
        "peer",
    )

    def __init__(
        self,
        identity: Identity,
        sink: Sink,
        *,
        hub: Hub,
        services: Services,
        limits: RateLimits,
        expiry_leeway_s: float,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._hub = hub
        self._services = services
        self._limits = limits
        self._metrics = metrics
        self._log = log
        self._session = Session()
        self._expiry_leeway_s = expiry_leeway_s
        self._expiry: Timer | None = None
        self._opened_at = perf_counter()
        self.peer = hub.connect(ConnectionId(services.new_id()), identity, sink)
        self.peer.on_renew = self._expire_with
        self._expire_with(identity)
        log.debug("connected", connection=self.peer.id, user=identity.user_id)

    def greet(self, *, heartbeat_ms: int, limits: Limits) -> None:
        """Say the first frame."""
        user_id = self.peer.identity.user_id
        self.peer.send(
            OnlineUsers(
                users=self._services.presence.visible_to(user_id),
                connection_id=self.peer.id,
                user_id=user_id,
                heartbeat_ms=heartbeat_ms,
                epoch=self._services.store.epoch,
                limits=limits,
                timestamp=self._services.timestamp(),
            )
        )
        self._session.step(Step.GREETED)

    def receive_text(self, text: str) -> Awaitable[None] | None:
        """Carry out the command in a text frame.

        Returns:
            What to await before the next frame, or None. It never raises.
        """
        command: Command | None = None
        try:
            self._limits.check_frame(self.peer.id)
            command = decode(text)
            self._session.check(command)
            self._limits.check_command(self.peer.identity.user_id, command)
            kind = type(command)
            self._metrics.commands.labels(NAMES[kind]).inc()
            waiting = HANDLERS[kind](self._services, self.peer, command)
        except Refusal as refusal:
            self._refuse(refusal, text, command)
            return None
        except Exception as error:
            self._fail(error, text, command)
            return None
        return None if waiting is None else self._finish(waiting, text, command)

    async def _finish(self, waiting: Awaitable[None], text: str, command: Command) -> None:
        try:
            await waiting
        except Refusal as refusal:
            self._refuse(refusal, text, command)
        except Exception as error:
            self._fail(error, text, command)

    def receive_binary(self) -> None:
        """Answer a binary frame."""
        try:
            self._limits.check_frame(self.peer.id)
            raise Refusal("binary_not_supported")
        except Refusal as refusal:
            self._refuse(refusal, "", None)

    def drain(self, after_ms: int) -> None:
        """Ask the client to come back later; it may finish what it began."""
        self._session.step(Step.DRAIN)
        self._hub.ask_to_reconnect(self.peer, after_ms)

    def ended(self, code: int) -> None:
        """Let go of everything. Idempotent."""
        if self._session.state is State.CLOSED:
            return
        self._session.step(Step.CLOSE)
        if self._expiry is not None:
            self._expiry.cancel()
        self._hub.disconnect(self.peer)
        self._limits.forget(self.peer.id)
        lived = perf_counter() - self._opened_at
        self._metrics.connections_closed.labels(str(code)).inc()
        self._metrics.connection_seconds.observe(lived)
        self._log.debug("disconnected", connection=self.peer.id, code=code, seconds=round(lived, 3))

    def _refuse(self, refusal: Refusal, text: str, command: Command | None) -> None:
        self._metrics.refused.labels(refusal.code).inc()
        self.peer.send(
            refused(
                refusal,
                timestamp=self._services.timestamp(),
                reply_to=command_id(text) if command is None else command.id,
                client_message_id=command.client_message_id if isinstance(command, SendMessage) else None,
            )
        )
        if refusal.code == "rate_limited" and self._limits.hammers(self.peer.id):
            self._log.info("hammering", connection=self.peer.id, user=self.peer.identity.user_id)
            self.peer.close(RATE_LIMITED)

    def _fail(self, error: Exception, text: str, command: Command | None) -> None:
        self._metrics.errors.labels("handler").inc()
        self._log.error(
            "handler_failed",
            command=type(command).__name__,
            connection=self.peer.id,
            exc_info=error,
        )
        self._refuse(Refusal("internal"), text, command)

    def _expire_with(self, identity: Identity) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if identity.expires_at is not None:
            left_s = (identity.expires_at - self._services.clock.now()) / 1000 + self._expiry_leeway_s
            self._expiry = self._services.clock.call_later(
                max(0.0, left_s), lambda: self.peer.close(TOKEN_EXPIRED)
            )
