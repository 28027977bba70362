"""/users: the asker, and those whom they know."""

from typing import Annotated

from fastapi import APIRouter, Query

from gator.api.context import ApiContext, Asker, Context
from gator.api.ids_in_paths import USER
from gator.api.models import Me, Statuses, StatusOut, UserOut
from gator.domain.identity import Identity
from gator.ports import UserRecord
from gator.protocol.errors import Refusal
from gator.protocol.times import rfc3339
from gator.protocol.types import MAX_STATUS_IDS, UserId

router = APIRouter(tags=["users"])


@router.get("/users/me")
async def read_me(asker: Asker, api: Context) -> Me:
    """Read who the server takes the asker for."""
    record = await api.services.store.user(asker.user_id)
    known = user_out(api, record or UserRecord(asker.user_id, None, None, None))
    name, avatar = _as_shown(asker, record)
    return Me(**known.model_dump() | {"name": name, "avatar": avatar, "roles": sorted(asker.roles)})


def _as_shown(asker: Identity, record: UserRecord | None) -> tuple[str | None, str | None]:
    if record is None:
        return asker.name, asker.avatar
    return asker.name or record.name, asker.avatar or record.avatar


@router.get(f"/users/{USER}")
async def read_user(user_id: str, asker: Asker, api: Context) -> UserOut:
    """Read somebody with whom the asker shares a conversation."""
    found = await api.services.store.acquaintances(asker.user_id, [UserId(user_id)])
    if not found:
        raise Refusal("user_not_found")
    return user_out(api, found[0])


@router.get("/presence")
async def read_presence(
    asker: Asker, api: Context, user_id: Annotated[list[str], Query(max_length=MAX_STATUS_IDS)]
) -> Statuses:
    """Read who of these users is online. Those whom the asker may not see are left out."""
    found = await api.services.store.acquaintances(asker.user_id, [UserId(user) for user in user_id])
    statuses = {}
    for record in found:
        known = user_out(api, record)
        statuses[record.id] = StatusOut(online=known.online, last_seen=known.last_seen)
    return Statuses(statuses={str(user): status for user, status in statuses.items()})


def user_out(api: ApiContext, record: UserRecord) -> UserOut:
    """Word a user."""
    return UserOut(
        id=record.id,
        name=record.name,
        avatar=record.avatar,
        online=api.services.presence.is_online(record.id),
        last_seen=None if record.last_seen_at is None else rfc3339(record.last_seen_at),
    )
