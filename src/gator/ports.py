"""What we ask of the world. Every port has a contract suite in `tests/contract/`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from gator.domain.reply import Usage

if TYPE_CHECKING:
    from gator.domain.conversation import Change, Conversation
    from gator.domain.identity import Identity
    from gator.domain.memory import Memory
    from gator.domain.persona import Persona
    from gator.domain.reply import Run, RunRequest, RunState
    from gator.protocol.errors import Refusal
    from gator.protocol.events import (
        DurableEvent,
        EphemeralEvent,
        Event,
        Message,
        NewMessage,
        ReplyFailure,
        Unrecovered,
    )
    from gator.protocol.types import (
        ConversationId,
        Kind,
        MessageId,
        PersonaId,
        Role,
        RunId,
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

    async def ready(self) -> bool:
        """Tell whether there is a database to write to, as far as the last attempt showed it."""


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


class PersonaSaved(Struct, frozen=True):
    """A persona is so from now on. Its name and picture are shown with its messages."""

    persona: Persona


class PersonaDeleted(Struct, frozen=True):
    """A persona is gone; its messages stay."""

    persona_id: PersonaId


class AvatarSaved(Struct, frozen=True):
    """A persona's picture; None takes it away."""

    persona_id: PersonaId
    media_type: str
    image: bytes | None


class MemorySaved(Struct, frozen=True):
    """What a conversation's personas remember of it."""

    conversation_id: ConversationId
    memory: Memory


class RunAsked(Struct, frozen=True):
    """A reply is asked for anew, after the message was stored. Refused as `conflict` if that attempt exists."""

    run: Run


class RunMoved(Struct, frozen=True):
    """A run that has not ended goes on: it started, or has said more."""

    run_id: RunId
    epoch: int
    text: str
    started_at: UtcMillis
    provider: str
    model: str | None


class RunEnded(Struct, frozen=True):
    """A run ended without a message. Changes nothing if it had ended before."""

    run_id: RunId
    state: RunState
    at: UtcMillis
    code: str | None = None
    usage: Usage = Usage()
    cost_micros: int = 0


class RunCharged(Struct, frozen=True):
    """A run used more, after it had ended: the summary that it made due."""

    run_id: RunId
    usage: Usage
    cost_micros: int


class AuditEntry(Struct, frozen=True):
    """What moderation said of a text; kept for whoever has to explain it.

    Attributes:
        message_seq: The message that was judged; one that was blocked is never told to a persona again.
    """

    run_id: RunId | None
    conversation_id: ConversationId
    user_id: UserId
    at: UtcMillis
    direction: Literal["in", "out"]
    verdict: Literal["blocked", "flagged"]
    categories: tuple[str, ...]
    by: str
    message_seq: Seq | None = None


Note = (
    UserSeen
    | LastSeen
    | ReadUpTo
    | PersonaSaved
    | PersonaDeleted
    | AvatarSaved
    | MemorySaved
    | RunAsked
    | RunMoved
    | RunEnded
    | RunCharged
    | AuditEntry
)


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user as others see them."""

    id: UserId
    name: str | None
    avatar: str | None
    last_seen_at: UtcMillis | None


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a persona is told before it answers, of one moment.

    Attributes:
        question: None if there is no such message.
        newest: The newest messages, in order, without those that moderation blocked; the question
            may be among them.
        user: Who asks; None if nothing is known of them.
    """

    question: Message | None
    newest: Sequence[Message]
    memory: Memory | None
    user: UserRecord | None


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
        unblocked: bool = False,
    ) -> Sequence[Message]:
        """Read messages in order: the first after, the last before, or the newest.

        Args:
            unblocked: Leave out what moderation blocked; there may be fewer than `limit` then.
        """

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

    # Personas

    async def personas(self) -> Sequence[Persona]:
        """Read every persona that is not deleted, in the order of their ids."""

    async def avatar(self, persona_id: PersonaId) -> tuple[str, bytes] | None:
        """Read a persona's picture with its media type."""

    async def memory(self, conversation_id: ConversationId) -> Memory | None:
        """Read what the personas of a conversation remember of it."""

    async def briefing(
        self, conversation_id: ConversationId, user_id: UserId, *, question: Seq, before: Seq | None, limit: int
    ) -> Briefing:
        """Read what a persona is told, at once; of the messages those before a position, or the newest."""

    async def run(self, run_id: RunId) -> Run | None:
        """Read a run."""

    async def run_of_message(self, message_id: MessageId) -> Run | None:
        """Read the newest run that became a message, or that was to answer it."""

    async def live_runs(self) -> Sequence[Run]:
        """Read the runs that have not ended, in the order in which they were asked for."""

    async def runs_since(self, at: UtcMillis) -> Sequence[Run]:
        """Read the runs asked for since a moment, without their text: what budgets count."""


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

    def held(self, conversation_id: ConversationId) -> Conversation | None:
        """Get a conversation's state if it is in memory; never reads."""

    def joined_count(self, conversation_id: ConversationId) -> int:
        """Count the connections that have joined a conversation here."""

    def tell_all(self, conversation_id: ConversationId, event: EphemeralEvent) -> None:
        """Send an event to everybody who has joined here. Slow readers miss it."""

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

    def tell(self, user_id: UserId, events: Sequence[Event], *, but: Peer | None = None) -> None:
        """Send events to all of a user's connections, but one."""


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


class Turn(Struct, frozen=True):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(Struct, frozen=True, kw_only=True):
    """What a provider is asked.

    Attributes:
        model: None for the provider's own choice.
        max_tokens: Longest reply.
        stop: Texts before which the reply ends, such as the name of the other speaker.
    """

    turns: tuple[Turn, ...]
    max_tokens: int
    model: str | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()


