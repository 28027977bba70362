"""Who is not a member learns nothing: not even whether there is something to learn."""

import re
from collections.abc import Sequence
from typing import Any

import httpx2
import msgspec
import pytest
from tests.e2e.conftest import People

pytestmark = pytest.mark.native_only("who may know what is decided by the same code")

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")

COMMANDS: dict[str, dict[str, Any]] = {
    "join": {"type": "join_conversation"},
    "join from the start": {"type": "join_conversation", "after_seq": 0},
    "join from a position": {"type": "join_conversation", "after_seq": 2, "epoch": "x"},
    "send": {"type": "send_message", "content": "Let me in"},
    "send with an id": {"type": "send_message", "content": "Hello", "client_message_id": "used-there"},
    "send a conflict": {"type": "send_message", "content": "Other", "client_message_id": "used-there"},
    "send to a persona": {"type": "send_message", "content": "Hello", "persona_id": "nobody"},
    "send nothing": {"type": "send_message", "content": " "},
    "type": {"type": "typing_start"},
    "stop typing": {"type": "typing_stop"},
    "leave": {"type": "leave_conversation"},
    "mark read": {"type": "mark_read", "seq": 1},
    "mark read too far": {"type": "mark_read", "seq": 999},
}

REQUESTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "", None),
    ("PATCH", "", {"title": "Mine"}),
    ("PATCH", "", {"title": 7}),
    ("DELETE", "", None),
    ("GET", "/messages", None),
    ("GET", "/messages?after=1&limit=1", None),
    ("GET", "/messages?limit=0", None),
    ("POST", "/messages", {"content": "Let me in"}),
    ("POST", "/messages", {"content": "Hello", "client_message_id": "used-there"}),
    ("POST", "/messages", {"content": ""}),
    ("GET", "/events", None),
    ("GET", "/events?after=999", None),
    ("PUT", "/read", {"seq": 1}),
    ("GET", "/members", None),
    ("GET", "/members?cursor=ann", None),
    ("POST", "/members", {"user_id": "zoe"}),
    ("POST", "/members", {"user_id": "ann", "role": "owner"}),
    ("PATCH", "/members/ann", {"role": "reader"}),
    ("PATCH", "/members/nobody", {"role": "reader"}),
    ("DELETE", "/members/ann", None),
    ("DELETE", "/members/zoe", None),
    ("GET", "/memory", None),
    ("PUT", "/memory", {"summary": "Mine", "pins": []}),
    ("PUT", "/memory", {"pins": 7}),
]


class Places:
    """Conversations that a stranger is not in, each for another reason.

    Attributes:
        never: An id that looks like the others and was never used.
        others: Ids by what hides them from Zoe.
    """

    def __init__(self, never: str, others: dict[str, str]) -> None:
        self.never = never
        self.others = others


async def create(http: httpx2.AsyncClient, kind: str, *members: str, title: str | None = None) -> str:
    """Create a conversation; tell its id."""
    answer = await http.post("/conversations", json={"kind": kind, "member_ids": members, "title": title})
    return str(answer.raise_for_status().json()["id"])


async def post(http: httpx2.AsyncClient, room: str, content: str, **more: str) -> None:
    """Send a message over HTTP."""
    (await http.post(f"/conversations/{room}/messages", json={"content": content} | more)).raise_for_status()


@pytest.fixture
async def places(people: People) -> Places:
    ann = await people.http("ann")
    others = {
        "a group": await create(ann, "group", "bob", title="Garden"),
        "a channel": await create(ann, "channel", "bob"),
        "a direct conversation": await create(ann, "direct", "bob"),
        "a group she was removed from": await create(ann, "group", "bob", "zoe"),
        "a deleted group": await create(ann, "group", "bob", "zoe"),
    }
    for room in others.values():
        await post(ann, room, "Hello", client_message_id="used-there")
    (await ann.delete(f"/conversations/{others['a group she was removed from']}/members/zoe")).raise_for_status()
    (await ann.delete(f"/conversations/{others['a deleted group']}")).raise_for_status()
    # Loaded and joined, as it would be in use: what is in memory must not answer otherwise.
    for user in ("ann", "bob"):
        socket = await people.socket(user)
        for name in ("a group", "a channel", "a direct conversation"):
            await socket.ask("join_conversation", conversation_id=others[name])
    example = others["a group"]
    return Places(example[:-12] + example[-12:][::-1], others)


