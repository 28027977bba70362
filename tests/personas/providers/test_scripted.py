import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.domain.reply import Usage
from gator.personas.providers.scripted import MAX_ECHO_CHARS, Scripted, answer
from gator.ports import Finished, Prompt, Said, Turn


class Pace:
    """Counts the pauses instead of making them."""

    def __init__(self) -> None:
        self.pauses = 0

    async def __call__(self) -> None:
        self.pauses += 1


def asked(question: str, max_tokens: int = 1000, stop: tuple[str, ...] = ()) -> Prompt:
    turns = (
        Turn("system", "Be a pirate."),
        Turn("user", "Before."),
        Turn("assistant", "Aye."),
        Turn("user", question),
    )
    return Prompt(turns=turns, max_tokens=max_tokens, stop=stop)


async def listen(prompt: Prompt, pace: Pace | None = None) -> tuple[str, Finished, list[str]]:
    async with Scripted(pace or Pace()).reply(prompt) as pieces:
        *said, end = [piece async for piece in pieces]
    texts = [piece.text for piece in said if isinstance(piece, Said)]
    assert isinstance(end, Finished)
    assert len(texts) == len(said)
    return "".join(texts), end, texts


async def test_a_reply_says_first_that_no_model_speaks() -> None:
    text, end, _ = await listen(asked("Who are you?"))
    assert text.startswith("(Scripted persona, no language model.) ")
    assert text.endswith("You said: “Who are you?”")
    assert (end.model, end.truncated) == ("scripted", False)


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        ("Hello you", {"Hello! Nice to have you here.", "Hi there! Good to see you.", "Hello, and welcome."}),
        ("THANKS a lot", {"You are welcome.", "With pleasure.", "That is what I am here for."}),
        ("ok, good night", {"Goodbye, and come back soon.", "See you!", "Take care."}),
        ("why? ", {"A good question, and beyond my few lines.", "I wish I knew.", "What do you think yourself?"}),
        ("The sky is blue", {"Tell me more.", "I see. Do go on.", "Noted, every word of it."}),
    ],
)
async def test_it_answers_what_was_said_last(question: str, lines: set[str]) -> None:
    text, _, _ = await listen(asked(question))
    assert text.removeprefix("(Scripted persona, no language model.) ").partition(" You said")[0] in lines


async def test_a_reply_comes_word_by_word_at_the_given_pace() -> None:
    pace = Pace()
    text, end, texts = await listen(asked("Go on"), pace)
    assert len(texts) == len(text.split()) == pace.pauses + 1
    assert end.usage == Usage(prompt_tokens=7, completion_tokens=len(texts))


async def test_a_word_is_a_token_and_a_reply_has_no_more_than_it_may() -> None:
    text, end, texts = await listen(asked("Go on", max_tokens=3))
    assert (len(texts), text.split()) == (3, ["(Scripted", "persona,", "no"])
    assert (end.truncated, end.usage) == (True, Usage(7, 3))


async def test_a_reply_ends_before_a_stop() -> None:
    text, end, _ = await listen(asked("Go on", stop=("language", " You said")))
    assert (text, end.truncated) == ("(Scripted persona, no ", False)


async def test_who_leaves_waits_for_no_more_words() -> None:
    pace = Pace()
    async with Scripted(pace).reply(asked("Go on")) as pieces:
        await anext(pieces)
        await anext(pieces)
    assert pace.pauses == 1


def test_a_talk_without_a_question_has_a_beginning_all_the_same() -> None:
    assert "You said" not in answer([Turn("system", "Be a pirate.")])


@given(st.text())
def test_the_same_question_gets_the_same_honest_reply_of_bounded_length(question: str) -> None:
    turns = [Turn("user", question)]
    assert answer(turns) == answer(turns)
    assert answer(turns).startswith("(Scripted persona")
    assert len(answer(turns)) < MAX_ECHO_CHARS + 120


def test_not_every_question_gets_the_same_line() -> None:
    lines = {answer([Turn("user", f"Number {number}.")]).partition(" You said")[0] for number in range(20)}
    assert len(lines) == 3


async def test_without_being_told_it_takes_its_time() -> None:
    scripted = Scripted()
    async with scripted.reply(asked("Go on", max_tokens=2)) as pieces:
        assert [type(piece).__name__ async for piece in pieces] == ["Said", "Said", "Finished"]
    await scripted.close()
