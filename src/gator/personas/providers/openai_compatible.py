"""A language model behind OpenAI's chat completions: hosted, vLLM, Ollama, llama.cpp and many more.

The `openai` SDK makes the request and takes the event stream apart. What a chunk says is
read here, from plain JSON: the SDK's own models cost 170 µs a chunk, which is a fifth of a
processor with ten replies at a time; this way it is 35 µs.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Final

import httpx2
import msgspec
from msgspec import Meta, Struct

from gator.domain.reply import Usage
from gator.ports import Finished, Prompt, ProviderError, Said

if TYPE_CHECKING:
    import openai

    from gator.protocol.events import ReplyFailure

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""Most that is read of one answer: the SDK itself would collect a line without an end."""

MAX_STOPS: Final = 4
"""As many texts as OpenAI's `stop` may hold; what comes after them is left out."""

AFTERMATH_S: Final = 1.0
"""How long the count of tokens may come after the last word. The reply is whole without it."""

_END: Final = object()
_NAME_OF_AN_ERROR: Final = re.compile(r"[a-z]+(_[a-z]+){1,6}")
_SECONDS: Final = re.compile(r"\d{1,6}(\.\d{1,6})?")
_OVERLOADED: Final = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "overloaded_error", "server_overloaded", "engine_overloaded"}
)
# OpenAI, vLLM; llama.cpp; Anthropic, Mistral; Groq. There is no code that all of them use.
_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|(exceed|maximum|available)[a-z_' ]{0,24}context|prompt is too long"
    r"|too large for model|reduce the length",
    re.IGNORECASE,
)


class _Delta(Struct):
    content: str | None = None


