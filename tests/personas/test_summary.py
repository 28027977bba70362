import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law
from tests.personas.control_tokens import CONTROL_TOKENS, tokens_in
from tests.personas.people import said

from gator.domain.memory import Memory
from gator.personas.context import LEFT_OUT, MIN_BUDGET_TOKENS
from gator.personas.summary import EVERY, INSTRUCTIONS, forgotten, needs_summary, summary_prompt
from gator.personas.tokens import estimate, prompt_tokens
from gator.protocol.types import Seq

MESSAGES = [said(n, "ann", f"message {n}") for n in range(1, 21)]


def test_what_neither_prompt_nor_summary_tells_is_forgotten() -> None:
    assert forgotten(MESSAGES[:4], None) == MESSAGES[:4]
    assert forgotten(MESSAGES[:4], Memory("told", Seq(3))) == MESSAGES[3:4]


def test_a_summary_is_due_when_enough_is_forgotten() -> None:
    assert not needs_summary(MESSAGES[: EVERY - 1], None)
    assert needs_summary(MESSAGES[:EVERY], None)
    assert not needs_summary(MESSAGES[: EVERY + 2], Memory("told", Seq(3)))
    assert needs_summary(MESSAGES[: EVERY + 3], Memory("told", Seq(3)))


def test_it_is_asked_with_the_old_summary_and_the_messages() -> None:
    asked = summary_prompt("Ann has a cat.", MESSAGES[:2], budget_tokens=1000, max_tokens=200, estimate=estimate)
    system, user = asked.prompt.turns
    assert system.content == INSTRUCTIONS
    assert "Ann has a cat." in user.content
    assert "Ann: message 1\nAnn: message 2\n" in user.content
    assert asked.seq == 2
    assert asked.prompt.max_tokens == 200


def test_it_tells_as_much_as_there_is_room_for_and_says_how_far() -> None:
    asked = summary_prompt("", MESSAGES, budget_tokens=MIN_BUDGET_TOKENS, max_tokens=50, estimate=estimate)
    assert 1 <= asked.seq < 20
    assert f"message {asked.seq}\n" in asked.prompt.turns[1].content
    assert f"message {asked.seq + 1}\n" not in asked.prompt.turns[1].content


def test_a_huge_message_does_not_stand_in_the_way() -> None:
    huge = said(1, "ann", "BEGIN" + "x" * 90_000 + "END")
    asked = summary_prompt("s" * 7000, [huge], budget_tokens=500, max_tokens=100, estimate=estimate)
    assert LEFT_OUT in asked.prompt.turns[1].content
    assert "END" in asked.prompt.turns[1].content
    assert asked.seq == 1


def test_a_budget_that_holds_nothing_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="256"):
        summary_prompt("", MESSAGES, budget_tokens=255, max_tokens=1, estimate=estimate)


texts = st.lists(st.text(max_size=5) | st.sampled_from([*CONTROL_TOKENS, "<|", "|>", "\n"]), max_size=8).map(
    "".join
)


@law
@given(
    texts.map(lambda text: text * 50),
    st.lists(st.tuples(texts, texts, st.integers(1, 300)), min_size=1, max_size=8),
    st.integers(MIN_BUDGET_TOKENS, 3000),
    st.integers(1, 3000),
)
def test_it_keeps_to_its_budget(old: str, lines: list[tuple[str, str, int]], budget: int, max_tokens: int) -> None:
    messages = [said(n, "x", text * times, name) for n, (name, text, times) in enumerate(lines, 1)]
    asked = summary_prompt(old, messages, budget_tokens=budget, max_tokens=max_tokens, estimate=estimate)
    assert prompt_tokens(asked.prompt.turns, estimate) + asked.prompt.max_tokens <= budget
    assert not any(map(tokens_in, (turn.content for turn in asked.prompt.turns)))
    assert 1 <= asked.seq <= len(messages)
