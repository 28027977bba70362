"""A client's place: what follows from an answer and an event, and which of them are breaches."""

import pytest

from gator.cli.verify.figures import Figures
from gator.cli.verify.place import Place, Step
from gator.cli.verify.promises import PromiseName, Verdicts
from gator.protocol.events import ConversationJoined, Unrecovered
from gator.protocol.types import ConversationId, Seq

ROOM = ConversationId("tea-club")


class Seat:
    """A place, and a server that answers as it is told."""

    def __init__(self) -> None:
        self.verdicts = Verdicts()
        self.figures = Figures()
        self.place = Place("c1", ROOM, self.verdicts, self.figures)

    def join(self, head: int, *, reason: Unrecovered | None = None, after_gap: bool = False) -> int | None:
        asked = self.place.join(after_gap)
        return self.place.joined(self.answer(asked.id, head, reason), now=7.0)

    def answer(self, reply_to: str | None, head: int, reason: Unrecovered | None = None) -> ConversationJoined:
        return ConversationJoined(
            conversation_id=ROOM,
            seq=Seq(head),
            epoch="e1",
            recovered=reason is None,
            reason=reason,
            role="member",
            member_count=2,
            online=(),
            online_count=0,
            reply_to=reply_to,
            timestamp="2025-01-15T12:00:00.000Z",
        )

    def tell(self, *seqs: int) -> list[Step]:
        return [self.place.told(seq) for seq in seqs]

    @property
    def broken(self) -> set[PromiseName]:
        return {name for name, verdict in self.verdicts if verdict.broken}


def test_the_first_join_asks_for_everything_and_later_ones_for_what_is_missing() -> None:
    seat = Seat()
    first = seat.place.join()
    assert (first.after_seq, first.epoch) == (0, None)
    seat.place.joined(seat.answer(first.id, 2), now=7.0)
    seat.tell(1, 2, 3)
    second = seat.place.join()
    assert (second.after_seq, second.epoch) == (3, "e1")
    assert first.id != second.id


def test_catching_up_and_going_on_live_without_a_hole_is_as_promised() -> None:
    seat = Seat()
    assert seat.join(2) is None
    assert seat.tell(1, 2, 3, 4) == [Step.NEXT] * 4
    assert seat.place.position == 4
    assert seat.place.live_since == 7.0
    assert seat.broken == set()
    assert (seat.verdicts["resume"].checked, seat.verdicts["live"].checked) == (3, 2)


def test_one_is_in_from_the_answer_until_the_connection_ends() -> None:
    seat = Seat()
    states = [seat.place.is_in]
    asked = seat.place.join()
    states.append(seat.place.is_in)
    seat.place.joined(seat.answer(asked.id, 0), now=7.0)
    states.append(seat.place.is_in)
    seat.place.lost()
    states.append(seat.place.is_in)
    assert states == [False, False, True, False]


def test_something_newer_before_the_catch_up_is_complete_is_a_breach() -> None:
    seat = Seat()
    seat.join(5)
    assert seat.tell(1, 2, 6) == [Step.NEXT, Step.NEXT, Step.GAP]
    assert seat.broken == {"resume"}


def test_a_hole_in_what_is_live_is_a_breach() -> None:
    seat = Seat()
    seat.join(1)
    assert seat.tell(1, 2, 4) == [Step.NEXT, Step.NEXT, Step.GAP]
    assert seat.broken == {"live"}


def test_after_a_hole_one_asks_again_and_gets_the_rest() -> None:
    seat = Seat()
    seat.join(1)
    seat.tell(1, 3)
    seat.join(3, after_gap=True)
    assert seat.tell(2, 3, 4) == [Step.NEXT] * 3
    assert seat.place.position == 4


def test_after_a_hole_that_stays_one_goes_on_without_it_instead_of_asking_for_ever() -> None:
    seat = Seat()
    seat.join(1)
    assert seat.tell(1, 3) == [Step.NEXT, Step.GAP]
    seat.join(3, after_gap=True)
    assert seat.tell(3, 4) == [Step.NEXT, Step.NEXT]
    assert seat.place.position == 4


def test_what_comes_between_a_new_join_and_its_answer_is_told_again_after_it() -> None:
    seat = Seat()
    seat.join(1)
    seat.tell(1, 3)
    asked = seat.place.join(after_gap=True)
    assert seat.tell(4) == [Step.KNOWN]
    seat.place.joined(seat.answer(asked.id, 4), now=8.0)
    assert seat.tell(2, 3, 4) == [Step.NEXT] * 3


def test_an_event_that_comes_after_later_ones_is_out_of_order() -> None:
    seat = Seat()
    seat.join(1)
    seat.tell(1, 3)
    assert seat.tell(2) == [Step.KNOWN]
    assert seat.figures.out_of_order == 1
    assert "one_order" in seat.broken


def test_an_event_that_comes_twice_is_allowed_and_counted() -> None:
    seat = Seat()
    seat.join(2)
    assert seat.tell(1, 2, 2, 1) == [Step.NEXT, Step.NEXT, Step.KNOWN, Step.KNOWN]
    assert seat.figures.told_again == 2
    assert seat.broken == set()


def test_an_event_before_the_answer_to_the_join_is_a_breach() -> None:
    seat = Seat()
    seat.place.join()
    assert seat.tell(1) == [Step.KNOWN]
    assert seat.broken == {"resume"}


def test_the_answer_to_another_join_means_nothing() -> None:
    seat = Seat()
    seat.place.join()
    assert seat.place.joined(seat.answer("join-of-somebody", 3), now=7.0) is None
    assert not seat.place.is_in


def test_who_is_too_far_behind_loads_the_rest_and_goes_on_live() -> None:
    seat = Seat()
    seat.join(2)
    seat.tell(1, 2)
    seat.place.lost()
    assert seat.join(90, reason="too_far_behind") == 2
    assert seat.tell(91) == [Step.NEXT]
    assert seat.broken == set()


def test_a_position_that_was_given_cannot_be_missing() -> None:
    seat = Seat()
    assert seat.join(9, reason="no_position") == 0
    assert seat.broken == {"resume"}


@pytest.mark.parametrize("reason", ["ahead_of_log", "epoch_changed"])
def test_a_server_with_another_history_has_lost_what_it_told(reason: Unrecovered) -> None:
    seat = Seat()
    seat.join(3)
    seat.tell(1, 2, 3)
    seat.place.lost()
    assert seat.join(2, reason=reason) is None
    assert seat.broken == {"heard_is_stored"}
    assert seat.tell(3) == [Step.NEXT]


def test_a_log_that_ends_before_the_position_cannot_have_been_recovered() -> None:
    seat = Seat()
    seat.join(3)
    seat.tell(1, 2, 3)
    seat.place.lost()
    seat.join(2)
    assert seat.broken == {"resume"}
