"""The open mode: for development, who connects is whoever the address names."""

from gator.domain.identity import Identity
from gator.protocol.errors import Refusal
from gator.protocol.plain_text import is_plain_text
from gator.protocol.types import MAX_ID_LENGTH, UserId


def open_identity(user_id: str) -> Identity:
    """Take a user's word for who they are.

    Args:
        user_id: From the address, percent-decoded.

    Raises:
        Refusal: `not_authenticated`, if it is no user id.
    """
    if not is_plain_text(user_id, MAX_ID_LENGTH):
        raise Refusal(
            "not_authenticated",
            f"A user id is 1 to {MAX_ID_LENGTH} characters, none of them a control character.",
        )
    return Identity(UserId(user_id))
