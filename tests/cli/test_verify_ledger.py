"""The ledger notices every kind of lie. A checker that cannot fail is worthless."""

from collections.abc import Callable
from random import Random

import msgspec
import pytest

from gator.cli.verify.figures import Figures
from gator.cli.verify.frames import Unreadable
from gator.cli.verify.ledger import Ledger, Log, Logged, Message
from gator.cli.verify.promises import PromiseName, Verdicts
from gator.protocol.events import Ack, ConversationCreated, NewMessage, Sender
from gator.protocol.events import Message as Stored
from gator.protocol.types import ConversationId, MessageId, Seq, UserId

ROOM = "tea-club"
NOON = "2025-01-15T12:00:00.000Z"


def created() -> ConversationCreated:
    return ConversationCreated(
        conversation_id=ConversationId(ROOM),
        seq=Seq(1),
        kind="group",
        title=None,
        by=UserId("ada"),
        members=(),
        member_count=2,
        timestamp=NOON,
    )


def new_message(seq: int, client_message_id: str, *, content: str = "", id: str = "") -> NewMessage:
    stored = Stored(
        id=MessageId(id or f"id-{client_message_id}"),
        seq=Seq(seq),
        sender_id=UserId("ada"),
        sender=Sender(),
        content=content or f"{client_message_id}!",
        timestamp=NOON,
        is_ai=False,
        client_message_id=client_message_id,
    )
    return NewMessage(conversation_id=ConversationId(ROOM), seq=Seq(seq), message=stored, timestamp=NOON)


class Run:
    """A run of one client in one conversation, without a server."""

    def __init__(self) -> None:
        self.verdicts = Verdicts()
        self.figures = Figures()
        self.ledger = Ledger(self.verdicts, self.figures)
        self.now = 100.0
        self.log: list[Logged] = [created()]

    def compose(self, name: str) -> Message:
        message = Message(name, ROOM, "ada", f"{name}!")
        self.ledger.compose(message)
        return message

    def send(self, message: Message, line: str | None = "line 1") -> str:
        self.now += 1
        return self.ledger.send(message, line, self.now)

    def ack(self, command: str, name: str, seq: int, *, duplicate: bool = False, id: str = "") -> None:
        ack = Ack(
            conversation_id=ConversationId(ROOM),
            message_id=MessageId(id or f"id-{name}"),
            seq=Seq(seq),
            duplicate=duplicate,
            timestamp=NOON,
            client_message_id=name,
            reply_to=command,
        )
        self.ledger.acked(ack, live_since=0.0, now=self.now + 0.25)

    def say(self, name: str) -> Message:
        """Send a message that is stored, told and acknowledged."""
        message = self.compose(name)
        seq = len(self.log) + 1
        self.ack(self.send(message), name, seq)
        self.log.append(new_message(seq, name))
        self.tell(self.log[-1])
        return message

    def tell(self, event: Logged, who: str = "bob", *, live_since: float = 0.0) -> None:
        self.ledger.told(event, who, live_since=live_since, now=self.now + 0.5)

    def broken(self, head: int | None = None) -> set[PromiseName]:
        self.ledger.ended(ROOM, Log(len(self.log) if head is None else head, self.log))
        self.ledger.judge()
        return {name for name, verdict in self.verdicts if verdict.broken}


def test_an_honest_server_breaks_nothing() -> None:
    run = Run()
    for name in ("a", "b", "c"):
        run.say(name)
    again = run.say("d")
    run.ack(run.send(again), "d", 5, duplicate=True)
    run.ack(run.send(again, None), "d", 5, duplicate=True)
    assert run.broken() == set()
    assert (run.figures.acknowledged, run.figures.lost, run.figures.doubled, run.figures.holes) == (4, 0, 0, 0)
    for name in ("acknowledged", "not_doubled", "stored_as_sent", "no_hole", "heard_is_stored", "ack_matches"):
        assert run.verdicts[name].checked >= 4
    assert run.verdicts["repeat"].checked == 6
    assert run.verdicts["sender_order"].checked == 2


