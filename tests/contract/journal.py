"""What every `Journal` promises. An adapter proves itself by implementing `open_bench`."""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.wishes import (
    ANN,
    BOB,
    CLEO,
    GARDEN,
    KITCHEN,
    add,
    create,
    delete,
    enter,
    gone,
    post,
    promote,
    read,
    remove,
    rename,
    seen,
)
from tests.support.clock import NOON_TEXT, FakeClock

from gator.domain.conversation import Change, Conversation
from gator.ports import Committed, Journal, Published, Store
from gator.protocol.errors import ErrorCode, Refusal
from gator.protocol.events import DurableEvent
from gator.protocol.types import ConversationId, Seq, UtcMillis

ALL: Final = 1_000_000

_CODE_POINTS: Final = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
HOSTILE_NAMES: Final = [
    '"',
    "'",
    "\\",
    "\\u0041",
    "$.a[0]",
    "a.b",
    "[]",
    "{}",
    "null",
    "true",
    "007",
    "1e3",
    "9223372036854775808",
    " ",
    "\u2028",
    "e\u0301",
    "\u00e9",
    "\U0001f468\u200d\U0001f469",
    "\U0010ffff",
]
"""What is easily taken for something else on the way to a database."""

HOSTILE_TEXTS: Final = [
    *HOSTILE_NAMES,
    *("".join(_CODE_POINTS[n : n + 60_000]) for n in range(0, len(_CODE_POINTS), 60_000)),
    '{"content": ["\\u0000", null]}',
    "\r\n\t\x01\x1f\x7f\x80",
    "'); DROP TABLE messages; --",
]
"""The same, and every code point that a message may have."""


class JournalBench(Protocol):
    """A journal on the workbench, with the store that reads what it wrote."""

    journal: Journal
    store: Store
    clock: FakeClock
    published: list[Published]
    max_waiting: int

    def head_on_disk(self, conversation_id: ConversationId) -> int:
        """Read a head past the journal and the store, as after a crash; 0 if there is none."""

    def stalled(self) -> AbstractContextManager[None]:
        """Let nothing be written meanwhile."""

    def disk_full(self) -> AbstractContextManager[None]:
        """Let every write fail meanwhile."""

    async def reopen(self) -> None:
        """Close the journal in order, and open another one over the same data."""

    async def close(self) -> None:
        """Close the journal in order."""


@dataclass(frozen=True)
class Bug:
    """A change whose rule is broken."""

    conversation_id: ConversationId

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> DurableEvent | None:
        raise ZeroDivisionError("a bug")


class Outcomes:
    """Collects outcomes in the order in which they are reported."""

    def __init__(self, bench: JournalBench) -> None:
        self._bench = bench
        self._all = asyncio.Event()
        self._expected = 0
        self.of: list[tuple[Change, Committed | Refusal]] = []
        self.heads_on_disk: list[int] = []

    def submit(self, *changes: Change) -> None:
        for change in changes:
            self._expected += 1
            self._bench.journal.submit(change, lambda outcome, change=change: self._take(change, outcome))  # type: ignore[misc]

    def _take(self, change: Change, outcome: Committed | Refusal) -> None:
        self.of.append((change, outcome))
        self.heads_on_disk.append(self._bench.head_on_disk(change.conversation_id))
        self._all.set()

    async def all(self) -> list[Committed | Refusal]:
        while len(self.of) < self._expected:
            self._all.clear()
            await self._all.wait()
        return [outcome for _, outcome in self.of]

    async def codes(self) -> list[ErrorCode | None]:
        """Give the code of each refusal, None for what was carried out."""
        return [outcome.code if isinstance(outcome, Refusal) else None for outcome in await self.all()]


async def refused(bench: JournalBench, change: Change) -> ErrorCode:
    """Commit what has to be refused, and give the code."""
    with pytest.raises(Refusal) as refusal:
        await bench.journal.commit(change)
    return refusal.value.code


async def log_of(bench: JournalBench, where: ConversationId) -> Sequence[DurableEvent]:
    return await bench.store.log(where, after=Seq(0), limit=ALL)


def told_of(bench: JournalBench, where: ConversationId) -> list[DurableEvent]:
    return [published.event for published in bench.published if published.event.conversation_id == where]


