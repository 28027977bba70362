"""Waits, closing codes, addresses, frames, tokens: values in, values out."""

import base64
import json

import pytest
from tests.support.clock import FakeClock

from gator.protocol.errors import CLOSES, Close
from gator.protocol.examples import EVENT_EXAMPLES
from gator_chat_client.address import address_of, check_token
from gator_chat_client.backoff import Backoff
from gator_chat_client.closings import CALM_S, after_close, after_status
from gator_chat_client.credentials import Credentials, expiry_of
from gator_chat_client.errors import AddressError, ChatError
from gator_chat_client.frames import UnknownEvent, read

# Waits


def test_waits_double_up_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next_s() == 1


def test_a_wait_is_anything_between_nothing_and_its_bound() -> None:
    drawn = iter((0.0, 0.25, 1.0))
    backoff = Backoff(lambda: next(drawn))
    assert [backoff.next_s() for _ in range(3)] == [0.0, 0.5, 4.0]


# Closing codes


@pytest.mark.parametrize("row", CLOSES, ids=lambda row: f"{row.code} {row.reason}")
def test_every_row_of_the_servers_table_is_obeyed(row: Close) -> None:
    ending = after_close(row.code, row.reason)
    assert (ending.reason != "refused") is row.reconnect
    assert ending.code == row.code


@pytest.mark.parametrize("code", [None, 1000, 1006, 4999])
def test_from_a_code_without_a_row_one_comes_back(code: int | None) -> None:
    assert after_close(code, "").reason == "lost"


def test_who_was_too_fast_stays_away_for_a_while() -> None:
    assert after_close(4029, "").least_s == CALM_S


def test_a_known_code_with_another_reason_is_obeyed_and_words_it() -> None:
    ending = after_close(1008, "Go away")
    assert (ending.reason, ending.why) == ("refused", "Go away.")


@pytest.mark.parametrize(("status", "reason"), [(404, "refused"), (403, "refused"), (503, "lost"), (429, "lost")])
def test_an_http_answer_is_judged_by_its_status(status: int, reason: str) -> None:
    assert after_status(status).reason == reason


# Addresses


@pytest.mark.parametrize(
    ("url", "socket", "http"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/ada", "http://127.0.0.1:8000/api/v1"),
        ("wss://chat.test/base/", "wss://chat.test/base/ws/ada", "https://chat.test/base/api/v1"),
        ("https://chat.test", "wss://chat.test/ws/ada", "https://chat.test/api/v1"),
    ],
)
def test_both_doors_are_found_from_either(url: str, socket: str, http: str) -> None:
    address = address_of(url, "ada")
    assert (address.socket_of(None), address.http) == (socket, http)


def test_a_token_travels_in_a_header_and_never_in_an_address() -> None:
    address = address_of("http://chat.test", "ada")
    assert address.socket_of("t.o.k") == "ws://chat.test/ws/auth"
    assert address.socket_headers("t.o.k") == {"Authorization": "Bearer t.o.k"}
    assert address.http_headers("t.o.k") == {b"Authorization": b"Bearer t.o.k"}


def test_a_name_cannot_change_the_address_and_may_be_of_any_script() -> None:
    address = address_of("http://chat.test", "../王?x=1")
    assert address.socket_of(None) == "ws://chat.test/ws/..%2F%E7%8E%8B%3Fx%3D1"
    assert address.http_headers(None) == {b"X-Gator-User": "../王?x=1".encode()}


@pytest.mark.parametrize("url", ["nonsense", "ftp://chat.test", "http://", "http://a:b", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError, match="is no address of a server"):
        address_of(url, "ada")


@pytest.mark.parametrize("token", ["", "  ", "a b\n c\x00", "tökén"])
def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(AddressError) as refused:
        check_token(token)
    assert token.strip() == "" or token not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "near"), [("ws://localhost:1", True), ("ws://[::1]:1", True), ("ws://chat.test", False)]
)
def test_only_this_machine_is_near(url: str, *, near: bool) -> None:
    assert address_of(url, "ada").is_near is near


# Frames


@pytest.mark.parametrize("kind", EVENT_EXAMPLES)
def test_every_event_of_the_server_is_read(kind: str) -> None:
    event = read(json.dumps(EVENT_EXAMPLES[kind]))
    assert not isinstance(event, UnknownEvent)
    assert event.__struct_config__.tag == kind


def test_of_an_event_of_a_newer_server_what_may_matter_is_read() -> None:
    event = read('{"type": "fireworks", "conversation_id": "tea", "seq": 7, "sparks": [1]}')
    assert event == UnknownEvent(type="fireworks", conversation_id="tea", seq=7)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"type": 5}', "[" * 100_000])
def test_what_is_no_event_at_all_is_nothing(text: str) -> None:
    assert read(text) == UnknownEvent()


# Tokens


def jwt(exp: float | None) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"sub": "ada"} | ({} if exp is None else {"exp": exp})).encode())
    return f"e30.{payload.decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(("token", "expected"), [(jwt(1234.5), 1234.5), (jwt(None), None), ("opaque", None)])
def test_the_end_of_a_token_is_read_without_checking_it(token: str, expected: float | None) -> None:
    assert expiry_of(token) == expected


async def test_a_token_is_asked_for_again_shortly_before_its_end() -> None:
    clock, given = FakeClock(), []

    async def source() -> str:
        given.append(jwt(clock.now() / 1000 + 600))
        return given[-1]

    credentials = Credentials(source, clock)
    assert await credentials.current() == given[0]
    assert credentials.refresh_in_s() == pytest.approx(540)
    clock.advance(539)
    assert await credentials.current() == given[0]
    clock.advance(2)
    assert await credentials.current() == given[1]
    assert len(given) == 2


async def test_a_token_for_good_is_never_replaced() -> None:
    credentials = Credentials(" t.o.k ", FakeClock())
    assert await credentials.fresh() == "t.o.k"
    assert credentials.refresh_in_s() is None
    assert not credentials.can_refresh


# Errors


def test_an_error_says_whether_waiting_helps() -> None:
    assert ChatError("rate_limited", "Wait.").is_temporary
    assert not ChatError("forbidden", "No.").is_temporary
    assert not ChatError("a_newer_code", "Hm.").is_temporary
    assert str(ChatError("forbidden", "No.")) == "forbidden: No."
