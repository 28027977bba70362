"""What changes a snapshot besides the server's events: things that this client knows by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gator_chat_client.protocol.events import Message
from gator_chat_client.protocol.types import Kind, Role
from gator_chat_client.snapshot import Outgoing, Status


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The conversation is wanted, there, or lost."""

    status: Status
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Positioned:
    """The conversation begins after that place of its log."""

    seq: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The log goes on after that place: what stands there is of a kind that this client does not know."""

    seq: int


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server has told who the user is."""

    me: str | None


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """A page of history came: messages that belong before all that are loaded, or amid them.

    Attributes:
        has_older: There are more before the first of the page.
    """

    messages: Sequence[Message]
    has_older: bool


@dataclass(frozen=True, slots=True)
class Described:
    """The server described the conversation over HTTP."""

    kind: Kind
    title: str | None
    role: Role
    peer_id: str | None
    member_count: int
    seq: int
    read_seq: int
    unread: int


@dataclass(frozen=True, slots=True)
class MembersLoaded:
    """The server listed all members.

    Attributes:
        as_of_seq: The list is at least as new as that place of the log.
    """

    members: Mapping[str, Role]
    as_of_seq: int


@dataclass(frozen=True, slots=True)
class OutgoingChanged:
    """A message of this user was added, or its state is another."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class OutgoingDropped:
    """A message of this user will not be sent after all."""

    client_message_id: str


@dataclass(frozen=True, slots=True)
class Read:
    """The user has read up to there, here; the server will be told."""

    seq: int


@dataclass(frozen=True, slots=True)
class RunForgotten:
    """The server knows nothing of a run any more."""

    run_id: str


@dataclass(frozen=True, slots=True)
class AskedInVain:
    """What is missing of a reply is not told now; the next piece of it will show that again."""

    run_id: str


@dataclass(frozen=True, slots=True)
class TypingExpired:
    """Nothing was heard of somebody's typing for a while."""

    user_id: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """What is true for a moment only is no longer known."""


Happening = (
    StatusChanged
    | Positioned
    | Skipped
    | Welcomed
    | PageLoaded
    | Described
    | MembersLoaded
    | OutgoingChanged
    | OutgoingDropped
    | Read
    | RunForgotten
    | AskedInVain
    | TypingExpired
    | ConnectionLost
)
