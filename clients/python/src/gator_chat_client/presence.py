"""Who is online, as far as this client has heard. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from gator_chat_client.frames import Frame
from gator_chat_client.protocol.events import OnlineUsers, PresenceUpdate


class Presence(Struct, frozen=True, kw_only=True):
    """Whether a user is online, and when they last were (RFC 3339), if that is known."""

    online: bool
    last_seen: str | None = None


def fold_presence(known: Mapping[str, Presence], event: Frame) -> Mapping[str, Presence]:
    """Tell who is online after an event."""
    match event:
        case OnlineUsers(connection_id=str()):
            # A new connection: what was known before may be long past.
            return {user: Presence(online=True) for user in event.users}
        case OnlineUsers(statuses=dict() as statuses):
            return {
                **known,
                **{
                    user: Presence(online=status.online, last_seen=status.last_seen)
                    for user, status in statuses.items()
                },
            }
        case PresenceUpdate():
            last_seen = None if event.online else event.timestamp
            return {**known, event.user_id: Presence(online=event.online, last_seen=last_seen)}
    return known
