from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from tests.api.conftest import API, Caller, Office, Open, check_problem, opened
from tests.api.test_conversations import TIME, UUID7
from tests.support.personas import NIA

from gator.domain.persona import MAX_CARD_BYTES, MAX_LORE_ENTRIES, MAX_TEXT_CHARS, Persona


def makes(caller: Caller, name: str = "Nia", **told: Any) -> str:
    """Make a persona, and give its id."""
    response = caller.post("/personas", {"name": name, **told})
    assert response.status_code == 201, response.text
    made: str = response.json()["id"]
    return made


def names(caller: Caller, **params: Any) -> list[str]:
    return [row["name"] for row in caller.get("/personas", **params).json()["personas"]]


# Making


def test_a_persona_is_made_and_answered_field_for_field(office: Office) -> None:
    response = office.alice.post("/personas", NIA)
    made = response.json()
    assert response.status_code == 201
    assert UUID7.fullmatch(made["id"])
    assert TIME.fullmatch(made["created_at"])
    assert made == NIA | {
        "id": made["id"],
        "avatar": None,
        "mine": True,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert office.alice.get(f"/personas/{made['id']}").json() == made


def test_a_name_is_all_that_a_persona_needs(office: Office) -> None:
    made = office.alice.post("/personas", {"name": "  Nia Blue "}).json()
    assert made["name"] == "Nia Blue"
    assert made["visibility"] == "private"
    assert made["lore"] == {"entries": [], "scan_depth": 8, "token_budget": 512, "recursive": False, "rest": {}}
    assert {made[name] for name in ("description", "greeting", "system_prompt")} == {""}
    assert {made[name] for name in ("provider", "model", "temperature", "max_tokens", "avatar")} == {None}


def test_every_field_of_a_persona_is_shown_or_known_to_be_kept_back(office: Office) -> None:
    shown = set(office.alice.post("/personas", {"name": "Nia"}).json())
    assert set(Persona.__struct_fields__) - shown == {"owner_id", "card"}


def test_a_persona_survives_a_restart(application: FastAPI, tmp_path: Path) -> None:
    with opened(application, tmp_path) as office:
        made = office.alice.post("/personas", NIA).json()
    with opened(application, tmp_path) as office:
        assert office.alice.get(f"/personas/{made['id']}").json() == made


@pytest.mark.parametrize(
    "given",
    [
        {"name": "x" * 80},
        {"name": "Ñía 🐊 \u200d"},
        {"description": "x" * MAX_TEXT_CHARS},
        {"greeting": "two\nlines\tand a tab"},
        {"temperature": 0, "max_tokens": 1},
        {"temperature": 2, "max_tokens": 1_000_000},
        {"tags": ["t" * 64] * 100, "alternate_greetings": [""] * 100},
        {"lore": {"entries": [{"content": "c", "keys": ["k" * 500] * 100}]}},
        {"lore": {"entries": [{"content": ""}] * MAX_LORE_ENTRIES, "scan_depth": 0, "token_budget": 0}},
        {"lore": {"rest": {"n": [2**70, 0.5, None, True, "x"]}}},
    ],
)
def test_a_field_may_go_up_to_its_bound(shared: Office, given: dict[str, Any]) -> None:
    response = shared.named("potter").post("/personas", {"name": "Nia"} | given)
    assert response.status_code == 201, response.text
    made = response.json()
    assert shared.named("potter").get(f"/personas/{made['id']}").json() == made
    assert shared.named("potter").delete(f"/personas/{made['id']}").status_code == 204


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth - 1):
        inner = {"in": inner}
    return inner


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": " \n "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u2028b"}, "name"),
        ({"name": "a\x9bb"}, "name"),
        ({"name": None}, "name"),
        ({"description": "x" * (MAX_TEXT_CHARS + 1)}, "description"),
        ({"greeting": "a\x00b"}, "greeting"),
        ({"system_prompt": None}, "system_prompt"),
        ({"alternate_greetings": [""] * 101}, "alternate_greetings"),
        ({"tags": ["two\nlines"]}, "tags"),
        ({"tags": "garden"}, "tags"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"visibility": "secret"}, "visibility"),
        ({"model": ""}, "model"),
        ({"lore": {"entries": [{"content": "c"}] * (MAX_LORE_ENTRIES + 1)}}, "lore.entries"),
        ({"lore": {"entries": [{"keys": ["k"]}]}}, "lore.entries.0.content"),
        ({"lore": {"entries": [{"content": "c", "keys": [""]}]}}, "lore.entries.0.keys"),
        ({"lore": {"scan_depth": -1}}, "lore.scan_depth"),
        ({"lore": {"rest": nested(33)}}, "lore.rest"),
        ({"lore": {"rest": nested(900)}}, "lore.rest"),
        ({"id": "mine"}, "id"),
        ({"owner_id": "bob"}, "owner_id"),
        ({"avatar": "https://example.org/x.png"}, "avatar"),
        ({"card": {}}, "card"),
    ],
)
def test_what_is_no_persona_is_refused_by_the_name_of_its_field(
    shared: Office, given: dict[str, Any], named: str
) -> None:
    problem = check_problem(shared.alice.post("/personas", {"name": "Nia"} | given), 422, "invalid_command")
    assert named in problem["detail"]


