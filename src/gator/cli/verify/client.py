"""A client that comes back, resumes, and judges what it is told, as `docs/protocol.md` asks."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Final

from gator.cli.verify.api import Api, ApiError
from gator.cli.verify.figures import Figures
from gator.cli.verify.frames import Frame
from gator.cli.verify.ledger import Ledger, Logged, logged
from gator.cli.verify.line import Gone, Line, rest_s
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.options import CannotRun
from gator.cli.verify.people import Person
from gator.cli.verify.place import Place, Step
from gator.cli.verify.promises import Verdicts
from gator.protocol.errors import ERRORS, INVALID_TOKEN
from gator.protocol.events import (
    Ack,
    ConversationJoined,
    ConversationLeft,
    Error,
    Reconnect,
    TypingIndicator,
)

LEAST_REST_S: Final = 0.1
MOST_REST_S: Final = 1.5
"""Between two attempts to connect."""


@dataclass(frozen=True, slots=True)
class World:
    """What all clients share."""

    verdicts: Verdicts
    figures: Figures
    ledger: Ledger
    api: Api
    conversations: Sequence[str]
    tasks: asyncio.TaskGroup

    def start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do something besides, at most until the end of the run."""
        return self.tasks.create_task(work)


class Client:
    """One client, over as many connections as it takes.

    Attributes:
        why_away: How the last connection ended, or why there was none.
        away_s: How long to stay away after the end of the connection.
    """

    def __init__(self, name: str, person: Person, world: World, dice: Random) -> None:
        self.name = name
        self.person = person
        self.why_away = "it was never connected"
        self.away_s: float | None = None
        self._world = world
        self._verdicts = world.verdicts
        self._places = {one: Place(name, one, world.verdicts, world.figures) for one in world.conversations}
        self._dice = dice
        self._line: Line | None = None
        self._failures = 0
        self._moved = asyncio.Event()

    @property
    def line(self) -> Line | None:
        """The connection, if everything is joined on it."""
        is_in = all(place.is_in for place in self._places.values())
        return self._line if is_in and self._line is not None and not self._line.is_over else None

    async def connected(self) -> Line:
        """Await a connection on which everything is joined."""
        await self._until(lambda: self.line is not None)
        assert self.line is not None
        return self.line

    async def reached(self, heads: Mapping[str, int]) -> None:
        """Await that everything up to these positions was told."""
        await self._until(lambda: not self.behind(heads))

    def behind(self, heads: Mapping[str, int]) -> list[str]:
        """Say where something is missing, in words."""
        places = ((place, heads.get(one, 0)) for one, place in self._places.items())
        return [
            f"{self.name} was told events of {place.conversation_id!r} up to {place.position} of {head}"
            for place, head in places
            if place.position < head
        ]

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._moved.clear()
            await self._moved.wait()

    # Staying connected

    async def stay(self) -> None:
        """Connect, and connect again whenever the connection ends. Never returns."""
        async with self.person.connections:
            while True:
                await self._connect()
                rest_s, self.away_s = self.away_s, None
                await asyncio.sleep(self._backoff_s() if rest_s is None else rest_s)
                self._world.figures.reconnects += 1

    async def _connect(self) -> None:
        try:
            line = await self.person.open(self.name, on_frame=self._hear)
        except NotOpened as error:
            self.why_away = str(error)
            if (error.code, error.reason) == (INVALID_TOKEN.code, INVALID_TOKEN.reason):
                raise CannotRun(f"The token of {self.person.user_id!r} is not taken any more.") from None
            return
        self._line = line
        try:
            await self._enter(line)
            await asyncio.wait({line.ended})
        except* (Gone, TimeoutError):
            pass
        finally:
            await self._leave(line)

    async def _enter(self, line: Line) -> None:
        async with asyncio.TaskGroup() as joins:
            for place in self._places.values():
                joins.create_task(self._join(line, place))
        self._failures = 0

    async def _leave(self, line: Line) -> None:
        # What came before the end is taken in to the end: only then another connection may speak.
        line.abort()
        await asyncio.wait({line.ended})
        self.why_away = str(line.ended.result())
        self._world.figures.closed_by_server += line.was_closed_by_server
        self._line = None
        for place in self._places.values():
            place.lost()

    async def _join(self, line: Line, place: Place, *, after_gap: bool = False) -> None:
        while line is self._line:
            answer = await line.ask(place.join(after_gap))
            if not isinstance(answer, Error):
                self._moved.set()
                return
            if not ERRORS[answer.code].temporary:
                what = f"{self.name}, a member of {place.conversation_id!r}, cannot join it: {answer.code}"
                self._verdicts.broken("live", what)
            await asyncio.sleep(rest_s(answer))
        raise Gone

    async def rejoin(self, conversation_id: str, *, after_gap: bool = False) -> None:
        """Join again on the same connection, if there is one."""
        line, place = self._line, self._places[conversation_id]
        if line is None or not place.is_in:
            return
        try:
            await self._join(line, place, after_gap=after_gap)
        except (Gone, TimeoutError):
            line.abort()

    def _backoff_s(self) -> float:
        self._failures += 1
        return self._dice.uniform(LEAST_REST_S, min(MOST_REST_S, 0.2 * 2.0 ** min(self._failures, 10)))

    # Hearing

    def _hear(self, frame: Frame) -> None:
        match frame:
            case ConversationJoined():
                self._joined(frame)
            case Ack():
                self._world.ledger.acked(frame, live_since=self._thawed_at, now=monotonic())
            case TypingIndicator():
                what = f"{self.name} is told that it is typing itself"
                self._verdicts.check("typing", frame.user_id != self.person.user_id, what)
            case ConversationLeft() if frame.conversation_id in self._places:
                what = f"{self.name} was put out of {frame.conversation_id!r}: {frame.reason}"
                self._verdicts.broken("live", what)
            case Reconnect():
                self.away_s = frame.after_ms / 1000
                if self._line is not None:
                    self._world.start(self._line.close())
            case _:
                self._told(logged(frame))

    @property
    def _thawed_at(self) -> float:
        return 0.0 if self._line is None else self._line.thawed_at

    def _joined(self, answer: ConversationJoined) -> None:
        place = self._places.get(answer.conversation_id)
        if place is None:
            return
        after = place.joined(answer, monotonic())
        if after is not None:
            self._world.start(self._load(place.conversation_id, after, answer.seq))

    def _told(self, event: Logged | None) -> None:
        place = None if event is None else self._places.get(event.conversation_id or "")
        if event is None or event.seq is None or place is None:
            return
        step = place.told(event.seq)
        live_since = max(place.live_since, self._thawed_at)
        self._world.ledger.told(event, self.name, live_since=live_since, now=monotonic())
        if step is Step.GAP:
            self._world.start(self.rejoin(place.conversation_id, after_gap=True))
        self._moved.set()

    async def _load(self, conversation_id: str, after: int, head: int) -> None:
        """Load over HTTP what the server does not replay."""
        try:
            log = await self._world.api.log(self.person, conversation_id, after)
        except ApiError as error:
            self._verdicts.broken("history", str(error))
            return
        for event in log.events:
            self._world.ledger.told(event, self.name, live_since=monotonic(), now=monotonic())
        loaded = {event.seq for event in log.events}
        what = f"{self.name} cannot load all events of {conversation_id!r} from {after} to {head}"
        self._verdicts.check("history", loaded >= set(range(after + 1, head + 1)), what)
