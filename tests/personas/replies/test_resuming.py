"""Whoever missed something of a reply gets it, from any offset, on any device, at any time."""

from pathlib import Path

from tests.contract.wishes import create
from tests.personas.puppet import Stage, ends_of, replies, stage, text_of, told
from tests.support.house import Frame, Guest

SAID = "Hé 🐊, it is I"


async def resume(guest: Guest, run_id: str, offset: int = 0, epoch: int = 0) -> list[Frame]:
    """Ask for the rest of a reply, and give what came of it."""
    guest.news()
    frames = await guest.say(type="resume_reply", run_id=run_id, offset=offset, epoch=epoch, id="resume")
    return [frame for frame in frames if frame["type"] != "persona_state"]


async def test_a_reply_goes_on_from_every_offset(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says(SAID)
    for offset in range(len(SAID) + 1):
        [delta] = await resume(alice, run_id, offset)
        assert (delta["type"], delta["reply_to"]) == ("reply_delta", "resume")
        assert (delta["offset"], delta["text"]) == (offset, SAID[offset:])


async def test_who_has_more_than_was_said_is_told_where_the_reply_stands(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says(SAID)
    [delta] = await resume(alice, run_id, 1_000)
    assert (delta["offset"], delta["text"]) == (len(SAID), "")


async def test_what_belongs_to_another_epoch_counts_for_nothing(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says(SAID)
    [delta] = await resume(alice, run_id, 5, epoch=7)
    assert (delta["epoch"], delta["offset"], delta["text"]) == (0, 0, SAID)


async def test_what_is_not_told_yet_is_in_it_and_told_again_harmlessly(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.says("One ")
    on.last.say("two")
    await on.house.settle()
    [delta] = await resume(alice, run_id, 4)
    assert delta["text"] == "two"
    await on.finishes(" three")
    assert text_of(alice, run_id) == replies(alice)[0]["content"] == "One two three"


async def test_before_its_first_word_there_is_nothing_yet(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    thinks, waits = await on.ask(alice), await on.ask(bob)
    [delta] = await resume(alice, thinks)
    assert (delta["type"], delta["text"]) == ("reply_delta", "")
    [queued] = await resume(alice, waits)
    assert (queued["type"], queued["run_id"], queued["position"]) == ("reply_queued", waits, 1)


async def test_after_its_end_there_is_the_message(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    await on.finishes(SAID)
    for number in range(3):
        await alice.post("garden", f"more {number}")
    [end] = await resume(alice, run_id, 3)
    assert end == alice.of_type("new_message")[1]
    assert end["message"]["content"] == SAID


async def test_after_an_end_without_a_word_it_says_which(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    failed = await on.ask(alice)
    await on.finishes()
    stopped = await on.ask(alice)
    await alice.say(type="stop_reply", run_id=stopped)
    await on.house.change(create("full", "alice"))
    await on.ask(alice)
    for number in range(5):
        await on.ask(await on.talk(f"user-{number}"))
    rejected = await on.ask(bob)
    codes = {"reply_failed": "empty", "reply_rejected": "queue_full"}
    for run_id, type_ in ((failed, "reply_failed"), (stopped, "reply_stopped"), (rejected, "reply_rejected")):
        [end] = await resume(alice, run_id)
        assert (end["type"], end["run_id"], end.get("code")) == (type_, run_id, codes.get(type_))


async def test_a_stranger_resumes_nothing(on: Stage) -> None:
    alice, zoe = await on.talk(), on.house.connect("zoe")
    run_id = await on.ask(alice)
    await on.says(SAID)
    for unknown in (run_id, "no-such-run"):
        assert (await resume(zoe, unknown))[-1]["code"] == "run_not_found"


async def test_who_joins_in_the_middle_gets_the_text_so_far(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id, waits = await on.ask(alice), await on.ask(bob)
    await on.says("One ", "two ")
    on.last.say("three ")
    await on.house.settle()
    late = on.house.connect("cleo")
    await late.join("garden")
    assert [frame["type"] for frame in late.heard if frame["type"] != "online_users"][:4] == [
        "conversation_joined",
        "reply_started",
        "reply_delta",
        "reply_queued",
    ]
    assert text_of(late, run_id) == "One two three "
    assert [frame["run_id"] for frame in told(late, "reply_queued")] == [waits]
    await on.finishes("four")
    assert text_of(late, run_id) == text_of(alice, run_id) == "One two three four"
    assert replies(late) == replies(alice)


async def test_who_joins_while_the_persona_thinks_hears_that_it_was_asked(on: Stage) -> None:
    alice = await on.talk()
    run_id = await on.ask(alice)
    late = await on.talk("bob")
    assert [frame["run_id"] for frame in told(late, "reply_started")] == [run_id]
    assert told(late, "reply_delta") == []


async def test_who_lost_the_socket_comes_back_to_the_same_reply(on: Stage) -> None:
    """Cut at every piece, back with what was known: the text is that of who stayed."""
    alice = await on.talk()
    run_id = await on.ask(alice)
    known, seq = "", 0
    for piece in ("One ", "🐊 two ", "three ", "four"):
        phone = on.house.connect("bob")
        joined = await phone.join("garden", after_seq=seq or None)
        seq = joined["seq"]
        await phone.say(type="resume_reply", run_id=run_id, offset=len(known))
        await on.says(piece)
        for frame in told(phone, "reply_delta"):
            assert frame["offset"] <= len(known)
            known = known[: frame["offset"]] + frame["text"]
        await phone.hang_up()
        assert known == text_of(alice, run_id)
    await on.finishes("!")
    phone = on.house.connect("bob")
    await phone.join("garden", after_seq=seq)
    assert [reply["content"] for reply in replies(phone)] == [known + "!"]


async def test_a_reader_that_is_slow_misses_deltas_and_not_the_message(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id = await on.ask(alice)
    await on.says("One ")
    bob.freeze()
    await on.says(*(f"{number} " for number in range(20)))
    await on.finishes()
    await bob.thaw()
    assert len(told(bob, "reply_delta")) < len(told(alice, "reply_delta"))
    assert replies(bob) == replies(alice)
    assert text_of(alice, run_id) == replies(bob)[0]["content"]


async def test_a_reader_who_reads_again_in_the_middle_is_told_at_once_what_was_missed(on: Stage) -> None:
    alice, bob = await on.talk(), await on.talk("bob")
    run_id = await on.ask(alice)
    await on.says("One ")
    bob.freeze()
    await on.says(*(f"{number} " for number in range(20)))
    before = len(told(bob))
    await bob.thaw()
    assert [frame["type"] for frame in told(bob)[before:]][-2:] == ["reply_started", "reply_delta"]
    assert len(told(bob, "reply_delta")) < 5
    assert text_of(bob, run_id) == text_of(alice, run_id)


async def test_what_is_said_while_a_join_replays_the_log_is_told_when_that_is_over(on: Stage) -> None:
    alice = await on.talk()
    for number in range(3):
        await alice.post("garden", f"{number}")
    bob = await on.talk("bob")
    await bob.say(type="leave_conversation", conversation_id="garden")
    bob.freeze()
    await bob.tell(type="join_conversation", conversation_id="garden", after_seq=1)
    run_id = await on.ask(alice)
    await on.says("One ", "two ")
    assert told(bob, "reply_started", "reply_delta") == []
    await bob.thaw()
    assert text_of(bob, run_id) == "One two "
    assert [frame["seq"] for frame in bob.of_type("new_message")] == [2, 3, 4, 6]


async def test_a_new_epoch_begins_at_nothing(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("weed\n")
    async with stage(tmp_path / "data", moderation_words=words) as on:
        alice = await on.talk()
        run_id = await on.ask(alice)
        await on.says("A long and harmless sentence that is shown at once. ")
        assert text_of(alice, run_id)
        await on.finishes("weed.")
        assert text_of(alice, run_id) == ""
        assert ends_of(alice, run_id) == ["reply_failed"]
