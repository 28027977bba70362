"""Outboxes: the same promises for each, and what a file adds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from clients.python.tests.stage import Stage, settle

from gator_chat_client import MemoryOutbox, Outbox, Outgoing, SqliteOutbox

Make = Callable[[], Outbox]


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Make an outbox of each kind."""
    return MemoryOutbox if request.param == "memory" else lambda: SqliteOutbox(tmp_path / "a" / "b.sqlite3")


def outgoing(number: int, conversation_id: str = "tea", **fields: str) -> Outgoing:
    return Outgoing(
        client_message_id=f"c{number}", conversation_id=conversation_id, content=f"n{number}", **fields
    )  # type: ignore[arg-type]


async def test_what_was_put_comes_back_in_order_and_what_was_removed_does_not(make: Make) -> None:
    outbox = make()
    for number in (3, 1, 2):
        await outbox.put(outgoing(number))
    await outbox.remove("tea", "c1")
    await outbox.remove("tea", "never there")
    assert await outbox.load() == [outgoing(3), outgoing(2)]
    await outbox.close()


async def test_one_id_in_two_conversations_is_two_messages(make: Make) -> None:
    outbox = make()
    await outbox.put(outgoing(1, "tea"))
    await outbox.put(outgoing(1, "jam"))
    await outbox.remove("tea", "c1")
    assert await outbox.load() == [outgoing(1, "jam")]
    await outbox.close()


async def test_a_message_that_failed_keeps_its_place_and_says_why(make: Make) -> None:
    outbox = make()
    await outbox.put(outgoing(1))
    await outbox.put(outgoing(2))
    failed = outgoing(1, state="failed", error="forbidden", why="No.")
    await outbox.put(failed)
    assert await outbox.load() == [failed, outgoing(2)]
    await outbox.close()


async def test_a_file_survives_its_program_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "outbox.sqlite3"
    outbox = SqliteOutbox(path)
    await outbox.put(outgoing(1, persona_id="nia"))
    await outbox.close()
    assert path.stat().st_mode & 0o077 == 0
    again = SqliteOutbox(path)
    assert await again.load() == [outgoing(1, persona_id="nia")]
    await again.close()


async def test_a_file_that_cannot_be_used_is_noticed_at_the_start(tmp_path: Path, stage: Stage) -> None:
    (tmp_path / "file").write_text("")
    outbox = SqliteOutbox(tmp_path / "file" / "outbox.sqlite3")
    with pytest.raises(OSError, match="file"):
        async with stage.client(outbox=outbox):
            pass


async def test_what_one_program_could_not_send_the_next_one_sends_once(tmp_path: Path, stage: Stage) -> None:
    path = tmp_path / "outbox.sqlite3"
    async with stage.client(outbox=SqliteOutbox(path)) as client:
        one = await client.conversation("tea").send("one")
        await client.conversation("tea").send("two")
    async with stage.connected(outbox=SqliteOutbox(path)) as client:
        assert client.waiting == 2
        await stage.link.lets_in(0)
        await stage.link.lets_in(0)
        (first,) = stage.link.heard("send_message")
        assert first["client_message_id"] == one.client_message_id
        await stage.link.acknowledges(first, 1)
        await stage.link.acknowledges(stage.link.heard("send_message")[1], 2)
        await client.flushed()
    again = SqliteOutbox(path)
    assert await again.load() == []
    await again.close()


async def test_what_failed_is_there_in_the_next_program_and_stays_there(tmp_path: Path, stage: Stage) -> None:
    path = tmp_path / "outbox.sqlite3"
    async with stage.joined(outbox=SqliteOutbox(path)) as (_client, tea):
        await tea.send("one")
        await settle()
        await stage.link.refuses(stage.link.heard("send_message")[0], "forbidden")
        await settle()
    async with stage.joined(outbox=SqliteOutbox(path)) as (client, tea):
        assert client.waiting == 0
        assert [(each.content, each.state) for each in tea.snapshot.outgoing] == [("one", "failed")]
        assert stage.link.heard("send_message") == []