def seqs(events: Sequence[DurableEvent]) -> list[int]:
    return [event.seq for event in events]


async def garden(bench: JournalBench, *texts: str) -> None:
    """Make a conversation of Ann (owner), Bob and Cleo at seq 1, and post from there on."""
    await bench.journal.commit(create("garden", "ann", "bob", "cleo"))
    for text in texts:
        await bench.journal.commit(post("garden", "ann", text))


@dataclass(frozen=True)
class Step:
    """One thing that one user does in an interleaving; `waits` for its outcome or not."""

    change: Change
    waits: bool
    yields: int


_users = st.sampled_from(["ann", "bob", "cleo", "dan"])
_places = st.sampled_from(["garden", "kitchen", "attic"])
_wishes: Final[st.SearchStrategy[Change]] = st.one_of(
    st.builds(enter, _places, _users),
    st.builds(post, _places, _users, st.sampled_from(["a", "b"]), st.sampled_from([None, "k1", "k2"])),
    st.builds(post, _places, _users, st.sampled_from(["a", "b"])),
    st.builds(remove, _places, _users, _users),
    st.builds(rename, _places, _users, st.sampled_from(["x", "y"])),
    st.builds(add, _places, _users, _users),
    st.builds(promote, _places, _users, _users, st.sampled_from(["owner", "member"])),
    st.builds(delete, _places, _users),
)
_steps = st.builds(Step, _wishes, st.booleans(), st.integers(0, 2))
_interleavings = st.lists(st.lists(_steps, max_size=12), min_size=1, max_size=6)


