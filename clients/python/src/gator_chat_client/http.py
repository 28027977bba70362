"""The routes below /api/v1 that a chat needs, typed."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from gator_chat_client.address import Address
from gator_chat_client.credentials import Credentials
from gator_chat_client.errors import AddressError, ChatError
from gator_chat_client.protocol.types import Kind, Role
from gator_chat_client.records import (
    ConversationPage,
    ConversationSummary,
    MemberPage,
    MemberRecord,
    MessagePage,
    PersonaPage,
    PersonaSummary,
    UserRecord,
)

TIMEOUT_S: Final = 10.0
"""How long any step of a request may take."""

MAX_PAGES: Final = 20
"""How many pages are read where a whole list is asked for."""

T = TypeVar("T")


class _Problem(msgspec.Struct):
    code: str = "unreadable"
    detail: str = "The server does not say why."
    retry_after_ms: int | None = None


class HttpApi:
    """Requests over HTTP, as the user of the client. All raise `ChatError`."""

    def __init__(
        self, address: Address, credentials: Credentials, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._address = address
        self._transport = transport
        self._credentials = credentials
        self._client: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        """Let go of open sockets."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # Users

    async def me(self) -> UserRecord:
        """Read who the server takes this user for."""
        return await self._read(UserRecord, "GET", "/users/me")

    async def user(self, user_id: str) -> UserRecord:
        """Read somebody with whom the user shares a conversation."""
        return await self._read(UserRecord, "GET", f"/users/{_id(user_id)}")

    # Conversations

    async def conversations(self, cursor: str | None = None, limit: int = 50) -> ConversationPage:
        """Read a page of the user's conversations, at most 100, the one with the newest message first."""
        return await self._read(ConversationPage, "GET", "/conversations", params=_params(cursor, limit))

    async def conversation(self, conversation_id: str) -> ConversationSummary:
        """Read one conversation."""
        return await self._read(ConversationSummary, "GET", f"/conversations/{_id(conversation_id)}")

    async def create_conversation(
        self, kind: Kind, member_ids: Sequence[str] = (), title: str | None = None
    ) -> ConversationSummary:
        """Create a conversation; the direct one of two people is made once and then found."""
        body = {"kind": kind, "member_ids": list(member_ids), "title": title}
        return await self._read(ConversationSummary, "POST", "/conversations", body=body)

    async def rename(self, conversation_id: str, title: str | None) -> ConversationSummary:
        """Give a conversation another title, or none."""
        path = f"/conversations/{_id(conversation_id)}"
        return await self._read(ConversationSummary, "PATCH", path, body={"title": title})

    async def delete_conversation(self, conversation_id: str) -> None:
        """End a conversation for everybody."""
        await self._request("DELETE", f"/conversations/{_id(conversation_id)}")

    async def messages(self, conversation_id: str, *, before: int | None = None, limit: int = 50) -> MessagePage:
        """Read a page of messages, at most 200: those before a `seq`, or the newest."""
        params = {"limit": str(limit)} | ({} if before is None else {"before": str(before)})
        return await self._read(
            MessagePage, "GET", f"/conversations/{_id(conversation_id)}/messages", params=params
        )

    # Members

    async def members(self, conversation_id: str, cursor: str | None = None, limit: int = 200) -> MemberPage:
        """Read a page of members, at most 200, in the order of their ids."""
        path = f"/conversations/{_id(conversation_id)}/members"
        return await self._read(MemberPage, "GET", path, params=_params(cursor, limit))

    async def all_members(self, conversation_id: str) -> list[MemberRecord]:
        """Read all members, up to `MAX_PAGES` pages of 200."""
        page = await self.members(conversation_id)
        members = list(page.members)
        for _ in range(MAX_PAGES - 1):
            if page.next_cursor is None:
                break
            page = await self.members(conversation_id, page.next_cursor)
            members += page.members
        return members

    async def add_member(self, conversation_id: str, user_id: str, role: Role | None = None) -> None:
        """Bring somebody in; harmless if they are in already."""
        body = {"user_id": user_id, "role": role}
        await self._request("POST", f"/conversations/{_id(conversation_id)}/members", body=body)

    async def set_role(self, conversation_id: str, user_id: str, role: Role) -> None:
        """Let a member do more or less."""
        path = f"/conversations/{_id(conversation_id)}/members/{_id(user_id)}"
        await self._request("PATCH", path, body={"role": role})

    async def remove_member(self, conversation_id: str, user_id: str) -> None:
        """Leave, or remove somebody who ranks lower."""
        await self._request("DELETE", f"/conversations/{_id(conversation_id)}/members/{_id(user_id)}")

    # Personas

    async def personas(self) -> list[PersonaSummary]:
        """Read all personas that the user may ask, up to `MAX_PAGES` pages of 50."""
        personas: list[PersonaSummary] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._read(PersonaPage, "GET", "/personas", params=_params(cursor, 50))
            personas += page.personas
            cursor = page.next_cursor
            if cursor is None:
                break
        return personas

    async def talk_with_persona(self, persona_id: str) -> ConversationSummary:
        """Begin a direct conversation with a persona, or find it."""
        return await self._read(ConversationSummary, "POST", f"/personas/{_id(persona_id)}/conversations")

    # Requests

    async def _read(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Any = None,
    ) -> T:
        answer = await self._request(method, path, params=params, body=body)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.DecodeError as error:
            raise ChatError("unreadable", f"The server's answer is of another kind: {error}") from None

    async def _request(
        self, method: str, path: str, *, params: dict[str, str] | None = None, body: Any = None
    ) -> bytes:
        try:
            token = await self._credentials.current()
            headers = list(self._address.http_headers(token).items())
            answer = await self._open().request(
                method, self._address.http + path, params=params, headers=headers, json=body
            )
        except AddressError as error:
            raise ChatError("invalid_token", str(error)) from None
        except (httpx2.HTTPError, OSError) as error:
            raise ChatError("no_connection", str(error) or type(error).__name__) from None
        if answer.is_success:
            return answer.content
        raise _refusal(answer)

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            is_far = not self._address.is_near
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=is_far, transport=self._transport)
        return self._client


def _refusal(answer: httpx2.Response) -> ChatError:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    return ChatError(
        problem.code, problem.detail, status=answer.status_code, retry_after_ms=problem.retry_after_ms
    )


def _id(name: str) -> str:
    return quote(name, safe="")


def _params(cursor: str | None, limit: int) -> dict[str, str]:
    return {"limit": str(limit)} | ({} if cursor is None else {"cursor": cursor})
