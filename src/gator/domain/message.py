"""What may be said, by whom, and what a message becomes."""

from msgspec import Struct

from gator.domain.conversation import Conversation, check_rank, role_of
from gator.domain.reply import RunRequest
from gator.protocol.errors import Refusal
from gator.protocol.events import Message, NewMessage, Sender
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, MessageId, PersonaId, UserId, UtcMillis


def check_content(content: str, max_chars: int) -> None:
    """Refuse what is no message. The text is never rewritten.

    Args:
        content: The text, as sent.
        max_chars: Longest text allowed, in Unicode code points.

    Raises:
        Refusal: `message_too_long`, `message_blank` or `message_not_text`.
    """
    if len(content) > max_chars:
        raise Refusal("message_too_long", f"A message has at most {max_chars} characters, not {len(content)}.")
    if not content.strip():
        raise Refusal("message_blank")
    if "\x00" in content or not _has_utf8(content):
        raise Refusal("message_not_text")


def _has_utf8(text: str) -> bool:
    # JSON may escape half of a surrogate pair, which no UTF-8 has.
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class PostMessage(Struct, frozen=True):
    """Say something.

    Attributes:
        message_id: Made by the server, and used only if this is not a repeat.
        client_message_id: Unique per sender and conversation for ever.
    """

    conversation_id: ConversationId
    by: UserId
    sender: Sender
    content: str
    message_id: MessageId
    client_message_id: str | None = None
    persona_id: PersonaId | None = None
    runs: tuple[RunRequest, ...] = ()
    """Replies that it asks for, stored with it."""

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> NewMessage:
        """See `Change.decide`.

        Raises:
            Refusal: `conversation_not_found`, or `forbidden` for a reader.
        """
        check_rank(role_of(conversation, self.by), "member")
        assert conversation is not None
        at = rfc3339(now)
        seq = conversation.next_seq
        message = Message(
            id=self.message_id,
            seq=seq,
            sender_id=self.by,
            sender=self.sender,
            content=self.content,
            timestamp=at,
            is_ai=False,
            client_message_id=self.client_message_id,
            persona_id=self.persona_id,
        )
        return NewMessage(conversation_id=self.conversation_id, seq=seq, timestamp=at, message=message)

    def check_repeat(self, original: Message) -> None:
        """Refuse a repeat that says something else than the message it repeats.

        Raises:
            Refusal: `conflict`.
        """
        if original.content != self.content or original.persona_id != self.persona_id:
            raise Refusal(
                "conflict", f"{self.client_message_id!r} was used before for a message with other content."
            )