class _Choice(Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: Annotated[int, Meta(ge=0)]
    completion_tokens: Annotated[int, Meta(ge=0)] = 0


class _Chunk(Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    model: str | None = None


class OpenAiCompatible:
    """See the port `ReplyProvider`. Never tries twice: that is for who knows what else there is.

    Importing the SDK takes half a second, so it is done here and not by who imports this
    module. Make it before connections are served.

    Args:
        base_url: What comes before `/chat/completions`, such as `http://127.0.0.1:8080/v1`.
        api_key: Sent as a bearer token to this address only; empty for a server that asks for none.
        model: Asked for if a prompt names none.
        name: Tells two such providers of one installation apart.
        connect_s: Longest wait for a connection.
        first_token_s: Longest wait for the first piece of text, the connection included.
        between_chunks_s: Longest silence after that.
        total_s: Longest reply.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        model: str,
        *,
        name: str = "openai-compatible",
        slots: int = 8,
        connect_s: float = 3.0,
        first_token_s: float = 20.0,
        between_chunks_s: float = 15.0,
        total_s: float = 120.0,
        context_tokens: int | None = None,
    ) -> None:
        import openai

        self.name: Final = name
        self.slots: Final = slots
        self.context_tokens: Final = context_tokens
        self._key = api_key
        self._model = model
        self._patience = (first_token_s, between_chunks_s, total_s)
        self._stream_type = openai.AsyncStream[object]
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=httpx2.Timeout(None, connect=connect_s, write=first_token_s),
            http_client=httpx2.AsyncClient(
                # A prompt goes where it was said, and not to where that place points.
                follow_redirects=False,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=slots),
                # Compression would let a small answer grow past the bound after it was counted.
                headers={"Accept-Encoding": "identity"},
                event_hooks={"response": [_bound]},
            ),
        )
        # The SDK takes these from the environment, and would tell them to whatever server this is.
        self._client.organization = self._client.project = None

    @asynccontextmanager
    async def reply(self, prompt: Prompt) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        """See `ReplyProvider.reply`. An end without a reason is a reply cut short."""
        patience = _Patience(*self._patience)
        async with (
            await self._open(prompt, patience) as stream,
            aclosing(self._pieces(stream, patience)) as pieces,
        ):
            yield pieces

    async def close(self) -> None:
        """See `ReplyProvider.close`."""
        await self._client.close()

    async def _open(self, prompt: Prompt, patience: _Patience) -> openai.AsyncStream[object]:
        try:
            async with patience.wait():
                return await self._client.post(
                    "/chat/completions",
                    body=self._body(prompt),
                    cast_to=object,
                    stream=True,
                    stream_cls=self._stream_type,
                )
        except Exception as error:
            raise self._failure(error) from None

    def _body(self, prompt: Prompt) -> dict[str, object]:
        wanted: dict[str, object] = {
            "model": prompt.model or self._model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in prompt.turns],
            "max_tokens": prompt.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if prompt.temperature is not None:
            wanted["temperature"] = prompt.temperature
        if prompt.stop:
            wanted["stop"] = prompt.stop[:MAX_STOPS]
        return wanted

    async def _pieces(
        self, stream: openai.AsyncStream[object], patience: _Patience
    ) -> AsyncGenerator[Said | Finished, None]:
        reason: str | None = None
        usage: Usage | None = None
        model: str | None = None
        text = _Text()
        async with aclosing(self._chunks(stream, patience)) as chunks:
            async for chunk in chunks:
                model = chunk.model or model
                if chunk.usage is not None:
                    usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                for choice in chunk.choices[:1]:
                    if choice.finish_reason is not None:
                        reason = choice.finish_reason
                        patience.finished()
                    if choice.delta is not None and (piece := text.read(choice.delta.content or "")):
                        patience.spoken()
                        yield Said(piece)
        if rest := text.end():
            patience.spoken()
            yield Said(rest)
        if reason is None and not patience.has_spoken:
            raise ProviderError("provider_broke_off", "ended before it had said anything")
        yield Finished(usage, truncated=reason not in ("stop", "tool_calls", "function_call"), model=model)

    async def _chunks(
        self, stream: openai.AsyncStream[object], patience: _Patience
    ) -> AsyncGenerator[_Chunk, None]:
        """Read chunks up to the stream's end, or to a fault once the reply is whole."""
        events = aiter(stream)
        while True:
            try:
                async with patience.wait():
                    event = await anext(events, _END)
                if event is _END:
                    return
                chunk = msgspec.convert(event, _Chunk)
            # Whatever it is: the SDK lets through what its JSON parser and its UTF-8 decoder raise.
            except Exception as error:
                if patience.has_finished:
                    return
                raise self._failure(error) from None
            yield chunk

    def _failure(self, error: Exception) -> ProviderError:
        """Word a fault, without a word of what the provider sent: that may repeat the key or the prompt."""
        import openai

        match error:
            case TimeoutError():
                return ProviderError("provider_timeout", "was silent for too long")
            case openai.APIStatusError():
                return self._refusal(error.status_code, error.body, _retry_after(error.response.headers))
            case openai.APIConnectionError():
                return _disconnection(error.__cause__)
            case openai.APIError():
                return self._refusal(_status_in_band(error), error.body, None)
            case _:
                return ProviderError("provider_broke_off", f"cannot be understood: {type(error).__name__}")

    def _refusal(self, status: int, body: object, retry_after_s: float | None) -> ProviderError:
        names = [str(body.get(key)) for key in ("code", "type")] if isinstance(body, Mapping) else []
        known = [name for name in names if _NAME_OF_AN_ERROR.fullmatch(name) and name != self._key]
        detail = " ".join([f"HTTP {status}", *known[:1]])
        if status == 413 or (status in (400, 422) and _TOO_LONG.search(str(body))):
            return ProviderError("provider_refused", detail, retryable=False, too_long=True)
        code = _code_of(status)
        return ProviderError(code, detail, retryable=code != "provider_refused", retry_after_s=retry_after_s)


class _Patience:
    """How long the next chunk of a reply may be waited for."""

    def __init__(self, first_token_s: float, between_chunks_s: float, total_s: float) -> None:
        self._now = asyncio.get_running_loop().time
        self._end = self._now() + total_s
        self._first = min(self._now() + first_token_s, self._end)
        self._between_s = between_chunks_s
        self.has_spoken = False
        self.has_finished = False

    def spoken(self) -> None:
        """Note that there was text."""
        self.has_spoken = True

    def finished(self) -> None:
        """Note that the reply is whole; only the count of its tokens may still come."""
        if not self.has_finished:
            self.has_finished = True
            self._end = min(self._now() + AFTERMATH_S, self._end)

    def wait(self) -> asyncio.Timeout:
        """Bound one wait."""
        if self.has_spoken or self.has_finished:
            return asyncio.timeout_at(min(self._now() + self._between_s, self._end))
        return asyncio.timeout_at(self._first)


class _Text:
    """Joins UTF-16 surrogates, also those that come in two pieces, and replaces lone ones.

    Servers that count in UTF-16 cut a text in the middle of an emoji. JSON can carry the
    halves; nothing that encodes them as UTF-8 can.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    def read(self, piece: str) -> str:
        return self._decoder.decode(piece.encode("utf-16-le", "surrogatepass"))

    def end(self) -> str:
        return self._decoder.decode(b"", final=True)


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes, up to `MAX_RESPONSE_BYTES`."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream
        self._left = MAX_RESPONSE_BYTES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._left -= len(part)
            if self._left < 0:
                raise OverflowError(f"more than {MAX_RESPONSE_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream)


def _disconnection(cause: BaseException | None) -> ProviderError:
    what = type(cause).__name__
    match cause:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError() | httpx2.UnsupportedProtocol():
            return ProviderError("provider_unreachable", what)
        case httpx2.TimeoutException():
            return ProviderError("provider_timeout", what)
        case _:
            return ProviderError("provider_broke_off", what)


def _code_of(status: int) -> ReplyFailure:
    match status:
        case 429 | 503 | 529:
            return "provider_busy"
        case 408 | 504:
            return "provider_timeout"
        case 502:
            return "provider_unreachable"
        case _ if status >= 500:
            return "provider_broke_off"
        case _:
            return "provider_refused"


def _status_in_band(error: openai.APIError) -> int:
    """Find the status that an error in the middle of a stream would have had."""
    if error.code is not None and re.fullmatch(r"[45]\d\d", error.code):
        return int(error.code)
    if not _OVERLOADED.isdisjoint({error.code, error.type}):
        return 503
    return 400 if _TOO_LONG.search(str(error.body)) else 500


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Read RFC 9110 §10.2.3, a number of seconds or a date; a date is compared to the server's own."""
    value = headers.get("retry-after", "")
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        until, now = (parsedate_to_datetime(text) for text in (value, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
