"""Who asks, and how often: the same for every route, so tested on every route."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.api.conftest import API, Caller, Office, Open, check_problem
from tests.support.house import SECRET

from gator.app import create_app

Route = tuple[str, str, Any]
"""Method, path, and a body that would be taken."""

ID = "/conversations/{conversation_id}"
PERSONA = "/personas/{persona_id}"
ROUTES: list[Route] = [
    ("GET", "/users/me", None),
    ("GET", "/users/{user_id}", None),
    ("GET", "/presence", None),
    ("GET", "/admin/status", None),
    ("POST", "/conversations", {"kind": "group"}),
    ("GET", "/conversations", None),
    ("GET", ID, None),
    ("PATCH", ID, {"title": "x"}),
    ("DELETE", ID, None),
    ("PUT", f"{ID}/read", {"seq": 1}),
    ("GET", f"{ID}/members", None),
    ("POST", f"{ID}/members", {"user_id": "carol"}),
    ("PATCH", f"{ID}/members/{{user_id}}", {"role": "admin"}),
    ("DELETE", f"{ID}/members/{{user_id}}", None),
    ("GET", f"{ID}/messages", None),
    ("POST", f"{ID}/messages", {"content": "hello"}),
    ("GET", f"{ID}/events", None),
    ("GET", f"{ID}/memory", None),
    ("PUT", f"{ID}/memory", {"summary": "", "pins": []}),
    ("POST", "/personas", {"name": "Nia"}),
    ("GET", "/personas", None),
    ("GET", "/personas/budget", None),
    ("POST", "/personas/import", None),
    ("GET", PERSONA, None),
    ("PATCH", PERSONA, {"name": "Nia"}),
    ("DELETE", PERSONA, None),
    ("GET", f"{PERSONA}/card", None),
    ("GET", f"{PERSONA}/avatar", None),
    ("PUT", f"{PERSONA}/avatar", None),
    ("DELETE", f"{PERSONA}/avatar", None),
    ("POST", f"{PERSONA}/conversations", None),
]
FOR_ANYBODY = {("GET", "/config")}
OF_A_CONVERSATION = [route for route in ROUTES if route[1].startswith(ID)]
OF_A_PERSONA = [route for route in ROUTES if route[1].startswith(PERSONA)]


def ask(office: Office, route: Route, id_: str = "an-id", **headers: str) -> Any:
    method, path, body = route
    query = "?user_id=bob" if path == "/presence" else ""
    url = API + path.format(conversation_id=id_, persona_id=id_, user_id="bob") + query
    return office.client.request(method, url, json=body, headers=headers)


def test_every_route_is_in_the_list() -> None:
    documented = {
        (method.upper(), path.removeprefix(API))
        for path, item in create_app().openapi()["paths"].items()
        if path.startswith(API)
        for method in item
    }
    assert documented == {(method, path) for method, path, _ in ROUTES} | FOR_ANYBODY


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_is_told_anything(shared: Office, route: Route) -> None:
    response = ask(shared, route)
    check_problem(response, 401, "not_authenticated")
    assert response.headers["www-authenticate"] == "Bearer"


def test_with_tokens_a_header_names_nobody(strict: Office) -> None:
    for route in ROUTES:
        check_problem(ask(strict, route, **{"X-Gator-User": "alice"}), 401, "not_authenticated")


@pytest.mark.parametrize(
    "authorization", ["Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer", "", "bearer  ", "Token x"]
)
def test_a_bad_token_is_refused_without_being_repeated(strict: Office, authorization: str) -> None:
    response = strict.client.get(f"{API}/users/me", headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.json()["code"] in ("invalid_token", "not_authenticated")
    token = authorization.partition(" ")[2].strip()
    assert len(token) < 3 or token not in response.text


def test_a_token_in_the_address_is_not_looked_at(strict: Office) -> None:
    token = strict.holding("alice").headers["Authorization"].removeprefix("Bearer ")
    check_problem(strict.client.get(f"{API}/users/me?token={token}"), 401, "not_authenticated")


def test_in_open_mode_a_good_token_is_believed_too(open_office: Open) -> None:
    office = open_office(auth="open", jwt_secret=SECRET)
    assert office.holding("alice").get("/users/me").json()["id"] == "alice"
    assert office.named("bob").get("/users/me").json()["id"] == "bob"


@pytest.mark.parametrize("user", ["", "x" * 129, "a\tb"])
def test_in_open_mode_a_header_that_names_no_user_is_refused(office: Office, user: str) -> None:
    check_problem(office.named(user).get("/users/me"), 401, "not_authenticated")


@pytest.mark.parametrize("route", OF_A_CONVERSATION)
def test_what_is_none_of_one_s_business_does_not_exist(shared: Office, route: Route) -> None:
    garden = shared.alice.creates("bob")
    as_zoe = {"X-Gator-User": "zoe"}
    found = check_problem(ask(shared, route, garden, **as_zoe), 404, "conversation_not_found")
    unknown = check_problem(ask(shared, route, "never-was", **as_zoe), 404, "conversation_not_found")
    assert found == unknown


@pytest.mark.parametrize("route", OF_A_CONVERSATION)
def test_who_was_removed_is_a_stranger(shared: Office, route: Route) -> None:
    garden = shared.alice.creates("zoe")
    shared.alice.delete(f"/conversations/{garden}/members/zoe")
    check_problem(ask(shared, route, garden, **{"X-Gator-User": "zoe"}), 404, "conversation_not_found")


@pytest.mark.parametrize("route", OF_A_PERSONA)
def test_a_private_persona_of_somebody_else_never_was(shared: Office, route: Route) -> None:
    secret = shared.alice.post("/personas", {"name": "Secret"}).json()["id"]
    as_zoe = {"X-Gator-User": "zoe"}
    found, unknown = ask(shared, route, secret, **as_zoe), ask(shared, route, "never-was", **as_zoe)
    check_problem(found, 404, "persona_not_found")
    assert found.content == unknown.content
    assert found.headers.items() == unknown.headers.items()


# How often


def test_who_asks_too_often_is_told_to_wait(open_office: Open) -> None:
    office = open_office(limits="on", http_burst=1, http_per_s=0.1)
    office.alice.get("/users/me")
    for route in ROUTES:
        response = ask(office, route, **{"X-Gator-User": "alice"})
        problem = check_problem(response, 429, "rate_limited")
        assert 0 < problem["retry_after_ms"] <= 10_000
        assert int(response.headers["retry-after"]) * 1000 >= problem["retry_after_ms"]


def test_an_address_is_limited_whoever_it_says_to_be(open_office: Open) -> None:
    office = open_office(limits="on", http_burst=3, http_per_s=0.001)
    codes = [office.named(f"u{n}").get("/users/me").status_code for n in range(4)]
    assert codes == [200, 200, 200, 429]
    assert office.client.get(f"{API}/users/me").status_code == 429, "nobody too"


def test_messages_over_http_and_on_the_socket_share_a_limit(open_office: Open) -> None:
    office = open_office(limits="on", messages_burst=2, messages_per_s=0.001)
    garden = office.alice.creates()
    office.alice.says(garden, "1")
    with office.client.websocket_connect("/ws/alice") as socket:
        socket.receive_json()
        socket.send_json({"type": "send_message", "conversation_id": garden, "content": "2"})
        assert socket.receive_json()["type"] == "ack"
    body = {"content": "3"}
    check_problem(office.alice.post(f"/conversations/{garden}/messages", body), 429, "rate_limited")


def test_creating_and_bringing_in_have_a_limit(open_office: Open) -> None:
    office = open_office(limits="on", joins_burst=2, joins_per_s=0.001)
    garden = office.alice.creates()
    assert office.alice.post(f"/conversations/{garden}/members", {"user_id": "bob"}).status_code == 204
    check_problem(office.alice.post("/conversations", {"kind": "group"}), 429, "rate_limited")
    body = {"user_id": "carol"}
    check_problem(office.alice.post(f"/conversations/{garden}/members", body), 429, "rate_limited")
    assert office.alice.get("/conversations").status_code == 200


# Names of any kind


@pytest.mark.parametrize("user", ["ąć", "名前", "a b", "a/b", "100%", "me?x=1#y"])
def test_a_header_names_any_user(shared: Office, user: str) -> None:
    caller = Caller(shared.client, {"X-Gator-User": user.encode()})  # type: ignore[dict-item]
    assert caller.get("/users/me").json()["id"] == user


def test_a_header_that_is_no_utf_8_is_taken_as_it_is(shared: Office) -> None:
    caller = Caller(shared.client, {"X-Gator-User": b"\xe9"})  # type: ignore[dict-item]
    assert caller.get("/users/me").json()["id"] == "é"


@pytest.mark.parametrize("end", ["messages", "members", "events", "memory", "read"])
def test_an_id_that_ends_like_an_address_is_an_id(shared: Office, end: str) -> None:
    plain, odd = f"{end} plain", f"{end} plain/{end}"
    caller = shared.named("slashes")
    with shared.client.websocket_connect("/ws/slashes") as socket:
        for conversation_id in (plain, odd):
            socket.send_json({"type": "join_conversation", "conversation_id": conversation_id})
            while socket.receive_json()["type"] != "conversation_joined":
                continue
    for encoded in (quote(odd, safe=""), quote(odd, safe="").replace("%2F", "%2f")):
        assert caller.get(f"/conversations/{encoded}").json()["id"] == odd
        caller.says(encoded, "hello")
    assert [
        m["content"] for m in caller.get(f"/conversations/{quote(odd, safe='')}/messages").json()["messages"]
    ] == [
        "hello",
        "hello",
    ]
    assert caller.get(f"/conversations/{quote(plain)}/messages").json()["messages"] == []
    assert caller.get(f"/conversations/{quote(plain)}").json()["id"] == plain


def test_the_ids_of_the_socket_work_over_http(shared: Office) -> None:
    conversation_id, user = "a/b c/ü", "x/y"
    with shared.client.websocket_connect(f"/ws/{quote(user, safe='')}") as socket:
        assert socket.receive_json()["user_id"] == user
        socket.send_json({"type": "join_conversation", "conversation_id": conversation_id})
        assert socket.receive_json()["type"] == "conversation_joined"
    caller = shared.named(user)
    path = f"/conversations/{quote(conversation_id, safe='')}"
    assert caller.get(path).json()["id"] == conversation_id
    caller.says(quote(conversation_id, safe=""), "hello")
    assert [m["content"] for m in caller.get(f"{path}/messages").json()["messages"]] == ["hello"]
    assert len(caller.get(f"{path}/events").json()["events"]) == 2
    assert caller.post(f"{path}/members", {"user_id": "p/q"}).status_code == 204
    assert caller.patch(f"{path}/members/{quote('p/q', safe='')}", {"role": "admin"}).status_code == 204
    assert caller.get(f"/users/{quote('p/q', safe='')}").json()["id"] == "p/q"
    assert caller.delete(f"{path}/members/{quote('p/q', safe='')}").status_code == 204
    assert caller.put(f"{path}/read", {"seq": 1}).status_code == 204
    assert caller.patch(path, {"title": "x"}).json()["title"] == "x"
    assert caller.delete(path).status_code == 204