def worded(what: Sequence[object], room: str) -> bytes:
    """Write answers down without what differs between any two: the id asked for, and the time."""
    text = msgspec.json.encode(what).decode().replace(room, "ROOM")
    return TIME.sub("TIME", text).encode()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
async def test_a_command_is_answered_as_if_the_conversation_had_never_been(
    people: People, places: Places, command: dict[str, Any]
) -> None:
    async def answers(room: str) -> bytes:
        zoe = await people.socket("zoe")
        first = await zoe.ask(**command, conversation_id=room)
        return worded([first, *await zoe.settle()], room)

    expected = await answers(places.never)
    assert b'"type":"error"' in expected or command["type"] == "leave_conversation"
    for why, room in places.others.items():
        assert await answers(room) == expected, why


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_request_is_answered_as_if_the_conversation_had_never_been(
    people: People, places: Places, method: str, path: str, body: dict[str, Any] | None
) -> None:
    async def answers(user: str | None, room: str) -> bytes:
        http = await people.http(user)
        answer = await http.request(method, f"/conversations/{room}{path}", json=body)
        assert answer.status_code in ((404, 422) if user else (401, 422))
        headers = [(name, value) for name, value in answer.headers.items() if name != "date"]
        return worded([answer.status_code, headers, answer.text], room)

    for user in ("zoe", None):
        expected = await answers(user, places.never)
        for why, room in places.others.items():
            assert await answers(user, room) == expected, f"{user}, {why}"


async def test_no_route_that_names_a_conversation_is_forgotten_here(people: People) -> None:
    http = await people.http(None)
    described = (await http.get(f"{people.server.url}/openapi.json")).json()["paths"]
    routes = {
        (method.upper(), path.split("{conversation_id}", 1)[1])
        for path, methods in described.items()
        if "{conversation_id}" in path
        for method in methods
    }
    tried = {
        (method, re.sub(r"/members/\w+", "/members/{user_id}", path.split("?")[0])) for method, path, _ in REQUESTS
    }
    assert tried == routes


async def test_users_of_whom_one_knows_nothing_do_not_exist(people: People, places: Places) -> None:
    http, zoe = await people.http("yana"), await people.socket("yana")

    async def answers(user: str) -> bytes:
        read = await http.get(f"/users/{user}")
        presence = await http.get("/presence", params={"user_id": [user]})
        status = await zoe.ask("get_online_status", user_ids=[user])
        status.pop("reply_to")
        return worded([read.status_code, read.text, presence.status_code, presence.text, status], user)

    never = await answers("nil")
    assert b'\\"statuses\\":{}' in never
    assert b'"users":[]' in never
    for member in ("ann", "bob"):
        assert await answers(member) == never
    assert (await http.get("/conversations")).json()["conversations"] == []


async def live_through_everything(people: People, room: str) -> None:
    """Let members do all that anybody is ever told of."""
    ann, ann_http, bob_http = await people.socket("ann"), await people.http("ann"), await people.http("bob")
    await ann.ask("join_conversation", conversation_id=room)
    bob = await people.socket("bob")
    await bob.ask("join_conversation", conversation_id=room)
    await bob.say("typing_start", conversation_id=room)
    await ann.until("typing_indicator", is_typing=True)
    await bob.ask("send_message", conversation_id=room, content="psst")
    await ann.until("typing_indicator", is_typing=False)
    await post(bob_http, room, "over HTTP")
    await bob.ask("mark_read", conversation_id=room, seq=2)
    await bob.ask("leave_conversation", conversation_id=room)
    await post(ann_http, room, "A tap on Bob's shoulder")
    await bob.until("notification", reason="new_message")
    await bob.close()
    await ann.until("presence_update", user_id="bob", online=False)
    path = f"/conversations/{room}"
    for request in (
        ann_http.patch(path, json={"title": "Secret"}),
        ann_http.post(f"{path}/members", json={"user_id": "cleo"}),
        ann_http.patch(f"{path}/members/cleo", json={"role": "admin"}),
        ann_http.delete(f"{path}/members/cleo"),
        ann_http.delete(path),
    ):
        (await request).raise_for_status()
    await ann.until("conversation_left", reason="deleted")