@pytest.mark.parametrize("where", ['"rest": {"half": "\\ud800"}', '"rest": {"\\ud800": 1}'])
def test_half_a_character_is_none_wherever_it_stands(shared: Office, where: str) -> None:
    body = f'{{"name": "Nia", "lore": {{{where}}}}}'
    headers = shared.alice.headers | {"Content-Type": "application/json"}
    response = shared.client.post(f"{API}/personas", headers=headers, content=body)
    assert "Unicode" in check_problem(response, 422, "invalid_command")["detail"]


def test_a_persona_is_not_too_large_as_a_whole(shared: Office) -> None:
    entry = {"content": "x" * MAX_TEXT_CHARS}
    fits, too_much = MAX_CARD_BYTES // MAX_TEXT_CHARS - 1, MAX_CARD_BYTES // MAX_TEXT_CHARS + 1
    made = makes(shared.alice, lore={"entries": [entry] * fits})
    response = shared.alice.post("/personas", {"name": "Nia", "lore": {"entries": [entry] * too_much}})
    check_problem(response, 422, "invalid_command")
    response = shared.alice.patch(f"/personas/{made}", {"lore": {"entries": [entry] * too_much}})
    check_problem(response, 422, "invalid_command")
    assert len(shared.alice.get(f"/personas/{made}").json()["lore"]["entries"]) == fits


def test_a_user_has_so_many_personas_and_no_more(open_office: Open) -> None:
    office = open_office(max_personas=2)
    first, _ = makes(office.alice), makes(office.alice)
    check_problem(office.alice.post("/personas", {"name": "Nia"}), 409, "too_many_personas")
    check_problem(office.alice.post("/personas/import"), 409, "too_many_personas")
    makes(office.bob)
    office.alice.delete(f"/personas/{first}")
    makes(office.alice)


# Finding


def test_one_finds_one_s_own_and_the_public_ones(office: Office) -> None:
    makes(office.alice, "Secret")
    makes(office.alice, "Open", visibility="public")
    makes(office.bob, "Bob's", visibility="public")
    assert names(office.alice) == ["Secret", "Open", "Bob's"]
    assert names(office.alice, mine=True) == ["Secret", "Open"]
    assert names(office.zoe) == ["Open", "Bob's"]
    assert names(office.zoe, mine=True) == []


@pytest.mark.parametrize(
    ("query", "found"), [("", ["Nia Blue", "Otto"]), ("BLU", ["Nia Blue"]), ("garden", ["Otto"]), ("rose", [])]
)
def test_one_looks_for_names_and_tags(office: Office, query: str, found: list[str]) -> None:
    makes(office.alice, "Nia Blue", description="roses")
    makes(office.alice, "Otto", tags=["Garden"])
    assert names(office.alice, query=query) == found


