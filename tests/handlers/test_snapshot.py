"""The snapshot law: what a client heard, folded over what it knew, equals what is stored."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.wishes import add, delete, promote, remove, rename
from tests.support.house import Frame, Guest, StagedHouse, staged

from gator.domain.conversation import Change, Conversation, apply, begin
from gator.protocol.codec import decode_from_log, encode
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated, DurableEvent
from gator.protocol.types import ConversationId, Seq

PLACES = ["garden", "kitchen"]
PEOPLE = ["alice", "bob", "carol"]
DURABLE = {
    "new_message",
    "conversation_created",
    "conversation_renamed",
    "conversation_deleted",
    "members_added",
    "member_removed",
    "member_role_changed",
}


@dataclass
class Replica:
    """What one connection knows of one conversation: all that it heard from the first event on."""

    log: list[DurableEvent] = field(default_factory=list)

    def hear(self, frame: Frame) -> None:
        event = decode_from_log(msgspec.json.encode(frame))
        assert event.seq == len(self.log) + 1
        self.log.append(event)

    @property
    def state(self) -> Conversation:
        first, *rest = self.log
        assert isinstance(first, ConversationCreated)
        folded = begin(first)
        for event in rest:
            apply(folded, event)
        return folded


def replicas(guest: Guest) -> dict[str, Replica]:
    """Fold all that a connection heard, by conversation."""
    found = {place: Replica() for place in PLACES}
    for frame in guest.heard:
        if frame["type"] in DURABLE:
            found[frame["conversation_id"]].hear(frame)
    return found


@dataclass(frozen=True)
class Move:
    """What somebody tries: to say something on a socket, or to change something from elsewhere."""

    who: int
    where: str
    whom: str
    what: str


moves = st.lists(
    st.builds(
        Move,
        st.integers(0, 2),
        st.sampled_from(PLACES),
        st.sampled_from(PEOPLE),
        st.sampled_from(
            ["send_message"] * 4
            + ["typing_start", "mark_read", "get_online_status", "heartbeat", "nonsense"]
            + ["rename", "add", "remove", "promote", "leave for good", "repeat"]
        ),
    ),
    max_size=40,
)

CHANGES: dict[str, Callable[[Move], Change]] = {
    "rename": lambda move: rename(move.where, PEOPLE[move.who], move.whom),
    "add": lambda move: add(move.where, PEOPLE[move.who], move.whom),
    "remove": lambda move: remove(move.where, PEOPLE[move.who], move.whom),
    "promote": lambda move: promote(move.where, PEOPLE[move.who], move.whom, "admin"),
    "leave for good": lambda move: remove(move.where, PEOPLE[move.who], PEOPLE[move.who]),
}


async def make(house: StagedHouse, guests: list[Guest], move: Move) -> None:
    change = CHANGES.get(move.what)
    if change is not None:
        try:
            await house.house.journal.commit(change(move))
        except Refusal:
            return
    elif move.what == "repeat":
        await guests[move.who].tell(
            type="send_message", conversation_id=move.where, content="once", client_message_id="k"
        )
    else:
        await guests[move.who].tell(
            type=move.what, conversation_id=move.where, content=move.whom, seq=1, user_ids=PEOPLE
        )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves)
async def test_folding_what_was_heard_equals_what_is_stored(attempts: list[Move]) -> None:
    with TemporaryDirectory() as data:
        async with staged(Path(data)) as house:
            guests = [house.connect(name) for name in PEOPLE]
            for place in PLACES:
                for guest in guests:
                    await guest.join(place, after_seq=0)
            for move in attempts:
                await make(house, guests, move)
            await house.settle()
            for place in PLACES:
                stored = await house.house.store.conversation(ConversationId(place))
                assert stored is not None
                log = await house.house.store.log(ConversationId(place), after=Seq(0), limit=1000)
                for guest in guests:
                    replica = replicas(guest)[place]
                    heard = [encode(event) for event in replica.log]
                    assert heard == [encode(event) for event in log[: len(heard)]]
                    if guest.user_id in stored.members and guest.user_id in _never_out(guest, place):
                        assert replica.state == stored


def _never_out(guest: Guest, place: str) -> set[str]:
    """Name the guest if they were in the conversation all the time: who is out hears no more."""
    left = [frame for frame in guest.of_type("conversation_left") if frame["conversation_id"] == place]
    return set() if left else {guest.user_id}


@pytest.mark.parametrize("seed", range(5))
async def test_a_snapshot_taken_at_any_time_goes_on_from_there(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with staged(tmp_path) as house:
        alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
        for n in range(30):
            await alice.tell(type="send_message", conversation_id="garden", content=str(n))
            if dice.random() < 0.2:
                await house.change(rename("garden", "alice", str(n)))
            if n == 15:
                snapshot = await house.house.store.conversation(ConversationId("garden"))
                await bob.join("garden", after_seq=snapshot.head if snapshot else 0)
        await house.settle()
        assert snapshot is not None
        for frame in bob.heard:
            if frame["type"] in DURABLE and frame["seq"] == snapshot.head + 1:
                apply(snapshot, decode_from_log(msgspec.json.encode(frame)))
        assert snapshot == await house.house.store.conversation(ConversationId("garden"))


async def test_the_end_of_a_conversation_is_part_of_the_law(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        alice = house.connect("alice")
        await alice.join("garden", after_seq=0)
        late = house.connect("alice")
        await late.join("garden", after_seq=0)
        await house.change(rename("garden", "alice", "x"), delete("garden", "alice"))
        stored = await house.house.store.conversation(ConversationId("garden"))
        assert replicas(late)["garden"].state == stored