async def test_a_stranger_hears_nothing_of_what_goes_on(people: People) -> None:
    ann = await people.http("ann")
    room = await create(ann, "group", "bob", title="Garden")
    stranger = await people.socket("zoe")
    assert stranger.frames[0]["users"] == ["zoe"]
    for command in COMMANDS.values():
        await stranger.ask(**command, conversation_id=room)
    await live_through_everything(people, room)
    beat = await stranger.ask("heartbeat")
    assert set(beat) == {"type", "timestamp", "reply_to"}
    assert await stranger.settle() == []


async def test_a_removed_member_is_told_so_and_hears_nothing_more(people: People) -> None:
    ann = await people.http("ann")
    room = await create(ann, "group", "bob", "dora", title="Garden")
    inside, outside = await people.socket("dora"), await people.socket("dora")
    await inside.ask("join_conversation", conversation_id=room)
    await inside.say("typing_start", conversation_id=room)
    (await ann.delete(f"/conversations/{room}/members/dora")).raise_for_status()

    assert (await inside.until("conversation_left"))["reason"] == "removed"
    assert (await outside.until("notification"))["reason"] == "removed"
    [last] = await inside.settle()
    assert (last["type"], last["seq"]) == ("member_removed", 2)
    assert await outside.settle() == []

    await live_through_everything(people, room)
    refused = await inside.ask("send_message", conversation_id=room, content="I am still here")
    assert refused["code"] == "conversation_not_found"
    for command in ("typing_start", "typing_stop"):
        assert (await inside.ask(command, conversation_id=room))["code"] == "not_joined"
    for socket in (inside, outside):
        assert await socket.settle() == []
        assert (await socket.ask("get_online_status", user_ids=["ann", "bob"]))["statuses"] == {}


async def test_a_member_who_leaves_hears_nothing_more(people: People) -> None:
    room = await create(await people.http("ann"), "group", "bob", "emil")
    emil = await people.socket("emil")
    await emil.ask("join_conversation", conversation_id=room)
    (await (await people.http("emil")).delete(f"/conversations/{room}/members/emil")).raise_for_status()
    assert (await emil.until("conversation_left"))["reason"] == "removed"
    await emil.settle()
    await live_through_everything(people, room)
    assert await emil.settle() == []


async def test_in_open_mode_nobody_can_join_what_two_others_say_to_each_other(open_people: People) -> None:
    ann = await open_people.http("ann")
    room = await create(ann, "direct", "bob")
    await post(ann, room, "for Bob alone")
    zoe = await open_people.socket("zoe")
    for command in COMMANDS.values():
        answer = await zoe.ask(**command, conversation_id=room)
        assert "seq" not in answer
    assert (await zoe.ask("join_conversation", conversation_id=room))["code"] == "conversation_not_found"
    await post(ann, room, "still for Bob alone")
    assert await zoe.settle() == []
    http = await open_people.http("zoe")
    for method, path, body in REQUESTS:
        assert (await http.request(method, f"/conversations/{room}{path}", json=body)).status_code in (404, 422)
    assert (await ann.get(f"/conversations/{room}")).json()["member_count"] == 2


async def test_in_open_mode_a_deleted_conversation_cannot_be_entered_again(open_people: People) -> None:
    ann = await open_people.http("ann")
    room = await create(ann, "group", "bob")
    (await ann.delete(f"/conversations/{room}")).raise_for_status()
    for user in ("ann", "zoe"):
        socket = await open_people.socket(user)
        answer = await socket.ask("join_conversation", conversation_id=room)
        assert answer["code"] == "conversation_not_found"
