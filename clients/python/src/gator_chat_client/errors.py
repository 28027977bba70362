"""What can go wrong for whoever uses this client."""

from gator_chat_client.protocol.errors import ERRORS


class ChatError(Exception):
    """The server refused something, or did not answer. Branch on `code`, never on the text.

    Attributes:
        code: A code of the server's table (`ERRORS`), or one of this client's own:
            `no_connection` (the answer was lost with the connection; it may have been carried out),
            `no_answer` (none came in time), `unreadable` (an answer of a newer server).
        message: A sentence for people.
        status: The HTTP status, if it was a request over HTTP.
        retry_after_ms: How long to wait before another attempt, if the server says so.
    """

    def __init__(
        self, code: str, message: str, *, status: int | None = None, retry_after_ms: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_ms = retry_after_ms

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def is_temporary(self) -> bool:
        """True if the same may work later."""
        return is_temporary(self.code)


class AddressError(ValueError):
    """The address, the user or the token cannot be used; the text says why."""


class OutboxFull(Exception):
    """As many messages wait to be sent as may."""


def is_temporary(code: str) -> bool:
    """Tell whether waiting helps. A code that this client does not know is taken for final."""
    if code in ("no_connection", "no_answer"):
        return True
    return any(row.temporary for name, row in ERRORS.items() if name == code)
