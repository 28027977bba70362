"""What of a conversation is told to a persona, and what of that nobody has judged yet."""

from collections.abc import Container, Iterable
from typing import Final

from gator.domain.reply import Run
from gator.ports import Briefing
from gator.protocol.events import Message
from gator.protocol.types import Seq

HISTORY: Final = 100
"""Newest messages that a prompt may hold."""

MAX_UNANSWERED: Final = 10
"""Messages of one person that are judged for one reply; what they said before is left out of it."""


def questions_in(run: Run, briefing: Briefing) -> list[Message]:
    """Name what who asks has said since their last question that was answered, this one at the end.

    All of it is told to a provider for the first time.
    """
    answered = {message.reply.answers for message in briefing.newest if message.reply is not None}
    theirs = [message for message in briefing.newest if message.sender_id == run.requested_by]
    since = max((message.seq for message in theirs if message.id in answered), default=0)
    said = [message for message in theirs if message.seq > since and message.id != run.answers]
    return said if briefing.question is None else [*said, briefing.question]


def told(run: Run, briefing: Briefing, left_out: Container[Seq] = ()) -> list[Message]:
    """Order what the prompt tells: the newest messages, and last of all the question."""
    messages = [
        message
        for message in without_siblings(briefing.newest)
        if message.id != run.answers and message.seq not in left_out
    ]
    return messages if briefing.question is None else [*messages, briefing.question]


def without_siblings(history: Iterable[Message]) -> list[Message]:
    """Keep of replies that were made anew the last one, in the place of the first."""
    kept: dict[object, Message] = {}
    for message in history:
        reply = message.reply
        kept[message.id if reply is None else (reply.answers, message.sender_id)] = message
    return list(kept.values())
