"""Whatever the network does: every message is stored once, in order, and every event is read once, in order."""

import asyncio
from collections import deque
from typing import Any

from clients.python.tests.stage import LIMITS, Frame, Reader, Stage, message, settle
from hypothesis import given, settings
from hypothesis import strategies as st

from gator_chat_client import Conversation, Discontinuity, NewMessage
from gator_chat_client.joining import MOST_ASKED


class Room:
    """A server with one conversation, which goes by the book while the network does not.

    Attributes:
        log: Its messages.
    """

    def __init__(self, stage: Stage) -> None:
        self.log: list[Frame] = []
        self._stage = stage
        self._to_say: deque[Frame] = deque()
        self._done = 0
        self._links = 0
        self._is_joined = False
        self._lost = 0

    def say(self, content: str, sender: str, **fields: Any) -> int:
        """Store a message."""
        seq = len(self.log) + 1
        self.log.append(message(seq, content, sender, **fields))
        if self._is_joined:
            self._to_say.append(self._event(seq))
        return seq

    async def work(self) -> None:
        """Carry out what was asked since the last time, and greet whoever is new."""
        await settle()
        if len(self._stage.links) > self._links:
            self._links, self._done, self._is_joined = len(self._stage.links), 0, False
            self._to_say.clear()
            self._to_say.append(
                {
                    "type": "online_users",
                    "users": [],
                    "connection_id": "c",
                    "user_id": "ada",
                    "heartbeat_ms": 25_000,
                    "limits": LIMITS,
                }
            )
        if not self._stage.links:
            return
        commands = self._stage.link.commands
        while self._done < len(commands):
            self._done += 1
            self._obey(commands[self._done - 1])

    async def deliver(self, frames: int, *, loses: bool = False) -> None:
        """Carry frames to the client; of the log's events the first one may be lost on the way."""
        for _ in range(frames):
            if not self._to_say:
                return
            frame = self._to_say.popleft()
            if loses and frame["type"] == "new_message" and self._lost < MOST_ASKED:
                self._lost += 1
                loses = False
                continue
            await self._stage.link.says(frame.pop("type"), **frame)
            await self.work()

    def beat(self) -> None:
        """Say a heartbeat."""
        if self._is_joined:
            self._to_say.append({"type": "heartbeat", "heads": {"tea": len(self.log)}})

    def breaks(self) -> None:
        """The network breaks, and takes with it what is under way."""
        if self._stage.links and not self._stage.link.is_over:
            self._stage.link.breaks()
            self._to_say.clear()
            self._is_joined = False

    @property
    def is_quiet(self) -> bool:
        return not self._to_say

    def _obey(self, command: Frame) -> None:
        match command["type"]:
            case "join_conversation":
                self._let_in(command)
            case "send_message":
                self._store(command)

    def _let_in(self, command: Frame) -> None:
        self._is_joined = True
        after = command.get("after_seq")
        self._to_say.append(
            {
                "type": "conversation_joined",
                "conversation_id": "tea",
                "seq": len(self.log),
                "epoch": "e",
                "recovered": after is not None,
                "role": "member",
                "member_count": 2,
                "online": [],
                "online_count": 0,
                "reply_to": command["id"],
            }
        )
        for seq in range((len(self.log) if after is None else after) + 1, len(self.log) + 1):
            self._to_say.append(self._event(seq))

    def _store(self, command: Frame) -> None:
        client_message_id = command["client_message_id"]
        known = [each["seq"] for each in self.log if each.get("client_message_id") == client_message_id]
        seq = known[0] if known else self.say(command["content"], "ada", client_message_id=client_message_id)
        self._to_say.append(
            {
                "type": "ack",
                "conversation_id": "tea",
                "message_id": f"m{seq}",
                "seq": seq,
                "duplicate": bool(known),
                "client_message_id": client_message_id,
                "reply_to": command["id"],
            }
        )

    def _event(self, seq: int) -> Frame:
        return {"type": "new_message", "conversation_id": "tea", "seq": seq, "message": self.log[seq - 1]}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 3)),
        st.tuples(st.just("other"), st.integers(1, 3)),
        st.tuples(st.just("deliver"), st.integers(1, 6)),
        st.tuples(st.just("lose"), st.integers(1, 6)),
        st.tuples(st.just("break"), st.just(1)),
        st.tuples(st.just("beat"), st.just(1)),
        st.tuples(st.just("wait"), st.integers(1, 4)),
    ),
    max_size=25,
)


class Play:
    """One run of a client through what the network does to it."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.room = Room(self.stage)
        self.said: list[str] = []

    async def act(self, tea: Conversation, step: str, number: int) -> None:
        """Do one thing."""
        await self.room.work()
        match step:
            case "send":
                for _ in range(number):
                    self.said.append(f"line {len(self.said)}")
                    await tea.send(self.said[-1])
            case "other":
                for _ in range(number):
                    self.room.say("other", "bob")
            case "deliver" | "lose":
                await self.room.deliver(number, loses=step == "lose")
            case "break":
                self.room.breaks()
            case "beat":
                self.room.beat()
            case "wait":
                await self.stage.passes(number)

    async def comes_right(self) -> None:
        """From now on the network behaves."""
        for _ in range(12):
            await self.stage.passes(3)
            await self.room.work()
            self.room.beat()
            while not self.room.is_quiet:
                await self.room.deliver(50)


async def play(steps: list[tuple[str, int]]) -> None:
    played = Play()
    async with played.stage.client() as client:
        tea = client.conversation("tea", history=1000)
        reader = Reader(tea, with_history=True)
        for step, number in steps:
            await played.act(tea, step, number)
        await played.comes_right()
        log = played.room.log
        assert client.connection.state == "open"
        assert client.waiting == 0
        assert [each["content"] for each in log if each["sender_id"] == "ada"] == played.said
        assert [item for item in reader.items if isinstance(item, Discontinuity)] == []
        read = [item.message.id for item in reader.items if isinstance(item, NewMessage)]
        assert read == [each["id"] for each in log]
        assert [each.id for each in tea.snapshot.messages] == read
        assert tea.snapshot.outgoing == ()
        await reader.stop()


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_whatever_the_network_does_nothing_is_missed_and_nothing_is_doubled(steps: list[tuple[str, int]]) -> None:
    asyncio.run(play(steps))
