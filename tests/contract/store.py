"""What every `Store` promises. It is filled through a journal, as in life."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.journal import ALL, JournalBench
from tests.contract.wishes import (
    ANN,
    BOB,
    CLEO,
    GARDEN,
    ZOE,
    add,
    create,
    delete,
    gone,
    post,
    promote,
    read,
    remove,
    rename,
    seen,
)
from tests.support.clock import NOON, NOON_TEXT

from gator.domain.conversation import Change, Conversation, apply, begin
from gator.domain.memory import Memory
from gator.ports import Briefing, ConversationSummary, LastSeen, MemorySaved, Note, ReadUpTo, UserRecord, UserSeen
from gator.protocol.events import ConversationCreated, Message, NewMessage, Sender
from gator.protocol.types import ConversationId, Seq, UserId, UtcMillis


async def write(bench: JournalBench, *what: Change | Note) -> None:
    for wish in what:
        if isinstance(wish, UserSeen | LastSeen | ReadUpTo):
            await bench.journal.write_down(wish)
        else:
            await bench.journal.commit(wish)


async def pages(bench: JournalBench, user: UserId, limit: int) -> list[list[str]]:
    """Walk through a user's list by its cursors."""
    found: list[list[str]] = []
    before: tuple[UtcMillis, ConversationId] | None = None
    while rows := await bench.store.conversations_of(user, before=before, limit=limit):
        found.append([row.id for row in rows])
        before = (rows[-1].cursor_at, rows[-1].id)
    return found


async def said(bench: JournalBench, seq: int) -> Message | None:
    """Find what was said at a position."""
    briefing = await bench.store.briefing(GARDEN, ANN, question=Seq(seq), before=Seq(0), limit=1)
    return briefing.question


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.content for message in messages]


