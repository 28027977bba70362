"""A connection's life: greeted, watched, lost, found again. Time is virtual, the network a script."""

import pytest
from clients.python.tests.stage import Stage, settle
from clients.python.tests.test_small_parts import jwt

from gator.protocol.errors import CLOSES, Close
from gator_chat_client import AddressError, ChatError, Client
from gator_chat_client.closings import Ending


async def test_it_is_open_when_it_was_greeted_and_nothing_is_missing(stage: Stage) -> None:
    states: dict[tuple[str, str], None] = {}
    async with stage.client() as client:
        client.subscribe(lambda: states.setdefault((client.connection.state, client.connection.reason)))
        await settle()
        await stage.link.greets()
    assert stage.link.door.url == "ws://chat.test/ws/ada"
    assert [*states] == [
        ("connecting", "asked"),
        ("catching_up", "welcomed"),
        ("open", "caught_up"),
        ("closed", "closed"),
    ]
    assert stage.link.was_closed


async def test_what_comes_before_the_greeting_means_nothing(stage: Stage) -> None:
    async with stage.client() as client:
        await settle()
        await stage.link.says("reconnect", after_ms=1)
        assert client.connection.state == "connecting"


async def test_a_server_that_does_not_greet_is_given_up_after_a_while(stage: Stage) -> None:
    async with stage.client() as client:
        await settle()
        await stage.passes(9.5)
        assert client.connection.state == "connecting"
        await stage.passes(1)
        assert (client.connection.state, client.connection.reason) == ("waiting", "silent")


async def test_attempts_are_made_at_longer_and_longer_intervals(stage: Stage) -> None:
    stage.refusals.extend([Ending("lost", "connection refused")] * 7)
    async with stage.client() as client:
        waits = []
        for _ in range(7):
            await settle()
            assert client.connection.retry_at_ms is not None
            waits.append((client.connection.retry_at_ms - stage.clock.now()) / 1000)
            await stage.passes(waits[-1])
        assert waits == [1, 2, 4, 8, 16, 30, 30]
        await stage.link.greets()
        stage.link.breaks()
        await settle()
        assert client.connection.retry_at_ms == stage.clock.now() + 1000


async def test_one_may_ask_for_an_attempt_now(stage: Stage) -> None:
    stage.refusals.append(Ending("lost", "connection refused"))
    async with stage.client() as client:
        await settle()
        assert client.connection.state == "waiting"
        client.reconnect()
        await settle()
        assert (client.connection.state, client.connection.reason) == ("connecting", "asked")


async def test_a_server_that_will_restart_is_left_and_found_again_when_it_said(stage: Stage) -> None:
    async with stage.connected() as client:
        await stage.link.says("reconnect", after_ms=11_840)
        assert stage.link.was_closed
        assert client.connection.reason == "server_restarts"
        assert client.connection.retry_at_ms == stage.clock.now() + 11_840
        await stage.passes(11.5)
        assert len(stage.links) == 1
        await stage.passes(0.5)
        assert len(stage.links) == 2


@pytest.mark.parametrize("row", CLOSES, ids=lambda row: f"{row.code} {row.reason}")
async def test_a_closing_code_decides_whether_one_comes_back(stage: Stage, row: Close) -> None:
    async with stage.connected(token=lambda: jwt(None)) as client:
        stage.link.closes(row.code, row.reason)
        await settle()
        assert client.connection.code == row.code
        await stage.passes(70)
        assert (len(stage.links) > 1) is row.reconnect
        assert (client.connection.state == "closed") is not row.reconnect


async def test_who_was_too_fast_stays_away_for_a_minute(stage: Stage) -> None:
    async with stage.connected():
        stage.link.closes(4029)
        await stage.passes(60)
        assert len(stage.links) == 1
        await stage.passes(1.5)
        assert len(stage.links) == 2


async def test_a_refusal_ends_what_waits_for_the_connection(stage: Stage) -> None:
    async with stage.connected() as client:
        await client.conversation("tea").send("hello")
        stage.link.closes(1008, "Too many connections")
        await settle()
        with pytest.raises(ChatError, match="Too many connections"):
            await client.flushed()
        with pytest.raises(ChatError, match="Too many connections"):
            await client.conversation("tea").send("again")


