"""What a persona is asked: who it is, what it knows, what was said, within a budget of tokens.

The order is: platform rules, card, example dialogue, lore, memory, the newest messages, the
card's note after them. The first turn alone is the system's; users' and the persona's
turns then alternate, from a user's to a user's, because templates of many models refuse
anything else. Nothing but what is passed in gets in.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from gator.domain.memory import Memory
from gator.domain.persona import Persona
from gator.personas.lore import known_lore
from gator.personas.tokens import TURN_TOKENS, Estimate, prompt_tokens
from gator.personas.untrusted import apart, harmless, speaker_name, with_names
from gator.ports import Prompt, Turn
from gator.protocol.events import Message
from gator.protocol.types import UserId

MIN_BUDGET_TOKENS: Final = 256
MAX_STOPS: Final = 4
"""Most stop texts that the OpenAI API takes."""

NOTE_SHARE: Final = 8
"""The note after the messages takes at most this part of the room."""

BEGINNING: Final = "[The chat so far:]"
"""Stands before a persona's message where no user's does."""

GO_ON: Final = "[Go on.]"
"""Stands after a persona's message where no user's does."""

LEFT_OUT: Final = " […] "


class Assembled(Struct, frozen=True):
    """A prompt, and what found no room in it.

    Attributes:
        tokens: The prompt without its reply, by the estimate.
        left_out: Messages that were not told, oldest first.
    """

    prompt: Prompt
    tokens: int
    left_out: tuple[Message, ...]


class Cast:
    """Who is who in one prompt: a name for each sender, which nobody else in it has."""

    def __init__(self, persona: Persona, user_name: str, history: Sequence[Message]) -> None:
        self._persona = persona
        self.char = speaker_name(_called(persona), "Assistant")
        self.user = apart(speaker_name(user_name), [self.char])
        self._names: dict[str, str] = {}
        for message in history:
            if not self.is_own(message) and message.sender_id not in self._names:
                taken = [self.char, *self._names.values()]
                self._names[message.sender_id] = apart(speaker_name(message.sender.name), taken)
        self.others = tuple(self._names.values())

    @property
    def is_group(self) -> bool:
        """Whether it takes names to tell the speakers apart."""
        return len(self.others) > 1

    def is_own(self, message: Message) -> bool:
        """Tell whether the persona itself said it."""
        return message.is_ai and message.sender_id == UserId(self._persona.id)

    def told(self, message: Message) -> Turn:
        """Tell a message. In a group it begins with its speaker's name, and further lines are
        indented, so that no message can speak for somebody else."""
        text = harmless(message.content)
        if self.is_own(message):
            return Turn("assistant", text)
        if not self.is_group:
            return Turn("user", text)
        indented = text.replace("\n", "\n  ")
        return Turn("user", f"{self._names[message.sender_id]}: {indented}")

    def says(self, text: str) -> str:
        """Make a text of the card ready to be told."""
        return harmless(with_names(text, char=self.char, user=self.user)).strip()

    @property
    def stops(self) -> tuple[str, ...]:
        """Beginnings of what only others say: those who spoke last."""
        names = dict.fromkeys((*reversed(self.others), self.user))
        return tuple(f"\n{name}:" for name in list(names)[:MAX_STOPS])


def assemble(
    persona: Persona,
    *,
    history: Sequence[Message],
    memory: Memory | None,
    user_name: str,
    budget_tokens: int,
    max_tokens: int,
    platform_rules: str,
    estimate: Estimate,
) -> Assembled:
    """Make a prompt that together with its reply keeps to a budget, by the estimate.

    The reply's tokens are set aside first. Messages may then claim half of the rest, and
    all that the card leaves. The oldest go first; the newest is never left out, but its
    middle is if it must be.

    Args:
        history: Oldest first; the last one is what is answered.
        user_name: Of whoever asked.
        budget_tokens: Prompt and reply together; at least `MIN_BUDGET_TOKENS`.
        max_tokens: Longest reply; the persona may want less, and half of the budget is the most.
        platform_rules: The operator's, before everything else.

    Raises:
        ValueError: The budget holds no prompt at all.
    """
    if budget_tokens < MIN_BUDGET_TOKENS:
        raise ValueError(f"a prompt takes at least {MIN_BUDGET_TOKENS} tokens, not {budget_tokens}")
    cast = Cast(persona, user_name, history)
    reply_tokens = max(1, min(max_tokens, persona.max_tokens or max_tokens, budget_tokens // 2))
    room = budget_tokens - reply_tokens
    note = _note(cast.says(persona.post_history), room // NOTE_SHARE, estimate)
    around = (Turn("system", ""), Turn("user", BEGINNING), Turn("user", f"{GO_ON}{note}"))
    room -= prompt_tokens(around, estimate)
    told, claimed = _told(cast, history, room, estimate)
    spare = _Room(room - min(claimed, room // 2), estimate)
    system = _system(persona, cast, memory, platform_rules, history, spare)
    kept = _newest(told, room - estimate(system), estimate)
    turns = (Turn("system", system), *_alternating(kept, note))
    prompt = Prompt(
        turns=turns,
        max_tokens=reply_tokens,
        model=persona.model,
        temperature=persona.temperature,
        stop=cast.stops,
    )
    return Assembled(prompt, prompt_tokens(turns, estimate), tuple(history[: len(history) - len(kept)]))


class _Room:
    """What is left of a budget while texts are put in, each after the other."""

    def __init__(self, tokens: int, estimate: Estimate) -> None:
        self.tokens = tokens
        self.estimate = estimate

    def take(self, text: str) -> str:
        """Put a text in, or as much of its beginning as there is room for."""
        if not text:
            return ""
        text = cut_end(f"{text}\n\n", self.tokens, self.estimate)
        self.tokens -= self.estimate(text)
        return text.strip()


def _system(
    persona: Persona, cast: Cast, memory: Memory | None, rules: str, history: Sequence[Message], room: _Room
) -> str:
    # Taken in the order of their worth, said in the order of the module's first lines.
    rules = room.take(harmless(rules).strip())
    card = room.take(_card(persona, cast))
    remembered = room.take(_remembered(memory))
    lore = room.take(_lore(persona, cast, history, room))
    examples = room.take(_headed(f"Examples of how {cast.char} talks:", cast.says(persona.example_dialogue)))
    return "\n\n".join(filter(None, (rules, card, examples, lore, remembered)))


def _card(persona: Persona, cast: Cast) -> str:
    place = "a chat with several people; names stand before what they say" if cast.is_group else "a chat"
    return "\n\n".join(
        filter(
            None,
            (
                f"You are {cast.char}. You are in {place}. You talk with {cast.user}.",
                cast.says(persona.system_prompt),
                cast.says(persona.description),
                _headed("Personality:", cast.says(persona.personality)),
                _headed("Scenario:", cast.says(persona.scenario)),
            ),
        )
    )


def _lore(persona: Persona, cast: Cast, history: Sequence[Message], room: _Room) -> str:
    heading = f"{cast.char} knows:"
    tokens = room.tokens - room.estimate(f"{heading}\n\n\n")
    lore = replace(persona.lore, token_budget=min(persona.lore.token_budget, tokens))
    texts = [message.content for message in history]
    # Measured as it will be told: with names in the place of what stands for them.
    known = known_lore(lore, texts, lambda text: room.estimate(cast.says(text) + "\n"))
    return _headed(heading, "\n".join(map(cast.says, known)))


def _remembered(memory: Memory | None) -> str:
    if memory is None:
        return ""
    pins = "\n".join(f"- {harmless(pin).strip()}" for pin in memory.pins)
    summary = _headed("What happened before:", harmless(memory.summary).strip())
    return "\n\n".join(filter(None, (_headed("Never forget:", pins), summary)))


def _note(text: str, tokens: int, estimate: Estimate) -> str:
    # Round brackets: square ones would make a control token of the text `INST`.
    return cut_end(f"\n\n({text})", tokens, estimate) if text else ""


def _headed(heading: str, text: str) -> str:
    return f"{heading}\n{text}" if text else ""


def _called(persona: Persona) -> str:
    # Card format V3, `nickname`: what `{{char}}` means, where there is one.
    data = persona.card.get("data")
    nickname = data.get("nickname") if isinstance(data, dict) else None
    return nickname if isinstance(nickname, str) and nickname.strip() else persona.name


def _told(cast: Cast, history: Sequence[Message], room: int, estimate: Estimate) -> tuple[list[Turn], int]:
    """Tell messages, the newest first, until there would be no room for more; and their cost."""
    told: list[Turn] = []
    cost = 0
    for message in reversed(history):
        if cost > room:
            break
        told.append(cast.told(message))
        cost += _cost(told[-1].content, estimate)
    return told, cost


def _cost(text: str, estimate: Estimate) -> int:
    return TURN_TOKENS + estimate(f"{text}\n")


def _newest(told: Sequence[Turn], room: int, estimate: Estimate) -> list[Turn]:
    """Keep what there is room for, in the order in which it was said; the newest in any case."""
    kept: list[Turn] = []
    for turn in told:
        cost = _cost(turn.content, estimate)
        if cost > room and not kept:
            turn = replace(turn, content=cut_middle(turn.content, room - _cost("", estimate), estimate))
            cost = room
        if cost > room:
            break
        room -= cost
        kept.append(turn)
    return kept[::-1]


def _alternating(told: Sequence[Turn], note: str) -> list[Turn]:
    turns: list[Turn] = []
    for turn in told:
        if turns and turns[-1].role == turn.role:
            turns[-1] = Turn(turn.role, f"{turns[-1].content}\n{turn.content}")
        else:
            turns.append(turn)
    if turns and turns[0].role == "assistant":
        turns.insert(0, Turn("user", BEGINNING))
    if not turns or turns[-1].role == "assistant":
        turns.append(Turn("user", GO_ON))
    turns[-1] = Turn("user", turns[-1].content + note)
    return turns


def cut_end(text: str, tokens: int, estimate: Estimate) -> str:
    """Cut a text's end off, as little of it as a budget asks for."""
    return _longest(len(text), tokens, estimate, lambda length: text[:length])


def cut_middle(text: str, tokens: int, estimate: Estimate) -> str:
    """Cut a text's middle out, as little of it as a budget asks for."""
    if estimate(text) <= tokens:
        return text
    return _longest(
        len(text) - 1,
        tokens,
        estimate,
        lambda length: text[: length // 2] + LEFT_OUT + text[len(text) - (length - length // 2) :],
    )


def _longest(length: int, tokens: int, estimate: Estimate, shortened: Callable[[int], str]) -> str:
    """Find by halving the longest of a row of texts, each longer than the one before."""
    if estimate(shortened(length)) <= tokens:
        return shortened(length)
    fits, exceeds = 0, length
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        if estimate(shortened(middle)) <= tokens:
            fits = middle
        else:
            exceeds = middle
    return shortened(fits)