class StoreContract(ABC):
    """The suite. Subclasses are collected, this one is not."""

    @abstractmethod
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        """Open a store over an empty directory, with the journal that fills it."""

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[JournalBench]:
        async with self.open_bench(tmp_path) as bench:
            yield bench

    @pytest.fixture
    async def story(self, bench: JournalBench) -> JournalBench:
        """A conversation whose log alternates between messages and other events."""
        await write(
            bench,
            create("garden", "ann", "bob", title="Garden"),  # 1
            post("garden", "ann", "two"),
            rename("garden", "ann", "Yard"),  # 3
            add("garden", "ann", "cleo", role="reader"),  # 4
            post("garden", "bob", "five", key="k", persona="sage"),
            promote("garden", "ann", "cleo", "admin"),  # 6
            post("garden", "cleo", "seven"),
            remove("garden", "cleo", "bob"),  # 8
            post("garden", "ann", "nine"),
        )
        return bench

    # The log

    async def test_the_log_merges_messages_and_events_in_order(self, story: JournalBench) -> None:
        log = await story.store.log(GARDEN, after=Seq(0), limit=ALL)
        assert list(log) == [published.event for published in story.published]
        assert [type(event).__name__ for event in log] == [
            "ConversationCreated",
            "NewMessage",
            "ConversationRenamed",
            "MembersAdded",
            "NewMessage",
            "MemberRoleChanged",
            "NewMessage",
            "MemberRemoved",
            "NewMessage",
        ]

    @pytest.mark.parametrize("limit", [1, 2, 3, 9, 10])
    async def test_pages_of_the_log_meet_without_hole_or_double(self, story: JournalBench, limit: int) -> None:
        seqs: list[Seq] = [Seq(0)]
        while page := await story.store.log(GARDEN, after=seqs[-1], limit=limit):
            assert len(page) <= limit
            seqs.extend(event.seq for event in page)
        assert seqs == list(range(10))

    async def test_there_is_nothing_after_the_head_and_in_no_conversation(self, story: JournalBench) -> None:
        assert await story.store.log(GARDEN, after=Seq(9), limit=5) == []
        assert await story.store.log(ConversationId("nowhere"), after=Seq(0), limit=5) == []

    async def test_folding_the_log_gives_the_state(self, story: JournalBench) -> None:
        first, *rest = await story.store.log(GARDEN, after=Seq(0), limit=ALL)
        assert isinstance(first, ConversationCreated)
        folded = begin(first)
        for event in rest:
            apply(folded, event)
        assert await story.store.conversation(GARDEN) == folded

    async def test_the_state_is_that_of_the_head(self, story: JournalBench) -> None:
        assert await story.store.conversation(GARDEN) == Conversation(
            id=GARDEN,
            kind="group",
            title="Yard",
            head=Seq(9),
            members={ANN: "owner", CLEO: "admin"},
            created_at=NOON_TEXT,
        )
        assert await story.store.conversation(ConversationId("nowhere")) is None

    async def test_a_deleted_conversation_has_a_log_and_nobody_in_it(self, story: JournalBench) -> None:
        await write(story, delete("garden", "ann"))
        state = await story.store.conversation(GARDEN)
        assert state is not None
        assert (state.deleted, state.members, state.head) == (True, {}, 10)
        assert len(await story.store.log(GARDEN, after=Seq(0), limit=ALL)) == 10

    # Messages

    @pytest.mark.parametrize(
        ("after", "before", "limit", "found"),
        [
            (None, None, 9, ["two", "five", "seven", "nine"]),
            (None, None, 2, ["seven", "nine"]),
            (0, None, 2, ["two", "five"]),
            (2, None, 9, ["five", "seven", "nine"]),
            (3, None, 1, ["five"]),
            (9, None, 9, []),
            (None, 9, 2, ["five", "seven"]),
            (None, 10, 1, ["nine"]),
            (None, 2, 9, []),
            (None, 0, 9, []),
            (2, 9, 9, ["five", "seven"]),
            (2, 9, 1, ["five"]),
            (5, 3, 9, []),
        ],
    )
    async def test_messages_are_paged_in_both_directions(
        self, story: JournalBench, after: int | None, before: int | None, limit: int, found: list[str]
    ) -> None:
        messages = await story.store.messages(
            GARDEN,
            after=None if after is None else Seq(after),
            before=None if before is None else Seq(before),
            limit=limit,
        )
        assert texts(messages) == found

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.booleans(), max_size=30), st.integers(1, 7))
    async def test_walking_either_way_meets_every_message_once(self, log: list[bool], limit: int) -> None:
        with TemporaryDirectory() as data:
            async with self.open_bench(Path(data)) as bench:
                await write(bench, create("garden", "ann"))
                make = {True: post, False: rename}
                wishes = [make[is_message]("garden", "ann", str(n)) for n, is_message in enumerate(log)]
                await asyncio.gather(*map(bench.journal.commit, wishes))
                said = [str(n) for n, is_message in enumerate(log) if is_message]
                forward: list[Message] = []
                while page := await bench.store.messages(
                    GARDEN, after=forward[-1].seq if forward else Seq(0), limit=limit
                ):
                    forward.extend(page)
                backward: list[Message] = []
                while page := await bench.store.messages(
                    GARDEN, before=backward[0].seq if backward else None, limit=limit
                ):
                    backward[:0] = page
                assert texts(forward) == said
                assert backward == forward

    async def test_a_message_is_kept_as_it_was_sent(self, story: JournalBench) -> None:
        await write(story, seen("bob", "Bob", "bob.png"))
        content = 'a <b>bold</b> "claim"\r\n\ttab \u2028 \N{CROCODILE} e\u0301 \u202e'
        await write(story, post("garden", "ann", content))
        five, ten = await said(story, 5), await said(story, 10)
        assert ten is not None
        assert ten.content == content
        told = story.published[4].event
        assert isinstance(told, NewMessage)
        assert five == Message(
            id=told.message.id,
            seq=Seq(5),
            sender_id=BOB,
            sender=Sender(name="Bob", avatar="bob.png"),
            content="five",
            timestamp=NOON_TEXT,
            is_ai=False,
            client_message_id="k",
            persona_id=told.message.persona_id,
        )
        assert five.persona_id == "sage"

    @pytest.mark.parametrize("seq", [0, 1, 3, 10])
    async def test_only_the_seq_of_a_message_finds_one(self, story: JournalBench, seq: int) -> None:
        assert await said(story, seq) is None

    # What a persona is told

    async def test_a_briefing_is_what_is_known_at_one_moment(self, story: JournalBench) -> None:
        remembered = Memory("They met in the garden.", Seq(3), ("Bob grows leeks.",))
        await story.journal.write_down(MemorySaved(GARDEN, remembered))
        await write(story, seen("bob", "Bob", None))
        briefing = await story.store.briefing(GARDEN, BOB, question=Seq(5), before=None, limit=2)
        newest = await story.store.messages(GARDEN, limit=2)
        assert briefing == Briefing(
            question=await said(story, 5),
            newest=newest,
            memory=remembered,
            user=await story.store.user(BOB),
        )
        assert [message.seq for message in newest] == [7, 9]
        earlier = await story.store.briefing(GARDEN, BOB, question=Seq(5), before=Seq(9), limit=1)
        assert [message.seq for message in earlier.newest] == [7]

    async def test_a_briefing_may_be_empty(self, story: JournalBench) -> None:
        nowhere = ConversationId("nowhere")
        briefing = await story.store.briefing(nowhere, UserId("nobody"), question=Seq(1), before=None, limit=5)
        assert briefing == Briefing(None, [], None, None)

    # A user's list

    async def test_the_list_has_the_newest_message_first(self, bench: JournalBench) -> None:
        for name in ("a", "b", "c"):
            bench.clock.advance(1)
            await write(bench, create(name, "ann", "bob"))
        bench.clock.advance(1)
        await write(bench, post("b", "bob", "newest"))
        bench.clock.advance(1)
        await write(bench, rename("a", "ann", "a rename is no message"))
        assert await pages(bench, ANN, limit=5) == [["b", "c", "a"]]
        assert await pages(bench, ANN, limit=2) == [["b", "c"], ["a"]]
        assert await pages(bench, ZOE, limit=2) == []

    @pytest.mark.parametrize("limit", [1, 2, 3])
    async def test_ties_do_not_hide_a_conversation(self, bench: JournalBench, limit: int) -> None:
        await write(bench, *(create(name, "ann") for name in "dbace"))
        found = await pages(bench, ANN, limit)
        assert [name for page in found for name in page] == ["e", "d", "c", "b", "a"]

    async def test_a_row_of_the_list_tells_all(self, story: JournalBench) -> None:
        await write(story, read("garden", "cleo", 5))
        [row] = await story.store.conversations_of(CLEO, before=None, limit=5)
        assert row == ConversationSummary(
            id=GARDEN,
            kind="group",
            title="Yard",
            role="admin",
            head=Seq(9),
            member_count=2,
            read_seq=Seq(5),
            unread=1,
            created_at=NOON_TEXT,
            cursor_at=NOON,
            last_message=await said(story, 9),
            peer_id=None,
        )
        assert await story.store.summary(CLEO, GARDEN) == row

    async def test_without_a_message_there_is_no_last_one(self, bench: JournalBench) -> None:
        await write(bench, create("garden", "ann"))
        row = await bench.store.summary(ANN, GARDEN)
        assert row is not None
        assert (row.last_message, row.unread, row.head) == (None, 0, 1)

    async def test_a_direct_conversation_names_the_other_one(self, bench: JournalBench) -> None:
        await write(bench, create("d", "ann", "bob", kind="direct"))
        rows = [await bench.store.summary(user, ConversationId("d")) for user in (ANN, BOB)]
        assert [row.peer_id for row in rows if row is not None] == [BOB, ANN]

    async def test_unread_are_the_messages_of_others(self, bench: JournalBench) -> None:
        await write(
            bench,
            create("garden", "ann", "bob"),
            post("garden", "bob", "2"),
            rename("garden", "ann", "an event is no message"),
            post("garden", "bob", "4"),
            post("garden", "ann", "5"),
        )
        unread = []
        for seq in (0, 2, 3, 4, 9):
            await write(bench, read("garden", "ann", seq))
            row = await bench.store.summary(ANN, GARDEN)
            assert row is not None
            unread.append(row.unread)
        assert unread == [2, 1, 1, 0, 0]

    async def test_unread_messages_are_counted_up_to_a_thousand(self, bench: JournalBench) -> None:
        await write(bench, create("garden", "ann", "bob"))
        for first in range(0, 1005, 45):
            batch = range(first, min(first + 45, 1005))
            await asyncio.gather(*(bench.journal.commit(post("garden", "bob", str(n))) for n in batch))
        row = await bench.store.summary(ANN, GARDEN)
        assert row is not None
        assert (row.head, row.unread) == (1006, 1000)

    async def test_who_left_and_what_was_deleted_vanish_from_the_list(self, bench: JournalBench) -> None:
        await write(bench, *(create(name, "ann", "bob") for name in ("a", "b", "c")))
        await write(bench, remove("a", "bob", "bob"), delete("b", "ann"))
        assert await pages(bench, BOB, limit=5) == [["c"]]
        assert await pages(bench, ANN, limit=5) == [["c", "a"]]
        assert await bench.store.summary(BOB, ConversationId("a")) is None
        assert await bench.store.summary(ANN, ConversationId("b")) is None
        assert await bench.store.summary(ZOE, ConversationId("c")) is None

    # Users

    async def test_members_come_in_the_order_of_their_ids(self, bench: JournalBench) -> None:
        await write(bench, create("garden", "dan", "cleo", "bob"), seen("bob", "Bob"), gone("bob", 77))
        everybody = await bench.store.members(GARDEN, after=None, limit=9)
        assert list(everybody) == [
            (UserRecord(BOB, "Bob", None, UtcMillis(77)), "member"),
            (UserRecord(CLEO, None, None, None), "member"),
            (UserRecord(UserId("dan"), None, None, None), "owner"),
        ]
        assert list(await bench.store.members(GARDEN, after=None, limit=2)) == list(everybody[:2])
        assert list(await bench.store.members(GARDEN, after=CLEO, limit=2)) == list(everybody[2:])
        assert await bench.store.members(GARDEN, after=UserId("dan"), limit=2) == []

    async def test_of_a_user_is_known_what_was_noted(self, bench: JournalBench) -> None:
        await write(bench, seen("ann", "Ann", "ann.png"))
        assert await bench.store.user(ANN) == UserRecord(ANN, "Ann", "ann.png", None)
        assert await bench.store.user(ZOE) is None

    async def test_acquaintances_share_a_conversation(self, bench: JournalBench) -> None:
        await write(bench, create("a", "ann", "bob"), create("b", "bob", "cleo"), seen("bob", "Bob"))
        asked = [ZOE, CLEO, BOB, ANN, BOB]
        known = await bench.store.acquaintances(ANN, asked)
        assert list(known) == [UserRecord(BOB, "Bob", None, None), UserRecord(ANN, None, None, None)]
        assert [user.id for user in await bench.store.acquaintances(BOB, asked)] == [CLEO, BOB, ANN]
        assert [user.id for user in await bench.store.acquaintances(ZOE, asked)] == [ZOE]
        assert await bench.store.acquaintances(ANN, []) == []

    async def test_who_left_is_no_acquaintance_any_more(self, bench: JournalBench) -> None:
        await write(bench, create("a", "ann", "bob"), create("b", "ann", "cleo"))
        await write(bench, remove("a", "ann", "bob"), delete("b", "ann"))
        assert [user.id for user in await bench.store.acquaintances(ANN, [BOB, CLEO])] == []
        assert [user.id for user in await bench.store.acquaintances(BOB, [ANN])] == []

    # The store itself

    async def test_the_epoch_outlives_the_process(self, bench: JournalBench) -> None:
        epoch = bench.store.epoch
        assert epoch
        await bench.reopen()
        assert bench.store.epoch == epoch

    async def test_two_stores_have_two_epochs(self, bench: JournalBench) -> None:
        with TemporaryDirectory() as data:
            async with self.open_bench(Path(data)) as other:
                assert other.store.epoch != bench.store.epoch

    async def test_it_answers(self, bench: JournalBench) -> None:
        assert await bench.store.ready() is True

    async def test_reads_do_not_wait_for_the_writer(self, story: JournalBench) -> None:
        with story.stalled():
            waiting = asyncio.ensure_future(story.journal.commit(post("garden", "ann", "ten")))
            assert len(await story.store.log(GARDEN, after=Seq(0), limit=ALL)) == 9
        await waiting
        assert len(await story.store.log(GARDEN, after=Seq(0), limit=ALL)) == 10
