"""Following a conversation: everything once, in order, or a plain sign that something is missing."""

import pytest
from clients.python.tests.stage import AT, Reader, Stage, message, settle
from tests.support.clock import NOON

from gator_chat_client import (
    ChatError,
    ConversationLeft,
    Discontinuity,
    NewMessage,
    Position,
    PresenceUpdate,
    TypingIndicator,
    UnknownEvent,
)
from gator_chat_client.joining import MOST_ASKED
from gator_chat_client.stream import CAPACITY, Stream


async def test_the_first_join_asks_where_the_head_is_and_the_second_for_what_came_before(stage: Stage) -> None:
    async with stage.connected() as client:
        tea = client.conversation("tea", history=20)
        async with tea:
            await settle()
            first = await stage.link.lets_in(100)
            assert (first["after_seq"], first["epoch"]) == (None, None)
            await stage.link.tells(101)
            second = await stage.link.lets_in(101)
            assert (second["after_seq"], second["epoch"]) == (80, "e")
            assert client.connection.state == "open"
            for seq in range(81, 102):
                assert tea.snapshot.status == "joining"
                await stage.link.tells(seq)
            assert tea.snapshot.status == "live"
            assert [each.seq for each in tea.snapshot.messages] == list(range(81, 102))
            assert tea.snapshot.has_older


async def test_who_iterates_reads_what_happens_from_now_on(stage: Stage) -> None:
    async with stage.connected() as client:
        reader = Reader(client.conversation("tea"))
        await settle()
        await stage.link.lets_in(2)
        await stage.link.lets_in(2)
        for seq in (1, 2, 3):
            await stage.link.tells(seq)
        assert reader.seqs() == [3]
        await reader.stop()
        await settle()
        assert len(stage.link.heard("leave_conversation")) == 1


async def test_history_is_read_first_if_that_is_wished(stage: Stage) -> None:
    async with stage.connected() as client:
        reader = Reader(client.conversation("tea"), with_history=True)
        await settle()
        await stage.link.lets_in(2)
        await stage.link.lets_in(2)
        for seq in (1, 2, 3):
            await stage.link.tells(seq)
        assert reader.seqs() == [1, 2, 3]
        await reader.stop()


async def test_an_event_is_told_once_however_often_it_comes(stage: Stage) -> None:
    async with stage.joined(2) as (_client, tea):
        reader = Reader(tea)
        await settle()
        for seq in (1, 2, 3, 3, 2, 3):
            await stage.link.tells(seq)
        assert reader.seqs() == [3]
        assert [each.seq for each in tea.snapshot.messages] == [1, 2, 3]
        await reader.stop()


async def test_what_is_missing_is_asked_for_and_comes_in_order(stage: Stage) -> None:
    async with stage.joined(2) as (_client, tea):
        reader = Reader(tea)
        await settle()
        await stage.link.tells(5, "five")
        join = await stage.link.lets_in(5)
        assert (join["after_seq"], join["epoch"]) == (2, "e")
        await stage.link.tells(3)
        await stage.link.tells(4)
        await stage.link.tells(5, "five")
        assert reader.seqs() == [3, 4, 5]
        assert len(stage.link.heard("join_conversation")) == 3
        await reader.stop()


async def test_a_hole_that_the_server_cannot_fill_is_told_and_passed(stage: Stage) -> None:
    async with stage.joined(2) as (_client, tea):
        reader = Reader(tea)
        await settle()
        for asked in range(MOST_ASKED):
            await stage.link.tells(5)
            assert len(stage.link.heard("join_conversation")) == 3 + asked
            await stage.link.lets_in(5)
        await stage.link.tells(5)
        assert reader.items[-2:-1] == [Discontinuity("tea", "missing", after_seq=2, at_seq=4)]
        assert isinstance(reader.items[-1], NewMessage)
        await stage.link.tells(6)
        assert reader.seqs() == [5, 6]
        await reader.stop()


async def test_an_event_of_a_newer_kind_is_no_hole(stage: Stage) -> None:
    async with stage.joined(2) as (_client, tea):
        reader = Reader(tea)
        await settle()
        await stage.link.says("fireworks", conversation_id="tea", seq=3)
        await stage.link.tells(4)
        assert reader.seqs() == [4]
        assert isinstance(reader.items[0], UnknownEvent)
        assert len(stage.link.heard("join_conversation")) == 2
        await reader.stop()


