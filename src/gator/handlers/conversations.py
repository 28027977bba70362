"""join_conversation, leave_conversation, create_conversation."""

from gator.domain.conversation import Conversation, role_of
from gator.domain.conversation import CreateConversation as Create
from gator.domain.membership import EnterConversation
from gator.handlers.services import Services
from gator.ports import Peer
from gator.protocol.commands import CreateConversation, JoinConversation, LeaveConversation
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated, ConversationJoined, ConversationLeft, Member
from gator.protocol.types import ConversationId


async def join_conversation(services: Services, peer: Peer, command: JoinConversation) -> None:
    """Subscribe the connection; in open mode make the user a member first.

    Raises:
        Refusal: `conversation_not_found`, `too_many_joined`.
    """
    user_id = peer.identity.user_id
    conversation = await services.rooms.conversation(command.conversation_id)
    if services.entering_makes_member and not _is_member(conversation, peer):
        await services.journal.commit(EnterConversation(command.conversation_id, user_id))
        conversation = await services.rooms.conversation(command.conversation_id)
    role = role_of(conversation, user_id)
    assert conversation is not None
    joined = services.rooms.join(peer, conversation, after_seq=command.after_seq, epoch=command.epoch)
    online, online_count = services.presence.online_in(conversation)
    peer.send(
        ConversationJoined(
            conversation_id=command.conversation_id,
            seq=joined.head,
            epoch=services.store.epoch,
            recovered=joined.unrecovered is None,
            reason=joined.unrecovered,
            role=role,
            member_count=len(conversation.members),
            online=online,
            online_count=online_count,
            reply_to=command.id,
            timestamp=services.timestamp(),
        )
    )
    services.personas.catch_up(peer, command.conversation_id)


def _is_member(conversation: Conversation | None, peer: Peer) -> bool:
    return conversation is not None and peer.identity.user_id in conversation.members


def leave_conversation(services: Services, peer: Peer, command: LeaveConversation) -> None:
    """Unsubscribe the connection; answered whether it had joined or not."""
    services.rooms.leave(peer, command.conversation_id)
    peer.send(
        ConversationLeft(
            conversation_id=command.conversation_id,
            reason="asked",
            reply_to=command.id,
            timestamp=services.timestamp(),
        )
    )


async def create_conversation(services: Services, peer: Peer, command: CreateConversation) -> None:
    """Create a conversation, or find the direct one that the two have.

    Raises:
        Refusal: `invalid_command`.
    """
    wish = Create(
        conversation_id=ConversationId(services.new_id()),
        kind=command.kind,
        title=command.title,
        by=peer.identity.user_id,
        member_ids=command.member_ids,
    )
    committed = await services.journal.commit(wish)
    created = committed.event
    if created is None:
        created = await _as_created(services, committed.conversation_id)
    assert isinstance(created, ConversationCreated)
    peer.send(
        ConversationCreated(
            **{name: getattr(created, name) for name in created.__struct_fields__ if name != "reply_to"},
            reply_to=command.id,
        )
    )


async def _as_created(services: Services, conversation_id: ConversationId) -> ConversationCreated:
    conversation = await services.rooms.conversation(conversation_id)
    if conversation is None:
        raise Refusal("conversation_not_found")
    members = tuple(Member(user_id=user, role=role) for user, role in conversation.members.items())
    by = members[0].user_id
    return ConversationCreated(
        conversation_id=conversation_id,
        seq=conversation.head,
        kind=conversation.kind,
        title=conversation.title,
        by=by,
        members=members,
        member_count=len(members),
        timestamp=conversation.created_at,
    )
