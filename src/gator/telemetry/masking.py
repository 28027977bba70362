"""Addresses as a log may show them."""

from typing import Final
from urllib.parse import unquote_plus

MASK: Final = "***"

_SECRET_PARAMETERS: Final = frozenset({"token", "access_token"})


def mask_query(path_with_query: str) -> str:
    """Hide tokens in an address (RFC 6750 §5.3); all the rest stays as it is.

    A parameter is known by its decoded name in any case, which hides more than the
    server would read: a client's typing error is a secret too.
    """
    path, mark, query = path_with_query.partition("?")
    return path + mark + "&".join(map(_mask_parameter, query.split("&")))


def _mask_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    if equals and unquote_plus(name).strip().lower() in _SECRET_PARAMETERS:
        return f"{name}={MASK}"
    return parameter
