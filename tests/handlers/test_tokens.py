"""refresh_token; a connection lives as long as its token."""

from typing import Any

import jwt
import pytest
from tests.support.clock import NOON, NOON_TEXT
from tests.support.house import SECRET, StagedHouse

from gator.protocol.errors import TOKEN_EXPIRED
from gator.protocol.types import UserId

LEEWAY_S = 30


def token(sub: str = "alice", *, ends_in_s: int = 3600, secret: str = SECRET, **claims: Any) -> str:
    return jwt.encode({"sub": sub, "exp": NOON // 1000 + ends_in_s} | claims, secret, "HS256")


async def test_a_fresh_token_is_answered_with_its_end(strict: StagedHouse) -> None:
    alice = strict.connect("alice")
    await strict.settle()
    strict.look()
    assert await alice.say(type="refresh_token", token=token(ends_in_s=90), id="1") == [
        {
            "type": "token_refreshed",
            "expires_at": "2025-01-15T10:31:30.000Z",
            "reply_to": "1",
            "timestamp": NOON_TEXT,
        }
    ]


async def test_a_connection_ends_a_leeway_after_its_token(strict: StagedHouse) -> None:
    alice = strict.connect("alice", expires_at=NOON + 60_000)
    await strict.advance(60 + LEEWAY_S - 1)
    assert alice.sink.closed is None
    await strict.advance(1)
    assert alice.sink.closed == TOKEN_EXPIRED
    assert (TOKEN_EXPIRED.code, TOKEN_EXPIRED.reconnect) == (4001, True)


async def test_a_fresh_token_puts_the_end_off(strict: StagedHouse) -> None:
    alice = strict.connect("alice", expires_at=NOON + 60_000)
    await strict.advance(59)
    await alice.say(type="refresh_token", token=token(ends_in_s=180))
    await strict.advance(120 + LEEWAY_S)
    assert alice.sink.closed is None
    await strict.advance(2)
    assert alice.sink.closed == TOKEN_EXPIRED


async def test_without_an_end_a_connection_lives_on(strict: StagedHouse) -> None:
    alice = strict.connect("alice")
    await strict.advance(5000)
    assert alice.sink.closed is None


async def test_a_connection_that_ended_is_not_closed_again(strict: StagedHouse) -> None:
    alice = strict.connect("alice", expires_at=NOON + 60_000)
    await alice.hang_up()
    await strict.advance(1000)
    assert alice.sink.closed is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (token("bob"), "The token is another user's."),
        (token(ends_in_s=-3600), None),
        (token(secret=SECRET[::-1]), None),
        ("no token", None),
        ("", None),
    ],
)
async def test_a_bad_token_changes_nothing(strict: StagedHouse, bad: str, reason: str | None) -> None:
    alice = strict.connect("alice", expires_at=NOON + 60_000)
    await strict.settle()
    strict.look()
    [error] = await alice.say(type="refresh_token", token=bad, id="1")
    assert (error["type"], error["code"], error["reply_to"]) == ("error", "invalid_token", "1")
    assert reason is None or error["message"] == reason
    assert len(bad) < 10 or bad not in error["message"]
    await strict.advance(60 + LEEWAY_S)
    assert alice.sink.closed == TOKEN_EXPIRED


async def test_a_fresh_token_brings_the_new_name(strict: StagedHouse) -> None:
    alice = strict.connect("alice", name="Alice")
    [created] = (await alice.say(type="create_conversation", kind="group", member_ids=[]))[1:]
    where = created["conversation_id"]
    await alice.join(where)
    await alice.say(type="refresh_token", token=token(name="Alice B."))
    await alice.post(where, "hello")
    assert alice.heard[-1]["message"]["sender"] == {"name": "Alice B."}
    user = await strict.house.store.user(UserId("alice"))
    assert user is not None
    assert user.name == "Alice B.", "history and live events show the same name"


async def test_where_nobody_has_a_token_none_is_refreshed(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    assert await alice.say(type="refresh_token", token=token(), id="1") == [
        {
            "type": "error",
            "code": "invalid_token",
            "message": "This server does not use tokens.",
            "reply_to": "1",
            "timestamp": NOON_TEXT,
        }
    ]
