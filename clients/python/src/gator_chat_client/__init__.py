"""A client for Gator Chat.

`async with Client(...)`, `async for event in conversation`, `await conversation.send(...)`: it
reconnects, resumes where it was, drops what comes twice, fills holes, and says plainly
(`Discontinuity`) what cannot be recovered. What is sent is stored once, in order.
"""

from gator_chat_client.client import Client
from gator_chat_client.connection import ConnectionState
from gator_chat_client.conversation import Conversation
from gator_chat_client.errors import AddressError, ChatError, OutboxFull
from gator_chat_client.fold import fold
from gator_chat_client.frames import Frame, UnknownEvent
from gator_chat_client.gaps import Discontinuity, Position
from gator_chat_client.listing import ConversationList, Conversations
from gator_chat_client.outbox import MemoryOutbox, Outbox
from gator_chat_client.presence import Presence
from gator_chat_client.protocol.commands import Command
from gator_chat_client.protocol.events import (
    Ack,
    ConversationCreated,
    ConversationDeleted,
    ConversationJoined,
    ConversationLeft,
    ConversationRenamed,
    Error,
    Event,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    Message,
    NewMessage,
    Notification,
    Occupancy,
    PersonaState,
    PresenceUpdate,
    ReadMarked,
    ReplyDelta,
    ReplyFailed,
    ReplyQueued,
    ReplyRejected,
    ReplyReset,
    ReplyStarted,
    ReplyStopped,
    TypingIndicator,
)
from gator_chat_client.records import ConversationSummary, MemberRecord, PersonaSummary, UserRecord
from gator_chat_client.sending import Sent, Stored
from gator_chat_client.snapshot import Outgoing, Reply, ReplyEnd, Snapshot, siblings_of
from gator_chat_client.sqlite_outbox import SqliteOutbox

__all__ = [
    "Ack",
    "AddressError",
    "ChatError",
    "Client",
    "Command",
    "ConnectionState",
    "Conversation",
    "ConversationCreated",
    "ConversationDeleted",
    "ConversationJoined",
    "ConversationLeft",
    "ConversationList",
    "ConversationRenamed",
    "ConversationSummary",
    "Conversations",
    "Discontinuity",
    "Error",
    "Event",
    "Frame",
    "MemberRecord",
    "MemberRemoved",
    "MemberRoleChanged",
    "MembersAdded",
    "MemoryOutbox",
    "Message",
    "NewMessage",
    "Notification",
    "Occupancy",
    "Outbox",
    "OutboxFull",
    "Outgoing",
    "PersonaState",
    "PersonaSummary",
    "Position",
    "Presence",
    "PresenceUpdate",
    "ReadMarked",
    "Reply",
    "ReplyDelta",
    "ReplyEnd",
    "ReplyFailed",
    "ReplyQueued",
    "ReplyRejected",
    "ReplyReset",
    "ReplyStarted",
    "ReplyStopped",
    "Sent",
    "Snapshot",
    "SqliteOutbox",
    "Stored",
    "TypingIndicator",
    "UnknownEvent",
    "UserRecord",
    "fold",
    "siblings_of",
]