class JournalContract(ABC):
    """The suite. Subclasses are collected, this one is not."""

    @abstractmethod
    def open_bench(self, data: Path) -> AbstractAsyncContextManager[JournalBench]:
        """Open a journal over a directory, which may hold the data of an earlier one."""

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[JournalBench]:
        async with self.open_bench(tmp_path) as bench:
            yield bench

    # Order

    async def test_a_change_is_numbered_dated_and_told(self, bench: JournalBench) -> None:
        created = await bench.journal.commit(create("garden", "ann", "bob"))
        posted = await bench.journal.commit(post("garden", "bob", "hello"))
        assert created.event is not None
        assert posted.event is not None
        assert (created.event.seq, posted.event.seq) == (1, 2)
        assert created.event.timestamp == NOON_TEXT
        assert [created.conversation_id, posted.conversation_id] == [GARDEN, GARDEN]
        assert [published.event for published in bench.published] == [created.event, posted.event]
        assert await log_of(bench, GARDEN) == [created.event, posted.event]

    async def test_outcomes_come_in_the_order_of_submission(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)
        changes: list[Change] = [post(where, "ann", str(n)) for n in range(25) for where in ("garden", "nowhere")]
        outcomes.submit(*changes)
        results = await outcomes.all()
        assert [change for change, _ in outcomes.of] == changes
        assert [r.event.seq for r in results if isinstance(r, Committed) and r.event] == list(range(2, 27))

    async def test_when_an_outcome_is_known_it_is_on_disk_already(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)
        outcomes.submit(*(post("garden", "ann", str(n)) for n in range(20)))
        for outcome, head in zip(await outcomes.all(), outcomes.heads_on_disk, strict=True):
            assert isinstance(outcome, Committed)
            assert outcome.event is not None
            assert outcome.event.seq <= head

    async def test_nothing_is_told_before_it_is_on_disk(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)
        with bench.stalled():
            outcomes.submit(post("garden", "ann", "a"), post("garden", "ann", "b"))
            await asyncio.sleep(0)
            assert outcomes.of == []
            assert seqs(told_of(bench, GARDEN)) == [1]
        await outcomes.all()
        assert seqs(told_of(bench, GARDEN)) == [1, 2, 3]

    async def test_the_one_who_asked_knows_before_the_others(self, bench: JournalBench) -> None:
        await garden(bench)
        told_before: list[int] = []
        done = asyncio.Event()

        def on_outcome(_: Committed | Refusal) -> None:
            told_before.append(len(told_of(bench, GARDEN)))
            done.set()

        bench.journal.submit(post("garden", "ann", "a"), on_outcome)
        await done.wait()
        assert told_before == [1]
        assert seqs(told_of(bench, GARDEN)) == [1, 2]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_interleavings)
    async def test_seq_has_no_hole_under_any_interleaving(self, tasks: list[list[Step]]) -> None:
        with TemporaryDirectory() as data:
            async with self.open_bench(Path(data)) as bench:
                outcomes = Outcomes(bench)

                async def live(steps: list[Step]) -> None:
                    for step in steps:
                        outcomes.submit(step.change)
                        if step.waits:
                            await outcomes.all()
                        for _ in range(step.yields):
                            await asyncio.sleep(0)

                await asyncio.gather(*map(live, tasks))
                results = [r for r in await outcomes.all() if isinstance(r, Committed) and not r.duplicate]
                new = [r.event for r in results if r.event is not None]
                for where in map(ConversationId, ("garden", "kitchen", "attic")):
                    log = await log_of(bench, where)
                    assert seqs(log) == list(range(1, len(log) + 1))
                    assert told_of(bench, where) == log
                    assert [event for event in new if event.conversation_id == where] == log
                    assert bench.head_on_disk(where) == len(log)

    # Repeats

    @pytest.mark.parametrize("in_between", ["at once", "later", "another life"])
    async def test_a_repeat_is_the_same_message(self, bench: JournalBench, in_between: str) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)
        outcomes.submit(post("garden", "ann", "hello", key="k"))
        if in_between != "at once":
            await outcomes.all()
        if in_between == "another life":
            await bench.reopen()
        outcomes.submit(post("garden", "ann", "hello", key="k"))
        first, second = await outcomes.all()
        assert isinstance(first, Committed)
        assert isinstance(second, Committed)
        assert (first.duplicate, second.duplicate) == (False, True)
        assert first.event == second.event
        assert seqs(await log_of(bench, GARDEN)) == [1, 2]
        assert seqs(told_of(bench, GARDEN)) == [1, 2]

    @pytest.mark.parametrize(
        "other",
        [
            post("garden", "ann", "another", key="k"),
            post("garden", "ann", "hello", key="k", persona="p"),
            post("garden", "ann", "hello ", key="k"),
        ],
    )
    async def test_a_repeat_with_other_content_is_refused(self, bench: JournalBench, other: Change) -> None:
        await garden(bench)
        await bench.journal.commit(post("garden", "ann", "hello", key="k"))
        assert await refused(bench, other) == "conflict"
        await bench.reopen()
        assert await refused(bench, other) == "conflict"
        assert seqs(await log_of(bench, GARDEN)) == [1, 2]

    @pytest.mark.parametrize(
        "other",
        [
            post("garden", "bob", "hello", key="k"),
            post("kitchen", "ann", "hello", key="k"),
            post("garden", "ann", "hello", key="K"),
            post("garden", "ann", "hello"),
        ],
    )
    async def test_an_id_is_the_sender_s_own_in_one_conversation(self, bench: JournalBench, other: Change) -> None:
        await garden(bench)
        await bench.journal.commit(create("kitchen", "ann"))
        await bench.journal.commit(post("garden", "ann", "hello", key="k"))
        committed = await bench.journal.commit(other)
        assert not committed.duplicate

    async def test_repeats_and_conflicts_are_told_apart_at_once(self, bench: JournalBench) -> None:
        await garden(bench)
        await bench.journal.commit(post("garden", "bob", "old", key="k"))
        outcomes = Outcomes(bench)
        with bench.stalled():
            outcomes.submit(
                post("garden", "ann", "new", key="k"),
                post("garden", "zoe", "new", key="k"),
                post("garden", "ann", "other", key="k"),
                post("garden", "bob", "old", key="k"),
                remove("garden", "ann", "bob"),
                post("garden", "ann", "new", key="k"),
                post("garden", "bob", "old", key="k"),
                post("garden", "ann", "last"),
            )
        refused, conflict = "conversation_not_found", "conflict"
        assert await outcomes.codes() == [None, refused, conflict, None, None, None, refused, None]
        carried_out = [outcome for outcome in await outcomes.all() if isinstance(outcome, Committed)]
        assert [(c.event and c.event.seq, c.duplicate) for c in carried_out] == [
            (3, False),
            (2, True),
            (4, False),
            (3, True),
            (5, False),
        ]
        assert carried_out[0].event == carried_out[3].event
        assert seqs(await log_of(bench, GARDEN)) == seqs(told_of(bench, GARDEN)) == [1, 2, 3, 4, 5]

    async def test_without_an_id_the_same_text_is_another_message(self, bench: JournalBench) -> None:
        await garden(bench, "hello", "hello")
        assert seqs(await log_of(bench, GARDEN)) == [1, 2, 3]

    async def test_who_was_removed_learns_nothing_by_repeating(self, bench: JournalBench) -> None:
        await garden(bench)
        await bench.journal.commit(post("garden", "bob", "hello", key="k"))
        await bench.journal.commit(remove("garden", "ann", "bob"))
        assert await refused(bench, post("garden", "bob", "hello", key="k")) == "conversation_not_found"

    async def test_two_people_have_one_direct_conversation(self, bench: JournalBench) -> None:
        first = await bench.journal.commit(create("d1", "ann", "bob", kind="direct"))
        again = await bench.journal.commit(create("d2", "bob", "ann", kind="direct"))
        other = await bench.journal.commit(create("d3", "ann", "cleo", kind="direct"))
        await bench.reopen()
        later = await bench.journal.commit(create("d4", "ann", "bob", "ann", kind="direct"))
        assert [c.conversation_id for c in (first, again, other, later)] == ["d1", "d1", "d3", "d1"]
        assert [c.duplicate for c in (first, again, other, later)] == [False, True, False, True]
        assert again.event is None
        assert await bench.store.conversation(ConversationId("d2")) is None

    async def test_what_is_so_already_is_not_written(self, bench: JournalBench) -> None:
        await bench.journal.commit(enter("garden", "ann"))
        again = await bench.journal.commit(enter("garden", "ann"))
        assert again == Committed(GARDEN, None)
        assert seqs(told_of(bench, GARDEN)) == [1]

    # Text

    async def test_any_text_is_kept_as_it_was_sent(self, bench: JournalBench) -> None:
        await garden(bench)
        wishes = [post("garden", "ann", text, key=f"k{n}") for n, text in enumerate(HOSTILE_TEXTS)]
        for duplicate in (False, True):
            outcomes = Outcomes(bench)
            outcomes.submit(*wishes)
            assert {isinstance(o, Committed) and o.duplicate for o in await outcomes.all()} == {duplicate}
            messages = await bench.store.messages(GARDEN, after=Seq(0), limit=ALL)
            assert [message.content for message in messages] == HOSTILE_TEXTS

    async def test_any_text_may_be_an_id(self, bench: JournalBench) -> None:
        for name in HOSTILE_NAMES:
            await bench.journal.commit(create(name, name))
        outcomes = Outcomes(bench)
        wishes = [post(name, name, "hello", key=name, persona=name) for name in HOSTILE_NAMES]
        outcomes.submit(*wishes, *wishes)
        results = [outcome for outcome in await outcomes.all() if isinstance(outcome, Committed)]
        assert [result.duplicate for result in results] == [False] * len(wishes) + [True] * len(wishes)
        await bench.reopen()
        for name, result in zip(HOSTILE_NAMES, results, strict=False):
            where = ConversationId(name)
            assert bench.head_on_disk(where) == 2
            assert (await log_of(bench, where))[1:] == [result.event]
            again = await bench.journal.commit(post(name, name, "hello", key=name, persona=name))
            assert (again.event, again.duplicate) == (result.event, True)

    # Refusals and failures

    async def test_a_refusal_leaves_nothing(self, bench: JournalBench) -> None:
        await garden(bench)
        assert await refused(bench, post("nowhere", "ann", "hello")) == "conversation_not_found"
        assert await refused(bench, post("garden", "zoe", "hello", key="k")) == "conversation_not_found"
        assert await refused(bench, remove("garden", "bob", "ann")) == "forbidden"
        assert seqs(await log_of(bench, GARDEN)) == seqs(told_of(bench, GARDEN)) == [1]
        assert await bench.store.conversation(ConversationId("nowhere")) is None

    async def test_a_refused_id_may_be_used(self, bench: JournalBench) -> None:
        await garden(bench)
        await refused(bench, post("garden", "zoe", "first", key="k"))
        await bench.journal.commit(add("garden", "ann", "zoe"))
        committed = await bench.journal.commit(post("garden", "zoe", "second", key="k"))
        assert not committed.duplicate

    async def test_a_bug_does_not_take_its_neighbours_along(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)
        with bench.stalled():
            outcomes.submit(post("garden", "ann", "in flight"))
            outcomes.submit(post("garden", "ann", "before"), Bug(GARDEN), post("garden", "zoe", "refused"))
            outcomes.submit(post("garden", "ann", "after"), create("kitchen", "ann"), Bug(KITCHEN))
        assert await outcomes.codes() == [
            None,
            None,
            "internal",
            "conversation_not_found",
            None,
            None,
            "internal",
        ]
        assert seqs(await log_of(bench, GARDEN)) == seqs(told_of(bench, GARDEN)) == [1, 2, 3, 4]
        assert bench.head_on_disk(KITCHEN) == 1

    async def test_a_full_disk_refuses_and_leaves_no_hole(self, bench: JournalBench) -> None:
        await garden(bench, "before")
        outcomes = Outcomes(bench)
        with bench.disk_full():
            outcomes.submit(*(post("garden", "ann", "lost" * 5000, key=str(n)) for n in range(10)))
            assert await outcomes.codes() == ["internal"] * 10
            assert bench.head_on_disk(GARDEN) == 2
        committed = await bench.journal.commit(post("garden", "ann", "after", key="3"))
        assert committed.event is not None
        assert (committed.event.seq, committed.duplicate) == (3, False)
        assert seqs(await log_of(bench, GARDEN)) == seqs(told_of(bench, GARDEN)) == [1, 2, 3]

    async def test_who_listens_badly_keeps_the_others_from_nothing(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)

        def on_outcome(_: Committed | Refusal) -> None:
            raise ZeroDivisionError("a bug in whoever asked")

        bench.journal.submit(post("garden", "ann", "a"), on_outcome)
        outcomes.submit(post("garden", "ann", "b"))
        assert await outcomes.codes() == [None]
        assert seqs(told_of(bench, GARDEN)) == [1, 2, 3]

    # The queue

    async def test_a_full_queue_refuses_at_once(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes, late = Outcomes(bench), Outcomes(bench)
        with bench.stalled():
            outcomes.submit(*(post("garden", "ann", str(n)) for n in range(bench.max_waiting)))
            late.submit(post("garden", "ann", "too much"))
            [(_, refusal)] = late.of
            assert isinstance(refusal, Refusal)
            assert refusal.code == "overloaded"
            assert refusal.retry_after_ms
            with pytest.raises(Refusal, match="overloaded"):
                await bench.journal.write_down(gone("ann", 5))
            bench.journal.remember(gone("ann", 5))
        assert set(await outcomes.codes()) == {None}
        late.submit(post("garden", "ann", "room again"))
        assert (await late.codes())[1] is None
        assert bench.head_on_disk(GARDEN) == bench.max_waiting + 2

    async def test_closing_writes_and_reports_what_waits(self, bench: JournalBench) -> None:
        await garden(bench)
        outcomes = Outcomes(bench)
        with bench.stalled():
            outcomes.submit(*(post("garden", "ann", str(n)) for n in range(20)))
            closing = asyncio.ensure_future(bench.close())
            await asyncio.sleep(0)
        await closing
        assert len(outcomes.of) == 20
        assert await outcomes.codes() == [None] * 20
        assert seqs(told_of(bench, GARDEN)) == list(range(1, 22))
        assert bench.head_on_disk(GARDEN) == 21

    async def test_nothing_is_taken_once_closed(self, bench: JournalBench) -> None:
        await garden(bench)
        await bench.close()
        await bench.close()
        assert await refused(bench, post("garden", "ann", "late")) == "overloaded"
        bench.journal.remember(gone("ann", 5))
        with pytest.raises(Refusal, match="overloaded"):
            await bench.journal.write_down(gone("ann", 5))

    async def test_who_stops_waiting_takes_nothing_back(self, bench: JournalBench) -> None:
        await garden(bench)
        with bench.stalled():
            waiting = asyncio.ensure_future(bench.journal.commit(post("garden", "ann", "a")))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await bench.journal.commit(post("garden", "ann", "b"))
        assert seqs(await log_of(bench, GARDEN)) == seqs(told_of(bench, GARDEN)) == [1, 2, 3]

    # What is kept over a restart

    async def test_another_life_goes_on_where_the_first_ended(self, bench: JournalBench) -> None:
        await garden(bench, "a")
        await bench.journal.commit(promote("garden", "ann", "bob", "admin"))
        await bench.journal.commit(rename("garden", "bob", "Garden"))
        before = await bench.store.conversation(GARDEN)
        await bench.reopen()
        assert await bench.store.conversation(GARDEN) == before
        committed = await bench.journal.commit(remove("garden", "bob", "cleo"))
        assert committed.event is not None
        assert committed.event.seq == 5

    async def test_the_id_of_a_deleted_conversation_is_never_used_again(self, bench: JournalBench) -> None:
        await garden(bench, "a")
        await bench.journal.commit(delete("garden", "ann"))
        for _ in range(2):
            assert await refused(bench, enter("garden", "ann")) == "conversation_not_found"
            assert await refused(bench, post("garden", "ann", "b")) == "conversation_not_found"
            assert await refused(bench, create("garden", "ann")) == "conflict"
            await bench.reopen()
        assert seqs(await log_of(bench, GARDEN)) == [1, 2, 3]

    # Who is to be told

    async def test_the_audience_of_a_message_are_the_members(self, bench: JournalBench) -> None:
        await garden(bench)
        assert (await bench.journal.commit(post("garden", "bob", "a"))).audience == (ANN, BOB, CLEO)
        await bench.journal.commit(remove("garden", "ann", "bob"))
        assert (await bench.journal.commit(post("garden", "ann", "b"))).audience == (ANN, CLEO)
        assert [published.audience for published in bench.published][1:] == [(ANN, BOB, CLEO), (BOB,), (ANN, CLEO)]

    async def test_the_audience_of_a_change_of_members_are_those_whom_it_concerns(
        self, bench: JournalBench
    ) -> None:
        await garden(bench)
        assert bench.published[0].audience == (ANN, BOB, CLEO)
        assert (await bench.journal.commit(add("garden", "ann", "dan", "eve"))).audience == ("dan", "eve")
        assert (await bench.journal.commit(rename("garden", "ann", "x"))).audience == ()
        assert (await bench.journal.commit(delete("garden", "ann"))).audience == (ANN, BOB, CLEO, "dan", "eve")

    async def test_a_large_conversation_has_no_audience(self, bench: JournalBench) -> None:
        await bench.journal.commit(create("garden", "ann", *(f"u{n}" for n in range(100))))
        assert (await bench.journal.commit(post("garden", "ann", "a"))).audience == ()

    # Notes

    async def test_a_user_is_kept_as_last_seen(self, bench: JournalBench) -> None:
        await bench.journal.write_down(seen("ann", "Ann", "a.png"))
        await bench.journal.write_down(seen("ann", "Anna"))
        await bench.journal.write_down(gone("ann", 77))
        await bench.journal.write_down(seen("ann", "Anna"))
        user = await bench.store.user(ANN)
        assert user is not None
        assert (user.name, user.avatar, user.last_seen_at) == ("Anna", None, 77)

    async def test_a_note_that_nobody_waits_for_is_written_too(self, bench: JournalBench) -> None:
        bench.journal.remember(seen("ann", "Ann"))
        bench.journal.remember(gone("ann", 77))
        await bench.reopen()
        user = await bench.store.user(ANN)
        assert user is not None
        assert (user.name, user.last_seen_at) == ("Ann", 77)

    async def test_how_far_one_has_read_never_moves_back(self, bench: JournalBench) -> None:
        await garden(bench, "a", "b")
        for seq, after in ((2, 2), (1, 2), (3, 3)):
            await bench.journal.write_down(read("garden", "bob", seq))
            summary = await bench.store.summary(BOB, GARDEN)
            assert summary is not None
            assert summary.read_seq == after

    async def test_a_note_that_cannot_be_written_is_refused(self, bench: JournalBench) -> None:
        with bench.disk_full(), pytest.raises(Refusal) as refusal:
            await bench.journal.write_down(seen("ann", "Ann" * 5000))
        assert refusal.value.code == "internal"
