"""`gator.protocol.upgrade`, against RFC 6455 and a client of the library websockets."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gator.protocol.upgrade import NoUpgrade, Upgrade, read_upgrade

Headers = Sequence[tuple[str, str]]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""To that key (RFC 6455 §1.3)."""

GOOD: Headers = [
    ("Host", "chat.example"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
]


def request(headers: Headers = GOOD, first: str = "GET /ws/alice?x=1 HTTP/1.1") -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def but(changed: str, *values: str) -> Headers:
    """Give the good headers, but one of them with other values, or left out."""
    return [*(header for header in GOOD if header[0] != changed), *((changed, value) for value in values)]


def refusal(headers: Headers = GOOD, first: str = "GET /ws/alice HTTP/1.1") -> Response:
    """Have a client read how a request is refused."""
    with pytest.raises(NoUpgrade) as refused:
        read_upgrade(request(headers, first))
    client = ClientProtocol(parse_uri("ws://chat.example/"))
    client.send_request(client.connect())
    client.receive_data(refused.value.response)
    [answer] = client.events_received()
    assert isinstance(answer, Response)
    assert isinstance(client.handshake_exc, InvalidStatus)
    assert answer.headers["Connection"] == "close"
    assert answer.body is not None
    assert int(answer.headers["Content-Length"]) == len(answer.body) > 0
    assert refused.value.response.endswith(b"\r\n\r\n" + answer.body)
    return answer


# Requests that are agreed to


def test_the_example_of_the_rfc_is_answered_as_there() -> None:
    assert read_upgrade(request()).response(subprotocol="chat").decode().split("\r\n") == [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {ACCEPT}",
        "Sec-WebSocket-Protocol: chat",
        "",
        "",
    ]


def test_the_target_and_the_headers_are_read() -> None:
    upgrade = read_upgrade(request([*GOOD, ("X-Empty", ""), ("Authorization", "  Bearer a:b \t")]))
    assert upgrade.target == "/ws/alice?x=1"
    assert upgrade.headers["authorization"] == "Bearer a:b"
    assert upgrade.headers["x-empty"] == ""
    assert upgrade.headers["host"] == "chat.example"


@pytest.mark.parametrize("cased", [str.lower, str.upper, str.swapcase])
def test_names_of_headers_may_be_written_in_any_case(cased: Callable[[str], str]) -> None:
    upgrade = read_upgrade(request([(cased(name), value) for name, value in GOOD]))
    assert set(upgrade.headers) == {name.lower() for name, _ in GOOD}
    assert ACCEPT.encode() in upgrade.response()


@pytest.mark.parametrize("value", ["websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,h2c"])
def test_the_upgrade_is_one_of_a_list_in_any_case(value: str) -> None:
    assert read_upgrade(request(but("Upgrade", value)))


@pytest.mark.parametrize(
    "value", ["Upgrade", "upgrade", "keep-alive, Upgrade", "UPGRADE,keep-alive", "a , upgrade\t, b"]
)
def test_the_connection_is_one_of_a_list_in_any_case(value: str) -> None:
    assert read_upgrade(request(but("Connection", value)))


def test_a_header_that_comes_again_goes_on_with_the_list() -> None:
    headers = [
        *but("Connection", "keep-alive", "Upgrade"),
        ("Sec-WebSocket-Protocol", "gator.v1"),
        ("sec-websocket-protocol", "bearer.abc , x"),
    ]
    upgrade = read_upgrade(request(headers))
    assert upgrade.headers["connection"] == "keep-alive, Upgrade"
    assert upgrade.listed("sec-websocket-protocol") == ["gator.v1", "bearer.abc", "x"]
    assert upgrade.listed("sec-websocket-extensions") == []


# Answers, as the library reads them


def agreed(client: ClientProtocol) -> Upgrade:
    client.send_request(client.connect())
    return read_upgrade(b"".join(client.data_to_send()))


@pytest.mark.parametrize("subprotocol", [None, "gator.v1"])
def test_a_client_takes_the_answer(subprotocol: str | None) -> None:
    client = ClientProtocol(parse_uri("ws://chat.example/"), subprotocols=[Subprotocol("gator.v1")])
    client.receive_data(agreed(client).response(subprotocol=subprotocol))
    assert client.handshake_exc is None
    assert client.state is State.OPEN
    assert client.subprotocol == subprotocol


def test_a_client_takes_the_extension_it_offered() -> None:
    client = ClientProtocol(parse_uri("ws://chat.example/"), extensions=[ClientPerMessageDeflateFactory()])
    client.receive_data(agreed(client).response(extensions="permessage-deflate; server_no_context_takeover"))
    assert client.handshake_exc is None
    [extension] = client.extensions
    assert extension.name == "permessage-deflate"


def test_frames_may_follow_the_answer_in_one_packet() -> None:
    client = ClientProtocol(parse_uri("ws://chat.example/"))
    client.receive_data(agreed(client).response() + b"\x81\x02hi")
    _, frame = client.events_received()
    assert getattr(frame, "data", None) == b"hi"


# Requests that are refused


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("",),
        ("short",),
        ("c2hvcnQ=",),
        (KEY[:-1],),
        (KEY[:-2],),
        (KEY + "=",),
        (KEY + "AAAA",),
        ("dGhlIHNhbXBsZSBub25jZWU=",),
        ("dGhlIHNhbXBsZSBub25j!Q==",),
        ("dGhlIHNhbXBs ZSBub25jZQ==",),
        ("é" * 24,),
        (KEY, KEY),
    ],
)
def test_the_key_has_to_be_sixteen_bytes_in_base64(keys: tuple[str, ...]) -> None:
    answer = refusal(but("Sec-WebSocket-Key", *keys))
    assert answer.status_code == 400
    assert "Sec-WebSocket-Version" not in answer.headers


