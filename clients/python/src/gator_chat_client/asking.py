"""Commands whose answers somebody waits for."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Final

from msgspec.structs import replace

from gator_chat_client.clock import Clock
from gator_chat_client.errors import ChatError
from gator_chat_client.frames import Frame, UnknownEvent
from gator_chat_client.protocol.commands import Command
from gator_chat_client.protocol.events import Error

ANSWER_S: Final = 15.0
"""How long an answer may take."""

MAX_ASKED: Final = 1_000
"""Commands whose answers may be awaited at once; another is refused with `overloaded`."""


class Questions:
    """Waits for answers, each under the id of its command.

    Args:
        send: Says a command; False if there is no connection.
    """

    def __init__(self, send: Callable[[Command], bool], clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._numbers = count(1)

    async def ask(self, command: Command) -> Frame:
        """Say a command and wait for its answer.

        Raises:
            ChatError: It was refused, or `no_connection` or `no_answer`: then nobody knows if it was carried out.
        """
        if len(self._asked) >= MAX_ASKED:
            raise ChatError("overloaded", "Too many answers are awaited.")
        number = f"ask-{next(self._numbers)}"
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        timer = self._clock.call_later(ANSWER_S, lambda: _fail(answer, "no_answer", "The server does not answer."))
        try:
            if not self._send(replace(command, id=number)):
                raise ChatError("no_connection", "There is no connection.")
            return await answer
        finally:
            timer.cancel()
            del self._asked[number]

    def answered(self, frame: Frame) -> bool:
        """Give an answer to whoever waits for it; False if nobody does."""
        number = getattr(frame, "reply_to", None)
        answer = None if number is None else self._asked.get(number)
        if answer is None:
            return False
        error = error_of(frame)
        if not answer.done():
            if error is None:
                answer.set_result(frame)
            else:
                answer.set_exception(error)
        return True

    def lost(self) -> None:
        """The connection is gone, and all answers with it."""
        for answer in self._asked.values():
            _fail(answer, "no_connection", "The connection ended before the answer.")


def error_of(frame: Frame) -> ChatError | None:
    """Make an exception of a refusal; None if the frame is none."""
    match frame:
        case Error(code=code, message=message, retry_after_ms=retry_after_ms):
            return ChatError(code, message, retry_after_ms=retry_after_ms)
        case UnknownEvent(type="error", code=newer, message=words, retry_after_ms=retry_after_ms):
            why = words or "The server does not say why."
            return ChatError(newer or "unreadable", why, retry_after_ms=retry_after_ms)
    return None


def _fail(answer: "asyncio.Future[Frame]", code: str, message: str) -> None:
    if not answer.done():
        answer.set_exception(ChatError(code, message))
