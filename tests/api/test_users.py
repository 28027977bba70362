import time

import pytest
from tests.api.conftest import Office, check_problem


def test_one_is_who_one_says(office: Office) -> None:
    assert office.alice.get("/users/me").json() == {
        "id": "alice",
        "name": None,
        "avatar": None,
        "online": False,
        "last_seen": None,
        "roles": [],
    }


def test_with_a_token_one_is_who_it_names(strict: Office) -> None:
    alice = strict.holding("alice", name="Alice", picture="https://x.example/a.png", roles=["support", "admin"])
    assert alice.get("/users/me").json() == {
        "id": "alice",
        "name": "Alice",
        "avatar": "https://x.example/a.png",
        "online": False,
        "last_seen": None,
        "roles": ["admin", "support"],
    }


def test_one_is_online_while_connected(office: Office) -> None:
    with office.client.websocket_connect("/ws/alice") as socket:
        socket.receive_json()
        assert office.alice.get("/users/me").json()["online"] is True


def test_a_name_that_is_known_is_shown_though_the_token_has_none(strict: Office) -> None:
    with strict.client.websocket_connect(f"/ws/auth?token={token_of(strict)}") as socket:
        socket.receive_json()
    # The name is noted behind the client's back: a change waits for its turn after it.
    strict.holding("bob").creates()
    assert strict.holding("alice").get("/users/me").json()["name"] == "Alice"


def token_of(office: Office) -> str:
    return office.holding("alice", name="Alice").headers["Authorization"].removeprefix("Bearer ")


def test_somebody_with_whom_one_shares_a_conversation_can_be_read(office: Office) -> None:
    office.alice.creates("bob")
    found = office.alice.get("/users/bob").json()
    assert (found["id"], found["online"], found["last_seen"]) == ("bob", False, None)
    assert office.alice.get("/users/alice").json()["id"] == "alice"


@pytest.mark.parametrize("user", ["bob", "never-was", "%00", "%F0%9F%90%8A"])
def test_a_stranger_and_nobody_are_not_found_alike(shared: Office, user: str) -> None:
    problem = check_problem(shared.named("hermit").get(f"/users/{user}"), 404, "user_not_found")
    assert user not in problem["detail"]


def test_presence_names_those_whom_one_may_see(office: Office) -> None:
    office.alice.creates("bob", "carol")
    with office.client.websocket_connect("/ws/bob") as socket:
        socket.receive_json()
        answer = office.alice.get("/presence", user_id=["bob", "carol", "zoe", "alice"]).json()
    assert answer == {
        "statuses": {
            "bob": {"online": True, "last_seen": None},
            "carol": {"online": False, "last_seen": None},
            "alice": {"online": False, "last_seen": None},
        }
    }


def test_presence_says_when_somebody_was_last_seen(office: Office) -> None:
    office.alice.creates("bob")
    before = time.time()
    with office.client.websocket_connect("/ws/bob") as socket:
        socket.receive_json()
    # So is the end of a connection.
    office.alice.creates()
    seen = office.alice.get("/presence", user_id="bob").json()["statuses"]["bob"]["last_seen"]
    assert seen >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before))


@pytest.mark.parametrize("users", [[], ["u"] * 201])
def test_presence_is_asked_for_1_to_200_users(shared: Office, users: list[str]) -> None:
    check_problem(shared.alice.get("/presence", user_id=users), 422, "invalid_command")