def test_a_row_of_the_list_is_short_whatever_the_persona_is(office: Office) -> None:
    made = makes(office.alice, description="word " * 1000, tags=["t"] * 50, visibility="public")
    (row,) = office.bob.get("/personas").json()["personas"]
    assert row == {
        "id": made,
        "name": "Nia",
        "avatar": None,
        "tags": ["t"] * 20,
        "blurb": ("word " * 1000)[:200],
        "visibility": "public",
        "mine": False,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def test_what_its_maker_says_of_it_comes_before_its_description(office: Office) -> None:
    makes(office.alice, description="long", creator_notes="A  calm\ngardener.")
    assert office.alice.get("/personas").json()["personas"][0]["blurb"] == "A calm gardener."


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_cursors_walk_through_the_whole_list(office: Office, limit: int) -> None:
    made = [makes(office.alice, str(n)) for n in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = office.alice.get("/personas", limit=limit, **cursor).json()
        assert len(page["personas"]) <= limit
        found += [row["id"] for row in page["personas"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == sorted(made)


def test_everybody_sees_the_card_of_a_public_persona_and_not_whose_it_is(office: Office) -> None:
    made = office.alice.post("/personas", NIA).json()
    seen = office.zoe.get(f"/personas/{made['id']}").json()
    assert seen == made | {"mine": False}
    assert "alice" not in office.zoe.get(f"/personas/{made['id']}").text


# Changing


def test_what_is_not_named_stays_as_it_is(office: Office) -> None:
    made = office.alice.post("/personas", NIA).json()
    response = office.alice.patch(f"/personas/{made['id']}", {"description": "", "model": None})
    assert response.status_code == 200
    changed = response.json()
    assert changed == made | {"description": "", "model": None, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] >= made["updated_at"]
    assert office.alice.get(f"/personas/{made['id']}").json() == changed


@pytest.mark.parametrize("body", [{"name": " "}, {"name": None}, {"greeting": None}, {"id": "x"}, [], None])
def test_what_is_no_change_is_refused(shared: Office, body: Any) -> None:
    made = makes(shared.alice)
    check_problem(shared.alice.patch(f"/personas/{made}", body), 422, "invalid_command")


@pytest.mark.parametrize(("method", "path"), [("patch", ""), ("delete", ""), ("delete", "/avatar")])
def test_only_its_owner_changes_a_public_persona(shared: Office, method: str, path: str) -> None:
    made = makes(shared.alice, visibility="public")
    body = [{"name": "Mine"}] if method == "patch" else []
    response = getattr(shared.bob, method)(f"/personas/{made}{path}", *body)
    assert "owner" in check_problem(response, 403, "forbidden")["detail"]
    assert shared.bob.get(f"/personas/{made}").json()["name"] == "Nia"


def test_a_persona_that_becomes_private_is_gone_for_others(office: Office) -> None:
    made = makes(office.alice, visibility="public")
    office.alice.patch(f"/personas/{made}", {"visibility": "private"})
    check_problem(office.bob.get(f"/personas/{made}"), 404, "persona_not_found")
    assert names(office.bob) == []


def test_a_deleted_persona_is_gone_for_good(application: FastAPI, tmp_path: Path) -> None:
    with opened(application, tmp_path) as office:
        made = makes(office.alice)
        response = office.alice.delete(f"/personas/{made}")
        assert (response.status_code, response.content) == (204, b"")
        check_problem(office.alice.get(f"/personas/{made}"), 404, "persona_not_found")
        check_problem(office.alice.delete(f"/personas/{made}"), 404, "persona_not_found")
    with opened(application, tmp_path) as office:
        assert names(office.alice) == []


# Talking


def greetings(caller: Caller, conversation_id: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = caller.get(f"/conversations/{conversation_id}/messages").json()["messages"]
    return messages


def test_a_conversation_with_a_persona_begins_with_its_greeting(strict: Office) -> None:
    bob = strict.holding("bob", name="Bob")
    made = strict.holding("alice").post("/personas", NIA).json()
    response = bob.post(f"/personas/{made['id']}/conversations")
    assert response.status_code == 201
    begun = response.json()
    assert (begun["kind"], begun["peer_id"], begun["seq"], begun["member_count"]) == ("direct", made["id"], 2, 2)
    (greeting,) = greetings(bob, begun["id"])
    assert begun["last_message"] == greeting
    assert greeting["content"] == "Hello Bob, I am Nia."
    assert (greeting["sender_id"], greeting["sender"]["name"]) == (made["id"], "Nia")
    assert (greeting["is_ai"], greeting["persona_id"], greeting["reply"]) == (True, made["id"], None)


def test_there_is_one_conversation_with_a_persona_and_one_greeting(office: Office) -> None:
    made = makes(office.alice, greeting="Hello.")
    first = office.alice.post(f"/personas/{made}/conversations")
    again = office.alice.post(f"/personas/{made}/conversations")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(greetings(office.alice, first.json()["id"])) == 1


def test_who_has_begun_to_talk_is_not_greeted(office: Office) -> None:
    made = makes(office.alice, greeting="Hello.")
    begun = office.alice.creates(made, kind="direct")
    office.alice.says(begun, "Is anybody there?")
    assert office.alice.post(f"/personas/{made}/conversations").json()["id"] == begun
    assert "Hello." not in [message["content"] for message in greetings(office.alice, begun)]


@pytest.mark.parametrize("greeting", ["", " \n ", "{{original}}"])
def test_a_persona_may_say_nothing_first(office: Office, greeting: str) -> None:
    made = makes(office.alice, greeting=greeting)
    begun = office.alice.post(f"/personas/{made}/conversations")
    assert (begun.status_code, begun.json()["seq"], begun.json()["last_message"]) == (201, 1, None)


def test_a_reply_says_in_history_how_it_came_about(open_office: Open) -> None:
    office = open_office(reply_provider="scripted")
    made = makes(office.alice)
    begun = office.alice.post(f"/personas/{made}/conversations").json()["id"]
    with office.client.websocket_connect("/ws/alice") as socket:
        socket.send_json({"type": "join_conversation", "conversation_id": begun})
        socket.send_json({"type": "send_message", "conversation_id": begun, "content": "Hello?"})
        events = [socket.receive_json()]
        while events[-1].get("message", {}).get("is_ai") is not True:
            events.append(socket.receive_json())
    question, reply = greetings(office.alice, begun)
    (started,) = [event for event in events if event["type"] == "reply_started"]
    assert reply["content"] == "".join(event["text"] for event in events if event["type"] == "reply_delta")
    assert (reply["id"], reply["sender_id"]) == (started["message_id"], made)
    assert reply["reply"] == {
        "run_id": started["run_id"],
        "answers": question["id"],
        "attempt": 1,
        "status": "complete",
        "model": reply["reply"]["model"],
    }
