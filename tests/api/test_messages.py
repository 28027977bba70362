from typing import Any

import pytest
from tests.api.conftest import Office, check_problem
from tests.api.test_conversations import TIME, UUID7


def contents(page: Any) -> list[str]:
    return [message["content"] for message in page.json()["messages"]]


# Sending


def test_a_message_is_sent_and_answered_field_for_field(office: Office) -> None:
    garden = office.alice.creates("bob")
    response = office.alice.post(f"/conversations/{garden}/messages", {"content": "hello", "persona_id": "sage"})
    assert response.status_code == 201
    sent = response.json()
    assert UUID7.fullmatch(sent["id"])
    assert TIME.fullmatch(sent["timestamp"])
    assert sent == {
        "id": sent["id"],
        "conversation_id": garden,
        "seq": 2,
        "sender_id": "alice",
        "sender": {"name": None, "avatar": None},
        "content": "hello",
        "timestamp": sent["timestamp"],
        "is_ai": False,
        "client_message_id": None,
        "persona_id": "sage",
        "reply": None,
        "duplicate": False,
    }


@pytest.mark.parametrize("how", ["body", "header", "both"])
def test_a_repeat_is_the_same_message(office: Office, how: str) -> None:
    garden = office.alice.creates("bob")
    body = {"content": "hello"} | ({"client_message_id": "k"} if how != "header" else {})
    headers = {"Idempotency-Key": "k"} if how != "body" else {}
    first = office.alice.post(f"/conversations/{garden}/messages", body, **headers)
    again = office.alice.post(f"/conversations/{garden}/messages", body, **headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"duplicate": True}
    assert first.json()["client_message_id"] == "k"
    other = office.alice.post(f"/conversations/{garden}/messages", body | {"content": "other"}, **headers)
    check_problem(other, 409, "conflict")
    assert contents(office.alice.get(f"/conversations/{garden}/messages")) == ["hello"]


def test_a_repeat_over_http_of_what_was_sent_on_the_socket_is_the_same_message(office: Office) -> None:
    garden = office.alice.creates("bob")
    with office.client.websocket_connect("/ws/alice") as socket:
        socket.receive_json()
        command = {"type": "send_message", "conversation_id": garden, "content": "hello", "client_message_id": "k"}
        socket.send_json(command)
        ack = socket.receive_json()
        assert ack["type"] == "ack"
    body = {"content": "hello", "client_message_id": "k"}
    again = office.alice.post(f"/conversations/{garden}/messages", body)
    assert (again.status_code, again.json()["id"]) == (200, ack["message_id"])


def test_two_different_ids_for_one_message_are_refused(office: Office) -> None:
    garden = office.alice.creates()
    response = office.alice.post(
        f"/conversations/{garden}/messages",
        {"content": "hello", "client_message_id": "a"},
        **{"Idempotency-Key": "b"},
    )
    check_problem(response, 422, "invalid_command")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": ""}, "message_blank"),
        ({"content": " \n"}, "message_blank"),
        ({"content": "x" * 5001}, "message_too_long"),
        ({"content": "a\x00b"}, "message_not_text"),
        ({}, "invalid_command"),
        ({"content": 7}, "invalid_command"),
        ({"content": None}, "invalid_command"),
        ({"content": "x", "client_message_id": ""}, "invalid_command"),
        ({"content": "x", "client_message_id": "x" * 129}, "invalid_command"),
        ({"content": "x", "persona_id": "a\nb"}, "invalid_command"),
        ({"content": "x", "colour": "green"}, "invalid_command"),
        ([], "invalid_command"),
        (None, "invalid_command"),
    ],
)
def test_what_is_no_message_is_refused(shared: Office, body: Any, code: str) -> None:
    garden = shared.alice.creates()
    check_problem(shared.alice.post(f"/conversations/{garden}/messages", body), 422, code)


