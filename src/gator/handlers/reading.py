"""mark_read."""

from msgspec.structs import replace

from gator.domain.conversation import role_of
from gator.handlers.services import Services
from gator.ports import Peer, ReadUpTo
from gator.protocol.commands import MarkRead
from gator.protocol.events import ReadMarked


async def mark_read(services: Services, peer: Peer, command: MarkRead) -> None:
    """Remember how far the user has read, and then tell all of their connections.

    Raises:
        Refusal: `conversation_not_found`.
    """
    user_id = peer.identity.user_id
    conversation = await services.rooms.conversation(command.conversation_id)
    role_of(conversation, user_id)
    assert conversation is not None
    marked = ReadMarked(
        conversation_id=command.conversation_id,
        seq=min(command.seq, conversation.head),
        timestamp=services.timestamp(),
    )
    await services.journal.write_down(ReadUpTo(marked.conversation_id, user_id, marked.seq))
    # To the others it answers nothing: another window may use the same ids for its own commands.
    services.presence.tell(user_id, [marked], but=peer)
    peer.send(replace(marked, reply_to=command.id))
