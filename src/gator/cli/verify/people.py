"""Who takes part, and the two doors of the server for each of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from gator.cli.verify.address import Address, AddressError, address_of
from gator.cli.verify.line import Line, OnFrame
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.options import CannotRun, Options
from gator.cli.verify.pace import Pace
from gator.cli.verify.promises import Verdicts
from gator.protocol.errors import CONNECTING_TOO_FAST, INVALID_TOKEN, ORIGIN_NOT_ALLOWED
from gator.protocol.events import Limits, OnlineUsers

SPARE: Final = 2
"""Connections of each user left for repeats, and for those that the server has not missed yet."""

LEAST_CONNECTIONS: Final = 2

_CONVERSATION: Final = "x"


UNLIMITED: Final = 1_000
"""Connections of one user where there is no limit: as many as there are clients at most."""


class Person:
    """A user: one identity, some connections, one allowance.

    Attributes:
        greeting: The first frame of a first connection.
        connections: Places for connections; whoever opens one takes a place.
    """

    def __init__(self, user_id: str, address: Address, greeting: OnlineUsers, verdicts: Verdicts) -> None:
        assert greeting.limits is not None
        self.user_id = user_id
        self.address = address
        self.greeting = greeting
        self.limits: Limits = greeting.limits
        self.pace = Pace(self.limits.messages_per_second)
        self.connections = asyncio.Semaphore(self.most_connections)
        self._verdicts = verdicts

    @property
    def most_connections(self) -> int:
        """How many connections the user may have; a server without limits announces 0."""
        return self.limits.max_connections_per_user or UNLIMITED

    @property
    def api(self) -> str:
        """Address of the HTTP API."""
        return self.address.members.removesuffix(f"/conversations/{_CONVERSATION}/members")

    async def open(self, who: str, *, on_frame: OnFrame | None = None) -> Line:
        """Connect once more. See `Line.open`."""
        return await Line.open(who, self.address, self._verdicts, on_frame=on_frame)

    @asynccontextmanager
    async def line(self, who: str, *, on_frame: OnFrame | None = None) -> AsyncIterator[Line]:
        """Connect for a while, as soon as there is a connection to spare."""
        async with self.connections, await self.open(who, on_frame=on_frame) as line:
            yield line


async def gather(options: Options, verdicts: Verdicts) -> list[Person]:
    """Let everybody connect once, to learn who they are and what the limits are.

    In open mode there is one more than there are clients: a stranger.

    Raises:
        CannotRun: Somebody may not connect, or not twice, or there is no server.
    """
    try:
        people = await (_with_tokens(options, verdicts) if options.tokens else _made_up(options, verdicts))
    except AddressError as error:
        raise CannotRun(str(error)) from None
    if people[0].most_connections < LEAST_CONNECTIONS:
        raise CannotRun(f"This needs {LEAST_CONNECTIONS} connections of each user; the server allows fewer.")
    return people


async def _with_tokens(options: Options, verdicts: Verdicts) -> list[Person]:
    people: dict[str, Person] = {}
    for token in options.tokens:
        person = await _introduce(options, "somebody", token, verdicts)
        people.setdefault(person.user_id, person)
    return list(people.values())


async def _made_up(options: Options, verdicts: Verdicts) -> list[Person]:
    first, *others = (f"{options.name}-{number}" for number in range(options.clients + 1))
    known = await _introduce(options, first, None, verdicts)
    addresses = [(name, address_of(options.url, name, _CONVERSATION, None)) for name in others]
    # The limits are the same for all.
    return [known, *(Person(name, address, known.greeting, verdicts) for name, address in addresses)]


async def _introduce(options: Options, name: str, token: str | None, verdicts: Verdicts) -> Person:
    address = address_of(options.url, name, _CONVERSATION, token)
    line = await _open_patiently(name, address, verdicts)
    await line.close()
    return Person(line.greeting.user_id or name, address, line.greeting, verdicts)


async def _open_patiently(name: str, address: Address, verdicts: Verdicts) -> Line:
    for patience_s in (1.0, 2.0, 4.0, None):
        try:
            return await Line.open(name, address, verdicts)
        except NotOpened as error:
            if patience_s is None or error.code != CONNECTING_TOO_FAST.code:
                raise CannotRun(_why(address, error)) from None
            await asyncio.sleep(patience_s)
    raise AssertionError


def _why(address: Address, error: NotOpened) -> str:
    if error.code == INVALID_TOKEN.code and error.reason == INVALID_TOKEN.reason:
        return (
            f"{address.socket}: the server refuses the token, or wants one: see --token, --token-file, --secret."
        )
    if error.code == ORIGIN_NOT_ALLOWED.code:
        return f"{address.socket}: {error}."
    if error.status is not None:
        hint = "does the proxy pass Upgrade and Connection on, and the path /ws/?"
        return f"{address.socket}: no WebSocket: {error}; {hint}"
    return f"{address.socket}: no chat server answers: {error}."


def cast(people: Sequence[Person], clients: int) -> list[Person]:
    """Say whose each client is: everybody's in turn, as far as the limits allow."""
    parts: list[Person] = []
    taken = dict.fromkeys(people, 0)
    while len(parts) < clients:
        free = [one for one in people if taken[one] < max(1, one.most_connections - SPARE)]
        if not free:
            break
        for person in free[: clients - len(parts)]:
            taken[person] += 1
            parts.append(person)
    return parts
