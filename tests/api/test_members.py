from typing import Any

import pytest
from tests.api.conftest import Caller, Office, check_problem


def roles(caller: Caller, conversation_id: str) -> dict[str, str]:
    members = caller.get(f"/conversations/{conversation_id}/members").json()["members"]
    return {member["user_id"]: member["role"] for member in members}


def test_members_are_listed_with_all_that_is_known(strict: Office) -> None:
    alice = strict.holding("alice", name="Alice")
    token = alice.headers["Authorization"].removeprefix("Bearer ")
    with strict.client.websocket_connect(f"/ws/auth?token={token}") as socket:
        socket.receive_json()
        garden = alice.creates("bob")
        alice.creates("bob")  # committed behind what the connection had written down of alice
        assert alice.get(f"/conversations/{garden}/members").json() == {
            "members": [
                {
                    "user_id": "alice",
                    "role": "owner",
                    "name": "Alice",
                    "avatar": None,
                    "online": True,
                    "last_seen": None,
                },
                {
                    "user_id": "bob",
                    "role": "member",
                    "name": None,
                    "avatar": None,
                    "online": False,
                    "last_seen": None,
                },
            ],
            "next_cursor": None,
        }


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 200])
def test_cursors_walk_through_all_members(office: Office, limit: int) -> None:
    garden = office.alice.creates("bob", "carol", "dan", "eve")
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = office.alice.get(f"/conversations/{garden}/members", limit=limit, **cursor).json()
        found += [member["user_id"] for member in page["members"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == ["alice", "bob", "carol", "dan", "eve"]


def test_a_member_brings_somebody_in(office: Office) -> None:
    garden = office.alice.creates("bob")
    for _ in range(2):
        response = office.bob.post(f"/conversations/{garden}/members", {"user_id": "carol"})
        assert (response.status_code, response.content) == (204, b"")
    assert roles(office.alice, garden) == {"alice": "owner", "bob": "member", "carol": "member"}


def test_nobody_gives_more_than_they_have(office: Office) -> None:
    garden = office.alice.creates("bob")
    body = {"user_id": "carol", "role": "admin"}
    check_problem(office.bob.post(f"/conversations/{garden}/members", body), 403, "forbidden")
    assert office.alice.post(f"/conversations/{garden}/members", body).status_code == 204
    assert roles(office.alice, garden)["carol"] == "admin"


def test_into_a_channel_its_admins_bring_readers(office: Office) -> None:
    news = office.alice.creates("bob", kind="channel")
    check_problem(office.bob.post(f"/conversations/{news}/members", {"user_id": "carol"}), 403, "forbidden")
    assert office.alice.post(f"/conversations/{news}/members", {"user_id": "carol"}).status_code == 204
    assert roles(office.alice, news)["carol"] == "reader"


def test_a_role_is_changed_by_who_ranks_higher(office: Office) -> None:
    garden = office.alice.creates("bob", "carol")
    path = f"/conversations/{garden}/members/bob"
    check_problem(office.named("carol").patch(path, {"role": "admin"}), 403, "forbidden")
    assert office.alice.patch(path, {"role": "admin"}).status_code == 204
    assert roles(office.alice, garden)["bob"] == "admin"
    check_problem(
        office.alice.patch(f"/conversations/{garden}/members/zoe", {"role": "admin"}), 404, "member_not_found"
    )


def test_the_last_owner_stays_one(office: Office) -> None:
    garden = office.alice.creates("bob")
    path = f"/conversations/{garden}/members/alice"
    check_problem(office.alice.patch(path, {"role": "member"}), 409, "last_owner")
    check_problem(office.alice.delete(path), 409, "last_owner")
    office.alice.patch(f"/conversations/{garden}/members/bob", {"role": "owner"})
    assert office.alice.delete(path).status_code == 204


def test_one_leaves_or_removes_who_ranks_lower(office: Office) -> None:
    garden = office.alice.creates("bob", "carol")
    check_problem(office.bob.delete(f"/conversations/{garden}/members/carol"), 403, "forbidden")
    assert office.alice.delete(f"/conversations/{garden}/members/carol").status_code == 204
    assert office.bob.delete(f"/conversations/{garden}/members/bob").status_code == 204
    assert roles(office.alice, garden) == {"alice": "owner"}
    check_problem(office.alice.delete(f"/conversations/{garden}/members/bob"), 404, "member_not_found")
    check_problem(office.bob.get(f"/conversations/{garden}"), 404, "conversation_not_found")


def test_the_two_of_a_direct_conversation_are_fixed(office: Office) -> None:
    direct = office.alice.creates("bob", kind="direct")
    path = f"/conversations/{direct}/members"
    check_problem(office.alice.post(path, {"user_id": "carol"}), 409, "direct_is_fixed")
    check_problem(office.alice.delete(f"{path}/bob"), 409, "direct_is_fixed")
    check_problem(office.alice.patch(f"{path}/bob", {"role": "admin"}), 409, "direct_is_fixed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": ""},
        {"user_id": "x" * 129},
        {"user_id": "a\x00b"},
        {"user_id": "a", "role": "king"},
        [],
        None,
    ],
)
def test_what_is_no_member_is_refused(shared: Office, body: Any) -> None:
    garden = shared.alice.creates()
    check_problem(shared.alice.post(f"/conversations/{garden}/members", body), 422, "invalid_command")


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": None}, {"role": "admin", "x": 1}])
def test_what_is_no_role_is_refused(shared: Office, body: Any) -> None:
    garden = shared.alice.creates("bob")
    check_problem(shared.alice.patch(f"/conversations/{garden}/members/bob", body), 422, "invalid_command")


def test_a_change_of_members_reaches_everybody_live(office: Office) -> None:
    garden = office.alice.creates("bob")
    with office.client.websocket_connect("/ws/bob") as socket:
        socket.receive_json()
        socket.send_json({"type": "join_conversation", "conversation_id": garden})
        assert socket.receive_json()["type"] == "conversation_joined"
        office.alice.post(f"/conversations/{garden}/members", {"user_id": "carol"})
        told = socket.receive_json()
        assert (told["type"], told["seq"], told["members"]) == (
            "members_added", 2, [{"user_id": "carol", "role": "member"}],
        )  # fmt: skip
        office.alice.delete(f"/conversations/{garden}/members/bob")
        assert [socket.receive_json()["type"] for _ in range(2)] == ["member_removed", "conversation_left"]
