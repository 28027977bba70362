"""One script, played against each gateway: they answer with the same frames, byte for byte.

So does the application under another ASGI server, where it has the portable gateway only. Where
a server, not the gateway, decides what is said, `OTHERWISE` has the line, and why.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, get_args

import jwt
import msgspec
import pytest
from tests.e2e.garbage import TEXT, WIRE, frame
from tests.e2e.tape import Tape
from tests.support.client import Gone
from tests.support.server import SECRET, Server, token

from gator.protocol.commands import Command
from gator.protocol.errors import CLOSES, ERRORS, INTERNAL, SLOW_CONSUMER
from gator.protocol.events import Event

SETTINGS: Final = {
    "jwt_secret": SECRET,
    "jwt_leeway_s": 0,
    # Nothing is said unasked, and nothing that was used up comes back.
    "heartbeat_s": 3600,
    "presence_grace_s": 0,
    "messages_per_s": 0.001,
    "messages_burst": 15,
    "commands_per_s": 0.001,
    "commands_burst": 250,
    "connects_per_s": 0.001,
    "connects_burst": 80,
    "max_connections": 12,
    "max_joined": 4,
    "max_message_chars": 100,
    "max_frame_bytes": 2048,
    "replay_limit": 3,
    "drain_s": 2,
}

UVICORN: Final = (sys.executable, "-m", "uvicorn", "backend.api.main:app", "--port", "0")

NOTHING: Final = "There is no WebSocket at this address.\n"
NOWHERE: Final = ("", "/", "/ws", "/wss/ann", "/api/v1/users/ann")

BY_UVICORN: Final = {
    # It closes before the application hears of it, and gives no reason.
    "a sender of no text is closed with 1007 'Not UTF-8'": "a sender of no text is closed with 1007 ''",
    # It fails to close what the client has closed, and the event loop drops the connection.
    "one with no text and no time is closed with 1000 ''": "one with no text and no time is closed with 1006 ''",
    # A handshake that is not accepted is answered with 403, says ASGI. An answer of one's own is an
    # extension, which uvicorn logs as an error of the application.
    **{f"at {path!r} is answered 404 {NOTHING!r}": f"at {path!r} is answered 403 ''" for path in NOWHERE},
}

OTHERWISE: Final[dict[str, dict[str, str]]] = {
    "asgi": BY_UVICORN,
    # Only `gator serve` tells uvicorn how much is too much; elsewhere the gateway sees to it.
    "uvicorn": BY_UVICORN
    | {
        "a sender of too much is closed with 1009 'frame with 2049 bytes exceeds limit of 2048 bytes'": (
            "a sender of too much is closed with 1009 'Message too big'"
        ),
        "a sender of too much in pieces is closed with 1009 "
        "'frame with 1025 bytes after reading 1024 bytes exceeds limit of 2048 bytes'": (
            "a sender of too much in pieces is closed with 1009 'Message too big'"
        ),
    },
}

NOT_OVER_A_SOCKET: Final = {
    "not_authenticated", "user_not_found", "member_not_found", "direct_is_fixed", "last_owner", "not_found",
    "method_not_allowed", "body_too_large", "bad_card", "too_many_personas",
}  # fmt: skip
NOT_A_CLIENTS_FAULT: Final = {"internal", "overloaded"}
"""Codes of a server that fails, or whose disk does not keep up."""

NOT_TOLD_HERE: Final = {
    "occupancy", "run_accepted", "persona_state", "reply_queued", "reply_started", "reply_delta", "reply_reset",
    "reply_stopped", "reply_failed", "reply_rejected",
}  # fmt: skip
"""Counts of more than a hundred come when a timer says so, and so do the pieces of a reply: those are in
`test_replies`, on both gateways."""

NOT_CLOSED_HERE: Final = {INTERNAL.code, SLOW_CONSUMER.code}
"""Who reads too slowly is in `test_connections`."""


async def talk(tape: Tape) -> None:
    """What people do: come in, talk, type, read, come back, leave."""
    await tape.connect("ann")
    await tape.connect("bob")
    garden = {"conversation_id": "garden"}
    await tape.say("ann", "join_conversation", **garden)
    await tape.say("bob", "join_conversation", **garden, after_seq=0, then={"type": "members_added", "seq": 2})
    await tape.say("bob", "typing_start", **garden)
    await tape.say("bob", "typing_stop", **garden)
    await tape.say("bob", "typing_start", **garden)
    once = {"content": 'Hello, 🐊\u2028"\\\x7f ünd <b>', "client_message_id": "m-1"}
    await tape.say("bob", "send_message", **garden, **once)
    await tape.say("bob", "send_message", **garden, **once)
    await tape.say("bob", "send_message", **garden, **once | {"content": "another"})
    await tape.say("ann", "send_message", **garden, content="Dear robot", persona_id="robot")
    await tape.say("ann", "mark_read", **garden, seq=2)
    await tape.say("ann", "get_online_status", user_ids=["ann", "bob", "nobody"])
    await tape.say("ann", "heartbeat")
    await tape.connect("bob elsewhere", tape.server.as_user("bob"))
    await tape.say("bob elsewhere", "mark_read", **garden, seq=99)

    last = {"type": "new_message", "seq": 4}
    await tape.say("bob", "join_conversation", **garden, after_seq=2, then=last)
    await tape.say("bob", "join_conversation", **garden, after_seq=0)
    await tape.say("bob", "join_conversation", **garden, after_seq=4, epoch="another")
    await tape.say("bob", "join_conversation", **garden, after_seq=999)
    await tape.say("bob", "leave_conversation", **garden)
    await tape.say("ann", "send_message", **garden, content="Bob?")

    await tape.say("ann", "create_conversation", kind="group", member_ids=["bob"], title="Kitchen")
    for _ in range(2):
        await tape.say("ann", "create_conversation", kind="direct", member_ids=["bob"])
    channel = await tape.say("ann", "create_conversation", kind="channel", member_ids=["bob"])
    assert channel is not None
    news = {"conversation_id": channel["conversation_id"]}
    await tape.say("bob", "join_conversation", **news)
    await tape.say("bob", "typing_start", **news)
    await tape.say("bob", "send_message", **news, content="May I?")
    path = f"/conversations/{news['conversation_id']}"
    await tape.over_http("ann", "PATCH", path, {"title": "News"})
    await tape.over_http("ann", "POST", f"{path}/members", {"user_id": "cleo"})
    await tape.over_http("ann", "PATCH", f"{path}/members/bob", {"role": "admin"})
    await tape.over_http("ann", "DELETE", f"{path}/members/cleo")
    await tape.over_http("ann", "DELETE", path)

    await tape.say("ann", "refresh_token", token=token("ann"))
    await tape.hangs_up("bob elsewhere", 4321, "of one's own")
    await tape.hangs_up("bob", 1000)
    await tape.hears("ann", "presence_update", online=False)
    await tape.settle()


async def err(tape: Tape) -> None:
    """What is refused: one error for each thing that can be wrong."""
    await tape.connect("eve")
    for text in ("", "{", "[]", "{}", '{"type":"shout","id":"7"}', "[" * 17 + "]" * 17):
        await tape.say_wrong("eve", text)
    for fields in ('"id":"7"', '"conversation_id":7', '"conversation_id":"a","after_seq":-1', '"id":{}'):
        await tape.say_wrong("eve", f'{{"type":"join_conversation",{fields}}}')
    await tape.say_wrong("eve", ['{"type":', '"shout', '"}'])
    await tape.say_wrong("eve", b"\x00\xff")
    await tape.say_wrong("eve", [b"\x00".decode(), "\x7f"])
    for content in ("", " \n", "x" * 101, "\x00"):
        await tape.say("eve", "send_message", conversation_id="a", content=content, client_message_id="m")
    await tape.say("eve", "send_message", conversation_id="nowhere", content="Hello?")
    await tape.say("eve", "mark_read", conversation_id="nowhere", seq=1)
    await tape.say_wrong("eve", '{"type":"typing_start","conversation_id":"nowhere"}')
    await tape.say("eve", "stop_reply", run_id="nobody's")
    await tape.say("eve", "resume_reply", run_id="nobody's")
    await tape.say("eve", "regenerate_reply", message_id="nobody's")
    await tape.say("eve", "refresh_token", token="e30.e30.e30")
    await tape.say("eve", "refresh_token", token=token("ann"))
    for number in range(5):
        await tape.say("eve", "join_conversation", conversation_id=f"room-{number}")
    for _ in range(16):
        await tape.say("eve", "send_message", conversation_id="room-0", content="Quick!")
    await tape.hangs_up("eve", 1001)


async def knock(tape: Tape) -> None:
    """How one gets in, and how one does not."""
    server = tape.server
    good = token("ann")
    await tape.connect("by address", server.with_token(good))
    await tape.connect("by header", server.ws("auth"), additional_headers={"Authorization": f"Bearer {good}"})
    await tape.connect("by subprotocol", server.ws("auth"), subprotocols=["gator.v1", f"bearer.{good}"])
    await tape.connect("by the first of two", server.with_token(f"{good}&token=e30"))
    await tape.is_refused("one too many", server.as_user("ann"))
    await tape.hangs_up("by address", 1000)
    await tape.hangs_up("by header", 1000)
    await tape.hangs_up("by subprotocol", 1000)
    await tape.hangs_up("by the first of two", 1000)

    await tape.is_refused("by no token", server.ws("auth"))
    await tape.is_refused("by a bad token", server.with_token("e30"), subprotocols=["gator.v1"])
    await tape.is_refused("by an old token", server.with_token(token("ann", expires_s=-1)))
    await tape.is_refused("by no name", server.ws(""))
    await tape.is_refused("by a long name", server.as_user("x" * 129))
    await tape.is_refused("by a bad name", server.as_user("a\nb"))
    await tape.is_refused("from elsewhere", server.as_user("ann"), origin="https://evil.example")
    for path in NOWHERE:
        await tape.is_refused(f"at {path!r}", server.url.replace("http", "ws", 1) + path)
    for name in ("a b", "名", "a/b", "a%2Fb", "auth/", "?"):
        await tape.connect(name)
        await tape.hangs_up(name, 1000)


async def end(tape: Tape) -> None:
    """How a connection ends."""
    for name, flaw in (
        ("a breaker of rules", WIRE["reserved data opcode"][0]),
        ("one without a mask", WIRE["not masked"][0]),
        ("a sender of too much", frame(TEXT, b"x" * 2049)),
        ("a sender of no text", WIRE["not UTF-8"][0]),
        ("one with no text and no time", WIRE["not UTF-8"][0] + WIRE["close"][0]),
    ):
        client = await tape.connect(name)
        client.socket.transport.write(flaw)
        await tape.ends(name)
    client = await tape.connect("a sender of too much in pieces")
    await client.socket.send(["x" * 1024, "x" * 1025])
    await tape.ends("a sender of too much in pieces")
    brief = jwt.encode({"sub": "dora", "exp": time.time() + 1}, SECRET, "HS256")
    await tape.connect("one for a second", tape.server.with_token(brief))
    await tape.ends("one for a second")
    client = await tape.connect("one in haste")
    for _ in range(250 + 100):
        await client.say("heartbeat")
    await tape.ends("one in haste")


async def crowd(tape: Tape) -> None:
    """There are as many as may be; and then they come too fast."""
    async with AsyncExitStack() as stack:
        others = Tape(tape.server, stack)
        with suppress(Gone):  # at once, or when those who left before are gone
            for number in count():
                await others.connect(f"user-{number}")
        await tape.is_refused("one more", tape.server.as_user("more"))
        while await others.is_refused("again", tape.server.ws("auth")) == (1008, "Invalid token"):
            pass
    await tape.is_refused("too fast", tape.server.as_user("more"))


async def drain(tape: Tape) -> None:
    """The server is asked to stop."""
    await tape.settle()
    tape.server.send_signal(signal.SIGTERM)
    await tape.hears("ann", "reconnect")
    await tape.ask("ann", "join_conversation", conversation_id="garden")
    await tape.is_refused("a latecomer", tape.server.as_user("more"))
    await tape.ends("ann")


Act = Callable[[Tape], Awaitable[None]]

# uvicorn by itself drains nobody: it closes with 1012 and is gone.
SCRIPT_WITHOUT_DRAIN: Final[dict[str, Act]] = {
    "talk": talk, "err": err, "knock": knock, "end": end, "crowd": crowd,
}  # fmt: skip
SCRIPT: Final = SCRIPT_WITHOUT_DRAIN | {"drain": drain}


SERVERS: Final[dict[str, dict[str, Any]]] = {
    "native": {"gateway": "auto"},
    "asgi": {"gateway": "asgi"},
    "uvicorn": {"gateway": "auto", "command": UVICORN},
}


class Play:
    """The script, played against a server to its end.

    Attributes:
        acts: The lines of each act.
    """

    def __init__(self, server: Server, script: Mapping[str, Act]) -> None:
        self.server = server
        self.acts: dict[str, list[str]] = {}
        with server:
            self.tape = asyncio.run(self._play(script))

    async def _play(self, script: Mapping[str, Act]) -> Tape:
        async with AsyncExitStack() as stack:
            tape = Tape(self.server, stack)
            for name, act in script.items():
                await act(tape)
                self.acts[name], tape.lines = tape.lines, []
        return tape


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Play]:
    """Give the play against a server; it is played once."""

    @cache
    def play(name: str) -> Play:
        server = Server(tmp_path_factory.mktemp(name), **SERVERS[name], **SETTINGS)
        return Play(server, SCRIPT if name != "uvicorn" else SCRIPT_WITHOUT_DRAIN)

    return play


@pytest.mark.parametrize("act", SCRIPT)
def test_the_portable_gateway_answers_frame_for_frame_as_the_native_one(
    played: Callable[[str], Play], act: str
) -> None:
    assert played("asgi").acts[act] == expected(played("native").acts[act], "asgi")


@pytest.mark.parametrize("act", SCRIPT_WITHOUT_DRAIN)
def test_the_application_answers_frame_for_frame_the_same_under_another_server(
    played: Callable[[str], Play], act: str
) -> None:
    assert played("uvicorn").acts[act] == expected(played("native").acts[act], "uvicorn")


def expected(lines: list[str], server: str) -> list[str]:
    """Give the lines as that server has them."""
    return [OTHERWISE[server].get(line, line) for line in lines]


def test_the_script_leaves_nothing_out(played: Callable[[str], Play]) -> None:
    tape = played("native").tape
    assert tape.said == {tag(command) for command in get_args(Command)}
    assert {tag(event) for event in get_args(Event)} - {frame["type"] for frame in tape.heard} == NOT_TOLD_HERE
    codes = {frame["code"] for frame in tape.heard if frame["type"] == "error"}
    assert ERRORS.keys() - codes == NOT_OVER_A_SOCKET | NOT_A_CLIENTS_FAULT
    assert {close.code for close in CLOSES} - {code for code, _reason in tape.closes} == NOT_CLOSED_HERE
    for server, lines in OTHERWISE.items():
        assert lines.keys() <= {line for act in played("native").acts.values() for line in act}, server


def tag(struct: type[msgspec.Struct]) -> object:
    """Name a struct as it is on the wire."""
    return struct.__struct_config__.tag


# What the servers log meanwhile


def test_gator_serve_uses_the_native_gateway_unless_told_otherwise_and_warns_of_nothing(
    played: Callable[[str], Play],
) -> None:
    assert "a sender of no text is closed with 1007 'Not UTF-8'" in played("native").acts["end"]
    for name in ("native", "asgi"):
        assert warnings(played(name).server) == []


def test_under_another_server_the_portable_gateway_is_used_with_a_warning(played: Callable[[str], Play]) -> None:
    [warning] = warnings(played("uvicorn").server)
    assert "run `gator serve`" in warning


def warnings(server: Server) -> list[str]:
    """List the log lines that say which gateway is used."""
    return [line for line in server.log if "portable_gateway" in line]


@pytest.mark.parametrize("name", ["native", "asgi"])
def test_nothing_that_a_client_says_is_logged_as_a_failure(played: Callable[[str], Play], name: str) -> None:
    assert played(name).server.complaints() == []


def test_under_another_server_the_native_gateway_cannot_be_had(tmp_path: Path) -> None:
    server = Server(tmp_path, command=UVICORN, gateway="native")
    with pytest.raises(RuntimeError, match="GATOR_GATEWAY=native needs `gator serve`"):
        server.start()
    assert not server.data.exists()