class Said(Struct, frozen=True):
    """A piece of a reply, never empty."""

    text: str


class Finished(Struct, frozen=True):
    """The end of a reply, after which nothing comes.

    Attributes:
        usage: None if the provider did not count.
        truncated: It was cut at `max_tokens`, or ended without saying why.
    """

    usage: Usage | None
    truncated: bool = False
    model: str | None = None


class ProviderError(Exception):
    """A provider did not answer, or broke off.

    Attributes:
        code: Why, as it is told to clients.
        detail: For the log: no key, no prompt, no text of anybody.
        retryable: Another try, or another provider, may succeed.
        too_long: The prompt did not fit the model's context: a shorter one may.
        retry_after_s: How long the provider asked to be left alone.
    """

    def __init__(
        self,
        code: ReplyFailure,
        detail: str,
        *,
        retryable: bool = True,
        too_long: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code: ReplyFailure = code
        self.detail = detail
        self.retryable = retryable
        self.too_long = too_long
        self.retry_after_s = retry_after_s


class ReplyProvider(Protocol):
    """A language model, or what stands in for one."""

    @property
    def name(self) -> str:
        """What it is called in settings and metrics, such as `openai-compatible`."""

    @property
    def slots(self) -> int:
        """How many replies it makes at once."""

    @property
    def context_tokens(self) -> int | None:
        """Longest prompt and reply together; None if it is not known."""

    def reply(self, prompt: Prompt) -> AbstractAsyncContextManager[AsyncIterator[Said | Finished]]:
        """Begin a reply.

        The connection to the provider is open within the context only: leaving it, by
        whatever way, frees the provider's slot within a second.

        Raises:
            ProviderError: On entering, or in the middle; what was said before counts.
        """

    async def close(self) -> None:
        """Let go of everything. Idempotent."""


class PersonaCatalog(Protocol):
    """The AI personas of this installation, in memory. What is saved is on disk."""

    def get(self, persona_id: PersonaId) -> Persona | None:
        """Find a persona."""

    def visible_to(self, user_id: UserId) -> Sequence[Persona]:
        """Name those that a user may ask, in the order of their ids."""

    def owned_by(self, user_id: UserId) -> int:
        """Count a user's own."""

    async def add(self, persona: Persona, *, most: int | None = None) -> None:
        """Write a new persona down.

        Args:
            most: How many its owner may have; None for any number.

        Raises:
            Refusal: `too_many_personas`, `overloaded` or `internal`; nothing was changed.
        """

    async def change(self, persona: Persona) -> None:
        """Write a persona down as it is now.

        Raises:
            Refusal: `persona_not_found` if it was deleted, `overloaded` or `internal`; nothing was changed.
        """

    async def save_avatar(self, persona: Persona, media_type: str, image: bytes | None) -> None:
        """Write a persona and its picture down, or take the picture away."""

    async def delete(self, persona_id: PersonaId) -> None:
        """Take a persona away and end its runs; its messages stay."""


class Card(Protocol):
    """A character as a file holds it."""

    @property
    def picture(self) -> bytes | None:
        """The PNG that it came in, without the card; None if it came in none."""

    def persona(self, persona_id: PersonaId, owner_id: UserId, now: UtcMillis) -> Persona:
        """Make a persona of it: private, and with no picture."""


CardSpec = Literal["v2", "v3"]


class Cards(Protocol):
    """Character cards, the files in which other programs keep their personas.

    Nothing here waits; what is large takes its time, and belongs on another thread.
    """

    def read_card(self, data: bytes) -> Card:
        """Read a card of version 1 to 3: JSON, a PNG picture, or a CHARX archive.

        Raises:
            Refusal: `bad_card`.
        """

    def write_card_json(self, persona: Persona, spec: CardSpec) -> bytes:
        """Write a persona as a JSON card."""

    def write_card_png(self, persona: Persona, picture: bytes | None) -> bytes:
        """Write a persona into a PNG picture, as V2 and V3; None takes a plain one.

        Raises:
            Refusal: `bad_card`: the picture is none.
        """

    def picture_of(self, data: bytes) -> bytes:
        """Check a PNG picture, and take out whatever is not picture.

        Raises:
            Refusal: `bad_card`.
        """


class Personas(Protocol):
    """The replies of AI personas."""

    def asked(
        self, by: UserId, conversation: Conversation | None, content: str, persona_id: PersonaId | None
    ) -> tuple[RunRequest, ...]:
        """Name the replies that a message asks for.

        Of the persona that it names, of the other one in a direct conversation, or of
        those that it mentions in a group. A persona that the user may not ask is passed over.
        """

    def queue(self, message: NewMessage, requests: Sequence[RunRequest]) -> None:
        """Have replies made that were stored with a message; never blocks."""

    def catch_up(self, peer: Peer, conversation_id: ConversationId) -> None:
        """Tell who has just joined what personas are saying there, with the text so far."""

    async def stop(self, peer: Peer, run_id: RunId) -> None:
        """End a run, for whoever may write in its conversation. Harmless if it has ended.

        Raises:
            Refusal: `run_not_found`.
        """

    async def regenerate(self, peer: Peer, message_id: MessageId) -> RunId:
        """Have a reply made anew, as a sibling.

        Raises:
            Refusal: `run_not_found`, `forbidden`, `conflict`, `overloaded`.
        """

    async def resume(self, peer: Peer, run_id: RunId, epoch: int, offset: int, reply_to: str | None) -> None:
        """Send what a reply says from an offset on, or how it ended.

        Raises:
            Refusal: `run_not_found`.
        """
