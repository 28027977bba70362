"""The one connection of a client: opened, watched, given up, opened again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from gator_chat_client.address import Address
from gator_chat_client.backoff import Backoff
from gator_chat_client.clock import Clock, Timer
from gator_chat_client.closings import Ending
from gator_chat_client.credentials import Credentials
from gator_chat_client.errors import AddressError
from gator_chat_client.frames import Frame, read
from gator_chat_client.link import Door, Link, LinkEnded, OpenLink
from gator_chat_client.protocol.commands import Command, Heartbeat, RefreshToken
from gator_chat_client.protocol.errors import TOKEN_EXPIRED
from gator_chat_client.protocol.events import Limits, OnlineUsers, Reconnect
from gator_chat_client.states import Reason, State, moved

GREETING_S: Final = 10.0
"""How long to wait for the first frame, which says how long to wait for others."""

PROBE_S: Final = 5.0
"""How long the answer to a heartbeat may take that was asked for."""

MAX_UNSENT: Final = 10_000
"""Commands that may wait for the network; a connection that takes none for so long counts as lost."""


class ConnectionState(Struct, frozen=True, kw_only=True):
    """What is known of the connection.

    Attributes:
        why: `reason` as a sentence for people, if there is more to say.
        code: The closing code of the socket that ended last, if it had one.
        retry_at_ms: When the next attempt is made, in milliseconds since 1970; while waiting only.
        user_id: Who the server takes the user for; None before the first greeting.
    """

    state: State = "closed"
    reason: Reason = "new"
    why: str = ""
    code: int | None = None
    retry_at_ms: int | None = None
    user_id: str | None = None
    limits: Limits | None = None
    heartbeat_ms: int | None = None
    epoch: str | None = None


class Listener(Protocol):
    """Who hears of what happens on the connection. No call may fail."""

    def connected(self, greeting: OnlineUsers) -> None:
        """A socket is open and greeted; commands may be said."""

    def disconnected(self) -> None:
        """The socket is gone, and with it every answer that was awaited on it."""

    def heard(self, frame: Frame) -> None:
        """A frame came; the greeting too."""

    def moved(self, state: ConnectionState) -> None:
        """The state of the connection is another."""


class Connection:
    """Keeps a socket open for as long as it is wanted.

    Queue: commands on their way to the socket, `MAX_UNSENT` of them. They are dropped with the
    socket: whoever said them says them again on the next one.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        listener: Listener,
        *,
        open_link: OpenLink,
        clock: Clock,
        dice: Callable[[], float],
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._listener = listener
        self._open_link = open_link
        self._clock = clock
        self._backoff = Backoff(dice)
        self._state = ConnectionState()
        self._link: Link | None = None
        self._unsent: asyncio.Queue[str] = asyncio.Queue(MAX_UNSENT)
        self._ending: Ending | None = None
        """Why we cut the socket ourselves."""
        self._silence: Timer | None = None
        self._renewal: Timer | None = None
        self._probe: Timer | None = None
        self._wake = asyncio.Event()
        self._is_hurried = False
        self._is_greeted = False

    @property
    def state(self) -> ConnectionState:
        """What is known of the connection at this moment."""
        return self._state

    @property
    def is_up(self) -> bool:
        """True while commands may be said."""
        return self._is_greeted

    # What the client wishes

    async def run(self) -> None:
        """Stay connected until that is refused for good, or cancelled."""
        self._move("asked")
        try:
            while self._state.state != "closed":
                ending = await self._once()
                if ending.reason == "refused":
                    self._move("refused", ending)
                    return
                await self._wait(ending)
        finally:
            if self._state.state != "closed":
                self._move("closed")

    def send(self, command: Command) -> bool:
        """Say a command. False if there is no connection, and then it is forgotten."""
        if not self._is_greeted:
            return False
        try:
            self._unsent.put_nowait(msgspec.json.encode(command).decode())
        except asyncio.QueueFull:
            self._cut(Ending("lost", "the network takes nothing"))
            return False
        return True

    def caught_up(self) -> None:
        """Everything that was missed is there."""
        if self._state.state == "catching_up":
            self._backoff.reset()
            self._move("caught_up")

    def reconnect(self) -> None:
        """Do not wait any longer for the next attempt. With a socket, test whether it still lives."""
        if self._state.state == "waiting":
            self._is_hurried = True
            self._wake.set()
        elif self._is_greeted:
            self.probe()

    def probe(self) -> None:
        """Ask for a sign of life; without one within `PROBE_S` the socket counts as lost."""
        if self._is_greeted and self._probe is None and self.send(Heartbeat()):
            self._probe = self._clock.call_later(PROBE_S, self._is_silent)

    # One socket

    async def _once(self) -> Ending:
        """Connect, and listen until the socket ends."""
        self._ending = None
        self._unsent = asyncio.Queue(MAX_UNSENT)
        try:
            token = await self._credentials.fresh()
            door = Door(self._address.socket_of(token), self._address.socket_headers(token), self._address.is_near)
            link = await self._open_link(door)
        except AddressError as error:
            return Ending("refused", str(error))
        except LinkEnded as ended:
            return self._in_our_words(ended.ending)
        except Exception as error:
            # A source of tokens that asks somebody else may fail for a while.
            return Ending("token_failed", f"no token: {error!r}")
        self._link = link
        writer = asyncio.create_task(self._write(link))
        self._hear_within(GREETING_S)
        try:
            return await self._listen(link)
        finally:
            writer.cancel()
            self._forget()
            await link.close()

    async def _listen(self, link: Link) -> Ending:
        try:
            while True:
                self._take(read(await link.receive()))
        except LinkEnded as ended:
            return self._in_our_words(self._ending or ended.ending)

    async def _write(self, link: Link) -> None:
        with suppress(LinkEnded):  # told of where it is listened to
            while True:
                await link.send(await self._unsent.get())

    def _take(self, frame: Frame) -> None:
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None
        if isinstance(frame, OnlineUsers) and frame.connection_id is not None:
            self._greeted(frame)
        elif not self._is_greeted:
            return  # nothing comes before the greeting; this is none of ours
        else:
            self._hear_within(self._silence_s)
        if isinstance(frame, Reconnect):
            after_s = frame.after_ms / 1000
            self._say_goodbye(Ending("server_restarts", "the server will restart", least_s=after_s, is_due=True))
            return
        self._listener.heard(frame)

    def _greeted(self, greeting: OnlineUsers) -> None:
        user = self._address.user
        if user is not None and greeting.user_id != user:
            why = f"The token is that of {greeting.user_id!r}, not of {user!r}."
            self._say_goodbye(Ending("refused", why))
            return
        self._is_greeted = True
        self._state = msgspec.structs.replace(
            self._state,
            user_id=greeting.user_id,
            limits=greeting.limits,
            heartbeat_ms=greeting.heartbeat_ms,
            epoch=greeting.epoch,
        )
        self._hear_within(self._silence_s)
        self._renew_later()
        self._move("welcomed")
        self._listener.connected(greeting)

    def _forget(self) -> None:
        for timer in (self._silence, self._probe, self._renewal):
            if timer is not None:
                timer.cancel()
        self._silence = self._probe = self._renewal = None
        self._link = None
        if self._is_greeted:
            self._is_greeted = False
            self._listener.disconnected()

    def _cut(self, ending: Ending) -> None:
        if self._link is not None and self._ending is None:
            self._ending = ending
            self._link.abort()

    def _say_goodbye(self, ending: Ending) -> None:
        """End the socket by the book; who does not answer that is cut off by the link itself."""
        if self._link is not None and self._ending is None:
            self._ending = ending
            self._goodbye = asyncio.ensure_future(self._link.close())

    def _in_our_words(self, ending: Ending) -> Ending:
        """A token that ended can only be replaced by whoever can ask for another."""
        if ending.code != TOKEN_EXPIRED.code or self._credentials.can_refresh:
            return ending
        return Ending("refused", "The token has ended.", ending.code)

    # Signs of life

    @property
    def _silence_s(self) -> float:
        """Nothing at all for two beats: the connection is dead."""
        beat_ms = self._state.heartbeat_ms
        return GREETING_S if beat_ms is None else 2 * beat_ms / 1000

    def _hear_within(self, seconds: float) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._clock.call_later(seconds, self._is_silent)

    def _is_silent(self) -> None:
        self._cut(Ending("silent", "nothing was heard"))

    # The token

    def _renew_later(self) -> None:
        seconds = self._credentials.refresh_in_s()
        if seconds is not None:
            self._renewal = self._clock.call_later(seconds, self._renew)

    def _renew(self) -> None:
        link = self._link
        self._renewing = asyncio.ensure_future(self._refresh(link))

    async def _refresh(self, link: Link | None) -> None:
        # If it cannot be had now, the connection ends with the token and the next one asks again.
        with suppress(Exception):
            token = await self._credentials.fresh()
            if token is not None and link is self._link:
                self.send(RefreshToken(token=token))
                self._renew_later()

    # Between two sockets

    async def _wait(self, ending: Ending) -> None:
        """Wait for the time that the server asks for, or else one that is drawn."""
        wait_s = ending.least_s if ending.is_due else ending.least_s + self._backoff.next_s()
        self._wake.clear()
        self._is_hurried = False
        self._move(ending.reason, ending, retry_at_ms=self._clock.now() + round(wait_s * 1000))
        timer = self._clock.call_later(wait_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        self._move("asked" if self._is_hurried else "retry_due")

    def _move(self, reason: Reason, ending: Ending | None = None, *, retry_at_ms: int | None = None) -> None:
        self._state = msgspec.structs.replace(
            self._state,
            state=moved(self._state.state, reason),
            reason=reason,
            why="" if ending is None else ending.why,
            code=None if ending is None else ending.code,
            retry_at_ms=retry_at_ms,
        )
        self._listener.moved(self._state)
