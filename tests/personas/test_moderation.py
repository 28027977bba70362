"""Nothing is shown that was not judged, and nothing is lost or cut on its way."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.clock import FakeClock
from tests.support.moderation_server import ModerationServer, flagged

from gator.personas.moderation import (
    ALLOWED,
    All,
    Blocked,
    HoldBack,
    ModerationEndpoint,
    Moderator,
    Outgoing,
    Verdict,
)
from gator.personas.moderation.endpoint import MAX_ANSWER_BYTES, REST_S
from gator.personas.moderation.hold_back import LONGEST_RUN
from gator.personas.moderation.outgoing import STEPS_SEEN
from gator.personas.word_list import WordList

law: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

BAD: Final = Verdict("blocked", ("words",), "word list")


class Judge:
    """Judges by single words, and remembers what it was asked."""

    def __init__(self, by: str = "judge", *, blocks: str = "", flags: str = "") -> None:
        self.by = by
        self.blocks = blocks
        self.flags = flags
        self.asked: list[str] = []

    async def check(self, text: str) -> Verdict:
        self.asked.append(text)
        if self.blocks and self.blocks in text:
            return Verdict("blocked", (self.blocks,), self.by)
        if self.flags and self.flags in text:
            return Verdict("flagged", (self.flags,), self.by)
        return ALLOWED


# Several moderators


async def test_the_first_who_blocks_spares_the_rest() -> None:
    cheap, dear = Judge("cheap", blocks="swine"), Judge("dear", blocks="swine")
    both = All([cheap, dear])
    assert await both.check("swine") == Verdict("blocked", ("swine",), "cheap")
    assert dear.asked == []
    assert await both.check("flower") is ALLOWED
    assert dear.asked == ["flower"]


async def test_flags_are_gathered_and_a_block_outweighs_them() -> None:
    moderators = [
        Judge("one", flags="mud"),
        Judge("two", flags="mud"),
        Judge("three", flags="rain", blocks="storm"),
    ]
    assert await All(moderators).check("mud") == Verdict("flagged", ("mud",), "one, two")
    assert await All(moderators).check("mud and rain") == Verdict("flagged", ("mud", "rain"), "one, two, three")
    assert await All(moderators).check("mud and storm") == Verdict("blocked", ("storm",), "three")
    assert await All([]).check("mud") is ALLOWED


# Holding back


def steps_of(pieces: Iterable[str], chars: int) -> list[str]:
    """Let pieces pass; returns what came out each time something did, the flushed rest last."""
    hold_back = HoldBack(chars)
    steps = [hold_back.feed(piece) for piece in pieces]
    return [step for step in [*steps, hold_back.flush()] if step]


def test_a_sentence_passes_as_soon_as_the_next_one_begins() -> None:
    hold_back = HoldBack(40)
    assert [hold_back.feed(piece) for piece in ("It ", "rains.", " And", " so on")] == ["", "", "It rains. ", ""]
    assert hold_back.flush() == "And so on"
    assert hold_back.flush() == ""


@pytest.mark.parametrize("end", [".", "!", "?", "…", '."', "?!", ".)", "!”"])
def test_sentences_end_in_many_ways(end: str) -> None:
    passed = HoldBack(40).feed(f"It rains{end} And")
    assert passed == ("" if end == "?!" else f"It rains{end} ")


@pytest.mark.parametrize(
    ("text", "passed"), [("a line\nmore", "a line\n"), ("下雨了。然后", "下雨了。"), ("下雨了，然后", "")]
)
def test_lines_and_chinese_sentences_end_as_well(text: str, passed: str) -> None:
    assert HoldBack(40).feed(text) == passed


def test_without_a_sentence_whole_words_pass_after_so_many_characters() -> None:
    hold_back = HoldBack(10)
    assert hold_back.feed("one two t") == ""
    assert hold_back.feed("h") == "one two "
    assert hold_back.feed("ree four fiv") == "three four "
    assert hold_back.flush() == "fiv"


def test_nothing_to_hold_back_for_passes_word_by_word() -> None:
    assert steps_of("one two three", 0) == ["one ", "two ", "three"]


@pytest.mark.parametrize(
    "text", ["s w i n e and", "s-w i-n e and", "$ w ! n e and", "s. w. i. n. e. and", "s_ w_ i_ n e and"]
)
def test_letters_set_apart_pass_together(text: str) -> None:
    assert steps_of(f"you are {text} more", 0) == ["you ", "are ", f"{text} ", "more"]


@pytest.mark.parametrize("text", ["well,! a d", "Ŀa b c"])  # `! a d` may be read as `iad`, and `Ŀa` as `l·a`
def test_signs_and_ligatures_that_may_be_set_apart_pass_with_what_follows(text: str) -> None:
    assert steps_of(f"{text} more", 0) == [f"{text} more"]


def test_what_cannot_be_cut_is_held_only_so_long() -> None:
    hold_back = HoldBack(40)
    assert hold_back.feed("well, " + "x" * (LONGEST_RUN)) == "well, "
    assert hold_back.feed("x") == "x" * (LONGEST_RUN + 1)
    assert hold_back.feed("x") == ""


# Made of what words, disguises and ends of sentences are made of, so that few draws are only harmless.
PARTS: Final = [
    *"swine5$1!|@. ,-_*\n",
    "  ",
    "\u200b",
    "\u0301",
    "，",
    "。",
    "Ŀ",
    "ｓ",
    "ѕ",
    "ß",
    "⑴",
    "你",
    "好",
    "xy",
    "swine",
    "s w i n e",
]
texts = st.lists(st.sampled_from(PARTS) | st.characters(codec="utf-8"), max_size=50).map("".join)
cuts = st.lists(st.integers(0, 120), max_size=30)
chars = st.sampled_from([0, 1, 7, 40])

WORDS: Final = WordList(["swine", "win", "ss", "wisen", "ine*", "1e1"])


def cut_at(text: str, cuts: list[int]) -> list[str]:
    """Cut a text into pieces, as a provider does."""
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


@law
@given(texts, cuts, chars)
def test_what_comes_out_is_what_went_in(text: str, cuts: list[int], chars: int) -> None:
    assert "".join(steps_of(cut_at(text, cuts), chars)) == text


@settings(law, max_examples=400)
@given(texts.filter(lambda text: len(text) <= LONGEST_RUN), cuts, chars)
def test_a_word_list_finds_in_the_steps_what_it_finds_in_the_whole(text: str, cuts: list[int], chars: int) -> None:
    """No word is cut, and no cut makes one."""
    steps = steps_of(cut_at(text, cuts), chars)
    assert any(map(WORDS.finds, steps)) == WORDS.finds(text)


@law
@given(st.text("ab .", max_size=2_000), st.integers(1, 50), chars)
def test_what_is_held_is_bounded(text: str, size: int, chars: int) -> None:
    hold_back = HoldBack(chars)
    passed = 0
    for begin in range(0, len(text), size):
        passed += len(hold_back.feed(text[begin : begin + size]))
        assert min(begin + size, len(text)) - passed <= LONGEST_RUN


# A reply on its way out


async def say(outgoing: Outgoing, pieces: Iterable[str]) -> list[str]:
    """Send a reply; returns what was shown, or was until it was blocked."""
    shown: list[str] = []
    try:
        for piece in pieces:
            shown += [await outgoing.feed(piece)]
        shown += [await outgoing.finish()]
    except Blocked as blocked:
        shown += [f"<{blocked.verdict.decision}>"]
    return [text for text in shown if text]


async def test_without_a_moderator_everything_is_shown_at_once() -> None:
    assert await say(Outgoing(None, 40), ["sw", "ine", ""]) == ["sw", "ine"]


async def test_a_clean_reply_is_shown_whole() -> None:
    pieces = "It rains. And ", "then it sto", "ps."
    assert await say(Outgoing(WordList(["swine"]), 40), pieces) == ["It rains. ", "And then it stops."]


@pytest.mark.parametrize("word", ["swine", "sw1ne", "s w i n e", "S-W-I-N-E"])
async def test_nothing_of_a_blocked_word_is_ever_shown(word: str) -> None:
    for chars in (0, 10, 40):
        shown = await say(Outgoing(WordList(["swine"]), chars), f"Hello there. You are a {word} to me, always.")
        assert shown[-1] == "<blocked>"
        assert "Hello there. You are a to me".startswith("".join(shown[:-1]))


async def test_a_word_at_the_very_end_is_blocked() -> None:
    assert await say(Outgoing(WordList(["swine"]), 40), ["Hello there. You ", "swine"]) == [
        "Hello there. ",
        "<blocked>",
    ]


async def test_the_beginning_of_a_longer_word_is_not_blocked() -> None:
    assert await say(Outgoing(WordList(["ass"]), 0), ["do ass", "ess this"]) == ["do ", "assess ", "this"]


async def test_a_blocked_reply_says_why() -> None:
    outgoing = Outgoing(WordList(["swine"]))
    with pytest.raises(Blocked) as caught:
        await outgoing.feed("You swine. And")
    assert caught.value.verdict == BAD


async def test_a_step_is_judged_with_those_before_it() -> None:
    judge = Judge(blocks="two three")
    assert await say(Outgoing(judge, 0), "one two three four") == ["one ", "two ", "<blocked>"]
    assert judge.asked == ["one ", "one two ", "one two three "]


async def test_the_whole_is_judged_at_the_end_where_the_steps_saw_less() -> None:
    words = [f"word{number} " for number in range(STEPS_SEEN + 1)]
    judge = Judge()
    await say(Outgoing(judge, 0), words)
    assert judge.asked[-2:] == ["".join(words[1:]), "".join(words)]
    assert await say(
        Outgoing(Judge(blocks="word0 word1 word2 word3 word4 word5 word6 word7 word8"), 0), words
    ) == [
        *words,
        "<blocked>",
    ]


async def test_what_was_judged_whole_is_not_judged_again() -> None:
    judge = Judge()
    await say(Outgoing(judge, 0), ["It rains.\n"])
    assert judge.asked == ["It rains.\n"]
    await say(Outgoing(judge, 0), [])
    assert judge.asked == ["It rains.\n"]


async def test_the_first_flag_is_kept_and_nothing_is_held_for_it() -> None:
    outgoing = Outgoing(All([Judge("one", flags="mud"), Judge("two", flags="rain")]), 0)
    assert outgoing.flagged is None
    assert await say(outgoing, ["Much mud and rain."]) == ["Much mud and ", "rain."]
    assert outgoing.flagged == Verdict("flagged", ("mud",), "one")


# The endpoint


@pytest.fixture
async def server() -> AsyncIterator[ModerationServer]:
    async with ModerationServer() as server:
        yield server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


UNAVAILABLE: Final = Verdict("blocked", ("unavailable",), "moderation endpoint")


async def asked(moderator: ModerationEndpoint, *texts: str) -> list[Verdict]:
    """Ask one after the other, and close it."""
    try:
        return [await moderator.check(text) for text in texts]
    finally:
        await moderator.close()


async def test_a_request_has_openais_shape(server: ModerationServer, clock: FakeClock) -> None:
    assert await asked(ModerationEndpoint(server.url + "/", "key-1", "omni", clock=clock), "hé") == [ALLOWED]
    [(head, body)] = server.requests
    assert body == {"input": "hé", "model": "omni"}
    assert head.startswith("POST /v1/moderations HTTP/1.1\r\n")
    assert "Authorization: Bearer key-1\r\n" in head
    assert "Content-Type: application/json\r\n" in head


async def test_key_and_model_may_be_left_to_the_server(server: ModerationServer, clock: FakeClock) -> None:
    await asked(ModerationEndpoint(server.url, clock=clock), "hello")
    [(head, body)] = server.requests
    assert body == {"input": "hello"}
    assert "authorization" not in head.lower()


async def test_what_is_flagged_is_blocked_with_its_categories(server: ModerationServer, clock: FakeClock) -> None:
    server.answers = {"kill": flagged("violence", "hate")}
    verdicts = await asked(ModerationEndpoint(server.url, clock=clock), "kill it", "kiss it")
    assert verdicts == [Verdict("blocked", ("hate", "violence"), "moderation endpoint"), ALLOWED]


async def test_some_categories_may_only_flag(server: ModerationServer, clock: FakeClock) -> None:
    server.answers = {"kill": flagged("violence"), "loathe": flagged("hate")}
    moderator = ModerationEndpoint(server.url, clock=clock, blocking={"hate"})
    assert [verdict.decision for verdict in await asked(moderator, "kill", "loathe")] == ["flagged", "blocked"]


async def test_the_connection_is_kept(server: ModerationServer, clock: FakeClock) -> None:
    await asked(ModerationEndpoint(server.url, clock=clock), "one", "two", "three")
    assert (server.connections, server.texts) == (1, ["one", "two", "three"])


async def test_a_connection_that_was_closed_meanwhile_is_opened_anew(
    server: ModerationServer, clock: FakeClock
) -> None:
    server.hangs_up = 1
    assert await asked(ModerationEndpoint(server.url, clock=clock), "one") == [ALLOWED]
    assert server.connections == 2


async def refuse(server: ModerationServer) -> None:
    await server.__aexit__()


async def let_wait(server: ModerationServer) -> None:
    server.open.clear()


async def drip(server: ModerationServer) -> None:
    server.body, server.drips = b"", True


async def hang_up(server: ModerationServer) -> None:
    server.hangs_up = 2


async def fail(server: ModerationServer) -> None:
    server.status = "503 Service Unavailable"


async def limit(server: ModerationServer) -> None:
    server.status = "429 Too Many Requests"


DOWN: Final = [refuse, let_wait, drip, hang_up, fail, limit]


@pytest.mark.parametrize("go_down", DOWN)
@pytest.mark.parametrize("fail_open", [False, True])
async def test_a_server_that_is_down_is_answered_for_and_left_alone_a_while(
    server: ModerationServer, clock: FakeClock, go_down, fail_open: bool
) -> None:
    await go_down(server)
    timeout_s = 0.05 if go_down in (let_wait, drip) else 5
    moderator = ModerationEndpoint(server.url, clock=clock, fail_open=fail_open, timeout_s=timeout_s)
    expected = Verdict("flagged" if fail_open else "blocked", ("unavailable",), "moderation endpoint")
    assert await moderator.check("one") == expected
    tried = len(server.requests)
    assert await asked(moderator, "two") == [expected]
    assert len(server.requests) == tried


async def test_a_server_that_is_back_is_asked_again(server: ModerationServer, clock: FakeClock) -> None:
    await fail(server)
    moderator = ModerationEndpoint(server.url, clock=clock)
    assert await moderator.check("one") == UNAVAILABLE
    server.status = "200 OK"
    clock.advance(REST_S - 0.001)
    assert await moderator.check("two") == UNAVAILABLE
    clock.advance(0.001)
    assert await asked(moderator, "three") == [ALLOWED]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("400 Bad Request", flagged()),
        ("401 Unauthorized", flagged()),
        ("302 Found", flagged()),
        ("200 OK", b""),
        ("200 OK", b"\xff"),
        ("200 OK", b"{}"),
        ("200 OK", b'{"results": []}'),
        ("200 OK", b'{"results": [{"flagged": "no"}]}'),
        ("200 OK", flagged() + b" " * MAX_ANSWER_BYTES),
    ],
)
async def test_an_answer_that_is_none_blocks_its_text_and_no_other(
    server: ModerationServer, clock: FakeClock, status: str, body: bytes
) -> None:
    moderator = ModerationEndpoint(server.url, clock=clock)
    server.status, server.body = status, body
    assert await moderator.check("one") == UNAVAILABLE
    server.status, server.body = "200 OK", None
    assert await asked(moderator, "two") == [ALLOWED]


async def test_a_text_that_nobody_waits_for_is_no_failure(server: ModerationServer, clock: FakeClock) -> None:
    server.open.clear()
    moderator = ModerationEndpoint(server.url, clock=clock)
    waiting = asyncio.create_task(moderator.check("one"))
    await server.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    server.open.set()
    assert await asked(moderator, "two") == [ALLOWED]


async def test_neither_key_nor_text_is_logged(
    server: ModerationServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await fail(server)
    await asked(ModerationEndpoint(server.url, "key-of-ours", clock=clock), "secret of ann")
    assert "HTTP status 503" in caplog.text
    assert "key-of-ours" not in caplog.text
    assert "secret" not in caplog.text


async def test_a_reply_is_stopped_by_a_real_answer(server: ModerationServer, clock: FakeClock) -> None:
    server.answers = {"kill": flagged("violence")}
    endpoint = ModerationEndpoint(server.url, clock=clock)
    moderators: list[Moderator] = [WordList(["swine"]), endpoint]
    shown = await say(Outgoing(All(moderators), 40), ["It rains. ", "I will kill you. ", "And then"])
    await endpoint.close()
    assert shown == ["It rains. ", "<blocked>"]
    assert server.texts == ["It rains. ", "It rains. I will kill you. "]
