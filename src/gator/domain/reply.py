"""A persona's reply: who asked for it, what state its run is in, and the message it becomes.

A run is stored in the transaction of the message that it answers, so that exactly one
reply comes of a message whatever is repeated, lost or killed.

    queued -> running -> done | truncated | stopped | failed | interrupted
    queued -> stopped | rejected
"""

from typing import Final, Literal

from msgspec import Struct

from gator.domain.conversation import Conversation
from gator.protocol.errors import Refusal
from gator.protocol.events import Message, NewMessage, Reply, ReplyStatus, Sender
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, MessageId, PersonaId, RunId, Seq, UserId, UtcMillis

RunState = Literal["queued", "running", "done", "truncated", "stopped", "failed", "interrupted", "rejected"]

LIVE: Final[frozenset[RunState]] = frozenset({"queued", "running"})
"""States that are not the end. A run that has ended never changes again."""

STATE_AFTER: Final[dict[ReplyStatus, RunState]] = {
    "complete": "done",
    "truncated": "truncated",
    "stopped": "stopped",
    "failed": "failed",
    "interrupted": "interrupted",
}


class RunRequest(Struct, frozen=True, kw_only=True):
    """Somebody's wish that a persona answers a message.

    Attributes:
        message_id: What the reply will be called.
        attempt: 1, or the number of a regenerated sibling.
        hops: Personas that spoke since the last person did.
    """

    id: RunId
    persona_id: PersonaId
    requested_by: UserId
    message_id: MessageId
    attempt: int = 1
    hops: int = 0


class Usage(Struct, frozen=True):
    """Tokens of one call, as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)

    @property
    def total(self) -> int:
        """All of them."""
        return self.prompt_tokens + self.completion_tokens


class Run(Struct, frozen=True, kw_only=True):
    """One attempt of a persona to answer one message, as it is stored.

    Attributes:
        text: What it had said when that was last written down; empty once it is a message.
        epoch: Raised whenever the reply begins anew.
        cost_micros: Millionths of the currency.
        code: Why it failed or was rejected.
    """

    id: RunId
    conversation_id: ConversationId
    answers: MessageId
    answers_seq: Seq
    persona_id: PersonaId
    requested_by: UserId
    message_id: MessageId
    attempt: int
    hops: int
    state: RunState
    queued_at: UtcMillis
    started_at: UtcMillis | None = None
    ended_at: UtcMillis | None = None
    epoch: int = 0
    text: str = ""
    provider: str | None = None
    model: str | None = None
    usage: Usage = Usage()
    cost_micros: int = 0
    code: str | None = None


class PostReply(Struct, frozen=True, kw_only=True):
    """Make what a persona has said a message, and end its run, in one transaction.

    The writer refuses it as `conflict` if the run has ended already: of a stop, a
    completion and a failure the first one counts.
    """

    conversation_id: ConversationId
    run_id: RunId
    persona_id: PersonaId
    sender: Sender
    content: str
    message_id: MessageId
    reply: Reply
    usage: Usage
    cost_micros: int
    code: str | None = None
    follow_ups: tuple[RunRequest, ...] = ()
    """Runs of other personas that it mentions."""

    @property
    def state(self) -> RunState:
        """The state in which the run ends."""
        return STATE_AFTER[self.reply.status]

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> NewMessage:
        """See `Change.decide`. A persona that was asked may answer, member or not.

        Raises:
            Refusal: `conversation_not_found` if it is gone.
        """
        if conversation is None or conversation.deleted:
            raise Refusal("conversation_not_found")
        return _said(conversation, self, now, self.reply)


class Greet(Struct, frozen=True, kw_only=True):
    """Have a persona say its greeting, which nobody asked for and no provider makes."""

    conversation_id: ConversationId
    persona_id: PersonaId
    sender: Sender
    content: str
    message_id: MessageId

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> NewMessage | None:
        """See `Change.decide`. Once something was said there is nothing to greet.

        Raises:
            Refusal: `conversation_not_found`.
        """
        if conversation is None or conversation.deleted or UserId(self.persona_id) not in conversation.members:
            raise Refusal("conversation_not_found")
        if conversation.head > 1:
            return None
        return _said(conversation, self, now, None)


def _said(conversation: Conversation, what: PostReply | Greet, now: UtcMillis, reply: Reply | None) -> NewMessage:
    at = rfc3339(now)
    seq = conversation.next_seq
    message = Message(
        id=what.message_id,
        seq=seq,
        sender_id=UserId(what.persona_id),
        sender=what.sender,
        content=what.content,
        timestamp=at,
        is_ai=True,
        persona_id=what.persona_id,
        reply=reply,
    )
    return NewMessage(conversation_id=what.conversation_id, seq=seq, timestamp=at, message=message)
