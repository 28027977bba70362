"""A persona without a model: it says what a short script has, and says so."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Final
from zlib import crc32

from gator.domain.reply import Usage
from gator.ports import Finished, Prompt, Said, Turn

MODEL: Final = "scripted"

SLOTS: Final = 64
"""Replies at once. They cost next to nothing."""

WORD_S: Final = 0.05
"""From one word to the next: as fast as a good reader reads."""

MAX_ECHO_CHARS: Final = 120
"""Longest part of the question that a reply repeats."""

_LABEL: Final = "(Scripted persona, no language model.)"

# The first whose words occur is taken. Each has more than one line, so that a talk is not all the same.
_SCRIPT: Final = (
    (
        re.compile(r"\b(hello|hi|hey|good (morning|evening|day)|hallo|bonjour|hola)\b", re.IGNORECASE),
        ("Hello! Nice to have you here.", "Hi there! Good to see you.", "Hello, and welcome."),
    ),
    (
        re.compile(r"\b(thanks|thank you|thx|danke|merci|gracias)\b", re.IGNORECASE),
        ("You are welcome.", "With pleasure.", "That is what I am here for."),
    ),
    (
        re.compile(r"\b(bye|goodbye|good night|see you|farewell)\b", re.IGNORECASE),
        ("Goodbye, and come back soon.", "See you!", "Take care."),
    ),
    (
        re.compile(r"\?\s*$"),
        ("A good question, and beyond my few lines.", "I wish I knew.", "What do you think yourself?"),
    ),
    (
        re.compile(""),
        ("Tell me more.", "I see. Do go on.", "Noted, every word of it."),
    ),
)


async def _pause() -> None:
    await asyncio.sleep(WORD_S)


class Scripted:
    """See the port `ReplyProvider`. The same question gets the same reply, and a word is a token.

    Args:
        pause: Waited for between two words.
    """

    name: Final = "scripted"
    slots: Final = SLOTS
    context_tokens: Final = None

    def __init__(self, pause: Callable[[], Awaitable[None]] = _pause) -> None:
        self._pause = pause

    @asynccontextmanager
    async def reply(self, prompt: Prompt) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        """See `ReplyProvider.reply`. Never fails."""
        async with aclosing(self._pieces(prompt)) as pieces:
            yield pieces

    async def close(self) -> None:
        """See `ReplyProvider.close`."""

    async def _pieces(self, prompt: Prompt) -> AsyncGenerator[Said | Finished, None]:
        words = _words(_until(prompt.stop, answer(prompt.turns)))
        said = words[: prompt.max_tokens]
        for number, word in enumerate(said):
            if number:
                await self._pause()
            yield Said(word)
        asked = sum(len(turn.content.split()) for turn in prompt.turns)
        yield Finished(Usage(asked, len(said)), truncated=len(said) < len(words), model=MODEL)


def answer(turns: Iterable[Turn]) -> str:
    """Find what the script has for what a person said last. Its first words tell what speaks."""
    question = next((turn.content for turn in reversed(tuple(turns)) if turn.role == "user"), "")
    lines = next(lines for pattern, lines in _SCRIPT if pattern.search(question))
    line = lines[crc32(question.encode("utf-8", "replace")) % len(lines)]
    echo = _shortened(" ".join(question.split()))
    return f"{_LABEL} {line}" + (f" You said: “{echo}”" if echo else "")


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_ECHO_CHARS else text[: MAX_ECHO_CHARS - 1].rstrip() + "…"


def _until(stops: Iterable[str], text: str) -> str:
    for stop in stops:
        text = text.partition(stop)[0] if stop else text
    return text


def _words(text: str) -> list[str]:
    """Take a text apart, without losing a character of it."""
    return re.findall(r"\S+\s*|\s+", text)
