import pytest

from gator.cli.verify.address import AddressError, address_of

TOKEN = "eyJh.eyJz.c2ln"


def test_in_open_mode_the_address_names_the_user() -> None:
    address = address_of("ws://127.0.0.1:8000", "ann", "room", None)
    assert address.socket == "ws://127.0.0.1:8000/ws/ann"
    assert address.members == "http://127.0.0.1:8000/api/v1/conversations/room/members"
    assert address.personas == "http://127.0.0.1:8000/api/v1/personas"
    assert address.socket_headers == {}
    assert address.members_headers == {"X-Gator-User": b"ann"}
    assert address.subprotocols == ("gator.v1",)


def test_a_token_travels_in_a_header_and_never_in_an_address() -> None:
    address = address_of("wss://chat.example/base/", "ann", "room", f" {TOKEN}\n")
    assert address.socket == "wss://chat.example/base/ws/auth"
    assert address.members == "https://chat.example/base/api/v1/conversations/room/members"
    assert address.personas == "https://chat.example/base/api/v1/personas"
    assert address.socket_headers == {"Authorization": f"Bearer {TOKEN}"}
    assert address.members_headers == {"Authorization": f"Bearer {TOKEN}".encode()}


def test_a_name_cannot_change_the_address() -> None:
    address = address_of("ws://h", "../a?b#c/d", "x/../y", None)
    assert address.socket == "ws://h/ws/..%2Fa%3Fb%23c%2Fd"
    assert address.members.endswith("/conversations/x%2F..%2Fy/members")


def test_a_name_that_no_header_can_hold_is_not_sent_in_one() -> None:
    assert address_of("ws://h", "Zoë", "room", None).members_headers == {"X-Gator-User": "Zoë".encode("latin-1")}
    assert address_of("ws://h", "王", "room", None).members_headers == {}


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://h", "ws://h/ws/ann"),
        ("https://h:8443/", "wss://h:8443/ws/ann"),
        ("ws://[::1]:80?x=1#y", "ws://[::1]:80/ws/ann"),
    ],
)
def test_web_addresses_are_understood_too(url: str, socket: str) -> None:
    assert address_of(url, "ann", "room", None).socket == socket


@pytest.mark.parametrize(
    ("url", "near"),
    [("ws://localhost:1", True), ("ws://[::1]", True), ("ws://10.0.0.1", False), ("ws://chat.example", False)],
)
def test_only_this_machine_is_near(url: str, *, near: bool) -> None:
    assert address_of(url, "ann", "room", None).is_near is near


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://h", "ws://", "ws://h:x", "ws://h:70000", "ws://[h"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError, match=r"ws://127\.0\.0\.1:8000"):
        address_of(url, "ann", "room", None)


@pytest.mark.parametrize("token", ["", " ", "a\r\nX: y", "tokén", "a\x7f"])
def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(AddressError, match=r"^The token is empty or holds characters that no token has\.$"):
        address_of("ws://h", "ann", "room", token)


@pytest.mark.parametrize(("user", "conversation"), [("\udcff", "room"), ("ann", "\udcff")])
def test_a_name_that_is_no_text_is_refused(user: str, conversation: str) -> None:
    with pytest.raises(AddressError, match="Unicode"):
        address_of("ws://h", user, conversation, None)
