"""What we ask of the world. Every port has a contract suite in `tests/contract/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from gator.domain.conversation import Change, Conversation
    from gator.domain.identity import Identity
    from gator.protocol.errors import Refusal
    from gator.protocol.events import DurableEvent, Event, Message, Unrecovered
    from gator.protocol.types import (
        ConversationId,
        Kind,
        PersonaId,
        Role,
        Seq,
        UserId,
        UtcMillis,
    )


class Timer(Protocol):
    """A call that has been put off."""

    def cancel(self) -> None:
        """Do not make the call. Harmless after it was made."""


class Clock(Protocol):
    """Time, handed in so that no test has to wait for it."""

    def now(self) -> UtcMillis:
        """Read the wall clock: for what people and tokens read, never for order."""

    def monotonic(self) -> float:
        """Read seconds that never jump: for durations and deadlines."""

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call after `delay_s` seconds, on the event loop's thread."""


class Committed(Struct, frozen=True):
    """A change is on disk.

    Attributes:
        event: What happened; on a repeat, what happened then. None if nothing had to.
        duplicate: True if it had happened before and nothing was written.
        audience: Users to notify where they have not joined; empty in large conversations.
    """

    conversation_id: ConversationId
    event: DurableEvent | None
    duplicate: bool = False
    audience: tuple[UserId, ...] = ()


OnOutcome = Callable[["Committed | Refusal"], None]


class Journal(Protocol):
    """The only way to change a conversation: decides, numbers, commits, then tells.

    Changes of one conversation are decided in the order they were submitted. An
    outcome is reported, and the event published, after the commit and never before.
    Killing the process at any instant loses no reported outcome.
    """

    def submit(self, change: Change, on_outcome: OnOutcome) -> None:
        """Queue a change; never blocks and never raises for the change's own sake.

        The queue is bounded: when full, or once closing, the outcome is a temporary
        refusal (`overloaded`), reported at once. `on_outcome` is called exactly once,
        on the event loop's thread; refusals the decision made are passed the same way.
        """

    async def commit(self, change: Change) -> Committed:
        """Submit a change and wait for its outcome.

        Cancelling the wait does not take the change back.

        Raises:
            Refusal: It was not carried out.
        """

    def remember(self, note: Note) -> None:
        """Write down a fact outside any log, at some time soon; never blocks.

        Best effort: a full queue drops it, a failing write is counted.
        """

    async def write_down(self, note: Note) -> None:
        """Do as `remember`, and wait until it is on disk.

        Raises:
            Refusal: `overloaded` or `internal`; it was not written.
        """


@dataclass(frozen=True, slots=True)
class UserSeen:
    """A user connected: keep what is known of them."""

    identity: Identity
    at: UtcMillis


@dataclass(frozen=True, slots=True)
class LastSeen:
    """A user's last connection ended."""

    user_id: UserId
    at: UtcMillis


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """A member has read a conversation up to `seq`. Merges by maximum."""

    conversation_id: ConversationId
    user_id: UserId
    seq: Seq


Note = UserSeen | LastSeen | ReadUpTo


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user as others see them."""

    id: UserId
    name: str | None
    avatar: str | None
    last_seen_at: UtcMillis | None


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation in one member's list.

    Attributes:
        unread: Messages of others after `read_seq`, counted up to 1,000.
        cursor_at: Sort key of the list, newest first, with `id` to break ties.
    """

    id: ConversationId
    kind: Kind
    title: str | None
    role: Role
    head: Seq
    member_count: int
    read_seq: Seq
    unread: int
    created_at: str
    cursor_at: UtcMillis
    last_message: Message | None
    peer_id: UserId | None
    """The other one in a direct conversation."""


class Store(Protocol):
    """Reads of what was committed. Never waits for the writer.

    Whoever calls checks membership first, except where a user id is asked for.
    """

    @property
    def epoch(self) -> str:
        """Name of this log's history; another one after a backup was restored."""

    async def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """Read a conversation's state at its head; None if it never was."""

    async def log(self, conversation_id: ConversationId, *, after: Seq, limit: int) -> Sequence[DurableEvent]:
        """Read the next events after a position, in order and without a hole."""

    async def messages(
        self,
        conversation_id: ConversationId,
        *,
        after: Seq | None = None,
        before: Seq | None = None,
        limit: int,
    ) -> Sequence[Message]:
        """Read messages in order: the first after, the last before, or the newest."""

    async def message(self, conversation_id: ConversationId, seq: Seq) -> Message | None:
        """Read one message."""

    async def conversations_of(
        self, user_id: UserId, *, before: tuple[UtcMillis, ConversationId] | None, limit: int
    ) -> Sequence[ConversationSummary]:
        """Read a user's conversations, the one with the newest message first."""

    async def summary(self, user_id: UserId, conversation_id: ConversationId) -> ConversationSummary | None:
        """Read one row of the user's list; None for who is not a member."""

    async def members(
        self, conversation_id: ConversationId, *, after: UserId | None, limit: int
    ) -> Sequence[tuple[UserRecord, Role]]:
        """Read members in the order of their ids."""

    async def user(self, user_id: UserId) -> UserRecord | None:
        """Read what is known of a user."""

    async def acquaintances(self, user_id: UserId, others: Iterable[UserId]) -> Sequence[UserRecord]:
        """Read those of `others` who share a conversation with the user, and the user."""

    async def ready(self) -> bool:
        """Try a read: true if the database answers."""


