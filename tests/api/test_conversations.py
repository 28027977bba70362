import re
from typing import Any

import pytest
from tests.api.conftest import Office, check_problem

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

# Creating


def test_a_conversation_is_created_with_its_members(office: Office) -> None:
    response = office.alice.post("/conversations", {"kind": "group", "title": "Garden", "member_ids": ["bob"]})
    assert response.status_code == 201
    created = response.json()
    assert UUID7.fullmatch(created["id"])
    assert TIME.fullmatch(created["created_at"])
    assert created == {
        "id": created["id"],
        "kind": "group",
        "title": "Garden",
        "role": "owner",
        "seq": 1,
        "member_count": 2,
        "read_seq": 0,
        "unread": 0,
        "created_at": created["created_at"],
        "last_message": None,
        "peer_id": None,
    }
    assert office.bob.get(f"/conversations/{created['id']}").json() == created | {"role": "member"}


def test_a_direct_conversation_is_created_once_and_then_found(office: Office) -> None:
    first = office.alice.post("/conversations", {"kind": "direct", "member_ids": ["bob"]})
    again = office.bob.post("/conversations", {"kind": "direct", "member_ids": ["alice"]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["peer_id"], again.json()["peer_id"]) == ("bob", "alice")


def test_a_channel_has_readers(office: Office) -> None:
    news = office.alice.creates("bob", kind="channel")
    assert office.bob.get(f"/conversations/{news}").json()["role"] == "reader"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "group",
        {"kind": "party"},
        {"kind": "group", "title": ""},
        {"kind": "group", "title": "x" * 201},
        {"kind": "group", "member_ids": "bob"},
        {"kind": "group", "member_ids": [""]},
        {"kind": "group", "member_ids": ["x" * 129]},
        {"kind": "group", "member_ids": ["a\nb"]},
        {"kind": "group", "members": ["bob"]},
        {"kind": "direct", "member_ids": []},
        {"kind": "direct", "member_ids": ["bob", "carol"]},
        {"kind": "direct", "member_ids": ["newcomer"]},
        {"kind": "direct", "title": "Us", "member_ids": ["bob"]},
    ],
)
def test_what_is_no_conversation_is_refused(shared: Office, body: Any) -> None:
    newcomer = shared.named("newcomer")
    check_problem(newcomer.post("/conversations", body), 422, "invalid_command")
    assert newcomer.get("/conversations").json()["conversations"] == []


# Listing


