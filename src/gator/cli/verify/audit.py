"""Reading the logs at the end, by the socket and over HTTP."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gator.cli.verify.api import Api, ApiError
from gator.cli.verify.frames import Frame
from gator.cli.verify.ledger import Log, Logged, logged
from gator.cli.verify.line import Gone
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.options import CannotRun
from gator.cli.verify.people import Person
from gator.cli.verify.promises import Verdicts
from gator.protocol.commands import JoinConversation
from gator.protocol.events import ConversationJoined, NewMessage
from gator.protocol.types import ConversationId, Seq

QUIET_S: Final = 10.0
"""How long a log that is not whole yet may go without a further event."""

ATTEMPTS: Final = 5


class _Reader:
    """Hears one conversation from its beginning."""

    def __init__(self, conversation_id: str) -> None:
        self.events: list[Logged] = []
        self.came = asyncio.Event()
        self._conversation_id = conversation_id

    def hear(self, frame: Frame) -> None:
        event = logged(frame)
        if event is not None and event.conversation_id == self._conversation_id:
            self.events.append(event)
            self.came.set()

    async def until(self, head: int) -> None:
        """Wait until there are so many events, or no more come."""
        while len(self.events) < head:
            self.came.clear()
            try:
                await asyncio.wait_for(self.came.wait(), QUIET_S)
            except TimeoutError:
                return


async def read_log(person: Person, conversation_id: str, api: Api) -> Log:
    """Read a conversation's log as a client does that has nothing yet.

    Raises:
        CannotRun: The server does not let it be read.
    """
    why = ""
    for attempt in range(ATTEMPTS):
        await asyncio.sleep(attempt)
        try:
            return await _read_once(person, conversation_id, api)
        except (NotOpened, Gone, TimeoutError, ApiError) as error:
            why = str(error)
    raise CannotRun(f"At the end the log of {conversation_id!r} could not be read: {why}.")


async def _read_once(person: Person, conversation_id: str, api: Api) -> Log:
    reader = _Reader(conversation_id)
    async with person.line("the auditor", on_frame=reader.hear) as line:
        answer = await line.ask_patiently(
            JoinConversation(conversation_id=ConversationId(conversation_id), after_seq=Seq(0))
        )
        if not isinstance(answer, ConversationJoined):
            raise ApiError(f"joining it is answered with {getattr(answer, 'code', type(answer).__name__)}")
        if not answer.recovered:
            return await api.log(person, conversation_id)
        await reader.until(answer.seq)
        return Log(answer.seq, tuple(reader.events))


async def check_history(person: Person, conversation_id: str, log: Log, api: Api, verdicts: Verdicts) -> None:
    """Compare what HTTP tells with the log."""
    try:
        paged = await api.log(person, conversation_id)
        history = await api.history(person, conversation_id)
    except ApiError as error:
        verdicts.broken("history", str(error))
        return
    _compare(conversation_id, "/events", log.events, paged.events, verdicts)
    messages = [event.message for event in log.events if isinstance(event, NewMessage)]
    _compare(conversation_id, "/messages", messages, history, verdicts)


def _compare(
    conversation_id: str, path: str, told: Sequence[object], found: Sequence[object], verdicts: Verdicts
) -> None:
    what = f"{path} of {conversation_id!r} has {len(found)} entries, the socket told {len(told)}"
    verdicts.check("history", len(told) == len(found), what)
    for number, (one, other) in enumerate(zip(told, found, strict=False)):
        what = f"entry {number} of {path} of {conversation_id!r} is another over HTTP than by the socket"
        verdicts.check("history", one == other, what)
