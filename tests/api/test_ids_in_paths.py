"""Ids in paths, as an ASGI server hands the paths over."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from gator.api.ids_in_paths import KeepEncodedSlashes, as_asked


async def told(scope: Scope) -> Scope:
    """Give the scope that an application behind the middleware gets."""
    got: list[Scope] = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        got.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await KeepEncodedSlashes(application)(scope, receive, send)
    return got[0]


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        (b"/a%2Fb/c", ["", "a/b", "c"]),
        (b"/a%2fb%2F/c", ["", "a/b/", "c"]),
        (b"/a%252Fb%2Fc", ["", "a%2Fb/c"]),
        (b"/%E5%90%8D%2F%20", ["", "\u540d/ "]),
    ],
)
async def test_an_encoded_slash_divides_no_path(raw: bytes, parts: list[str]) -> None:
    scope = await told({"type": "http", "path": "as the server decoded it", "raw_path": raw})
    assert [as_asked(part) for part in scope["path"].split("/")] == parts


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "http", "path": "/a/b", "raw_path": b"/a/b"},
        {"type": "http", "path": "/a%2Fb", "raw_path": b"/a%252Fb"},
        {"type": "http", "path": "/a/b", "raw_path": None},
        {"type": "http", "path": "/a/b"},
        {"type": "websocket", "path": "/ws/a/b", "raw_path": b"/ws/a%2Fb"},
        {"type": "lifespan"},
    ],
)
async def test_everything_else_is_passed_on_as_it_is(scope: Scope) -> None:
    assert await told(scope) is scope
