"""/conversations: create, list, read, rename, delete; how far the asker has read."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response, status

from gator.api.context import ApiContext, Asker, Context
from gator.api.ids_in_paths import CONVERSATION
from gator.api.messages import message_out
from gator.api.models import ConversationOut, ConversationPage, NewConversation, ReadPosition, Renaming
from gator.domain.conversation import CreateConversation, DeleteConversation, RenameConversation, role_of
from gator.ports import ConversationSummary, ReadUpTo
from gator.protocol.errors import Refusal
from gator.protocol.events import ReadMarked
from gator.protocol.types import ConversationId, Seq, UserId, UtcMillis

router = APIRouter(prefix="/conversations", tags=["conversations"])

_Cursor = tuple[Annotated[int, msgspec.Meta(ge=0, le=2**62)], str]


@router.post("", status_code=status.HTTP_201_CREATED, responses={200: {"model": ConversationOut}})
async def create_conversation(
    body: NewConversation, asker: Asker, api: Context, response: Response
) -> ConversationOut:
    """Create a conversation. The direct one of two people is made once and then found (200)."""
    api.limits.check_create(asker.user_id)
    committed = await api.services.journal.commit(
        CreateConversation(
            conversation_id=ConversationId(api.services.new_id()),
            kind=body.kind,
            title=body.title,
            by=asker.user_id,
            member_ids=[UserId(user) for user in body.member_ids],
        )
    )
    if committed.duplicate:
        response.status_code = status.HTTP_200_OK
    return await _read(api, asker.user_id, committed.conversation_id)


@router.get("")
async def list_conversations(
    asker: Asker,
    api: Context,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ConversationPage:
    """List the asker's conversations, the one with the newest message first."""
    before = None if cursor is None else _position(cursor)
    rows = await api.services.store.conversations_of(asker.user_id, before=before, limit=limit + 1)
    page = rows[:limit]
    more = len(rows) > limit
    return ConversationPage(
        conversations=[_conversation_out(row) for row in page],
        next_cursor=_cursor(page[-1]) if more else None,
    )


@router.get(f"/{CONVERSATION}")
async def read_conversation(conversation_id: str, asker: Asker, api: Context) -> ConversationOut:
    """Read one of the asker's conversations."""
    return await _read(api, asker.user_id, ConversationId(conversation_id))


@router.patch(f"/{CONVERSATION}")
async def rename_conversation(conversation_id: str, body: Renaming, asker: Asker, api: Context) -> ConversationOut:
    """Give a conversation another title. Owners and admins may."""
    wish = RenameConversation(ConversationId(conversation_id), body.title, asker.user_id)
    await api.services.journal.commit(wish)
    return await _read(api, asker.user_id, wish.conversation_id)


@router.delete(f"/{CONVERSATION}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_conversation(conversation_id: str, asker: Asker, api: Context) -> None:
    """End a conversation for everybody. Owners may."""
    await api.services.journal.commit(DeleteConversation(ConversationId(conversation_id), asker.user_id))


@router.put(f"/{CONVERSATION}/read", status_code=status.HTTP_204_NO_CONTENT)
async def mark_read(conversation_id: str, body: ReadPosition, asker: Asker, api: Context) -> None:
    """Remember up to where the asker has read, and tell their connections. It never moves back."""
    conversation = await api.services.rooms.conversation(ConversationId(conversation_id))
    role_of(conversation, asker.user_id)
    assert conversation is not None
    seq = Seq(min(body.seq, conversation.head))
    await api.services.journal.write_down(ReadUpTo(conversation.id, asker.user_id, seq))
    marked = ReadMarked(conversation_id=conversation.id, seq=seq, timestamp=api.services.timestamp())
    api.services.presence.tell(asker.user_id, [marked])


async def _read(api: ApiContext, user_id: UserId, conversation_id: ConversationId) -> ConversationOut:
    summary = await api.services.store.summary(user_id, conversation_id)
    if summary is None:
        raise Refusal("conversation_not_found")
    return _conversation_out(summary)


def _conversation_out(row: ConversationSummary) -> ConversationOut:
    last = row.last_message
    return ConversationOut(
        id=row.id,
        kind=row.kind,
        title=row.title,
        role=row.role,
        seq=row.head,
        member_count=row.member_count,
        read_seq=row.read_seq,
        unread=row.unread,
        created_at=row.created_at,
        last_message=None if last is None else message_out(row.id, last),
        peer_id=row.peer_id,
    )


def _cursor(row: ConversationSummary) -> str:
    return urlsafe_b64encode(msgspec.json.encode((row.cursor_at, row.id))).decode()


def _position(cursor: str) -> tuple[UtcMillis, ConversationId]:
    try:
        at, conversation_id = msgspec.json.decode(urlsafe_b64decode(cursor), type=_Cursor)
    except (ValueError, msgspec.DecodeError):
        raise Refusal("invalid_command", "cursor: not one that this server gave.") from None
    return UtcMillis(at), ConversationId(conversation_id)