class Published(Struct, frozen=True):
    """A committed event on its way to every process that has members of it.

    Attributes:
        audience: See `Committed.audience`.
        accepted_at: `perf_counter` of the submission, where the submission was.
    """

    event: DurableEvent
    audience: tuple[UserId, ...]
    accepted_at: float | None = None


class Broker(Protocol):
    """Carries committed events between processes. At most once: the log is the truth.

    Within one process events of a conversation arrive in the order of their `seq`
    or not at all; a receiver that sees a hole reads the log.
    """

    def publish(self, published: Published) -> None:
        """Hand an event to all subscribers; never blocks."""

    def subscribe(self, receive: Callable[[Published], None]) -> None:
        """Receive every event from now on, on the event loop's thread."""


class Peer(Protocol):
    """A connection, as whoever answers it sees it."""

    @property
    def identity(self) -> Identity:
        """Who speaks."""

    def send(self, event: Event) -> None:
        """Send an event to this connection only; goes nowhere once it is closed."""

    def renew(self, identity: Identity) -> None:
        """Go on under a fresh proof of the same user."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Where a connection came into a conversation's log.

    Attributes:
        head: Live events continue with `head` + 1.
        unrecovered: Why what was missed does not follow; None if it does.
    """

    head: Seq
    unrecovered: Unrecovered | None


class Rooms(Protocol):
    """Conversations held in memory, and the connections that have joined them."""

    async def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """Get a conversation's state, from memory if it is there; None if it never was."""

    def join(self, peer: Peer, conversation: Conversation, *, after_seq: Seq | None, epoch: str | None) -> Joined:
        """Send a conversation's events to a connection from now on.

        Joining again starts again. What was missed since `after_seq` is sent first, in
        order and without a hole, in pages, at the pace at which the connection reads.

        Raises:
            Refusal: `too_many_joined`.
        """

    def leave(self, peer: Peer, conversation_id: ConversationId) -> bool:
        """Stop; true if the connection had joined."""

    def joined(self, peer: Peer, conversation_id: ConversationId) -> Conversation | None:
        """Get the state of a conversation that a connection has joined, else None."""


class Heartbeats(Protocol):
    """Signs of life."""

    def beat(self, peer: Peer, reply_to: str | None = None) -> None:
        """Send a heartbeat, with the heads of the conversations that moved since the last."""


class TypingIndicators(Protocol):
    """Tells the others in a conversation who is typing. At most once."""

    def start(self, peer: Peer, conversation: Conversation) -> None:
        """A user types; ends by itself, see `domain/typing.py`."""

    def stop(self, user_id: UserId, conversation_id: ConversationId) -> None:
        """A user stopped. Harmless if they were not typing."""


class PresenceDirectory(Protocol):
    """Who is connected, over all processes."""

    def is_online(self, user_id: UserId) -> bool:
        """Tell whether a user has a connection or lost the last one within the grace."""

    def visible_to(self, user_id: UserId) -> tuple[UserId, ...]:
        """Name who is online in the conversations that a user's connections have joined."""

    def online_in(self, conversation: Conversation) -> tuple[tuple[UserId, ...], int]:
        """Name who is shown in a conversation, and count them; a large one only counts."""

    def tell(self, user_id: UserId, events: Sequence[Event]) -> None:
        """Send events to all of a user's connections."""


class Identities(Protocol):
    """Proof of who somebody is."""

    async def identify(self, token: str) -> Identity:
        """Check a token and read who it names. Waits only if keys have to be read.

        Raises:
            Refusal: `invalid_token`, its detail for the log and without the token; or
                `overloaded` while the keys cannot be read.
        """

    def identify_now(self, token: str) -> Identity | None:
        """Do as `identify` without waiting; None if keys have to be read first.

        Raises:
            Refusal: As `identify`.
        """


class Personas(Protocol):
    """The AI personas that this installation has."""

    def known(self, persona_id: PersonaId) -> bool:
        """Tell whether a persona exists."""
