"""Whatever happens to the connection, everything is said once and shown once, in order."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.cli.chat.effects import Effect, Rest, Send, Show
from gator.cli.chat.lines import Said
from gator.cli.chat.state import Chat
from gator.protocol.commands import JoinConversation, SendMessage
from gator.protocol.errors import ERRORS
from gator.protocol.events import (
    Ack,
    ConversationJoined,
    Error,
    Event,
    HeartbeatEvent,
    Limits,
    Message,
    NewMessage,
    OnlineUsers,
    Sender,
)
from gator.protocol.types import ConversationId, MessageId, Seq, UserId

AT = "2025-01-15T10:30:00.000Z"
ANN, BOB, ROOM = UserId("ann"), UserId("bob"), ConversationId("room")
LIMITS = Limits(
    max_frame_bytes=9999,
    max_message_chars=99,
    max_joined_conversations=9,
    max_connections_per_user=5,
    messages_per_second=0,
)


class FakeServer:
    """A log, and the frames on their way to one client."""

    def __init__(self) -> None:
        self.log: list[NewMessage] = []
        self.on_the_way: deque[Event] = deque()
        self.joined = False
        self.is_hasty = False

    def store(self, by: UserId, text: str, client_message_id: str | None = None) -> NewMessage:
        seq = Seq(len(self.log) + 1)
        message = Message(
            id=MessageId(str(seq)),
            seq=seq,
            sender_id=by,
            sender=Sender(),
            content=text,
            timestamp=AT,
            is_ai=False,
            client_message_id=client_message_id,
        )
        event = NewMessage(conversation_id=ROOM, seq=seq, timestamp=AT, message=message)
        self.log.append(event)
        if self.joined:
            self.on_the_way.append(event)
        return event

    def carry_out(self, command: JoinConversation | SendMessage) -> None:
        if self.is_hasty:
            self.is_hasty = False
            row = ERRORS["rate_limited"]
            self.on_the_way.append(
                Error(code="rate_limited", message=row.meaning, reply_to=command.id, timestamp=AT)
            )
        elif isinstance(command, JoinConversation):
            self._join(command)
        else:
            self._take(command)

    def _join(self, command: JoinConversation) -> None:
        self.joined = True
        self.on_the_way.append(
            ConversationJoined(
                conversation_id=ROOM,
                seq=Seq(len(self.log)),
                epoch="e",
                recovered=command.after_seq is not None,
                role="member",
                member_count=2,
                online=(),
                online_count=0,
                reply_to=command.id,
                timestamp=AT,
            )
        )
        if command.after_seq is not None:
            self.on_the_way.extend(self.log[command.after_seq :])

    def _take(self, command: SendMessage) -> None:
        stored = [one for one in self.log if one.message.client_message_id == command.client_message_id]
        event = stored[0] if stored else self.store(ANN, command.content, command.client_message_id)
        self.on_the_way.append(
            Ack(
                conversation_id=ROOM,
                message_id=event.message.id,
                seq=event.seq,
                duplicate=bool(stored),
                client_message_id=command.client_message_id,
                reply_to=command.id,
                timestamp=AT,
            )
        )


class World:
    """A client, a server and a bad line between them."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.chat = Chat(ANN, ROOM)
        self.to_server: deque[JoinConversation | SendMessage] = deque()
        self.resting = 0
        self.typed: list[str] = []
        self.shown: list[str] = []
        self.connect()

    def follow(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(command):
                    assert isinstance(command, JoinConversation | SendMessage)
                    self.to_server.append(command)
                case Show(Said(text=text)):
                    self.shown.append(text)
                case Rest():
                    self.resting += 1
                case _:
                    pass

    def connect(self) -> None:
        self.server.on_the_way.append(
            OnlineUsers(users=(), connection_id="c", user_id=ANN, heartbeat_ms=1000, limits=LIMITS, timestamp=AT)
        )

    def type(self) -> None:
        text = f"ann {len(self.typed)}"
        self.typed.append(text)
        self.follow(self.chat.say(text, text))

    def other_speaks(self) -> None:
        self.server.store(BOB, f"bob {len(self.server.log)}")

    def command_arrives(self) -> None:
        if self.to_server:
            self.server.carry_out(self.to_server.popleft())

    def frame_arrives(self) -> None:
        if self.server.on_the_way:
            self.follow(self.chat.receive(self.server.on_the_way.popleft()))

    def other_is_not_heard(self) -> None:
        """A live event is lost between two nodes; what is read from the log never is."""
        joined, self.server.joined = self.server.joined, False
        self.other_speaks()
        self.server.joined = joined

    def server_is_hasty(self) -> None:
        self.server.is_hasty = True

    def rest_ends(self) -> None:
        if self.resting:
            self.resting -= 1
            self.follow(self.chat.rested())

    def beat(self) -> None:
        heads = {ROOM: Seq(len(self.server.log))} if self.server.joined else {}
        self.server.on_the_way.append(HeartbeatEvent(heads=heads, timestamp=AT))

    def cut(self) -> None:
        """The connection breaks, with all that is on the way in both directions."""
        self.server.joined = False
        self.server.on_the_way.clear()
        self.to_server.clear()
        self.follow(self.chat.lost("cut"))
        self.connect()

    def settle(self) -> None:
        """Let everything arrive."""
        for _ in range(3):
            while self.to_server or self.server.on_the_way or self.resting:
                self.command_arrives()
                self.frame_arrives()
                self.rest_ends()
            self.beat()


STEPS = [
    *[World.type] * 3,
    *[World.other_speaks] * 3,
    *[World.command_arrives] * 4,
    *[World.frame_arrives] * 6,
    World.other_is_not_heard,
    World.server_is_hasty,
    World.rest_ends,
    World.beat,
    World.cut,
    World.settle,
]


@law
@given(st.lists(st.sampled_from(STEPS), min_size=20, max_size=150))
def test_every_line_is_stored_once_and_every_event_shown_once_in_order(steps: list[object]) -> None:
    world = World()
    for step in steps:
        assert callable(step)
        step(world)
    world.settle()
    stored = [event.message.content for event in world.server.log]
    assert [text for text in stored if text.startswith("ann")] == world.typed
    assert world.shown == stored[len(stored) - len(world.shown) :]
    assert len(world.shown) >= min(len(stored), 20)
    assert world.chat.unsent == 0
    world.chat.end()
    assert world.chat.is_over