def test_the_list_has_the_newest_message_first_and_unread_counts(office: Office) -> None:
    first, second = office.alice.creates("bob", title="first"), office.alice.creates("bob", title="second")
    office.alice.says(first, "one", "two")
    rows = office.bob.get("/conversations").json()["conversations"]
    assert [row["id"] for row in rows] == [first, second]
    assert [row["unread"] for row in rows] == [2, 0]
    assert rows[0]["last_message"]["content"] == "two"
    assert rows[0]["last_message"]["conversation_id"] == first


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_cursors_walk_through_the_whole_list(office: Office, limit: int) -> None:
    made = [office.alice.creates(title=str(n)) for n in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = office.alice.get("/conversations", limit=limit, **cursor).json()
        assert len(page["conversations"]) <= limit
        found += [row["id"] for row in page["conversations"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(found) == sorted(made)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "",
        "%%%",
        "eyJhIjoxfQ==",  # {"a":1}
        "WzEsMl0=",  # [1,2]
        "WzEuNSwiYSJd",  # [1.5,"a"]
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJhIl0=",  # [99999999999999999999,"a"]
        "Wy05OTk5OTk5OTk5OTk5OTk5OTk5OTksImEiXQ==",  # [-99999999999999999999,"a"]
        "WzEsIlx1ZDgwMCJd",  # [1,"\ud800"]
        "ąć",
    ],
)
def test_a_cursor_that_this_server_never_gave_is_refused(shared: Office, cursor: str) -> None:
    check_problem(shared.alice.get("/conversations", cursor=cursor), 422, "invalid_command")


@pytest.mark.parametrize("limit", [0, 101, "x", -1])
def test_a_page_of_the_list_has_bounds(shared: Office, limit: object) -> None:
    check_problem(shared.alice.get("/conversations", limit=limit), 422, "invalid_command")


def test_everybody_has_their_own_list(office: Office) -> None:
    office.alice.creates("bob")
    assert office.zoe.get("/conversations").json() == {"conversations": [], "next_cursor": None}


# Changing and ending


def test_a_conversation_is_renamed_by_its_owner(office: Office) -> None:
    garden = office.alice.creates("bob", title="Garden")
    response = office.alice.patch(f"/conversations/{garden}", {"title": "Yard"})
    assert (response.status_code, response.json()["title"], response.json()["seq"]) == (200, "Yard", 2)
    assert office.alice.patch(f"/conversations/{garden}", {"title": None}).json()["title"] is None


def test_who_is_below_admin_does_not_rename(office: Office) -> None:
    garden = office.alice.creates("bob")
    check_problem(office.bob.patch(f"/conversations/{garden}", {"title": "Yard"}), 403, "forbidden")


def test_a_direct_conversation_has_no_title(office: Office) -> None:
    direct = office.alice.creates("bob", kind="direct")
    check_problem(office.alice.patch(f"/conversations/{direct}", {"title": "Us"}), 409, "direct_is_fixed")
    check_problem(office.alice.delete(f"/conversations/{direct}"), 409, "direct_is_fixed")


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": 7}, {"title": "x", "kind": "group"}, None])
def test_what_is_no_title_is_refused(shared: Office, body: Any) -> None:
    garden = shared.alice.creates()
    check_problem(shared.alice.patch(f"/conversations/{garden}", body), 422, "invalid_command")


def test_a_conversation_is_ended_by_its_owner_and_gone_for_all(office: Office) -> None:
    garden = office.alice.creates("bob")
    check_problem(office.bob.delete(f"/conversations/{garden}"), 403, "forbidden")
    response = office.alice.delete(f"/conversations/{garden}")
    assert (response.status_code, response.content) == (204, b"")
    for caller in (office.alice, office.bob):
        check_problem(caller.get(f"/conversations/{garden}"), 404, "conversation_not_found")
        assert caller.get("/conversations").json()["conversations"] == []
    check_problem(office.alice.delete(f"/conversations/{garden}"), 404, "conversation_not_found")


# Reading


def test_how_far_one_has_read_is_kept_and_never_moves_back(office: Office) -> None:
    garden = office.alice.creates("bob")
    office.alice.says(garden, "2", "3", "4")
    positions = []
    for seq in (3, 2, 2**53 - 1):
        response = office.bob.put(f"/conversations/{garden}/read", {"seq": seq})
        assert (response.status_code, response.content) == (204, b"")
        row = office.bob.get(f"/conversations/{garden}").json()
        positions.append((row["read_seq"], row["unread"]))
    assert positions == [(3, 1), (3, 1), (4, 0)]


def test_all_of_the_reader_s_connections_are_told(office: Office) -> None:
    garden = office.alice.creates("bob")
    with office.client.websocket_connect("/ws/bob") as socket:
        socket.receive_json()
        office.bob.put(f"/conversations/{garden}/read", {"seq": 1})
        told = socket.receive_json()
    assert (told["type"], told["conversation_id"], told["seq"]) == ("read_marked", garden, 1)


@pytest.mark.parametrize("seq", [-1, 2**53, "x", None, 1.5])
def test_what_is_no_position_is_refused(shared: Office, seq: object) -> None:
    garden = shared.alice.creates()
    check_problem(shared.alice.put(f"/conversations/{garden}/read", {"seq": seq}), 422, "invalid_command")


@pytest.mark.parametrize("title", ["", "\x00", "two\nlines", "x" * 201])
def test_a_title_is_one_line_of_text(office: Office, title: str) -> None:
    response = office.alice.post("/conversations", {"kind": "group", "title": title})
    check_problem(response, 422, "invalid_command")
