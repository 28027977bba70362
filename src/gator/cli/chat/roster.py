"""The personas that are known by name. No I/O."""

from collections.abc import Iterable, Sequence
from typing import Final

from gator_chat_client import PersonaSummary

_AFTER_A_NAME: Final = ",:"
"""May stand behind a name, as one writes to people."""


class Roster:
    """Names of personas, learnt from the server's list and from what they said."""

    def __init__(self) -> None:
        self._listed: Sequence[PersonaSummary] | None = None
        self._names: dict[str, str] = {}

    @property
    def is_listed(self) -> bool:
        """True if the server's list is known."""
        return self._listed is not None

    def learn(self, persona_id: str, name: str) -> None:
        """Remember what a persona is called."""
        self._names[persona_id] = name

    def learn_all(self, personas: Sequence[PersonaSummary] | None) -> None:
        """Take the server's list in; None if it gives none."""
        self._listed = personas
        for persona in personas or ():
            self.learn(persona.id, persona.name)

    def knows(self, persona_id: str) -> bool:
        """Tell whether a persona's name is known."""
        return persona_id in self._names

    def name_of(self, persona_id: str) -> str:
        """Name a persona; by its id as long as nothing else is known."""
        return self._names.get(persona_id, persona_id)

    def addressed(self, text: str) -> tuple[list[str], str]:
        """Find whom a text begins with, and what is said to them.

        The longest name or id that fits wins. Several are found if they share it. Where
        the server lists no personas the first word is taken for an id.
        """
        if self._listed is None:
            first, _, rest = text.partition(" ")
            return [first], rest.strip()
        called = [(name, one.id) for one in self._listed for name in {one.name, one.id} if _begins(text, name)]
        longest = max((len(name) for name, _ in called), default=0)
        found = _without_repeats(persona_id for name, persona_id in called if len(name) == longest)
        return found, text[longest:].lstrip(_AFTER_A_NAME).strip()


def _begins(text: str, name: str) -> bool:
    if text[: len(name)].casefold() != name.casefold():
        return False
    rest = text[len(name) :].lstrip(_AFTER_A_NAME)
    return not rest or rest[0].isspace()


def _without_repeats(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
