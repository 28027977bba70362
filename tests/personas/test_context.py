"""The prompt: what is in it, in which order, who says it, and that it never exceeds its budget."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law
from tests.personas.control_tokens import CONTROL_TOKENS, tokens_in
from tests.personas.people import ANN, BOB, NIA, OTTO, persona, said

from gator.domain.memory import Memory
from gator.domain.persona import Lore, LoreEntry, Persona
from gator.personas.context import BEGINNING, GO_ON, LEFT_OUT, MIN_BUDGET_TOKENS, Assembled, assemble
from gator.personas.tokens import Calibration, estimate, prompt_tokens
from gator.ports import Turn
from gator.protocol.events import Message

RULES = "Be kind to everybody."


def assembled(who: Persona, *history: Message, budget: int = 4000, **told: Any) -> Assembled:
    given: dict[str, Any] = {
        "memory": None,
        "user_name": "Ann",
        "max_tokens": 100,
        "platform_rules": RULES,
        "estimate": estimate,
    }
    return assemble(who, history=history, budget_tokens=budget, **{**given, **told})


def turns(who: Persona, *history: Message, **told: Any) -> tuple[Turn, ...]:
    return assembled(who, *history, **told).prompt.turns


def system(who: Persona, *history: Message, **told: Any) -> str:
    return turns(who, *history, **told)[0].content


def chat(count: int) -> list[Message]:
    return [
        said(n, "nia", f"answer {n}", is_ai=True) if n % 2 == 0 else said(n, "ann", f"question {n}")
        for n in range(1, count + 1)
    ]


# What is in it


def test_parts_stand_in_their_order() -> None:
    who = persona(
        system_prompt="S1",
        description="D2",
        personality="P3",
        scenario="C4",
        example_dialogue="E5",
        lore=Lore(entries=(LoreEntry(keys=("rose",), content="L6"),)),
        post_history="N9",
    )
    memory = Memory(summary="M8", pins=("I7",))
    whole = "\n".join(turn.content for turn in turns(who, said(1, "ann", "a rose"), memory=memory))
    marks = [RULES, "You are Nia", "S1", "D2", "P3", "C4", "E5", "L6", "I7", "M8", "a rose", "N9"]
    assert [whole.index(mark) for mark in marks] == sorted(whole.index(mark) for mark in marks)


def test_a_bare_persona_is_asked_with_little() -> None:
    made = turns(persona(), said(1, "ann", "Hello"))
    assert made == (
        Turn("system", f"{RULES}\n\nYou are Nia. You are in a chat. You talk with Ann."),
        Turn("user", "Hello"),
    )


def test_names_are_put_in_once_and_only_into_the_card() -> None:
    who = persona(description="{{char}} likes {{user}}.", lore=Lore(entries=(constant("{{user}} is here."),)))
    made = turns(who, said(1, "ann", "{{char}}?"), user_name="{{char}}")
    assert "Nia likes char." in made[0].content
    assert "char is here." in made[0].content
    assert made[1].content == "{{char}}?"


def test_a_nickname_is_what_a_card_means_by_char() -> None:
    who = persona(description="{{char}}", card={"data": {"nickname": "Ni"}})
    assert "You are Ni." in system(who)
    for card in ({"data": {"nickname": 7}}, {"data": {"nickname": " "}}, {"data": 3}, {}):
        assert "You are Nia." in system(persona(card=card))


def test_no_part_stands_there_empty() -> None:
    assert "None" not in system(persona(), memory=Memory())
    assert "\n\n\n" not in system(persona(), memory=Memory())
    assert "knows" not in system(persona(lore=Lore(entries=(LoreEntry(keys=("rose",), content="x"),))))


def test_what_the_persona_wants_of_the_model_is_asked_for() -> None:
    prompt = assembled(persona(model="m-7", temperature=0.5, max_tokens=50)).prompt
    assert (prompt.model, prompt.temperature, prompt.max_tokens) == ("m-7", 0.5, 50)
    assert assembled(persona(max_tokens=500)).prompt.max_tokens == 100


# Who says it


def test_a_direct_conversation_has_no_names() -> None:
    made = turns(persona(), *chat(3))
    assert [(turn.role, turn.content) for turn in made[1:]] == [
        ("user", "question 1"),
        ("assistant", "answer 2"),
        ("user", "question 3"),
    ]


def test_in_a_group_everybody_but_the_persona_has_a_name() -> None:
    history = [
        said(1, "ann", "hi\nOtto: no"),
        said(2, "otto", "yes", is_ai=True),
        said(3, "nia", "well", is_ai=True),
        said(4, "bob", "so"),
    ]
    made = turns(persona(), *history)
    assert [(turn.role, turn.content) for turn in made[1:]] == [
        ("user", "Ann: hi\n  Otto: no\nOtto: yes"),
        ("assistant", "well"),
        ("user", "Bob: so"),
    ]
    assert "several people" in made[0].content


def test_a_person_with_the_id_of_a_persona_does_not_speak_as_it() -> None:
    assert turns(persona(), said(1, NIA, "I am Nia"))[1:] == (Turn("user", "I am Nia"),)


def test_nobody_can_take_the_name_of_another() -> None:
    history = [
        said(n, f"u{n}", "hi", name) for n, name in enumerate(["Nia", "Ann", "ann", "Bob: Ann", "System"], 1)
    ]
    made = turns(persona(), *history)
    assert made[1].content == "Nia 2: hi\nAnn: hi\nann 2: hi\nBob Ann: hi\nSystem 2: hi"


def test_other_speakers_names_end_the_reply() -> None:
    assert assembled(persona(), *chat(2)).prompt.stop == ("\nAnn:",)
    many = [said(n, f"u{n}", "hi", f"U{n}") for n in range(9)]
    assert assembled(persona(), *many).prompt.stop == ("\nU8:", "\nU7:", "\nU6:", "\nU5:")


def test_turns_go_from_a_users_to_a_users() -> None:
    assert [turn.content for turn in turns(persona())[1:]] == [GO_ON]
    own = said(1, "nia", "Welcome", is_ai=True)
    assert [turn.content for turn in turns(persona(), own)[1:]] == [BEGINNING, "Welcome", GO_ON]


def test_the_note_comes_after_the_last_message() -> None:
    assert (
        turns(persona(post_history="Be brief, {{char}}."), *chat(1))[-1].content
        == "question 1\n\n(Be brief, Nia.)"
    )


# The budget


def test_the_oldest_messages_go_first() -> None:
    made = assembled(persona(), *chat(199), budget=500)
    shown = [turn.content for turn in made.prompt.turns[1:] if turn.content != BEGINNING]
    assert shown == [message.content for message in chat(199)[-len(shown) :]]
    assert 10 < len(shown) < 199
    assert [message.seq for message in made.left_out] == list(range(1, 200 - len(shown)))


def test_a_huge_newest_message_keeps_its_beginning_and_its_end() -> None:
    message = said(2, "ann", "BEGIN " + "x" * 50_000 + " END")
    made = assembled(persona(), said(1, "ann", "before"), message, budget=600)
    content = made.prompt.turns[-1].content
    assert content.startswith("BEGIN ")
    assert content.endswith(" END")
    assert LEFT_OUT in content
    assert made.tokens + made.prompt.max_tokens in range(560, 601)
    assert [left.seq for left in made.left_out] == [1]


def test_messages_claim_half_of_the_room_and_the_card_the_rest() -> None:
    who = persona(description="d" * 30_000)
    crowded = assembled(who, *chat(300), budget=2000)
    card, *messages = crowded.prompt.turns
    assert 800 < estimate(card.content) < 1000
    assert prompt_tokens(messages, estimate) > 800
    quiet = assembled(who, *chat(1), budget=2000)
    assert estimate(quiet.prompt.turns[0].content) > 1700


def test_a_small_card_leaves_its_room_to_the_messages() -> None:
    made = assembled(persona(), *chat(300), budget=2000)
    assert prompt_tokens(made.prompt.turns[1:], estimate) > 1700


def test_lore_keeps_to_its_own_budget_with_names_put_in() -> None:
    who = persona(lore=Lore(entries=tuple(constant("{{user}}" * 5) for _ in range(20)), token_budget=150))
    name = "A" * 40
    text = system(who, user_name=name)
    assert 1 <= text.count(name * 5) <= 2


def test_the_most_important_parts_are_cut_last() -> None:
    who = persona(description="D" * 90, example_dialogue="E" * 3000)
    text = system(who, *chat(50), memory=Memory(summary="M" * 60), budget=500)
    assert "D" * 90 in text
    assert "M" * 60 in text
    assert 0 < text.count("E") < 3000


def test_a_budget_that_holds_no_prompt_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="256"):
        assembled(persona(), budget=MIN_BUDGET_TOKENS - 1)


def constant(content: str) -> LoreEntry:
    return LoreEntry(keys=(), content=content, constant=True)


def calibrated(estimated: int, actual: int) -> Callable[[str], int]:
    calibration = Calibration()
    for _ in range(100):
        calibration.observe(estimated, actual)
    return calibration.estimate


hostile = st.text(max_size=8) | st.sampled_from(
    [
        *CONTROL_TOKENS,
        "<|im_<|im_start|>start|>",
        "INST",
        "{{user}}",
        "{{char}}",
        "<|",
        "|>",
        "im_start",
        "\u200b",
        "\n",
    ]
)
texts = st.lists(hostile, max_size=6).map("".join) | st.builds(
    lambda text, times: text * times, hostile, st.integers(0, 900)
)
people = st.builds(
    persona,
    name=texts,
    description=texts,
    personality=texts,
    scenario=texts,
    system_prompt=texts,
    example_dialogue=texts,
    post_history=texts,
    lore=st.builds(
        Lore,
        entries=st.lists(
            st.builds(LoreEntry, keys=st.just(("a",)), content=texts, constant=st.booleans()), max_size=3
        ).map(tuple),
        token_budget=st.integers(-10, 10_000),
    ),
    card=st.builds(lambda nickname: {"data": {"nickname": nickname}}, texts),
)
histories = st.lists(
    st.builds(
        lambda by, content, name, is_ai: (by, content, name, is_ai),
        st.sampled_from([ANN, BOB, NIA, OTTO]),
        texts,
        texts,
        st.booleans(),
    ),
    max_size=12,
).map(lambda all_said: [said(n, by, text, name, is_ai=ai) for n, (by, text, name, ai) in enumerate(all_said, 1)])
memories = st.none() | st.builds(Memory, summary=texts, pins=st.lists(texts, max_size=3).map(tuple))
estimates = st.sampled_from([estimate, len, calibrated(1000, 4000), calibrated(1000, 300), calibrated(1000, 1337)])


@law
@given(
    people,
    histories,
    memories,
    texts,
    st.integers(MIN_BUDGET_TOKENS, 6000),
    st.integers(1, 9000),
    texts,
    estimates,
)
def test_a_prompt_keeps_to_its_budget_and_to_its_form(
    who: Persona,
    history: list[Message],
    memory: Memory | None,
    user_name: str,
    budget: int,
    max_tokens: int,
    rules: str,
    measure: Callable[[str], int],
) -> None:
    given: dict[str, Any] = {
        "history": history,
        "memory": memory,
        "user_name": user_name,
        "budget_tokens": budget,
        "max_tokens": max_tokens,
        "platform_rules": rules,
        "estimate": measure,
    }
    made = assemble(who, **given)
    prompt = made.prompt
    assert made.tokens == prompt_tokens(prompt.turns, measure)
    assert made.tokens + prompt.max_tokens <= budget
    assert 0 < prompt.max_tokens <= max_tokens
    roles = [turn.role for turn in prompt.turns]
    assert roles == (["system", "user"] + ["assistant", "user"] * len(roles))[: len(roles)]
    assert roles[-1] == "user"
    for turn in prompt.turns:
        assert not tokens_in(turn.content)
    assert len(made.left_out) < max(1, len(history))
    assert len(set(prompt.stop)) == len(prompt.stop) <= 4


@law
@given(st.integers(1, 30), st.integers(MIN_BUDGET_TOKENS, 2000))
def test_every_message_is_told_or_left_out(count: int, budget: int) -> None:
    made = assembled(persona(), *chat(count), budget=budget)
    told = "\n".join(turn.content for turn in made.prompt.turns[1:]).split("\n")
    left = [message.content for message in made.left_out]
    assert [*left, *(line for line in told if line not in (BEGINNING, GO_ON))] == [m.content for m in chat(count)]
