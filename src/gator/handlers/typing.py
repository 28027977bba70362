"""typing_start, typing_stop."""

from gator.domain.conversation import check_rank, role_of
from gator.handlers.services import Services
from gator.ports import Peer
from gator.protocol.commands import TypingStart, TypingStop
from gator.protocol.errors import Refusal


def typing_start(services: Services, peer: Peer, command: TypingStart) -> None:
    """Tell the others; not answered.

    Raises:
        Refusal: `not_joined`, or `forbidden` for a reader.
    """
    conversation = services.rooms.joined(peer, command.conversation_id)
    if conversation is None:
        raise Refusal("not_joined")
    check_rank(role_of(conversation, peer.identity.user_id), "member")
    services.typing.start(peer, conversation)


def typing_stop(services: Services, peer: Peer, command: TypingStop) -> None:
    """Tell the others; not answered.

    Raises:
        Refusal: `not_joined`.
    """
    if services.rooms.joined(peer, command.conversation_id) is None:
        raise Refusal("not_joined")
    services.typing.stop(peer.identity.user_id, command.conversation_id)