async def test_a_log_that_ends_with_a_newer_kind_is_caught_up_with(stage: Stage) -> None:
    async with stage.connected() as client, client.conversation("tea") as tea:
        await settle()
        await stage.link.lets_in(2)
        await stage.link.lets_in(2)
        await stage.link.tells(1)
        await stage.link.says("fireworks", conversation_id="tea", seq=2)
        assert (tea.snapshot.status, tea.snapshot.seq) == ("live", 2)


async def test_a_heartbeat_shows_a_loss_that_left_no_trace(stage: Stage) -> None:
    async with stage.joined(2) as (_client, tea):
        await stage.link.says("heartbeat", heads={"tea": 4})
        assert (await stage.link.lets_in(4))["after_seq"] == 2
        await stage.link.tells(3)
        await stage.link.says("heartbeat", heads={"tea": 4})
        assert len(stage.link.heard("join_conversation")) == 3, "what is on its way is not asked for again"
        await stage.link.says("heartbeat")
        assert (await stage.link.lets_in(4))["after_seq"] == 3, "unless nothing comes for a whole beat"
        await stage.link.tells(4)
        assert tea.snapshot.status == "live"


async def test_an_own_message_that_never_came_is_missed_at_the_next_heartbeat(stage: Stage) -> None:
    async with stage.joined(2) as (_client, tea):
        await tea.send("mine")
        await settle()
        await stage.link.acknowledges(stage.link.heard("send_message")[-1], 3)
        assert len(stage.link.heard("join_conversation")) == 2
        await stage.link.says("heartbeat")
        assert stage.link.heard("join_conversation")[-1]["after_seq"] == 2


# Coming back


async def test_who_comes_back_asks_for_what_was_missed(stage: Stage) -> None:
    async with stage.joined(2) as (client, tea):
        reader = Reader(tea)
        await settle()
        stage.link.breaks()
        await settle()
        assert tea.snapshot.status == "joining"
        await stage.passes(1)
        await stage.link.greets()
        assert client.connection.state == "catching_up"
        join = await stage.link.lets_in(4)
        assert (join["after_seq"], join["epoch"]) == (2, "e")
        await stage.link.tells(3)
        assert client.connection.state == "catching_up"
        await stage.link.tells(4)
        assert client.connection.state == "open"
        assert reader.seqs() == [3, 4]
        await reader.stop()


@pytest.mark.parametrize(("reason", "head"), [("too_far_behind", 900), ("epoch_changed", 1), ("ahead_of_log", 1)])
async def test_what_cannot_be_recovered_is_told_and_the_newest_page_loaded(
    stage: Stage, reason: str, head: int
) -> None:
    page = {"messages": [message(head, "newest")], "has_more": True, "head": head, "epoch": "e2"}
    stage.routes["GET /conversations/tea/messages"] = page
    async with stage.joined(2) as (_client, tea):
        reader = Reader(tea)
        await settle()
        stage.link.breaks()
        await stage.passes(1)
        await stage.link.greets()
        await stage.link.lets_in(head, recovered=False, epoch="e2", reason=reason)
        await tea.until(lambda snapshot: snapshot.messages)
        assert reader.items == [Discontinuity("tea", reason, after_seq=2, at_seq=head)]  # type: ignore[arg-type]
        assert [each.content for each in tea.snapshot.messages] == ["newest"]
        assert tea.snapshot.has_older
        (asked,) = (each for each in stage.requests if each.url.path.endswith("/messages"))
        assert asked.url.params["before"] == str(head + 1)
        await stage.link.tells(head + 1)
        assert reader.seqs() == [head + 1]
        assert tea.position == Position(head + 1, "e2")
        await reader.stop()


async def test_a_later_program_begins_where_an_earlier_one_stopped(stage: Stage) -> None:
    async with stage.connected() as client:
        reader = Reader(client.conversation("tea", after=Position(7, "e")))
        await settle()
        join = await stage.link.lets_in(9)
        assert (join["after_seq"], join["epoch"]) == (7, "e")
        await stage.link.tells(8)
        await stage.link.tells(9)
        assert reader.seqs() == [8, 9]
        await reader.stop()