@pytest.mark.parametrize("raw", [b'{"content": "\\ud800"}', b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_message_are_refused(shared: Office, raw: bytes) -> None:
    garden = shared.alice.creates()
    response = shared.client.post(
        f"/api/v1/conversations/{garden}/messages",
        content=raw,
        headers={"X-Gator-User": "alice", "Content-Type": "application/json"},
    )
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_an_idempotency_key_is_an_id(office: Office) -> None:
    garden = office.alice.creates()
    response = office.alice.post(
        f"/conversations/{garden}/messages", {"content": "x"}, **{"Idempotency-Key": "x" * 129}
    )
    check_problem(response, 422, "invalid_command")


def test_who_reads_a_channel_does_not_write_in_it(office: Office) -> None:
    news = office.alice.creates("bob", kind="channel")
    response = office.bob.post(f"/conversations/{news}/messages", {"content": "hello"})
    check_problem(response, 403, "forbidden")


def test_a_message_over_http_is_heard_on_the_socket(office: Office) -> None:
    garden = office.alice.creates("bob")
    with office.client.websocket_connect("/ws/bob") as socket:
        socket.receive_json()
        socket.send_json({"type": "join_conversation", "conversation_id": garden})
        socket.receive_json()
        office.alice.says(garden, "hello")
        heard = socket.receive_json()
    assert (heard["type"], heard["seq"], heard["message"]["content"]) == ("new_message", 2, "hello")


def test_history_shows_the_name_that_was_shown_live(strict: Office) -> None:
    alice = strict.holding("alice", name="Alice")
    garden = alice.creates("bob")
    sent = alice.post(f"/conversations/{garden}/messages", {"content": "hello"}).json()
    [kept] = alice.get(f"/conversations/{garden}/messages").json()["messages"]
    assert kept["sender"] == sent["sender"] == {"name": "Alice", "avatar": None}


# History


@pytest.fixture(scope="module")
def garden(shared: Office) -> str:
    """A conversation with the messages 2 to 9, and a rename at 10."""
    made = shared.alice.creates("bob")
    shared.alice.says(made, *(str(n) for n in range(2, 10)))
    shared.alice.patch(f"/conversations/{made}", {"title": "ten"})
    return made


@pytest.mark.parametrize(
    ("params", "found", "has_more"),
    [
        ({}, range(2, 10), False),
        ({"limit": 3}, range(7, 10), True),
        ({"limit": 8}, range(2, 10), False),
        ({"after": 0, "limit": 3}, range(2, 5), True),
        ({"after": 6, "limit": 3}, range(7, 10), False),
        ({"after": 9}, [], False),
        ({"before": 5, "limit": 2}, range(3, 5), True),
        ({"before": 5, "limit": 3}, range(2, 5), False),
        ({"before": 2}, [], False),
        ({"before": 0}, [], False),
        ({"after": 3, "before": 7}, range(4, 7), False),
        ({"after": 3, "before": 7, "limit": 2}, range(4, 6), True),
    ],
)
def test_history_is_paged(
    shared: Office, garden: str, params: dict[str, int], found: list[int], has_more: bool
) -> None:
    page = shared.bob.get(f"/conversations/{garden}/messages", **params)
    assert contents(page) == [str(n) for n in found]
    body = page.json()
    assert (body["has_more"], body["head"]) == (has_more, 10)
    assert body["epoch"]


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 201}, {"after": -1}, {"before": 2**53}, {"after": "x"}]
)
def test_a_page_of_history_has_bounds(shared: Office, garden: str, params: dict[str, Any]) -> None:
    check_problem(shared.alice.get(f"/conversations/{garden}/messages", **params), 422, "invalid_command")


def test_the_log_has_every_event_as_the_socket_sends_it(shared: Office, garden: str) -> None:
    with shared.client.websocket_connect("/ws/bob") as socket:
        socket.receive_json()
        socket.send_json({"type": "join_conversation", "conversation_id": garden, "after_seq": 0})
        socket.receive_json()
        told = [socket.receive_json() for _ in range(10)]
    page = shared.bob.get(f"/conversations/{garden}/events").json()
    assert page["events"] == told
    assert (page["has_more"], page["head"]) == (False, 10)


@pytest.mark.parametrize(
    ("params", "found", "has_more"),
    [({"limit": 4}, [1, 2, 3, 4], True), ({"after": 8}, [9, 10], False), ({"after": 10}, [], False)],
)
def test_the_log_is_paged(
    shared: Office, garden: str, params: dict[str, int], found: list[int], has_more: bool
) -> None:
    page = shared.bob.get(f"/conversations/{garden}/events", **params).json()
    assert ([event["seq"] for event in page["events"]], page["has_more"]) == (found, has_more)


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 501}, {"after": -1}])
def test_a_page_of_the_log_has_bounds(shared: Office, garden: str, params: dict[str, int]) -> None:
    check_problem(shared.alice.get(f"/conversations/{garden}/events", **params), 422, "invalid_command")
