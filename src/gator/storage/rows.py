"""Rows of the database as values of the domain, the same for every engine."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gator.domain.conversation import Conversation
from gator.domain.reply import Run, Usage
from gator.protocol.events import Message, Reply, Sender
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, Seq, UtcMillis
from gator.storage.database import Rows

_encoder: Final = msgspec.json.Encoder()
_reply_decoder: Final = msgspec.json.Decoder(Reply)


def message_from(row: Sequence[Any]) -> Message:
    """Read a message from a row of any statement in `sql/messages.sql`."""
    seq, message_id, sender_id, content, client_message_id, persona_id, is_ai, reply, created_at, name, avatar = (
        row
    )
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
        reply=None if reply is None else _reply_decoder.decode(reply),
    )


def run_from(row: Sequence[Any]) -> Run:
    """Read a run from a row of any statement in `sql/runs.sql`."""
    *first, prompt_tokens, completion_tokens, cost_micros, code = row
    named = dict(zip(Run.__struct_fields__, first, strict=False))
    return Run(**named, usage=Usage(prompt_tokens, completion_tokens), cost_micros=cost_micros, code=code)


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


def as_json(value: object) -> str:
    """Write a value as JSON, as text: SQLite takes bytes for its own binary form of it."""
    return _encoder.encode(value).decode()