async def test_a_reader_who_leaves_and_comes_again_misses_nothing_in_between(stage: Stage) -> None:
    async with stage.connected() as client:
        tea = client.conversation("tea")
        reader = Reader(tea)
        await settle()
        await stage.link.lets_in(1)
        await stage.link.lets_in(1)
        await stage.link.tells(1)
        await reader.stop()
        await settle()
        await stage.link.says("conversation_left", conversation_id="tea", reason="asked")
        reader = Reader(tea)
        await settle()
        assert (await stage.link.lets_in(3))["after_seq"] == 1
        await stage.link.tells(2)
        await stage.link.tells(3)
        assert reader.seqs() == [2, 3]
        await reader.stop()


# Not let in, sent away


async def test_who_is_not_let_in_is_told_why(stage: Stage) -> None:
    async with stage.connected() as client:
        reader = Reader(client.conversation("tea"))
        await settle()
        await stage.link.refuses(stage.link.heard("join_conversation")[-1], "conversation_not_found")
        assert isinstance(reader.error, ChatError)
        assert reader.error.code == "conversation_not_found"
        assert client.conversation("tea").snapshot.status == "failed"
        assert client.connection.state == "open"


async def test_a_join_refused_for_haste_is_said_again_after_a_rest(stage: Stage) -> None:
    async with stage.connected() as client:
        reader = Reader(client.conversation("tea"))
        await settle()
        join = stage.link.heard("join_conversation")[-1]
        await stage.link.refuses(join, "rate_limited", retry_after_ms=2500)
        await stage.passes(2)
        assert len(stage.link.heard("join_conversation")) == 1
        await stage.passes(0.5)
        assert len(stage.link.heard("join_conversation")) == 2
        await reader.stop()


@pytest.mark.parametrize("reason", ["removed", "deleted"])
async def test_who_is_sent_away_reads_that_last(stage: Stage, reason: str) -> None:
    async with stage.joined(1) as (_client, tea):
        reader = Reader(tea)
        await settle()
        await stage.link.says("conversation_left", conversation_id="tea", reason=reason)
        assert reader.is_done
        assert isinstance(reader.items[-1], ConversationLeft)
        assert (tea.snapshot.status, tea.snapshot.reason) == ("left", reason)


async def test_the_end_of_the_client_ends_the_reading(stage: Stage) -> None:
    async with stage.connected() as client:
        reader = Reader(client.conversation("tea"))
        await settle()
    await settle()
    assert reader.is_done
    assert reader.error is None


# What is true for a moment


