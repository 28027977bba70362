"""The messages of one conversation on their way out, in order, each once."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from gator_chat_client.clock import Clock, Timer
from gator_chat_client.errors import ChatError
from gator_chat_client.protocol.commands import SendMessage
from gator_chat_client.protocol.events import Ack, Limits
from gator_chat_client.protocol.types import ConversationId, PersonaId
from gator_chat_client.snapshot import Outgoing, SendState

CALM_S: Final = 1.0
"""Least rest after a refusal for haste: each is a strike, and the server forgives one a second."""

ACK_S: Final = 15.0
"""How long an answer may take before a message is sent again, under the same id."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message is in the log."""

    message_id: str
    seq: int


class Sent:
    """What becomes of a message that was handed over to be sent.

    Attributes:
        client_message_id: Under which it is sent, however often.
    """

    def __init__(self, client_message_id: str) -> None:
        self.client_message_id = client_message_id
        self._state: SendState = "sending"
        self._end: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        # Nobody has to ask how it ended.
        self._end.add_done_callback(lambda end: end.cancelled() or end.exception())

    @property
    def state(self) -> SendState:
        """`sending` until the server has answered: for however long there is no connection."""
        return self._state

    async def stored(self) -> Stored:
        """Wait until the message is on the server's disk; cancelling the wait cancels nothing else.

        Raises:
            ChatError: The server refused it for good; it failed.
        """
        return await asyncio.shield(self._end)

    def settle(self, outgoing: Outgoing) -> None:
        """Follow what became of the message."""
        self._state = outgoing.state
        if self._end.done():
            if outgoing.state == "sending":  # it is tried once more
                self._end = asyncio.get_running_loop().create_future()
                self._end.add_done_callback(lambda end: end.cancelled() or end.exception())
            return
        if outgoing.state == "sent" and outgoing.message_id is not None and outgoing.seq is not None:
            self._end.set_result(Stored(outgoing.message_id, outgoing.seq))
        elif outgoing.state == "failed":
            self._end.set_exception(ChatError(outgoing.error or "internal", outgoing.why or "It was not sent."))


class Sender:
    """Sends messages of one conversation, one at a time.

    Were there more under way, a refusal for haste could let the second overtake the first.

    Queue: bounded by the client's outbox, which everything here is in as well.

    Args:
        send: Says a command; False if there is no connection.
        changed: Hears of every new state of a message.
    """

    def __init__(
        self, send: Callable[[SendMessage], bool], changed: Callable[[Outgoing], None], clock: Clock
    ) -> None:
        self._send = send
        self._changed = changed
        self._clock = clock
        self._waiting: deque[Outgoing] = deque()
        self._failed: dict[str, Outgoing] = {}
        self._is_under_way = False
        self._limits: Limits | None = None
        """None while nothing can be sent."""
        self._timer: Timer | None = None
        """Of the answer while something is under way, else of a rest."""

    @property
    def waiting(self) -> int:
        """How many are not stored and have not failed."""
        return len(self._waiting)

    def add(self, outgoing: Outgoing) -> None:
        """Take a message in, behind all others."""
        if outgoing.state == "failed":
            self._failed[outgoing.client_message_id] = outgoing
        else:
            self._waiting.append(outgoing)
        self._changed(outgoing)
        self._go_on()

    def retry(self, client_message_id: str) -> Outgoing | None:
        """Send one that failed once more, behind all others, under the same id."""
        failed = self._failed.pop(client_message_id, None)
        if failed is None:
            return None
        again = replace(failed, state="sending", error=None, why=None)
        self.add(again)
        return again

    def discard(self, client_message_id: str) -> bool:
        """Forget one that failed. False if there is none such."""
        return self._failed.pop(client_message_id, None) is not None

    def connected(self, limits: Limits) -> None:
        """The conversation is joined: send."""
        self._limits = limits
        self._go_on()

    def lost(self) -> None:
        """The connection ended: what was under way is to be sent again."""
        self._limits = None
        self._stop_timer()
        self._is_under_way = False

    def acknowledged(self, ack: Ack) -> bool:
        """Take an answer in; False if it is about nothing that is under way."""
        first = self._under_way(ack.client_message_id)
        if first is None:
            return False
        self._settle(replace(first, state="sent", message_id=ack.message_id, seq=ack.seq))
        return True

    def refused(self, client_message_id: str | None, error: ChatError) -> bool:
        """Take a refusal in; False if it is about nothing that is under way."""
        first = self._under_way(client_message_id)
        if first is None:
            return False
        if error.is_temporary:
            self._is_under_way = False
            self._rest(max(CALM_S, (error.retry_after_ms or 0) / 1000))
        else:
            self._fail(first, error.code, error.message)
        return True

    def _under_way(self, client_message_id: str | None) -> Outgoing | None:
        first = self._waiting[0] if self._is_under_way else None
        return first if first is not None and first.client_message_id == client_message_id else None

    def _go_on(self) -> None:
        while self._waiting and self._limits is not None and not self._is_under_way and self._timer is None:
            first = self._waiting[0]
            command = _command(first)
            beyond = _beyond(self._limits, command)
            if beyond is not None:
                self._fail(first, *beyond)
            elif self._send(command):
                self._is_under_way = True
                self._timer = self._clock.call_later(ACK_S, self._again)
            else:
                return

    def _again(self) -> None:
        self._timer = None
        self._is_under_way = False
        self._go_on()

    def _rest(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._clock.call_later(seconds, self._again)

    def _fail(self, outgoing: Outgoing, code: str, why: str) -> None:
        failed = replace(outgoing, state="failed", error=code, why=why)
        self._failed[outgoing.client_message_id] = failed
        self._settle(failed)

    def _settle(self, outgoing: Outgoing) -> None:
        self._waiting.popleft()
        self._is_under_way = False
        self._stop_timer()
        self._changed(outgoing)
        self._go_on()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _command(outgoing: Outgoing) -> SendMessage:
    return SendMessage(
        id=outgoing.client_message_id,
        conversation_id=ConversationId(outgoing.conversation_id),
        content=outgoing.content,
        client_message_id=outgoing.client_message_id,
        persona_id=None if outgoing.persona_id is None else PersonaId(outgoing.persona_id),
    )


def _beyond(limits: Limits, command: SendMessage) -> tuple[str, str] | None:
    """Say which limit a message exceeds; a frame that is too large would cost the connection."""
    if len(command.content) > limits.max_message_chars:
        return "message_too_long", f"A message has at most {limits.max_message_chars} characters."
    try:
        size_bytes = len(msgspec.json.encode(command))
    except UnicodeError:
        return "message_not_text", "The message is not valid Unicode."
    if size_bytes > limits.max_frame_bytes:
        return "message_too_long", "The message is larger than this server allows."
    return None
