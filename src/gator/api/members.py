"""/conversations/{id}/members: who is in, and what they may do."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from gator.api.context import Asker, Context
from gator.api.ids_in_paths import CONVERSATION, USER
from gator.api.models import MemberOut, MemberPage, NewMember, RoleChange
from gator.api.users import user_out
from gator.domain.conversation import role_of
from gator.domain.membership import AddMembers, ChangeRole, RemoveMember
from gator.protocol.types import ConversationId, UserId

router = APIRouter(prefix=f"/conversations/{CONVERSATION}/members", tags=["members"])


@router.get("")
async def list_members(
    conversation_id: str,
    asker: Asker,
    api: Context,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> MemberPage:
    """List members in the order of their ids."""
    conversation = await api.services.rooms.conversation(ConversationId(conversation_id))
    role_of(conversation, asker.user_id)
    after = None if cursor is None else UserId(cursor)
    rows = await api.services.store.members(ConversationId(conversation_id), after=after, limit=limit + 1)
    members = []
    for record, role in rows[:limit]:
        user = user_out(api, record)
        members.append(
            MemberOut(
                user_id=user.id,
                role=role,
                name=user.name,
                avatar=user.avatar,
                online=user.online,
                last_seen=user.last_seen,
            )
        )
    return MemberPage(members=members, next_cursor=members[-1].user_id if len(rows) > limit else None)


@router.post("", status_code=status.HTTP_204_NO_CONTENT)
async def add_member(conversation_id: str, body: NewMember, asker: Asker, api: Context) -> None:
    """Bring somebody in; harmless if they are in already."""
    api.limits.check_create(asker.user_id)
    await api.services.journal.commit(
        AddMembers(ConversationId(conversation_id), [UserId(body.user_id)], asker.user_id, body.role)
    )


@router.patch(f"/{USER}", status_code=status.HTTP_204_NO_CONTENT)
async def change_role(conversation_id: str, user_id: str, body: RoleChange, asker: Asker, api: Context) -> None:
    """Let a member do more or less."""
    await api.services.journal.commit(
        ChangeRole(ConversationId(conversation_id), UserId(user_id), body.role, asker.user_id)
    )


@router.delete(f"/{USER}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_member(conversation_id: str, user_id: str, asker: Asker, api: Context) -> None:
    """Leave, or remove somebody who ranks lower."""
    await api.services.journal.commit(
        RemoveMember(ConversationId(conversation_id), UserId(user_id), asker.user_id)
    )
