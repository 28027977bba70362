"""Bodies of requests and answers about personas. Fields mean what they do in `domain/persona.py`."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from gator.api.models import NO_NUL, Body
from gator.domain.persona import MAX_LORE_ENTRIES, MAX_NAME_CHARS, MAX_TEXT_CHARS, Visibility

# C1 and the separators of lines and paragraphs as well: a persona's name stands in prompts.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"

Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS, pattern=NO_NUL)]
PersonaName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS, pattern=ONE_LINE)
]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=ONE_LINE)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE)]
LoreKey = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]
LoreKeys = Annotated[tuple[LoreKey, ...], Field(max_length=100)]

MAX_DEPTH = 32
"""Deepest nesting of what other programs keep in a card."""


def _not_too_deep(extensions: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what could be stored and not be read again."""
    if _depth(extensions) > MAX_DEPTH:
        raise ValueError(f"nests deeper than {MAX_DEPTH} objects or lists")
    return extensions


def _depth(value: JsonValue) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


Extensions = Annotated[dict[str, JsonValue], AfterValidator(_not_too_deep)]
"""What other programs keep in a card."""


class LoreEntryBody(Body):
    """Something that a persona knows once one of its keys was said."""

    keys: LoreKeys = ()
    content: Text
    name: Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)] = ""
    enabled: bool = True
    constant: bool = False
    selective: bool = False
    secondary_keys: LoreKeys = ()
    case_sensitive: bool = False
    use_regex: bool = False
    """Kept for other programs; here a key is always a text."""
    insertion_order: Annotated[int, Field(ge=-(2**31), lt=2**31)] = 100
    priority: Annotated[int, Field(ge=-(2**31), lt=2**31)] = 10
    extensions: Extensions = Field(default_factory=dict)


class LoreBody(Body):
    """A persona's book of lore."""

    entries: Annotated[tuple[LoreEntryBody, ...], Field(max_length=MAX_LORE_ENTRIES)] = ()
    scan_depth: Annotated[int, Field(ge=0, le=1_000)] = 8
    """Newest messages in which keys are looked for."""
    token_budget: Annotated[int, Field(ge=0, le=100_000)] = 512
    """Most tokens of the prompt that entries may take, together."""
    recursive: bool = False
    rest: Extensions = Field(default_factory=dict)


class PersonaChanges(Body):
    """What becomes different of a persona. What is left out stays as it is."""

    name: PersonaName = "-"
    description: Text = ""
    personality: Text = ""
    scenario: Text = ""
    greeting: Text = ""
    alternate_greetings: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    example_dialogue: Text = ""
    system_prompt: Text = ""
    post_history: Text = ""
    creator_notes: Text = ""
    tags: Annotated[tuple[Tag, ...], Field(max_length=100)] = ()
    provider: ModelName | None = None
    model: ModelName | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    visibility: Visibility = "private"
    lore: LoreBody = LoreBody()


class NewPersona(PersonaChanges):
    """A persona to make. The asker becomes its owner."""

    name: PersonaName


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LoreEntryOut(_Out):
    """An entry of a persona's lore."""

    keys: list[str]
    content: str
    name: str
    enabled: bool
    constant: bool
    selective: bool
    secondary_keys: list[str]
    case_sensitive: bool
    use_regex: bool
    insertion_order: int
    priority: int
    extensions: dict[str, object]


class LoreOut(_Out):
    """A persona's book of lore."""

    entries: list[LoreEntryOut]
    scan_depth: int
    token_budget: int
    recursive: bool
    rest: dict[str, object]


class PersonaRow(BaseModel):
    """A persona in a list."""

    id: str
    name: str
    avatar: str | None
    tags: list[str]
    blurb: str
    """Begin of what its maker says of it, else of its description."""
    visibility: Visibility
    mine: bool
    """Whether the asker may change it."""
    created_at: str
    updated_at: str


class PersonaPage(BaseModel):
    """A page of personas, the oldest first."""

    personas: list[PersonaRow]
    next_cursor: str | None


class PersonaOut(_Out):
    """A persona with its whole card."""

    id: str
    name: str
    avatar: str | None
    description: str
    personality: str
    scenario: str
    greeting: str
    alternate_greetings: list[str]
    example_dialogue: str
    system_prompt: str
    post_history: str
    creator_notes: str
    tags: list[str]
    provider: str | None
    model: str | None
    temperature: float | None
    max_tokens: int | None
    visibility: Visibility
    lore: LoreOut
    mine: bool
    created_at: str
    updated_at: str