def test_an_acknowledged_message_that_is_not_in_the_log_is_lost() -> None:
    run = Run()
    run.say("a")
    message = run.compose("b")
    run.ack(run.send(message), "b", 3)
    assert run.broken() == {"acknowledged"}
    assert run.figures.lost == 1
    assert "'b'" in run.verdicts["acknowledged"].examples[0]


def test_a_message_that_was_heard_and_is_not_in_the_log_any_more_is_noticed() -> None:
    run = Run()
    run.say("a")
    run.tell(new_message(3, "b"))
    run.compose("b")
    assert run.broken() == {"heard_is_stored"}


def test_a_message_that_was_not_acknowledged_may_be_lost_or_stored() -> None:
    run = Run()
    run.send(run.compose("lost"))
    run.send(run.compose("stored"))
    run.log.append(new_message(2, "stored"))
    assert run.broken() == set()
    assert run.figures.acknowledged == 0


def test_a_message_that_is_stored_twice_is_doubled() -> None:
    run = Run()
    message = run.say("a")
    run.send(message)
    run.log.append(new_message(3, "a", id="another-id"))
    assert run.broken() == {"not_doubled"}
    assert run.figures.doubled == 1


def test_a_number_that_is_missing_in_the_log_is_a_hole() -> None:
    run = Run()
    run.say("a")
    run.compose("b")
    run.log.append(new_message(4, "b"))
    assert run.broken(head=4) == {"no_hole"}
    assert run.figures.holes == 1


def test_a_log_that_ends_before_its_head_has_a_hole() -> None:
    run = Run()
    run.say("a")
    assert run.broken(head=5) == {"no_hole"}
    assert run.figures.holes == 3


def test_a_log_that_is_read_in_another_order_is_noticed() -> None:
    run = Run()
    run.say("a")
    run.say("b")
    run.log[1], run.log[2] = run.log[2], run.log[1]
    assert run.broken() == {"one_order"}
    assert run.figures.out_of_order == 1


def test_two_clients_that_are_told_different_events_at_one_place_are_noticed() -> None:
    run = Run()
    run.say("a")
    run.say("b")
    run.tell(msgspec.structs.replace(new_message(2, "b")), "cleo")
    assert run.broken() == {"one_order"}
    assert "cleo" in run.verdicts["one_order"].examples[0]


def test_a_message_whose_words_were_changed_on_the_way_is_noticed() -> None:
    run = Run()
    run.say("a")
    run.compose("b")
    run.log.append(new_message(3, "b", content="b?"))
    assert run.broken() == {"stored_as_sent"}


def test_a_message_that_nobody_sent_is_noticed() -> None:
    run = Run()
    run.log.append(new_message(2, "of nobody"))
    assert run.broken() == {"stored_as_sent"}


@pytest.mark.parametrize(("seq", "id"), [(3, "id-a"), (2, "other")])
def test_an_ack_that_names_another_place_or_id_than_the_log_is_noticed(seq: int, id: str) -> None:
    run = Run()
    run.ack(run.send(run.compose("a")), "a", seq, id=id)
    run.log.append(new_message(2, "a"))
    assert run.broken() == {"ack_matches"}


def test_an_ack_that_answers_no_send_is_noticed() -> None:
    run = Run()
    run.ack("send-77", "a", 2)
    assert run.broken() == {"ack_matches"}


def test_an_ack_that_answers_the_send_of_another_message_is_noticed() -> None:
    run = Run()
    command = run.send(run.compose("a"))
    run.ack(command, "b", 2)
    assert run.broken() == {"ack_matches"}


def test_a_repeat_after_the_ack_has_to_be_called_one() -> None:
    run = Run()
    message = run.say("a")
    run.ack(run.send(message), "a", 2, duplicate=False)
    assert run.broken() == {"repeat"}


def test_of_two_that_are_sent_at_once_only_one_may_be_new() -> None:
    run = Run()
    message = run.compose("a")
    first, second = run.send(message, "line 1"), run.send(message, "line 2")
    run.ack(first, "a", 2)
    run.ack(second, "a", 2)
    run.log.append(new_message(2, "a"))
    assert run.broken() == {"repeat"}


