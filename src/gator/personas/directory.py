"""Every persona of the installation, in memory."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from gator.domain.persona import Persona
from gator.ports import AvatarSaved, Journal, PersonaDeleted, PersonaSaved, Store
from gator.protocol.errors import Refusal
from gator.protocol.types import PersonaId, UserId

MAX_MENTIONS = 3
"""Personas that one message asks by name."""


class Directory:
    """Personas by id. What is told here is on disk.

    Bound: they are all in memory, at most `MAX_CARD_BYTES` each; an installation limits
    how many a user may make.
    """

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._personas: dict[PersonaId, Persona] = {}
        self._being_added: Counter[UserId] = Counter()
        self.on_delete: Callable[[PersonaId], None] = lambda _persona_id: None

    async def load(self) -> None:
        """Read all of them; before anybody asks."""
        self._personas = {persona.id: persona for persona in await self._store.personas()}

    def get(self, persona_id: PersonaId) -> Persona | None:
        """Find a persona."""
        return self._personas.get(persona_id)

    def visible_to(self, user_id: UserId) -> list[Persona]:
        """Name those that a user may ask, in the order of their ids."""
        return [persona for persona in self._personas.values() if persona.may_be_asked_by(user_id)]

    def owned_by(self, user_id: UserId) -> int:
        """Count a user's own."""
        return sum(persona.owner_id == user_id for persona in self._personas.values())

    def among(self, members: Iterable[UserId]) -> list[Persona]:
        """Name the members that are personas."""
        found = (self._personas.get(PersonaId(member)) for member in members)
        return [persona for persona in found if persona is not None]

    async def add(self, persona: Persona, *, most: int | None = None) -> None:
        """Write a new persona down.

        Args:
            most: How many its owner may have; None for any number.

        Raises:
            Refusal: `too_many_personas`, `overloaded` or `internal`; nothing was changed.
        """
        owner = persona.owner_id
        # Those that are just being written count as well: of two at once the second one is told.
        if most is not None and self.owned_by(owner) + self._being_added[owner] >= most:
            raise Refusal("too_many_personas", f"You have {most} personas; delete one first.")
        self._being_added[owner] += 1
        try:
            await self._journal.write_down(PersonaSaved(persona))
            self._personas[persona.id] = persona
        finally:
            self._being_added[owner] -= 1
            if not self._being_added[owner]:
                del self._being_added[owner]

    async def change(self, persona: Persona) -> None:
        """Write a persona down as it is now.

        Raises:
            Refusal: `persona_not_found` if it was deleted, `overloaded` or `internal`; nothing was changed.
        """
        if persona.id not in self._personas:
            raise Refusal("persona_not_found")
        await self._journal.write_down(PersonaSaved(persona))
        if persona.id in self._personas:  # it may have been deleted meanwhile
            self._personas[persona.id] = persona

    async def save_avatar(self, persona: Persona, media_type: str, image: bytes | None) -> None:
        """Write a persona's picture down, or take it away."""
        await self._journal.write_down(AvatarSaved(persona.id, media_type, image))
        await self.change(persona)

    async def delete(self, persona_id: PersonaId) -> None:
        """Take a persona away; its messages stay."""
        await self._journal.write_down(PersonaDeleted(persona_id))
        self._personas.pop(persona_id, None)
        self.on_delete(persona_id)


def mentioned(content: str, candidates: Sequence[Persona]) -> list[Persona]:
    """Find who is addressed by `@name`, in the order in which they are named.

    The longest name that fits wins, so that `@Nia Blue` does not ask Nia.
    """
    if "@" not in content:
        return []
    by_name = {candidate.name.casefold(): candidate for candidate in candidates}
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    if not names:
        return []
    found = re.finditer(rf"(?<!\w)@({names})(?!\w)", content.casefold())
    named = dict.fromkeys(match[1] for match in found)
    return [by_name[name] for name in named][:MAX_MENTIONS]
