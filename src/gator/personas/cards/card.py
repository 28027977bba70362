"""A card's JSON: what of it is a persona, and what is kept for other programs.

A persona keeps what it does not understand where it stood: `Persona.card` holds the members
beside `data` and, under `data`, those within it; `Lore.rest` those of the book and
`LoreEntry.extensions` those of an entry. Members that a format asks for and that are empty
are left out there, and put back when a card is written.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from gator.domain.persona import (
    MAX_CARD_BYTES,
    MAX_LORE_ENTRIES,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    Lore,
    LoreEntry,
    Persona,
)
from gator.personas.cards.bad_card import MAX_DEPTH, bad_card
from gator.protocol.errors import Refusal
from gator.protocol.plain_text import is_plain_text
from gator.protocol.types import PersonaId, UserId, UtcMillis

Spec = Literal["v2", "v3"]
_Known = TypeVar("_Known")

_SPECS: Final[dict[Spec, dict[str, str]]] = {
    "v2": {"spec": "chara_card_v2", "spec_version": "2.0"},
    "v3": {"spec": "chara_card_v3", "spec_version": "3.0"},
}
_V1: Final = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
"""The members of a V1 card. Later cards may repeat them beside `data`, for old programs."""

_EMPTY_DATA: Final[dict[str, Any]] = {
    "creator": "",
    "character_version": "",
    "extensions": {},
    "group_only_greetings": [],
}
_EMPTY_BOOK: Final[dict[str, Any]] = {"extensions": {}}
_EMPTY_ENTRY: Final[dict[str, Any]] = {"extensions": {}}
_ENTRY_ALWAYS: Final = ("enabled", "insertion_order", "use_regex")
"""Members of an entry that a format asks for, though they may say nothing unusual."""

# The code points that JSON may escape and text cannot hold, or that no editor shows; tab and line ends stay.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

MAX_NUMBER: Final = 2**31 - 1

Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]


class _Texts(
    Struct,
    frozen=True,
    kw_only=True,
    rename={
        "greeting": "first_mes",
        "example_dialogue": "mes_example",
        "post_history": "post_history_instructions",
    },
):
    """The texts of a card by our names, read and written by the formats'."""

    name: str
    description: Text = ""
    personality: Text = ""
    scenario: Text = ""
    greeting: Text = ""
    alternate_greetings: tuple[Text, ...] = ()
    example_dialogue: Text = ""
    system_prompt: Text = ""
    post_history: Text = ""
    creator_notes: Text = ""
    tags: tuple[Text, ...] = ()


class _Book(Struct, frozen=True, kw_only=True, rename={"recursive": "recursive_scanning"}):
    """What of a book of lore is not its entries."""

    scan_depth: int = Lore().scan_depth
    token_budget: int = Lore().token_budget
    recursive: bool = Lore().recursive


class Card(_Texts, frozen=True, kw_only=True, rename=None):
    """What a card says of a persona; see `Persona` for what is what.

    Attributes:
        picture: The PNG that the card came in, without it; None if it came in none.
    """

    lore: Lore = Lore()
    card: dict[str, Any] = {}
    picture: bytes | None = None

    def persona(self, persona_id: PersonaId, owner_id: UserId, now: UtcMillis) -> Persona:
        """Make a persona of it."""
        told = {name: getattr(self, name) for name in _OF_PERSONA}
        return Persona(id=persona_id, owner_id=owner_id, created_at=now, updated_at=now, **told)


_OF_PERSONA: Final = tuple(name for name in Card.__struct_fields__ if name != "picture")
_IN_DATA: Final = frozenset({*_Texts.__struct_encode_fields__, "character_book"})
_IN_BOOK: Final = frozenset({*_Book.__struct_encode_fields__, "entries"})
_IN_ENTRY: Final = frozenset(LoreEntry.__struct_fields__) - {"extensions"}


def parse_card(data: bytes, picture: bytes | None = None) -> Card:
    """Read a card's JSON.

    Raises:
        Refusal: `bad_card`; it names the member that is wrong.
    """
    top = _object(data)
    if "spec" not in top:
        inner: object = _version_1(top)
        beside: dict[str, Any] = {}
    elif not str(top["spec"]).startswith("chara_card_v"):
        raise bad_card("Its `spec` is of no character card.")
    else:
        inner = top.get("data")
        beside = {key: value for key, value in top.items() if key not in ("spec", "spec_version", "data", *_V1)}
    if not isinstance(inner, dict):
        raise bad_card("Its `data` is no object.")
    rest = _rest(inner, _IN_DATA, _EMPTY_DATA)
    texts = _converted(inner, _Texts, _IN_DATA - {"character_book"}, "data")
    if not texts.name.strip() or not is_plain_text(texts.name, MAX_NAME_CHARS):
        raise bad_card(f"Its name is empty, has a line end or more than {MAX_NAME_CHARS} characters.")
    return Card(
        **msgspec.structs.asdict(texts),
        lore=_lore(inner.get("character_book")),
        card={**beside, "data": rest} if rest else beside,
        picture=picture,
    )


