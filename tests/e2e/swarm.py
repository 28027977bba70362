"""Many people who talk over bad connections to a server that is killed again and again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import httpx2
from tests.support.client import Client, Frame, Gone
from tests.support.server import Server
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

WINDOW: Final = 5
"""Messages that a person has under way at once."""

MOST_AWAY: Final = 20

DURABLE: Final = frozenset({"new_message", "conversation_created", "members_added"})

LOST = (ConnectionClosed, Gone, OSError, InvalidHandshake, InvalidMessage)
"""How a client notices that the server, or the way to it, is gone."""


class World:
    """What all people share: the server, and how far everybody is."""

    def __init__(self, server: Server, people: int, total: int, kills: Sequence[int], dice: Random) -> None:
        self.server = server
        self.total = total
        self.acked = 0
        self.heads: dict[str, int] = {}
        self.people: list[Person] = []
        self.all_here = asyncio.Barrier(people)
        self.disconnects = self.repeats = self.twins = 0
        self.unacked_at_kills: list[int] = []
        self.up = asyncio.Event()
        self.up.set()
        self._dice = dice
        self._kills = kills
        self._senders: set[Person] = set()
        self._away: dict[Person, tuple[int, asyncio.Event]] = {}
        self._moved = asyncio.Event()

    def add(self, person: "Person") -> None:
        """Take in somebody who is going to send."""
        self.people.append(person)
        self._senders.add(person)

    def count(self) -> None:
        """Note that one more message is acknowledged."""
        self.acked += 1
        self._moved.set()
        for target, back in self._away.values():
            if self.acked >= target:
                back.set()

    def finished(self, person: "Person") -> None:
        """Note that all messages of a person are acknowledged."""
        self._senders.discard(person)
        self._call_back_if_nobody_speaks()

    async def stay_away(self, person: "Person", messages: int) -> None:
        """Wait until others have said that much, or nobody else is there to say it."""
        if len(self._away) >= MOST_AWAY:
            return
        back = asyncio.Event()
        self._away[person] = (self.acked + messages, back)
        self._call_back_if_nobody_speaks()
        await back.wait()
        del self._away[person]

    def _call_back_if_nobody_speaks(self) -> None:
        if self._senders <= self._away.keys():
            for _, back in self._away.values():
                back.set()

    async def kill_at_random(self) -> None:
        """Kill and restart the server each time that so many messages are acknowledged."""
        for at in self._kills:
            await self._until_acked(at)
            for _ in range(self._dice.randrange(100)):
                await asyncio.sleep(0)
            self.up.clear()
            self.server.kill()
            self.unacked_at_kills.append(sum(len(person.under_way) for person in self.people))
            await asyncio.to_thread(self.server.start)
            self.up.set()
        await self._until_acked(self.total)

    async def _until_acked(self, count: int) -> None:
        while self.acked < count:
            self._moved.clear()
            await self._moved.wait()


class Person:
    """A client as it should be: comes back with its positions, repeats what was not acknowledged.

    Attributes:
        views: What it has seen of each conversation, from the first event on.
        sent: Content by `client_message_id`, with its conversation.
        acks: Message id and `seq` by `client_message_id`.
        fresh: How often each message was acknowledged as new.
    """

    def __init__(self, world: World, user: str, rooms: Sequence[str], quota: int, dice: Random) -> None:
        self.world = world
        self.user = user
        self.views: dict[str, list[Frame]] = {room: [] for room in rooms}
        self.sent: dict[str, tuple[str, str]] = {}
        self.acks: dict[str, tuple[str, int]] = {}
        self.fresh: dict[str, int] = {}
        self.under_way: set[str] = set()
        self._quota = quota
        self._dice = dice
        self._moved = asyncio.Event()
        world.add(self)

    async def live(self) -> None:
        """Connect again and again until everything is said and seen."""
        while not self._is_done():
            try:
                async with await self._connect(self._take) as line:
                    await self._talk(line)
                # Read to the end: what came in before the end was seen.
                await line.gone()
            except LOST:
                await self.world.up.wait()

    def move(self) -> None:
        """Look whether there is something to do."""
        self._moved.set()

    async def _connect(self, on_frame: Callable[[Frame], None] | None) -> Client:
        return await Client.open(self.world.server.as_user(self.user), on_frame=on_frame, on_end=self.move)

    async def _talk(self, line: Client) -> None:
        for room, view in self.views.items():
            await line.say("join_conversation", conversation_id=room, after_seq=len(view))
        if not self.sent:
            await self.world.all_here.wait()
        for message in sorted(self.under_way):
            await self._send(line, message)
        while not self._is_done():
            self._moved.clear()
            while len(self.under_way) < WINDOW and len(self.sent) < self._quota:
                if await self._act(line):
                    return
            if line.is_over:
                raise Gone
            await self._moved.wait()

    async def _act(self, line: Client) -> bool:
        """Say the next thing; true if the connection is to be left."""
        message = self._next_message()
        chance = self._dice.random()
        if chance < 0.02:
            await self._send_twice_at_once(line, message)
        else:
            await self._send(line, message)
        if chance > 0.97 and self.acks:
            self.world.repeats += 1
            await self._send(line, self._dice.choice(sorted(self.acks)))
        if self._dice.random() > 0.02:
            return False
        self.world.disconnects += 1
        if self._dice.random() < 0.5:
            line.abort()
        await line.close()
        if self._dice.random() < 0.5:
            await self.world.stay_away(self, self._dice.randrange(1, 400))
        return True

    def _next_message(self) -> str:
        message = f"{self.user}-{len(self.sent):04}"
        words = self._dice.choice(("tea", "Grüße", "日本", "🐊" * 3, 'a "quote" \\ \n line', "x" * 300))
        self.sent[message] = (self._dice.choice([*self.views]), f"{words} {message}")
        self.under_way.add(message)
        return message

    async def _send(self, line: Client, message: str) -> None:
        room, content = self.sent[message]
        await line.say("send_message", conversation_id=room, content=content, client_message_id=message)

    async def _send_twice_at_once(self, line: Client, message: str) -> None:
        self.world.twins += 1
        async with await self._connect(None) as twin:
            await asyncio.gather(self._send(line, message), self._send(twin, message))
            self._take(await twin.until("ack", client_message_id=message))

    def _take(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind in DURABLE:
            view = self.views[frame["conversation_id"]]
            assert frame["seq"] == len(view) + 1, f"{self.user} has {len(view)} and is told {frame}"
            view.append(frame)
        elif kind == "ack":
            self._take_ack(frame)
        elif kind == "conversation_joined":
            assert frame["recovered"], frame
        assert kind != "error", frame
        self._moved.set()

    def _take_ack(self, frame: Frame) -> None:
        message = frame["client_message_id"]
        stored = (frame["message_id"], frame["seq"])
        assert self.acks.setdefault(message, stored) == stored, f"{message} was stored twice"
        self.fresh[message] = self.fresh.get(message, 0) + (not frame["duplicate"])
        if message in self.under_way:
            self.under_way.remove(message)
            self.world.count()
            if len(self.acks) == self._quota:
                self.world.finished(self)

    def _is_done(self) -> bool:
        heads = self.world.heads
        return bool(heads) and all(len(view) >= heads[room] for room, view in self.views.items())


async def read_log(http: httpx2.AsyncClient, user: str, room: str, page: int) -> list[Frame]:
    """Read all events of a conversation over HTTP."""
    events: list[Frame] = []
    more = True
    while more:
        answer = await http.get(
            f"/conversations/{room}/events",
            params={"after": len(events), "limit": page},
            headers={"X-Gator-User": user},
        )
        found = answer.raise_for_status().json()
        events += found["events"]
        more = found["has_more"]
    assert found["head"] == len(events)
    return events


def check_log(world: World, logs: dict[str, list[Frame]]) -> None:
    """Compare the logs with what was sent: everything once, numbered without a hole."""
    sent = {message: (room, text) for person in world.people for message, (room, text) in person.sent.items()}
    stored: Counter[str] = Counter()
    for room, log in logs.items():
        assert [event["seq"] for event in log] == list(range(1, len(log) + 1)), f"{room} has holes"
        for event in log:
            if event["type"] == "new_message":
                message = event["message"]
                stored[message["client_message_id"]] += 1
                assert sent[message["client_message_id"]] == (room, message["content"])
                assert message["seq"] == event["seq"]
    assert len(sent) == world.total
    assert stored == Counter([*sent]), "a message is lost, or doubled"


def check_acks(world: World, logs: dict[str, list[Frame]]) -> None:
    """Compare what was acknowledged with the logs."""
    for person in world.people:
        assert person.acks.keys() == person.sent.keys()
        assert max(person.fresh.values()) <= 1, f"{person.user} was told twice that a message is new"
        for message, (message_id, seq) in person.acks.items():
            found = logs[person.sent[message][0]][seq - 1]["message"]
            assert (found["id"], found["client_message_id"]) == (message_id, message)
