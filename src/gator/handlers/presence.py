"""get_online_status."""

from gator.handlers.services import Services
from gator.ports import Peer, UserRecord
from gator.protocol.commands import GetOnlineStatus
from gator.protocol.events import OnlineUsers, UserStatus
from gator.protocol.times import rfc3339


async def get_online_status(services: Services, peer: Peer, command: GetOnlineStatus) -> None:
    """Answer for those with whom the asker shares a conversation; silent about all others."""
    known = await services.store.acquaintances(peer.identity.user_id, command.user_ids)
    peer.send(
        OnlineUsers(
            users=tuple(user.id for user in known if services.presence.is_online(user.id)),
            statuses={user.id: status(services, user) for user in known},
            reply_to=command.id,
            timestamp=services.timestamp(),
        )
    )


def status(services: Services, user: UserRecord) -> UserStatus:
    """Tell whether a user is online and when they last were."""
    return UserStatus(
        online=services.presence.is_online(user.id),
        last_seen=None if user.last_seen_at is None else rfc3339(user.last_seen_at),
    )
