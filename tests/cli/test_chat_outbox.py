from gator.cli.chat.outbox import CAPACITY, Outbox, Outgoing

ONE, TWO = Outgoing("1", "one"), Outgoing("2", "two")


def outbox_of(*lines: Outgoing) -> Outbox:
    outbox = Outbox()
    for line in lines:
        outbox.add(line)
    return outbox


def test_nothing_typed_is_nothing_to_send() -> None:
    outbox = outbox_of()
    assert outbox.next() is None
    assert outbox.under_way("1") is None
    assert len(outbox) == 0


def test_the_next_line_waits_until_the_first_is_settled() -> None:
    outbox = outbox_of(ONE, TWO)
    assert outbox.next() == ONE
    assert outbox.next() is None
    outbox.settle()
    assert outbox.next() == TWO
    assert len(outbox) == 1


def test_only_the_line_under_way_is_found_by_its_id() -> None:
    outbox = outbox_of(ONE, TWO)
    assert outbox.under_way("1") is None
    outbox.next()
    assert outbox.under_way("1") == ONE
    assert outbox.under_way("2") is None
    assert outbox.under_way(None) is None


def test_after_a_rest_the_same_line_is_sent_again() -> None:
    outbox = outbox_of(ONE, TWO)
    outbox.next()
    outbox.rest()
    assert outbox.under_way("1") is None
    assert outbox.next() is None
    outbox.resume()
    assert outbox.next() == ONE


def test_after_a_lost_connection_the_same_line_is_sent_again_at_once() -> None:
    outbox = outbox_of(ONE)
    outbox.next()
    outbox.rest()
    outbox.lost()
    assert outbox.next() == ONE


def test_it_is_full_at_its_bound() -> None:
    outbox = outbox_of(*[ONE] * (CAPACITY - 1))
    assert not outbox.is_full
    outbox.add(TWO)
    assert outbox.is_full
