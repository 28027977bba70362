"""A persona: who it is, how it speaks, and who may ask it."""

from typing import Any, Final, Literal

from msgspec import Struct

from gator.protocol.errors import Refusal
from gator.protocol.types import PersonaId, UserId, UtcMillis

MAX_NAME_CHARS: Final = 80
MAX_TEXT_CHARS: Final = 32_000
"""Longest single text of a persona, in code points."""

MAX_LORE_ENTRIES: Final = 500
MAX_CARD_BYTES: Final = 512 * 1024
"""Largest persona as JSON, its lore and all that other programs put into its card included."""

Visibility = Literal["private", "public"]
"""`private`: only its owner may ask it. `public`: everybody may, and sees its card."""


class LoreEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a persona knows once one of its keys was said.

    Named and meant as in the card formats V2 and V3 (`character_book.entries`).
    """

    keys: tuple[str, ...]
    content: str
    name: str = ""
    enabled: bool = True
    constant: bool = False
    """Known always, without a key."""
    selective: bool = False
    """Known only if one of `secondary_keys` was said as well."""
    secondary_keys: tuple[str, ...] = ()
    case_sensitive: bool = False
    use_regex: bool = False
    insertion_order: int = 100
    priority: int = 10
    """The lowest goes first when the budget is spent."""
    extensions: dict[str, Any] = {}
    """What other programs wrote; kept as it is."""


class Lore(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A persona's book of lore.

    Attributes:
        scan_depth: Newest messages in which keys are looked for.
        token_budget: Most tokens of the prompt that entries may take, together.
        recursive: Whether keys are looked for in entries that were found, too.
        rest: What other programs wrote; kept as it is.
    """

    entries: tuple[LoreEntry, ...] = ()
    scan_depth: int = 8
    token_budget: int = 512
    recursive: bool = False
    rest: dict[str, Any] = {}


class Persona(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An AI character. All its texts are untrusted: they come from whoever wrote the card.

    Attributes:
        provider: Which of the installation's providers answers; None for its default.
        temperature: 0 to 2; None for the provider's default.
        max_tokens: Longest reply in tokens; None for the installation's limit.
        avatar: Address of its picture; None if it has none.
        card: What an imported card held beyond all that; goes out with it again.
    """

    id: PersonaId
    owner_id: UserId
    name: str
    created_at: UtcMillis
    updated_at: UtcMillis
    description: str = ""
    personality: str = ""
    scenario: str = ""
    greeting: str = ""
    alternate_greetings: tuple[str, ...] = ()
    example_dialogue: str = ""
    system_prompt: str = ""
    post_history: str = ""
    """Said to the model after the conversation's messages."""
    creator_notes: str = ""
    tags: tuple[str, ...] = ()
    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    visibility: Visibility = "private"
    avatar: str | None = None
    lore: Lore = Lore()
    card: dict[str, Any] = {}

    def may_be_asked_by(self, user_id: UserId) -> bool:
        """Tell whether a user may ask it, and see its card."""
        return self.visibility == "public" or self.owner_id == user_id


def check_owner(persona: Persona | None, user_id: UserId) -> Persona:
    """Refuse whoever does not own a persona.

    Raises:
        Refusal: `persona_not_found` where the user may not even see it, else `forbidden`.
    """
    if persona is None or not persona.may_be_asked_by(user_id):
        raise Refusal("persona_not_found")
    if persona.owner_id != user_id:
        raise Refusal("forbidden", "Only its owner may change a persona.")
    return persona
