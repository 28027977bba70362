"""A tap on the shoulder of members who have not joined the conversation here."""

from typing import Literal

from gator.hub.presence import Presence
from gator.hub.rooms import Rooms
from gator.ports import Published
from gator.protocol.codec import encode
from gator.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    DurableEvent,
    MemberRemoved,
    MembersAdded,
    NewMessage,
    Notification,
)
from gator.protocol.types import UserId

Reason = Literal["new_message", "added", "removed", "deleted"]


class Notifications:
    """Sends `notification` to connections that an event concerns and that have not joined."""

    def __init__(self, *, presence: Presence, rooms: Rooms) -> None:
        self._presence = presence
        self._rooms = rooms

    def receive(self, published: Published) -> None:
        """Take a committed event from the broker. To be called before rooms expel anybody."""
        event = published.event
        actor = _actor(event)
        payload: bytes | None = None
        for user in published.audience:
            if user == actor and not isinstance(event, NewMessage):
                continue
            for peer in self._presence.peers_of(user):
                if event.conversation_id in peer.subscriptions:
                    continue
                payload = payload or _worded(event)
                self._rooms.send_or_shed(peer, payload)


def _actor(event: DurableEvent) -> UserId:
    return event.message.sender_id if isinstance(event, NewMessage) else event.by


def _reason(event: DurableEvent) -> Reason:
    match event:
        case NewMessage():
            return "new_message"
        case ConversationCreated() | MembersAdded():
            return "added"
        case MemberRemoved():
            return "removed"
        case ConversationDeleted():
            return "deleted"
        case _:
            raise ValueError(f"nobody is notified of a {type(event).__name__}")


def _worded(event: DurableEvent) -> bytes:
    return encode(
        Notification(
            conversation_id=event.conversation_id,
            seq=event.seq,
            reason=_reason(event),
            message=event.message if isinstance(event, NewMessage) else None,
            timestamp=event.timestamp,
        )
    )