def test_both_of_two_may_be_repeats_when_a_third_was_stored() -> None:
    run = Run()
    message = run.compose("a")
    run.send(message, "a line that broke")
    for line in ("line 2", "line 3"):
        run.ack(run.send(message, line), "a", 2, duplicate=True)
    run.log.append(new_message(2, "a"))
    assert run.broken() == set()


@pytest.mark.parametrize("again", [{"seq": 3}, {"seq": 2, "id": "other"}])
def test_a_repeat_that_is_acknowledged_as_something_else_is_noticed(again: dict[str, object]) -> None:
    run = Run()
    message = run.say("a")
    run.ack(run.send(message), "a", **again, duplicate=True)  # type: ignore[arg-type]
    assert "repeat" in run.broken()


def test_messages_of_one_connection_that_are_stored_in_another_order_are_noticed() -> None:
    run = Run()
    for name in ("a", "b", "c"):
        run.send(run.compose(name))
    run.log += [new_message(2, "b"), new_message(3, "a"), new_message(4, "c")]
    assert run.broken() == {"sender_order"}


def test_messages_of_two_connections_and_those_sent_again_have_no_order() -> None:
    run = Run()
    first, second, third = (run.compose(name) for name in ("a", "b", "c"))
    run.send(first, "line 1")
    run.send(second, "line 2")
    run.send(third, "line 1")
    run.send(first, "line 2")
    run.log += [new_message(2, "c"), new_message(3, "b"), new_message(4, "a")]
    assert run.broken() == set()


def test_events_of_a_kind_newer_than_this_program_are_compared_as_well() -> None:
    run = Run()
    event = Unreadable(type="reaction_added", conversation_id=ROOM, seq=2)
    run.log.append(event)
    run.tell(event)
    run.tell(msgspec.structs.replace(event, type="reaction_removed"), "cleo")
    assert run.broken() == {"one_order"}


def test_latency_is_that_of_messages_sent_once_to_clients_that_read() -> None:
    run = Run()
    run.say("a")
    run.tell(run.log[-1], "frozen until now", live_since=run.now + 0.4)
    message = run.say("b")
    run.send(message)
    run.tell(run.log[-1], "a repeat")
    assert (len(run.ledger.to_ack), len(run.ledger.to_receipt)) == (2, 2)
    assert run.ledger.to_ack.max_s == pytest.approx(0.25)
    assert run.ledger.to_receipt.max_s == pytest.approx(0.5)


def test_a_conversation_whose_log_could_not_be_read_is_not_judged() -> None:
    run = Run()
    run.say("a")
    run.ledger.judge()
    assert not run.verdicts.any_broken
    assert run.verdicts["acknowledged"].checked == 0


def lose(log: list[Logged], dice: Random) -> None:
    del log[dice.randrange(1, len(log))]


def double(log: list[Logged], dice: Random) -> None:
    event = log[dice.randrange(1, len(log))]
    assert isinstance(event, NewMessage)
    log.append(new_message(len(log) + 1, event.message.client_message_id or "", id="twin"))


def swap(log: list[Logged], dice: Random) -> None:
    at = dice.randrange(1, len(log) - 1)
    log[at], log[at + 1] = log[at + 1], log[at]


def forge(log: list[Logged], dice: Random) -> None:
    log.insert(dice.randrange(1, len(log)), new_message(0, "forged"))


@pytest.mark.parametrize("lie", [lose, double, swap, forge])
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("hides_it", [False, True])
def test_no_lie_about_the_log_goes_unnoticed(
    lie: Callable[[list[Logged], Random], None], seed: int, hides_it: bool
) -> None:
    dice = Random(seed)
    run = Run()
    for number in range(dice.randrange(3, 12)):
        run.say(f"m{number}")
    lie(run.log, dice)
    if hides_it:  # and numbers the rest so that the log looks whole
        run.log = [renumbered(event, seq) for seq, event in enumerate(run.log, start=1)]
    assert run.broken()


def renumbered(event: Logged, seq: int) -> Logged:
    if not isinstance(event, NewMessage):
        return event
    message = msgspec.structs.replace(event.message, seq=seq)
    return msgspec.structs.replace(event, seq=seq, message=message)
