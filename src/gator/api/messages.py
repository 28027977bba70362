"""/conversations/{id}/messages and /events: history, and sending over HTTP."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Response, status

from gator.api.context import ApiContext, Asker, Context
from gator.api.ids_in_paths import CONVERSATION
from gator.api.models import (
    EventPage,
    Id,
    MessageOut,
    MessagePage,
    NewMessageBody,
    ReplyOut,
    SenderOut,
    SentMessage,
)
from gator.domain.conversation import Conversation, role_of
from gator.domain.identity import Identity
from gator.domain.message import PostMessage, check_content
from gator.ports import UserSeen
from gator.protocol.codec import encode
from gator.protocol.errors import Refusal
from gator.protocol.events import Message, NewMessage, Reply, Sender
from gator.protocol.types import ConversationId, MessageId, PersonaId, Seq

router = APIRouter(prefix=f"/conversations/{CONVERSATION}", tags=["messages"])

_Position = Annotated[int | None, Query(ge=0, le=2**53 - 1)]


@router.get("/messages")
async def list_messages(
    conversation_id: str,
    asker: Asker,
    api: Context,
    after: _Position = None,
    before: _Position = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MessagePage:
    """Read messages, oldest first: those after a `seq`, those before one, or the newest."""
    conversation = await _conversation(api, conversation_id, asker)
    found = await api.services.store.messages(
        conversation.id,
        after=None if after is None else Seq(after),
        before=None if before is None else Seq(before),
        limit=limit + 1,
    )
    has_more = len(found) > limit
    if has_more:
        found = found[:limit] if after is not None else found[1:]
    return MessagePage(
        messages=[message_out(conversation.id, message) for message in found],
        has_more=has_more,
        head=conversation.head,
        epoch=api.services.store.epoch,
    )


@router.get("/events")
async def list_events(
    conversation_id: str,
    asker: Asker,
    api: Context,
    after: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> EventPage:
    """Read the log after a `seq`: every durable event, as the socket sends it."""
    conversation = await _conversation(api, conversation_id, asker)
    events = await api.services.store.log(conversation.id, after=Seq(after), limit=limit + 1)
    return EventPage(
        events=[msgspec.json.decode(encode(event)) for event in events[:limit]],
        has_more=len(events) > limit,
        head=conversation.head,
        epoch=api.services.store.epoch,
    )


@router.post("/messages", status_code=status.HTTP_201_CREATED, responses={200: {"model": SentMessage}})
async def send_message(
    conversation_id: str,
    body: NewMessageBody,
    asker: Asker,
    api: Context,
    response: Response,
    idempotency_key: Annotated[Id | None, Header()] = None,
) -> SentMessage:
    """Send a message.

    With `client_message_id` or the header `Idempotency-Key`, which is the same, a repeat
    answers 200 with the message that was stored the first time.
    """
    api.limits.check_message(asker.user_id)
    check_content(body.content, api.services.max_message_chars)
    if body.client_message_id and idempotency_key and body.client_message_id != idempotency_key:
        raise Refusal("invalid_command", "client_message_id and Idempotency-Key differ; send one of them.")
    conversation = await api.services.rooms.conversation(ConversationId(conversation_id))
    persona_id = None if body.persona_id is None else PersonaId(body.persona_id)
    runs = api.services.personas.asked(asker.user_id, conversation, body.content, persona_id)
    # Who sends without ever connecting is to be shown in history as they are live.
    api.services.journal.remember(UserSeen(asker, api.services.clock.now()))
    committed = await api.services.journal.commit(
        PostMessage(
            conversation_id=ConversationId(conversation_id),
            by=asker.user_id,
            sender=Sender(name=asker.name, avatar=asker.avatar),
            content=body.content,
            message_id=MessageId(api.services.new_id()),
            client_message_id=body.client_message_id or idempotency_key,
            persona_id=persona_id,
            runs=runs,
        )
    )
    assert isinstance(committed.event, NewMessage)
    if runs and not committed.duplicate:
        api.services.personas.queue(committed.event, runs)
    if committed.duplicate:
        response.status_code = status.HTTP_200_OK
    sent = message_out(ConversationId(conversation_id), committed.event.message)
    return SentMessage(**sent.model_dump(), duplicate=committed.duplicate)


async def _conversation(api: ApiContext, conversation_id: str, asker: Identity) -> Conversation:
    conversation = await api.services.rooms.conversation(ConversationId(conversation_id))
    role_of(conversation, asker.user_id)
    assert conversation is not None
    return conversation


def message_out(conversation_id: ConversationId, message: Message) -> MessageOut:
    """Word a message."""
    return MessageOut(
        id=message.id,
        conversation_id=conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender=SenderOut(name=message.sender.name, avatar=message.sender.avatar),
        content=message.content,
        timestamp=message.timestamp,
        is_ai=message.is_ai,
        client_message_id=message.client_message_id,
        persona_id=message.persona_id,
        reply=None if message.reply is None else _reply_out(message.reply),
    )


def _reply_out(reply: Reply) -> ReplyOut:
    return ReplyOut(
        run_id=reply.run_id,
        answers=reply.answers,
        attempt=reply.attempt,
        status=reply.status,
        model=reply.model,
    )