async def test_typing_expires_if_nothing_more_is_heard_of_it(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await stage.link.says("typing_indicator", conversation_id="tea", user_id="bob", is_typing=True)
        assert tea.snapshot.typing == ("bob",)
        await stage.passes(5.5)
        assert tea.snapshot.typing == ("bob",)
        await stage.passes(1)
        assert tea.snapshot.typing == ()


async def test_who_sends_has_stopped_typing(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        await stage.link.says("typing_indicator", conversation_id="tea", user_id="bob", is_typing=True)
        await stage.link.tells(1, sender="bob")
        assert tea.snapshot.typing == ()


async def test_own_typing_is_told_now_and_then_and_its_end_once(stage: Stage) -> None:
    async with stage.joined() as (_client, tea):
        for _ in range(10):
            tea.typing()
            await stage.passes(0.5)
        assert len(stage.link.heard("typing_start")) == 2
        await stage.passes(4)
        assert len(stage.link.heard("typing_stop")) == 1
        tea.typing()
        await tea.send("done")
        await stage.passes(5)
        assert len(stage.link.heard("typing_stop")) == 1, "a message says it by itself"


async def test_typing_that_could_not_be_told_is_told_with_the_next_key(stage: Stage) -> None:
    async with stage.connected() as client, client.conversation("tea") as tea:
        tea.typing()
        await settle()
        await stage.link.lets_in(0)
        await stage.link.lets_in(0)
        tea.typing()
        await settle()
        assert len(stage.link.heard("typing_start")) == 1


async def test_who_is_online_is_known_of_members_only(stage: Stage) -> None:
    members = [
        {"user_id": user, "role": "member", "name": None, "avatar": None, "online": False, "last_seen": None}
        for user in ("ada", "bob")
    ]
    stage.routes["GET /conversations/tea/members"] = {"members": members, "next_cursor": None}
    stage.routes["GET /conversations/tea"] = summary("tea", read_seq=0)
    async with stage.joined() as (client, tea):
        await tea.until(lambda snapshot: snapshot.members)
        reader = Reader(tea)
        await settle()
        for user in ("bob", "bob", "cleo"):
            await stage.link.says("presence_update", user_id=user, online=True)
        assert tea.snapshot.online == ("ada", "bob")
        assert [type(item) for item in reader.items] == [PresenceUpdate]
        assert client.presence["cleo"].online
        await reader.stop()


def summary(id: str, **fields: object) -> dict[str, object]:
    return {
        "id": id,
        "kind": "group",
        "title": "Tea club",
        "role": "member",
        "seq": 2,
        "member_count": 2,
        "read_seq": 2,
        "unread": 0,
        "created_at": AT,
        "last_message": None,
        "peer_id": None,
        **fields,
    }


# Reading


async def test_the_read_mark_moves_forward_is_seen_at_once_and_told_now_and_then(stage: Stage) -> None:
    stage.routes["GET /conversations/tea"] = summary("tea", seq=3, read_seq=1, unread=2)
    stage.routes["GET /conversations/tea/members"] = {"members": [], "next_cursor": None}
    async with stage.joined(3) as (_client, tea):
        await tea.until(lambda snapshot: snapshot.read_seq)
        assert tea.snapshot.unread == 2
        for seq in (2, 3, 2):
            tea.mark_read(seq)
        assert (tea.snapshot.read_seq, tea.snapshot.unread) == (3, 0)
        await settle()
        assert [each["seq"] for each in stage.link.heard("mark_read")] == [2]
        await stage.passes(1)
        assert [each["seq"] for each in stage.link.heard("mark_read")] == [2, 3]


async def test_what_was_read_while_away_is_told_after_the_return(stage: Stage) -> None:
    async with stage.joined(3) as (_client, tea):
        stage.link.breaks()
        await settle()
        tea.mark_read()
        await stage.passes(1)
        await stage.link.greets()
        await stage.link.lets_in(3)
        assert [each["seq"] for each in stage.link.heard("mark_read")] == [3]


# History


async def test_older_messages_come_before_those_that_are_there(stage: Stage) -> None:
    async with stage.connected() as client, client.conversation("tea", history=1) as tea:
        await settle()
        await stage.link.lets_in(3)
        await stage.link.lets_in(3)
        await stage.link.tells(3)
        page = {"messages": [message(1), message(2)], "has_more": False, "head": 3, "epoch": "e"}
        stage.routes["GET /conversations/tea/messages"] = page
        await tea.load_older()
        assert stage.requests[-1].url.params["before"] == "3"
        assert [each.seq for each in tea.snapshot.messages] == [1, 2, 3]
        assert not tea.snapshot.has_older


async def test_history_that_cannot_be_loaded_says_why(stage: Stage) -> None:
    async with stage.joined(1) as (_client, tea):
        with pytest.raises(ChatError, match="Nothing here"):
            await tea.load_older()


# A reader who does not read


async def test_a_reader_who_takes_nothing_loses_all_and_is_told() -> None:
    stream = Stream("tea", with_history=False)
    typing = TypingIndicator(conversation_id="tea", user_id="bob", is_typing=True, timestamp=str(NOON))  # type: ignore[arg-type]
    for _ in range(CAPACITY + 1):
        stream.put(typing)
    assert await anext(stream) == Discontinuity("tea", "reader_too_slow", after_seq=0, at_seq=0)
    stream.put(typing)
    assert await anext(stream) == typing


async def test_who_comes_while_the_members_are_asked_for_is_not_forgotten(stage: Stage) -> None:
    stage.routes["GET /conversations/tea"] = summary("tea", seq=0, member_count=1)
    member = {"user_id": "ada", "role": "owner", "name": None, "avatar": None, "online": True, "last_seen": None}
    async with stage.connected() as client, client.conversation("tea") as tea:
        await settle()
        await stage.link.lets_in(0)
        # The list is made now, and on its way while somebody joins.
        stage.routes["GET /conversations/tea/members"] = {"members": [member], "next_cursor": None}
        stage.held.clear()
        await stage.link.lets_in(0)
        await stage.link.says(
            "members_added",
            conversation_id="tea",
            seq=1,
            by="bob",
            members=[{"user_id": "bob", "role": "member"}],
            member_count=2,
        )
        stage.held.set()
        await tea.until(lambda snapshot: snapshot.members)
        assert tea.snapshot.members == {"ada": "owner", "bob": "member"}
        assert tea.snapshot.member_count == 2
        await stage.link.says("presence_update", user_id="bob", online=True)
        assert tea.snapshot.online == ("ada", "bob")
