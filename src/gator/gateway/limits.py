"""How much in how short a time, for users, connections and addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gator.domain.limits import Buckets, Rate
from gator.ports import Clock
from gator.protocol.commands import (
    Command,
    CreateConversation,
    JoinConversation,
    LeaveConversation,
    RegenerateReply,
    SendMessage,
    TypingStart,
    TypingStop,
)
from gator.protocol.errors import Refusal
from gator.protocol.types import ConnectionId, UserId

STRIKES: Final = Rate(per_second=1, burst=100)
"""Refusals for haste that a connection may collect before it is closed."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates in force."""

    messages: Rate
    typing: Rate
    joins: Rate
    commands: Rate
    connects: Rate
    http: Rate


class RateLimits:
    """Token buckets: by user for what reaches others, by connection for frames as such.

    Args:
        rates: None lifts all limits.
    """

    def __init__(self, rates: Rates | None, clock: Clock) -> None:
        self._clock = clock
        self._off = rates is None
        self.rates = rates
        if rates is None:
            return
        messages, typing, joins = Buckets(rates.messages), Buckets(rates.typing), Buckets(rates.joins)
        self._of_command: Mapping[type[Command], Buckets] = {
            SendMessage: messages,
            RegenerateReply: messages,
            TypingStart: typing,
            TypingStop: typing,
            JoinConversation: joins,
            LeaveConversation: joins,
            CreateConversation: joins,
        }
        self._messages = messages
        self._joins = joins
        self._frames = Buckets(rates.commands)
        self._strikes = Buckets(STRIKES)
        self._connects = Buckets(rates.connects)
        self._http = Buckets(rates.http)

    def check_frame(self, connection_id: ConnectionId) -> None:
        """Refuse a frame of a connection that sends too many, whatever is in it.

        Raises:
            Refusal: `rate_limited`.
        """
        if not self._off:
            _take(self._frames, connection_id, self._clock.monotonic())

    def check_command(self, user_id: UserId, command: Command) -> None:
        """Refuse a command of a user who gives too many of its kind.

        Raises:
            Refusal: `rate_limited`.
        """
        if self._off:
            return
        buckets = self._of_command.get(type(command))
        if buckets is not None:
            _take(buckets, user_id, self._clock.monotonic())

    def check_message(self, user_id: UserId) -> None:
        """Do as `check_command` for a message that came over HTTP."""
        if not self._off:
            _take(self._messages, user_id, self._clock.monotonic())

    def check_create(self, user_id: UserId) -> None:
        """Do as `check_command` for a conversation created over HTTP."""
        if not self._off:
            _take(self._joins, user_id, self._clock.monotonic())

    def check_http(self, who: str) -> None:
        """Refuse a request of a user or address that makes too many.

        Raises:
            Refusal: `rate_limited`.
        """
        if not self._off:
            _take(self._http, who, self._clock.monotonic())

    def may_connect(self, address: str) -> bool:
        """Tell whether an address may open one more connection now."""
        return self._off or self._connects.take(address, self._clock.monotonic()) == 0

    def hammers(self, connection_id: ConnectionId) -> bool:
        """Count a refusal for haste; true when there were too many to go on."""
        return not self._off and self._strikes.take(connection_id, self._clock.monotonic()) > 0

    def forget(self, connection_id: ConnectionId) -> None:
        """A connection ended: its own buckets end with it."""
        if not self._off:
            self._frames.forget(connection_id)
            self._strikes.forget(connection_id)


def _take(buckets: Buckets, key: str, now: float) -> None:
    wait_ms = buckets.take(key, now)
    if wait_ms:
        raise Refusal("rate_limited", retry_after_ms=wait_ms)
