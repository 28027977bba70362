"""send_message."""

from collections.abc import Awaitable

from gator.domain.conversation import Conversation
from gator.domain.message import PostMessage, check_content
from gator.handlers.answers import refused
from gator.handlers.services import Services
from gator.ports import Committed, Peer
from gator.protocol.commands import SendMessage
from gator.protocol.errors import Refusal
from gator.protocol.events import Ack, NewMessage, Sender
from gator.protocol.types import MessageId


def send_message(services: Services, peer: Peer, command: SendMessage) -> Awaitable[None] | None:
    """Hand a message to the journal; the answer follows the commit.

    Nothing is awaited, unless the conversation is not in memory; so messages of one
    connection reach the journal in the order in which they came.

    Raises:
        Refusal: `message_blank`, `message_too_long`, `message_not_text`.
    """
    check_content(command.content, services.max_message_chars)
    conversation = services.rooms.held(command.conversation_id)
    if conversation is None:
        return _send_once_read(services, peer, command)
    _send(services, peer, command, conversation)
    return None


async def _send_once_read(services: Services, peer: Peer, command: SendMessage) -> None:
    # Who of its members is a persona decides about replies.
    _send(services, peer, command, await services.rooms.conversation(command.conversation_id))


def _send(services: Services, peer: Peer, command: SendMessage, conversation: Conversation | None) -> None:
    identity = peer.identity
    services.typing.stop(identity.user_id, command.conversation_id)

    runs = services.personas.asked(identity.user_id, conversation, command.content, command.persona_id)

    def answer(outcome: Committed | Refusal) -> None:
        if isinstance(outcome, Refusal):
            _refuse(services, peer, command, outcome)
            return
        assert isinstance(outcome.event, NewMessage)
        message = outcome.event.message
        peer.send(
            Ack(
                conversation_id=command.conversation_id,
                message_id=message.id,
                seq=message.seq,
                duplicate=outcome.duplicate,
                client_message_id=command.client_message_id,
                reply_to=command.id,
                timestamp=message.timestamp,
            )
        )
        if runs and not outcome.duplicate:
            services.personas.queue(outcome.event, runs)
        # The same whether there is none or it is somebody else's own.
        if command.persona_id is not None and not runs:
            _refuse(services, peer, command, Refusal("persona_not_found"))

    services.journal.submit(
        PostMessage(
            conversation_id=command.conversation_id,
            by=identity.user_id,
            sender=Sender(name=identity.name, avatar=identity.avatar),
            content=command.content,
            message_id=MessageId(services.new_id()),
            client_message_id=command.client_message_id,
            persona_id=command.persona_id,
            runs=runs,
        ),
        answer,
    )


def _refuse(services: Services, peer: Peer, command: SendMessage, refusal: Refusal) -> None:
    peer.send(
        refused(
            refusal,
            timestamp=services.timestamp(),
            reply_to=command.id,
            client_message_id=command.client_message_id,
        )
    )
