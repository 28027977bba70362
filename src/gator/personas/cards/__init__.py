"""Character cards, versions 1 to 3: personas on their way in from other programs, and out again.

As JSON, within a PNG or APNG picture, or in a CHARX archive. Credit: the card formats V2
(malfoyslastname, github.com/malfoyslastname/character-card-spec-v2) and V3 (kwaroran,
github.com/kwaroran/character-card-spec-v3).
"""

from gator.domain.persona import Persona
from gator.personas.cards.bad_card import MAX_FILE_BYTES, bad_card
from gator.personas.cards.card import Card, Spec, card_json, card_of, parse_card
from gator.personas.cards.charx import CHARX_SIGNATURE, json_of_charx
from gator.personas.cards.png import PNG_SIGNATURE, plain_picture, read_picture, with_texts

__all__ = ["MAX_FILE_BYTES", "Card", "Spec", "picture_of", "read_card", "write_card_json", "write_card_png"]


def read_card(data: bytes) -> Card:
    """Read a card from a file of any of the forms; the file's first bytes tell which.

    Linear in the file's size, and in memory at most a few times that. Texts are kept as
    they are: what is harmful in a prompt is taken out when one is built, and for a page
    they are text.

    Raises:
        Refusal: `bad_card`: the file is too large, damaged or hostile, or no card.
    """
    if len(data) > MAX_FILE_BYTES:
        raise bad_card(f"The file has more than {MAX_FILE_BYTES} bytes.")
    if data.startswith(PNG_SIGNATURE):
        picture = read_picture(data)
        return parse_card(picture.card_json(), picture.encoded())
    return parse_card(json_of_charx(data) if data.startswith(CHARX_SIGNATURE) else data)


def picture_of(data: bytes) -> bytes:
    """Check a PNG or APNG picture, and take out whatever is not picture.

    Raises:
        Refusal: `bad_card`.
    """
    return read_picture(data).encoded()


def write_card_json(persona: Persona, spec: Spec = "v3") -> bytes:
    """Write a persona as a JSON card."""
    return card_json(card_of(persona), spec)


def write_card_png(persona: Persona, picture: bytes | None) -> bytes:
    """Write a persona into its picture, for programs that read V3 and for those that read V2.

    Args:
        picture: A PNG or APNG; None for a plain one.

    Raises:
        Refusal: `bad_card`: the picture is none.
    """
    whole = plain_picture(persona.name) if picture is None else read_picture(picture)
    card = card_of(persona)
    return with_texts(whole, {"chara": card_json(card, "v2"), "ccv3": card_json(card, "v3")})
