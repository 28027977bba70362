import pytest
from tests.support.clock import FakeClock

from gator.domain.limits import Rate
from gator.gateway.limits import STRIKES, RateLimits, Rates
from gator.protocol.commands import (
    Command,
    CreateConversation,
    GetOnlineStatus,
    Heartbeat,
    JoinConversation,
    LeaveConversation,
    MarkRead,
    RefreshToken,
    RegenerateReply,
    ResumeReply,
    SendMessage,
    StopReply,
    TypingStart,
    TypingStop,
)
from gator.protocol.errors import Refusal
from gator.protocol.types import ConnectionId, ConversationId, MessageId, RunId, Seq, UserId

GARDEN = ConversationId("garden")
ALICE, BOB = UserId("alice"), UserId("bob")
C1, C2 = ConnectionId("c1"), ConnectionId("c2")
ONCE = Rate(per_second=1, burst=1)
OFTEN = Rate(per_second=1, burst=1000)

MESSAGE = SendMessage(conversation_id=GARDEN, content="hello")
MESSAGES: list[Command] = [MESSAGE, RegenerateReply(message_id=MessageId("reply"))]
TYPING: list[Command] = [TypingStart(conversation_id=GARDEN), TypingStop(conversation_id=GARDEN)]
JOINS: list[Command] = [
    JoinConversation(conversation_id=GARDEN),
    LeaveConversation(conversation_id=GARDEN),
    CreateConversation(kind="group", member_ids=[]),
]
FREE: list[Command] = [
    StopReply(run_id=RunId("run")),
    ResumeReply(run_id=RunId("run")),
    Heartbeat(),
    GetOnlineStatus(user_ids=[]),
    MarkRead(conversation_id=GARDEN, seq=Seq(1)),
    RefreshToken(token="t"),
]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def limits(clock: FakeClock, **rates: Rate) -> RateLimits:
    """Make limits that allow a lot, except for what is named."""
    kinds = ("messages", "typing", "joins", "commands", "connects", "http")
    return RateLimits(Rates(**(dict.fromkeys(kinds, OFTEN) | rates)), clock)


def refused(call: object, *args: object) -> int:
    """Call what has to be refused, and give the time to wait."""
    with pytest.raises(Refusal) as refusal:
        call(*args)  # type: ignore[operator]
    assert refusal.value.code == "rate_limited"
    assert refusal.value.retry_after_ms is not None
    return refusal.value.retry_after_ms


def test_messages_have_a_burst_and_a_rate(clock: FakeClock) -> None:
    bounded = limits(clock, messages=Rate(per_second=10, burst=30))
    for _ in range(30):
        bounded.check_command(ALICE, MESSAGE)
    assert refused(bounded.check_command, ALICE, MESSAGE) == 100
    clock.advance(0.1)
    bounded.check_command(ALICE, MESSAGE)
    refused(bounded.check_command, ALICE, MESSAGE)
    clock.advance(60)
    for _ in range(30):
        bounded.check_command(ALICE, MESSAGE)


def test_one_user_s_haste_is_not_another_s(clock: FakeClock) -> None:
    bounded = limits(clock, messages=ONCE)
    bounded.check_command(ALICE, MESSAGE)
    bounded.check_command(BOB, MESSAGE)
    refused(bounded.check_command, ALICE, MESSAGE)


@pytest.mark.parametrize(("bucket", "commands"), [("messages", MESSAGES), ("typing", TYPING), ("joins", JOINS)])
def test_commands_of_a_kind_share_a_bucket_and_no_other(
    clock: FakeClock, bucket: str, commands: list[Command]
) -> None:
    bounded = limits(clock, **{bucket: ONCE})
    bounded.check_command(ALICE, commands[0])
    for command in commands:
        refused(bounded.check_command, ALICE, command)
    for command in [*MESSAGES, *TYPING, *JOINS, *FREE]:
        if type(command) not in {type(command) for command in commands}:
            bounded.check_command(ALICE, command)


@pytest.mark.parametrize("command", FREE)
def test_what_reaches_nobody_else_is_bounded_by_frames_only(clock: FakeClock, command: Command) -> None:
    bounded = limits(clock, messages=ONCE, typing=ONCE, joins=ONCE)
    for _ in range(100):
        bounded.check_command(ALICE, command)


def test_every_command_is_in_one_of_these_lists() -> None:
    from gator.protocol.codec import COMMANDS

    assert {type(command) for command in [*MESSAGES, *TYPING, *JOINS, *FREE]} == set(COMMANDS.values())


def test_the_socket_and_http_share_a_user_s_bucket(clock: FakeClock) -> None:
    bounded = limits(clock, messages=ONCE, joins=ONCE)
    bounded.check_command(ALICE, MESSAGE)
    refused(bounded.check_message, ALICE)
    bounded.check_create(ALICE)
    refused(bounded.check_command, ALICE, JOINS[0])


def test_frames_are_counted_for_each_connection(clock: FakeClock) -> None:
    bounded = limits(clock, commands=ONCE)
    bounded.check_frame(C1)
    bounded.check_frame(C2)
    assert refused(bounded.check_frame, C1) == 1000


def test_who_ended_is_forgotten(clock: FakeClock) -> None:
    bounded = limits(clock, commands=ONCE)
    bounded.check_frame(C1)
    bounded.forget(C1)
    bounded.check_frame(C1)


def test_an_address_opens_so_many_connections(clock: FakeClock) -> None:
    bounded = limits(clock, connects=Rate(per_second=0.5, burst=2))
    assert [bounded.may_connect("10.0.0.1") for _ in range(3)] == [True, True, False]
    assert bounded.may_connect("10.0.0.2")
    clock.advance(2)
    assert bounded.may_connect("10.0.0.1")


def test_requests_are_counted_for_each_who(clock: FakeClock) -> None:
    bounded = limits(clock, http=ONCE)
    bounded.check_http("user alice")
    bounded.check_http("address alice")
    refused(bounded.check_http, "user alice")


def test_who_goes_on_after_many_refusals_hammers(clock: FakeClock) -> None:
    bounded = limits(clock)
    strikes = int(STRIKES.burst)
    assert [bounded.hammers(C1) for _ in range(strikes + 1)] == [False] * strikes + [True]
    assert not bounded.hammers(C2)
    clock.advance(1)
    assert not bounded.hammers(C1)


def test_limits_can_be_lifted(clock: FakeClock) -> None:
    off = RateLimits(None, clock)
    for _ in range(1000):
        off.check_frame(C1)
        off.check_command(ALICE, MESSAGE)
        off.check_message(ALICE)
        off.check_create(ALICE)
        off.check_http("user alice")
        assert off.may_connect("10.0.0.1")
        assert not off.hammers(C1)
    off.forget(C1)
