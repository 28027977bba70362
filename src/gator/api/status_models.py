"""What an administrator sees of the server at this moment."""

from typing import Literal

from pydantic import BaseModel, Field

from gator.protocol.types import Kind


class ConnectionsOut(BaseModel):
    """WebSocket connections."""

    open: int
    limit: int
    opened_per_s: float
    closed_per_minute: dict[str, float] = Field(description="By close code, in the last minute.")


class ConversationsOut(BaseModel):
    """Conversations held in memory, and how often they are joined by a connection."""

    held: int
    joined: int


class TrafficOut(BaseModel):
    """What happens in a second."""

    commands_per_s: float
    messages_per_s: float
    deliveries_per_s: float
    http_requests_per_s: float


class PercentilesOut(BaseModel):
    """Estimates from a histogram; null where nothing was measured."""

    count: int = Field(description="How many were measured.")
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class LatencyOut(BaseModel):
    """How long things take."""

    commit: PercentilesOut = Field(description="A group commit.")
    delivery: PercentilesOut = Field(description="From a message's acceptance to its hand-over to the sockets.")
    http: PercentilesOut = Field(description="A request.")


class JournalOut(BaseModel):
    """Changes that wait for the disk."""

    waiting: int
    limit: int


class ReadersOut(BaseModel):
    """Connections that read slowly or were away."""

    catching_up: int
    outbox_bytes: int


class ErrorsOut(BaseModel):
    """How often something went wrong in the last minute; what did not is left out."""

    refused: dict[str, float] = Field(description="Commands and requests, by code.")
    failed: dict[str, float] = Field(description="Bugs and failures of the server, by place.")
    providers: dict[str, float] = Field(description="Failures of what makes replies, by provider and code.")


class ProviderOut(BaseModel):
    """What makes replies."""

    name: str
    state: Literal["closed", "half_open", "open"] = Field(
        description="Its circuit breaker: `open` means that it is left alone after failures."
    )
    slots: int = Field(description="Replies that it makes at once.")


class RepliesOut(BaseModel):
    """Replies of personas."""

    running: int
    waiting: int
    providers: list[ProviderOut]


class BusyConversationOut(BaseModel):
    """A conversation that causes much of the load."""

    id: str
    kind: Kind | None = Field(description="Null, as title and number of members, where it is not in memory.")
    title: str | None
    member_count: int | None
    joined: int = Field(description="Connections that have joined it.")
    messages_per_s: float
    deliveries_per_s: float


class StatusOut(BaseModel):
    """The server at this moment."""

    version: str
    timestamp: str
    uptime_s: float
    memory_bytes: int = Field(description="Resident memory of the process.")
    window_s: float = Field(description="Time over which rates and percentiles are taken.")
    connections: ConnectionsOut
    users_online: int
    conversations: ConversationsOut
    traffic: TrafficOut
    latency: LatencyOut
    journal: JournalOut
    readers: ReadersOut
    errors_per_minute: ErrorsOut
    replies: RepliesOut
    top_conversations: list[BusyConversationOut]