@pytest.mark.parametrize(
    "versions", [(), ("",), ("8",), ("14",), ("013",), ("13, 13",), ("13", "13"), ("8", "13")]
)
def test_who_speaks_another_version_is_told_which_is_spoken_here(versions: tuple[str, ...]) -> None:
    answer = refusal(but("Sec-WebSocket-Version", *versions))
    assert answer.status_code == 426
    assert answer.headers["Sec-WebSocket-Version"] == "13"
    assert answer.headers["Upgrade"] == "websocket"


@pytest.mark.parametrize(
    "headers",
    [
        but("Upgrade"),
        but("Upgrade", ""),
        but("Upgrade", "h2c"),
        but("Upgrade", "websockets"),
        but("Connection"),
        but("Connection", "keep-alive"),
        but("Connection", "Upgrade-Insecure"),
        [("Host", "chat.example")],
    ],
)
def test_who_asks_for_no_upgrade_is_told_that_one_is_needed(headers: Headers) -> None:
    answer = refusal(headers)
    assert answer.status_code == 426
    assert answer.headers["Upgrade"] == "websocket"


@pytest.mark.parametrize(
    "first",
    ["POST /ws/alice HTTP/1.1", "HEAD /ws/alice HTTP/1.1", "get /ws/alice HTTP/1.1", "GET /ws/alice HTTP/1.0"],
)
def test_a_websocket_begins_with_get_and_http_1_1(first: str) -> None:
    assert refusal(first=first).status_code == 400


# Whatever the client writes


@pytest.mark.parametrize("name", ["Host", "Origin", "Authorization", "Sec-WebSocket-Protocol", "X-Name"])
def test_bytes_that_are_not_ascii_are_kept_and_do_no_harm(name: str) -> None:
    value = bytes(range(0x80, 0x100)).decode("latin-1")
    headers = [*(header for header in GOOD if header[0] != name), (name, f"a{value}z")]
    upgrade = read_upgrade(request(headers))
    assert upgrade.headers[name.lower()].encode("latin-1") == b"a" + value.encode("latin-1") + b"z"
    assert upgrade.response() == read_upgrade(request()).response()


values = st.binary(max_size=30).map(lambda value: value.decode("latin-1").replace("\r\n", ""))
names = st.sampled_from([name for name, _ in GOOD] + ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "X"])
REFUSALS = {
    b"HTTP/1.1 400 Bad Request": {b"Content-Type", b"Content-Length", b"Connection"},
    b"HTTP/1.1 426 Upgrade Required": {
        *(b"Content-Type", b"Content-Length", b"Connection"),
        *(b"Upgrade", b"Sec-WebSocket-Version"),
    },
}


@law
@given(st.lists(st.tuples(names, values), max_size=4), st.lists(names, max_size=2), values)
def test_nothing_that_a_client_writes_gets_into_the_answer(
    more: Headers, left_out: list[str], target: str
) -> None:
    headers = [header for header in GOOD if header[0] not in left_out]
    try:
        upgrade = read_upgrade(request([*headers, *more], f"GET /{target} HTTP/1.1"))
    except NoUpgrade as refused:
        head, _, _ = refused.response.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        assert {line.partition(b": ")[0] for line in lines} <= REFUSALS[first]
    else:
        answer = upgrade.response()
        assert answer.count(b"\r") == answer.count(b"\n") == 5
        assert (
            answer
            == read_upgrade(request(but("Sec-WebSocket-Key", upgrade.headers["sec-websocket-key"]))).response()
        )
