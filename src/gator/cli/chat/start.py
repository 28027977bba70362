"""How `gator chat` begins: which kind of screen, and what to say when it cannot."""

import asyncio
import os
import signal
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from gator.cli.harmless import harmless

if TYPE_CHECKING:
    from gator.cli.chat.terminal import Terminal

MISSING: Final = (
    "`gator chat` needs {what}. In a source checkout `make setup` installs it; elsewhere "
    "`pip install ./clients/python 'textual>=8.2.8,<9'` does, from a copy of the sources."
)


def run(user: str, conversation: str | None, *, url: str, token: str | None, plain: bool) -> int:
    """Chat in the terminal until the user leaves. Returns the exit status.

    Args:
        conversation: The one to begin with; a line a message needs one.
        plain: A line a message, though this may be a terminal. Pipes get that anyway.
    """
    plain = plain or not (sys.stdin.isatty() and sys.stdout.isatty())
    if find_spec("gator_chat_client") is None:
        return _complain(MISSING.format(what="the Python client, gator-chat-client"))
    if plain:
        if conversation is None:
            return _complain("A line a message needs a conversation: gator chat USER CONVERSATION.", status=2)
        return _run_plain(user, conversation, url, token)
    if find_spec("textual") is None:
        return _complain(MISSING.format(what="Textual") + " `--plain` does without.")
    from gator.cli.chat.app import run_app

    return run_app(user, conversation, url=url, token=token)


def own_url(host: str, port: int) -> str:
    """Word the address of a server on this machine that listens there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"


def _run_plain(user: str, conversation: str, url: str, token: str | None) -> int:
    from gator.cli.chat.terminal import Terminal
    from gator_chat_client import AddressError

    try:
        with Terminal() as terminal:
            status, why = asyncio.run(_plainly(user, conversation, url, token, terminal))
    except* AddressError as group:
        status, why = 1, str(group.exceptions[0])
    except* BrokenPipeError:
        # Whoever read the output has left; what is still to be flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status, why = 1, None
    return status if why is None else _complain(why, status=status)


async def _plainly(
    user: str, conversation: str, url: str, token: str | None, terminal: "Terminal"
) -> tuple[int, str | None]:
    from gator.cli.chat.plain import HISTORY, Plain
    from gator_chat_client import Client

    told_to_leave = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, told_to_leave.set)
    async with Client(url, user=user, token=token) as client:
        talk = client.conversation(conversation, history=HISTORY)
        left = await Plain(client, talk, user, terminal).run(told_to_leave)
    return left.status, left.why


def _complain(why: str, *, status: int = 1) -> int:
    print(f"gator: {harmless(why)}", file=sys.stderr)
    return status
