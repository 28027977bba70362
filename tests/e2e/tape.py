"""A tape of a conversation with a server: what was said to it, and every frame that came back."""

import re
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec
from tests.e2e.conftest import People
from tests.support.client import Client, Frame
from tests.support.server import Server
from websockets.exceptions import InvalidStatus

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

OTHERWISE_EVERY_TIME: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
    (re.compile(r'(?<="epoch":")[0-9a-f]{16}'), "EPOCH"),
    (re.compile(r'(?<=after_ms":)\d+'), "MS"),
    (re.compile(r'(?<="token":")[\w.-]+'), "TOKEN"),
)


class Tape:
    """Connects people to a server and writes down what they say and hear.

    After each line spoken, everybody is waited for, so the order of lines is that of causes.

    Attributes:
        lines: In order; ids are numbered by their first appearance, times are blanked.
        said: Types of the commands that were sent.
        heard: Every frame that was received.
        closes: Codes and reasons with which connections ended.
    """

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self.server = server
        self.lines: list[str] = []
        self.said: set[str] = set()
        self.heard: list[Frame] = []
        self.closes: set[tuple[int | None, str | None]] = set()
        self._stack = stack
        self._people = People(server, stack)
        self._clients: dict[str, Client] = {}
        self._texts: dict[str, list[bytes]] = {}
        self._ids: dict[str, str] = {}

    # Coming

    async def connect(self, name: str, url: str | None = None, **options: Any) -> Client:
        """Connect somebody, and hear the greeting."""
        client = await self._open(name, url or self.server.as_user(name), **options)
        await client.until("online_users")
        self.note(f"{name} is connected, subprotocol {client.socket.subprotocol}")
        self._clients[name] = client
        await self.settle()
        return client

    async def is_refused(self, name: str, url: str, **options: Any) -> tuple[int | None, str | None]:
        """Connect, and hear with which code and reason, or which status, one is sent away."""
        try:
            client = await self._open(name, url, **options)
        except InvalidStatus as error:
            self.note(f"{name} is answered {error.response.status_code} {error.response.body.decode()!r}")
            return None, None
        self._clients[name] = client
        return await self.ends(name)

    async def _open(self, name: str, url: str, **options: Any) -> Client:
        texts = self._texts[name] = []
        client = await Client.open(url, on_text=texts.append, **options)
        return await self._stack.enter_async_context(client)

    # Speaking

    async def say(self, name: str, type: str, *, then: Frame | None = None, **fields: Any) -> Frame | None:
        """Say a command and hear its answer and whatever it causes.

        Args:
            then: Wait for such a frame as well: the last one of a replay.
        """
        answer = await self.ask(name, type, **fields)
        if then is not None:
            await self._clients[name].until(**then)
        await self.settle()
        return answer

    async def ask(self, name: str, type: str, **fields: Any) -> Frame | None:
        """Say a command and hear its answer; what it causes is written down later."""
        self.said.add(type)
        self.note(f"{name} says {type} {msgspec.json.encode(fields).decode()}")
        if type.startswith("typing_"):  # which is not answered, unless it is refused
            await self._clients[name].say(type, **fields)
            return None
        return await self._clients[name].ask(type, **fields)

    async def say_wrong(self, name: str, what: str | bytes | list[str]) -> None:
        """Send a message, text, bytes or fragments, that is an error."""
        self.note(f"{name} sends {what!r:.99}")
        await self._clients[name].socket.send(what)
        await self._clients[name].until("error")
        await self.settle()

    async def over_http(self, name: str, method: str, path: str, body: Frame | None = None) -> None:
        """Change something by a request."""
        self.note(f"{name} requests {method} {path} {body}")
        http = await self._people.http(name)
        (await http.request(method, path, json=body)).raise_for_status()
        await self.settle()

    # Hearing

    async def hears(self, name: str, type: str, **fields: Any) -> Frame:
        """Wait for what comes by itself."""
        return await self._clients[name].until(type, **fields)

    async def settle(self) -> None:
        """Wait until everybody has heard all that was said so far, and write it down."""
        for client in self._clients.values():
            await client.settle()
        for name in self._clients:
            self._write_down(name)

    def _write_down(self, name: str) -> None:
        for text in self._texts[name]:
            self.heard.append(msgspec.json.decode(text, type=Frame))
            self.note(f"{name} hears {text.decode()}")
        self._texts[name].clear()

    # Going

    async def ends(self, name: str) -> tuple[int | None, str | None]:
        """Wait for the end of a connection."""
        code, reason = await self._clients.pop(name).gone()
        self._write_down(name)
        self.closes.add((code, reason))
        self.note(f"{name} is closed with {code} {reason!r}")
        return code, reason

    async def hangs_up(self, name: str, code: int, reason: str = "") -> None:
        """Close a connection from the client's side."""
        self.note(f"{name} closes with {code}")
        await self._clients[name].socket.close(code, reason)
        await self.ends(name)

    def note(self, line: str) -> None:
        """Write a line, without what differs from run to run."""
        line = UUID.sub(lambda found: self._ids.setdefault(found[0], f"ID-{len(self._ids)}"), line)
        for pattern, word in OTHERWISE_EVERY_TIME:
            line = pattern.sub(word, line)
        self.lines.append(line)