# Signs of life


async def test_a_socket_that_is_silent_for_two_beats_is_dead(stage: Stage) -> None:
    async with stage.connected() as client:
        await stage.passes(25)
        await stage.link.says("heartbeat")
        await stage.passes(49)
        assert client.connection.state == "open"
        await stage.passes(1.5)
        assert (client.connection.state, client.connection.reason) == ("waiting", "silent")
        assert stage.link.was_aborted


async def test_a_half_open_socket_is_found_out_within_seconds_when_one_asks(stage: Stage) -> None:
    async with stage.connected() as client:
        client.reconnect()
        await settle()
        assert stage.link.heard("heartbeat") == [{"type": "heartbeat", "id": None}]
        await stage.passes(4.5)
        assert client.connection.state == "open"
        await stage.passes(1)
        assert client.connection.reason == "silent"


async def test_a_socket_that_answers_is_kept(stage: Stage) -> None:
    async with stage.connected() as client:
        client.reconnect()
        await settle()
        await stage.link.says("heartbeat")
        await stage.passes(10)
        assert client.connection.state == "open"
        assert len(stage.links) == 1


# Tokens


async def test_a_token_of_somebody_else_is_noticed(stage: Stage) -> None:
    async with stage.client(token="t.o.k") as client:
        await settle()
        assert stage.link.door.url == "ws://chat.test/ws/auth"
        assert stage.link.door.headers == {"Authorization": "Bearer t.o.k"}
        await stage.link.greets(user="bob")
        assert client.connection.reason == "refused"
        assert client.connection.why == "The token is that of 'bob', not of 'ada'."


async def test_a_token_alone_says_who_the_user_is(stage: Stage) -> None:
    async with stage.client(user=None, token="t.o.k") as client:
        await settle()
        await stage.link.greets(user="bob")
        assert client.connection.user_id == "bob"


async def test_a_token_is_replaced_in_band_before_it_ends(stage: Stage) -> None:
    given: list[str] = []

    def source() -> str:
        given.append(jwt(stage.clock.now() / 1000 + 300))
        return given[-1]

    async with stage.connected(token=source) as client:
        for _ in range(4):
            await stage.passes(20)
            await stage.link.says("heartbeat")
        assert stage.link.heard("refresh_token") == []
        for _ in range(9):
            await stage.passes(20)
            await stage.link.says("heartbeat")
        assert [each["token"] for each in stage.link.heard("refresh_token")] == given[1:2]
        assert len(stage.links) == 1
        assert client.connection.state == "open"


async def test_a_token_that_ended_is_replaced_by_whoever_can_and_the_end_for_others(stage: Stage) -> None:
    async with stage.connected(token=lambda: jwt(None)) as client:
        stage.link.closes(4001, "Token expired")
        await stage.passes(2)
        assert len(stage.links) == 2
    async with stage.connected(token="t.o.k") as client:
        stage.link.closes(4001, "Token expired")
        await settle()
        assert (client.connection.reason, client.connection.why) == ("refused", "The token has ended.")


async def test_a_source_of_tokens_that_fails_is_asked_again(stage: Stage) -> None:
    answers = iter([RuntimeError("the issuer is down"), None])

    def source() -> str:
        error = next(answers)
        if error is not None:
            raise error
        return "t.o.k"

    async with stage.client(token=source) as client:
        await settle()
        assert client.connection.reason == "token_failed"
        assert "the issuer is down" in client.connection.why
        await stage.passes(1)
        await stage.link.greets()
        assert client.connection.state == "open"


def test_somebody_has_to_be_somebody() -> None:
    with pytest.raises(AddressError, match="Say who you are"):
        Client("http://chat.test")


async def test_a_client_that_does_not_run_says_so(stage: Stage) -> None:
    client = stage.client()
    with pytest.raises(ChatError, match="not running"):
        await client.conversation("tea").send("hello")
    async with client:
        await settle()
    with pytest.raises(ChatError, match="not running"):
        await client.conversation("tea").send("hello")
    await client.close()