def card_of(persona: Persona) -> Card:
    """Take from a persona what goes into a card."""
    return Card(**{name: getattr(persona, name) for name in _OF_PERSONA})


def card_json(card: Card, spec: Spec) -> bytes:
    """Write a card's JSON, without its picture.

    A V2 card keeps what only V3 knows: programs that do not know a member leave it alone.
    """
    texts = _Texts(**{name: getattr(card, name) for name in _Texts.__struct_fields__})
    kept = card.card.get("data")
    rest = _rest(kept, _IN_DATA) if isinstance(kept, dict) else {}
    data = {**_EMPTY_DATA, **rest, **msgspec.to_builtins(texts)}
    if card.lore != Lore():
        data["character_book"] = _book(card.lore)
    if spec == "v2" and not data["group_only_greetings"]:
        del data["group_only_greetings"]
    beside = {key: value for key, value in card.card.items() if key != "data"}
    return msgspec.json.encode({**beside, **_SPECS[spec], "data": data})


def _version_1(top: dict[str, Any]) -> dict[str, Any]:
    # A V1 card has no mark. These three tell it from other JSON that happens to have a name.
    if not all(isinstance(top.get(key), str) for key in ("name", "description", "first_mes")):
        raise bad_card("It has neither a `spec` nor the members of a V1 card.")
    return top


def _lore(book: object) -> Lore:
    if book is None:
        return Lore()
    if not isinstance(book, dict):
        raise bad_card("Its `character_book` is no object.")
    entries = book.get("entries", [])
    if not isinstance(entries, list) or len(entries) > MAX_LORE_ENTRIES:
        raise bad_card(f"Its `entries` are no array of at most {MAX_LORE_ENTRIES}.")
    settings = _converted(book, _Book, _IN_BOOK - {"entries"}, "character_book")
    return Lore(
        entries=tuple(map(_entry, entries)),
        **msgspec.structs.asdict(settings),
        rest=_rest(book, _IN_BOOK, _EMPTY_BOOK),
    )


def _entry(entry: object) -> LoreEntry:
    if not isinstance(entry, dict):
        raise bad_card("One of its `entries` is no object.")
    read = _converted(entry, LoreEntry, _IN_ENTRY, "entries")
    if len(read.content) > MAX_TEXT_CHARS:
        raise bad_card(f"One of its `entries` has more than {MAX_TEXT_CHARS} characters.")
    return msgspec.structs.replace(read, extensions=_rest(entry, _IN_ENTRY, _EMPTY_ENTRY))


def _book(lore: Lore) -> dict[str, Any]:
    settings = _Book(scan_depth=lore.scan_depth, token_budget=lore.token_budget, recursive=lore.recursive)
    entries = list(map(_entry_out, lore.entries))
    return {**_EMPTY_BOOK, **_rest(lore.rest, _IN_BOOK), **msgspec.to_builtins(settings), "entries": entries}


def _entry_out(entry: LoreEntry) -> dict[str, Any]:
    known = msgspec.to_builtins(msgspec.structs.replace(entry, extensions={}))
    always = {key: getattr(entry, key) for key in _ENTRY_ALWAYS}
    return {**_EMPTY_ENTRY, **_rest(entry.extensions, _IN_ENTRY), **always, **known}


def _rest(
    found: dict[str, Any], known: frozenset[str], empty: Mapping[str, object] = MappingProxyType({})
) -> dict[str, Any]:
    return {
        key: value
        for key, value in found.items()
        if key not in known and not (key in empty and value == empty[key])
    }


def _converted(found: dict[str, Any], kind: type[_Known], known: frozenset[str], where: str) -> _Known:
    # Programs write null for what a card does not have, and the formats' numbers need not be whole.
    given = {
        key: round(value) if isinstance(value, float) else value
        for key, value in found.items()
        if key in known and value is not None
    }
    if any(isinstance(value, int) and abs(value) > MAX_NUMBER for value in given.values()):
        raise bad_card(f"A number in its `{where}` is beyond {MAX_NUMBER}.")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise bad_card(f"In its `{where}`: {error}") from None


def _object(data: bytes) -> dict[str, Any]:
    """Read JSON that is safe to keep: of bounded size and depth, and text in all its strings."""
    if len(data) > MAX_CARD_BYTES:
        raise bad_card(f"Its JSON has more than {MAX_CARD_BYTES} bytes.")
    try:
        top = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeError, ValueError):
        raise bad_card("It is no JSON.") from None
    if not isinstance(top, dict):
        raise bad_card("Its JSON is no object.")
    _check_values(top)
    return top


def _check_values(top: dict[str, Any]) -> None:
    level: list[Any] = [top]
    for _ in range(MAX_DEPTH + 1):
        texts = [value for value in level if isinstance(value, str)]
        texts += [key for value in level if isinstance(value, dict) for key in value]
        if any(map(_CONTROL.search, texts)):
            raise bad_card("A text in it has control characters.")
        level = [inner for value in level for inner in _inner(value)]
        if not level:
            return
    raise _too_deep()


def _inner(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> Refusal:
    return bad_card(f"Its JSON nests deeper than {MAX_DEPTH} objects and arrays.")
