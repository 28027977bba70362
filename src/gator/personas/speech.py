"""What is known of what a provider says, while it speaks."""

import re
from collections.abc import Callable
from typing import Final

from gator.domain.reply import Usage
from gator.personas.fallback import Asked
from gator.personas.moderation import Outgoing
from gator.personas.tokens import BYTES_PER_TOKEN
from gator.ports import Prompt, Said

MAX_REPLY_CHARS: Final = 16_000
"""Longest reply, in code points; whatever the provider thinks of `max_tokens`."""

_UNSAYABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""What no message may hold: NUL, and halves of surrogate pairs, which no UTF-8 has."""


class Speech:
    """One prompt, and what is said to it.

    Args:
        say: Takes what may be shown.

    Attributes:
        provider: Who speaks; empty while nobody was asked.
        counted: What the provider counted.
        is_owed: Whether the provider has a claim to its prompt's price.
        room: Code points that it may still say.
    """

    def __init__(self, prompt: Prompt, prompt_tokens: int, outgoing: Outgoing, say: Callable[[str], None]) -> None:
        self.prompt = prompt
        self.prompt_tokens = prompt_tokens
        self.outgoing = outgoing
        self.provider = ""
        self.model: str | None = None
        self.counted: Usage | None = None
        self.is_owed = False
        self.has_begun = False
        self.room = MAX_REPLY_CHARS
        self._say = say
        self._heard_bytes = 0

    def noting(self, asked: Asked) -> Asked:
        """Note who is asked, after having told it."""

        def note(provider: str, model: str | None) -> None:
            asked(provider, model)
            self.provider, self.model, self.is_owed = provider, model, True

        return note

    async def hear(self, piece: Said, begun: Callable[[], None]) -> None:
        """Take a piece, and say of it what may be shown now.

        Raises:
            Blocked: Moderation will not have it.
        """
        # Paid for, shown or not.
        self._heard_bytes += len(piece.text.encode(errors="replace"))
        text = _UNSAYABLE.sub("", piece.text)
        if not self.has_begun:
            text = text.lstrip()
            if not text:
                return
            self.has_begun = True
            begun()
        text = text[: self.room]
        self.room -= len(text)
        self._show(await self.outgoing.feed(text))

    async def end(self) -> None:
        """Say what was held back.

        Raises:
            Blocked: Moderation will not have it.
        """
        self._show(await self.outgoing.finish())

    def _show(self, text: str) -> None:
        if text:
            self._say(text)

    @property
    def usage(self) -> Usage:
        """What the provider counted, or an estimate of it where it was cut off."""
        if self.counted is not None:
            return self.counted
        return Usage(self.prompt_tokens if self.is_owed else 0, -(-self._heard_bytes // BYTES_PER_TOKEN))
