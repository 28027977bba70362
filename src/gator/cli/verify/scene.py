"""What every probe is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gator.cli.verify.api import Api
from gator.cli.verify.line import Line
from gator.cli.verify.options import CannotRun, Options
from gator.cli.verify.people import Person
from gator.cli.verify.promises import Verdicts
from gator.protocol.commands import CreateConversation, JoinConversation
from gator.protocol.events import ConversationCreated, ConversationJoined, Error
from gator.protocol.types import ConversationId, Kind, UserId


@dataclass(frozen=True, slots=True)
class Scene:
    """What every probe is given.

    Attributes:
        first: Owns `conversation_id`.
        second: Another user; a member of nothing, unless a probe makes them one.
        made: Conversations to be deleted at the end, with their owners. Probes add theirs.
    """

    options: Options
    verdicts: Verdicts
    api: Api
    first: Person
    second: Person | None
    conversation_id: ConversationId
    made: list[tuple[Person, str]]

    async def create(self, line: Line, *others: str, kind: Kind = "group") -> ConversationId:
        """Create a conversation of the first person's."""
        conversation_id = await create(line, *others, kind=kind)
        if kind != "direct":
            self.made.append((self.first, conversation_id))
        return conversation_id


Probe = Callable[[Scene], Awaitable[None]]


async def create(line: Line, *others: str, kind: Kind = "group") -> ConversationId:
    """Create a conversation on the socket.

    Raises:
        CannotRun: The server refuses.
    """
    title = None if kind == "direct" else "gator verify"
    answer = await line.ask_patiently(
        CreateConversation(kind=kind, member_ids=[UserId(one) for one in others], title=title)
    )
    if not isinstance(answer, ConversationCreated):
        why = answer.code if isinstance(answer, Error) else type(answer).__name__
        raise CannotRun(f"A conversation could not be created: {why}.")
    return answer.conversation_id


async def join(line: Line, conversation_id: ConversationId) -> None:
    """Join a conversation on the socket.

    Raises:
        CannotRun: The server refuses.
    """
    answer = await line.ask_patiently(JoinConversation(conversation_id=conversation_id))
    if not isinstance(answer, ConversationJoined):
        why = answer.code if isinstance(answer, Error) else type(answer).__name__
        raise CannotRun(f"A conversation could not be joined: {why}.")
