"""Rows of the database as values of the domain, the same for every engine."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gator.domain.conversation import Conversation
from gator.protocol.events import Message, Sender
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, Seq, UtcMillis

Rows = Callable[[str, dict[str, Any]], Iterable[Sequence[Any]]]
"""Runs a named statement with its bindings."""


def message_from(row: Sequence[Any]) -> Message:
    """Read a message from a row of any statement in `sql/messages.sql`."""
    seq, message_id, sender_id, content, client_message_id, persona_id, is_ai, created_at, name, avatar = row
    return Message(
        id=message_id,
        seq=seq,
        sender_id=sender_id,
        sender=Sender(name=name, avatar=avatar),
        content=content,
        timestamp=rfc3339(created_at),
        is_ai=bool(is_ai),
        client_message_id=client_message_id,
        persona_id=persona_id,
    )


def conversation_from(rows: Rows, conversation_id: ConversationId) -> Conversation | None:
    """Read a conversation's state at its head; None if it never was.

    Both statements have to see the same snapshot of the database.
    """
    for kind, title, head, created_at, deleted in rows("conversation", {"id": conversation_id}):
        return Conversation(
            id=conversation_id,
            kind=kind,
            title=title,
            head=Seq(head),
            members=dict(rows("members", {"conversation_id": conversation_id})),  # type: ignore[arg-type]
            created_at=rfc3339(UtcMillis(created_at)),
            deleted=bool(deleted),
        )
    return None
