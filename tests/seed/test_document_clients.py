"""The Python and the JavaScript client of the document, each as a program against a server."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.seed.conftest import at
from tests.seed.document import block
from tests.support.client import TIMEOUT_S, Client
from tests.support.npm import need_node
from tests.support.server import Server

CONVERSATION = "conversation-uuid"

# What a page has around the document's script: functions that show things, here by
# printing them, and somebody who acts. Three seconds of its clock last 30 ms.
BEFORE = """
const real = setTimeout;
globalThis.setTimeout = (call, ms) => real(call, ms / 100);
const show = (name) => (...what) => console.log(JSON.stringify([name, ...what]));
const displayMessage = show('message');
const showTypingIndicator = show('typing');
const updateUserPresence = show('presence');
const updateOnlineUsersList = show('online');
"""
AFTER = """
ws.addEventListener('message', (event) => {
  const data = JSON.parse(event.data);
  if (data.type === 'conversation_joined') show('joined')(data.conversation_id);
  const said = data.type === 'new_message' && data.message.content;
  if (said === 'Type!') handleTyping('conversation-uuid');
  if (said === 'Speak!') sendMessage('conversation-uuid', 'Hello from the page');
  if (said === 'Say nothing!') sendMessage('conversation-uuid', '   ');
  if (said === 'Go!') ws.close();
});
"""


@asynccontextmanager
async def program(*command: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program with all of its streams in our hands; end it if it does not."""
    process = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1, stderr=-1)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_python_client_sends_and_prints(server: Server, tmp_path: Path) -> None:
    client = tmp_path / "client.py"
    client.write_text(at(server, block("python", "async def chat_client")))
    async with (
        await Client.open(server.as_user("peer")) as peer,
        program(sys.executable, client) as process,
    ):
        await peer.ask("join_conversation", conversation_id=CONVERSATION)
        await peer.until("presence_update", user_id="user-uuid", online=True)
        assert process.stdin is not None
        for line in ("Hello", "Grüße 🐊"):
            process.stdin.write(f"{line}\n".encode())
            told = await peer.until("new_message")
            assert (told["message"]["sender_id"], told["message"]["content"]) == ("user-uuid", line)
        await peer.ask("send_message", conversation_id=CONVERSATION, content="Hello yourself")

        # Its input() holds up its event loop, so it prints what it has received when the
        # input ends; and the end of the input is an error to it.
        async with asyncio.timeout(TIMEOUT_S):
            output, errors = await process.communicate(b"")

    assert errors.decode().endswith("EOFError: EOF when reading a line\n")
    printed = [line for line in output.decode().splitlines() if "Received: " in line]
    received = [line.partition("Received: ")[2] for line in printed]
    types = [next(kind for kind in KINDS if f"'type': '{kind}'" in line) for line in received]
    assert types[:2] == ["online_users", "conversation_joined"]
    assert types.count("new_message") == 3
    assert any("'content': 'Hello yourself'" in line and "'sender_id': 'peer'" in line for line in received)


KINDS = ("online_users", "conversation_joined", "new_message", "ack", "presence_update", "conversation_created",
         "members_added")  # fmt: skip


async def test_the_javascript_client_sends_and_shows(server: Server, tmp_path: Path) -> None:
    need_node()
    script = tmp_path / "page.js"
    script.write_text(BEFORE + at(server, block("javascript", "new WebSocket")) + AFTER)
    async with (
        # Node 20 has it behind this flag, later ones take the flag and have it anyway.
        program("node", "--experimental-websocket", "--no-warnings", script) as page,
        asyncio.timeout(TIMEOUT_S),
    ):
        assert page.stdout is not None

        async def shown(name: str) -> list[object]:
            while line := (await page.stdout.readline()).decode():
                if line.startswith("[") and (found := json.loads(line))[0] == name:
                    return list(found[1:])
            raise AssertionError(f"the page ended before it showed {name}")

        assert await shown("online") == [["user-uuid-here"]]
        assert await shown("joined") == [CONVERSATION]

        async with await Client.open(server.as_user("visitor")) as peer:
            await peer.ask("join_conversation", conversation_id=CONVERSATION)
            assert await shown("presence") == ["visitor", True]
            await peer.say("typing_start", conversation_id=CONVERSATION)
            assert await shown("typing") == ["visitor", True]

            async def order(what: str) -> None:
                await peer.ask("send_message", conversation_id=CONVERSATION, content=what)

            await order("Type!")
            [message] = await shown("message")
            assert isinstance(message, dict)
            assert (message["sender_id"], message["content"]) == ("visitor", "Type!")
            await peer.until("typing_indicator", user_id="user-uuid-here", is_typing=True)
            await peer.until("typing_indicator", user_id="user-uuid-here", is_typing=False)

            await order("Speak!")
            heard: list[tuple[str, str]] = []
            while not heard or heard[-1][0] == "visitor":
                message = (await peer.until("new_message"))["message"]
                heard.append((message["sender_id"], message["content"]))
            assert heard[-1] == ("user-uuid-here", "Hello from the page")
            await order("Say nothing!")
            assert page.stderr is not None
            assert (await page.stderr.readline()).decode().startswith("WebSocket error: ")
            await order("Go!")
            output, errors = await page.communicate()
    assert output.decode().endswith("WebSocket connection closed\n")
    assert (errors, page.returncode) == (b"", 0)
