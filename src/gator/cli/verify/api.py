"""The HTTP API, as far as a run needs it."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import quote

import httpx2
import msgspec
from msgspec import Struct

from gator.cli.verify.frames import read
from gator.cli.verify.ledger import Log, Logged, logged
from gator.cli.verify.people import Person
from gator.protocol.events import Message

TIMEOUT_S: Final = 10.0
EVENTS: Final = 500
"""Events in a page of the log."""

MESSAGES: Final = 200
"""Messages in a page of history."""

ATTEMPTS: Final = 5

T = TypeVar("T")
Body = Mapping[str, object]


class ApiError(Exception):
    """A request had no answer, or not the one that it should have.

    Attributes:
        status: None if there was no answer.
    """

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what)
        self.status = status


class Answer(Struct, frozen=True):
    """What a request was answered with."""

    status: int
    text: str


class Sent(Struct, frozen=True):
    """What `POST .../messages` answers with, as far as an ack has it."""

    id: str
    seq: int
    duplicate: bool
    timestamp: str


class _Created(Struct, frozen=True):
    id: str


class _Problem(Struct, frozen=True):
    retry_after_ms: int = 1000


class _Events(Struct, frozen=True):
    events: list[msgspec.Raw]
    has_more: bool
    head: int


class _Messages(Struct, frozen=True):
    messages: list[Message]
    has_more: bool


class Api:
    """Requests, made for one person or another. Waits where the server asks to."""

    def __init__(self, is_near: bool) -> None:
        self._client = httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=not is_near)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self,
        person: Person,
        method: str,
        path: str,
        body: Body | None = None,
        query: Mapping[str, int] | None = None,
    ) -> Answer:
        """Make a request; wait and repeat it if the server is in too much haste.

        Raises:
            ApiError: There is no answer.
        """
        headers = [(name.encode(), value) for name, value in person.address.members_headers.items()]
        for _ in range(ATTEMPTS):
            try:
                answer = await self._client.request(
                    method, f"{person.api}{path}", headers=headers, json=body, params=query
                )
            except (httpx2.HTTPError, OSError) as error:
                raise ApiError(f"{method} {path}: {str(error) or type(error).__name__}") from None
            if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(_decoded(answer.text, _Problem).retry_after_ms / 1000)
        return Answer(answer.status_code, answer.text)

    async def _ask_for(
        self,
        kind: type[T],
        person: Person,
        method: str,
        path: str,
        body: Body | None = None,
        query: Mapping[str, int] | None = None,
    ) -> T:
        answer = await self.ask(person, method, path, body, query)
        if answer.status not in (httpx2.codes.OK, httpx2.codes.CREATED):
            raise ApiError(f"{method} {path} is answered with HTTP status {answer.status}", answer.status)
        return _decoded(answer.text, kind)

    async def create(self, person: Person, member_ids: Sequence[str]) -> str:
        """Create a group. Returns its id."""
        body = {"kind": "group", "title": "gator verify", "member_ids": list(member_ids)}
        return (await self._ask_for(_Created, person, "POST", "/conversations", body=body)).id

    async def delete(self, person: Person, conversation_id: str) -> bool:
        """Delete a conversation. Tells whether it is gone."""
        answer = await self.ask(person, "DELETE", of(conversation_id))
        return answer.status in (httpx2.codes.NO_CONTENT, httpx2.codes.NOT_FOUND)

    async def send(self, person: Person, conversation_id: str, content: str, client_message_id: str) -> Sent:
        """Send a message."""
        body = {"content": content, "client_message_id": client_message_id}
        return await self._ask_for(Sent, person, "POST", of(conversation_id, "/messages"), body=body)

    async def log(self, person: Person, conversation_id: str, after: int = 0) -> Log:
        """Read a conversation's log after a position, page by page."""
        events: list[Logged] = []
        position, more = after, True
        while more:
            query = {"after": position, "limit": EVENTS}
            page = await self._ask_for(_Events, person, "GET", of(conversation_id, "/events"), query=query)
            # Whatever is no event of a log is left out; what is missing then shows as a hole.
            events += filter(None, (logged(read(bytes(raw).decode())) for raw in page.events))
            if not page.events or (events and (events[-1].seq or 0) <= position):
                break
            position, more = events[-1].seq or 0, page.has_more
        return Log(page.head, events)

    async def history(self, person: Person, conversation_id: str) -> list[Message]:
        """Read all messages of a conversation, backwards from the newest, oldest first."""
        messages: list[Message] = []
        more = True
        while more:
            query = {"limit": MESSAGES} | ({"before": messages[0].seq} if messages else {})
            page = await self._ask_for(_Messages, person, "GET", of(conversation_id, "/messages"), query=query)
            if page.messages and messages and page.messages[-1].seq >= messages[0].seq:
                raise ApiError(f"the page before {messages[0].seq} holds {page.messages[-1].seq}")
            messages = page.messages + messages
            more = page.has_more and bool(page.messages)
        return messages


def of(conversation_id: str, what: str = "") -> str:
    """Path of a conversation, or of something that it has."""
    return f"/conversations/{quote(conversation_id, safe='')}{what}"


def _decoded(text: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ApiError(f"the answer is no {kind.__name__.strip('_')}: {error}") from None
