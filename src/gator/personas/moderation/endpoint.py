"""A moderation server in the shape of OpenAI's `/v1/moderations`."""

import asyncio
from collections.abc import Collection
from typing import Annotated, Final

import httpx2
import msgspec
from msgspec import Meta, Struct

from gator.personas.moderation.verdicts import ALLOWED, Verdict
from gator.ports import Clock
from gator.telemetry.logs import logger

MAX_ANSWER_BYTES: Final = 64 * 1024

TIMEOUT_S: Final = 3.0
"""Longest that a whole verdict may take: somebody waits for the words meanwhile."""

REST_S: Final = 5.0
"""How long a server that is down is not asked, so that not every word waits for it."""

BY: Final = "moderation endpoint"

UNAVAILABLE: Final = "unavailable"
"""Category of texts on which there is no verdict."""


class _Result(Struct):
    flagged: bool
    categories: dict[str, bool | None] = {}


class _Answer(Struct):
    results: Annotated[list[_Result], Meta(min_length=1)]


class _Unavailable(Exception):
    """There is no verdict.

    Attributes:
        is_down: The next text would get none either.
    """

    def __init__(self, reason: str, *, is_down: bool) -> None:
        super().__init__(reason)
        self.is_down = is_down


class ModerationEndpoint:
    """Asks a server for its verdict. Opens a connection with the first text and keeps it.

    Args:
        base_url: `http` or `https`, ending in `/v1`.
        model: None for the server's own choice.
        fail_open: While the server does not answer, texts pass, flagged as `unavailable`;
            otherwise they are blocked.
        blocking: Categories that block; all others only flag. None: whatever is flagged is blocked.
        timeout_s: For a whole verdict, however slowly the bytes drip.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        model: str | None = None,
        *,
        clock: Clock,
        fail_open: bool = False,
        blocking: Collection[str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/moderations"
        self._model = model
        self._clock = clock
        self._when_down = Verdict("flagged" if fail_open else "blocked", (UNAVAILABLE,), BY)
        self._blocking = blocking
        self._timeout_s = timeout_s
        self._rests_until = clock.monotonic()
        self._log = logger()
        # Compression would let a small answer grow past the bound after it was counted.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        self._client = httpx2.AsyncClient(headers=headers, timeout=None)

    async def close(self) -> None:
        """Let go of the connections. Idempotent."""
        await self._client.aclose()

    async def check(self, text: str) -> Verdict:
        """See `Moderator`."""
        if self._clock.monotonic() < self._rests_until:
            return self._when_down
        try:
            return self._judge(await self._ask(text))
        except _Unavailable as error:
            self._log.warning("moderation_unavailable", reason=str(error))
            if error.is_down:
                self._rests_until = self._clock.monotonic() + REST_S
            return self._when_down

    async def _ask(self, text: str) -> list[_Result]:
        body = {"input": text} if self._model is None else {"input": text, "model": self._model}
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._post(msgspec.json.encode(body))
            return msgspec.json.decode(answer, type=_Answer).results
        except TimeoutError:
            raise _Unavailable(f"no answer within {self._timeout_s:g} s", is_down=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise _Unavailable(type(error).__name__, is_down=True) from error
        except msgspec.DecodeError as error:
            raise _Unavailable(f"not an answer: {error}", is_down=False) from error

    async def _post(self, body: bytes) -> bytes:
        try:
            return await self._post_once(body)
        except httpx2.TransportError:
            # A server may close a connection that was kept just when it is used again.
            return await self._post_once(body)

    async def _post_once(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            status = response.status_code
            if status != httpx2.codes.OK:
                # Another status says something of this text or of the key, and says it at once.
                is_down = status == httpx2.codes.TOO_MANY_REQUESTS or status >= 500
                raise _Unavailable(f"HTTP status {status}", is_down=is_down)
            answer = bytearray()
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    raise _Unavailable(f"an answer longer than {MAX_ANSWER_BYTES} bytes", is_down=False)
            return bytes(answer)

    def _judge(self, results: list[_Result]) -> Verdict:
        flagged = [result for result in results if result.flagged]
        if not flagged:
            return ALLOWED
        found = dict.fromkeys(name for result in flagged for name, is_so in result.categories.items() if is_so)
        blocks = self._blocking is None or any(name in self._blocking for name in found)
        return Verdict("blocked" if blocks else "flagged", tuple(found), BY)
