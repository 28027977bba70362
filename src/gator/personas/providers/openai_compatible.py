"""A language model behind OpenAI's chat completions: hosted, vLLM, Ollama, llama.cpp and many more.

aiohttp makes the request; the event stream is taken apart here. See decision 0008: the
`openai` SDK costs eighteen times as much for a reply and five times as much for a piece of it.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from email.utils import parsedate_to_datetime
from itertools import cycle
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from msgspec import Meta, Struct

from gator import __version__
from gator.domain.reply import Usage
from gator.personas.providers.event_stream import EventStream
from gator.ports import Finished, Prompt, ProviderError, Said

if TYPE_CHECKING:
    import aiohttp

    from gator.protocol.events import ReplyFailure

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""Most that is read of one reply."""

MAX_REFUSAL_BYTES: Final = 64 * 1024
"""Most that is read of a refusal."""

MAX_STOPS: Final = 4
"""As many texts as OpenAI's `stop` may hold; what comes after them is left out."""

MAX_TASTES: Final = 1000
"""Models of which it is remembered what they do not take."""

AFTERMATH_S: Final = 1.0
"""How long the count of tokens may come after the last word. The reply is whole without it."""

GOODBYE_S: Final = 0.05
"""How long after its last event a stream may take to end, so that the next reply can use its connection."""

GATHER_S: Final = 0.04
"""How long what comes after the first words is gathered, and up to `TURN_S` longer until it is the reply's turn.
So a reply costs the same however fast it comes: what is dear is being woken for it."""

TURN_S: Final = 0.01
TURNS: Final = 5
"""Moments within `TURN_S`, and then again, at which replies are taken up. Those of one moment are taken up in one
go, which is cheaper; they are spread over all of them, so that nobody else waits long for one."""

_OPTIONAL: Final = frozenset({"max_tokens", "max_completion_tokens", "temperature", "stop", "stream_options"})
"""What may be left out of a request where a model does not take it."""

_END: Final = b"[DONE]"
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
    error: Any = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class OpenAiCompatible:
    """See the port `ReplyProvider`. Never tries twice: that is for who knows what else there is.

    Importing aiohttp takes a tenth of a second, so it is done here and not by who imports this
    module. Make it before connections are served.

    What a model does not take, such as a temperature, it is not sent a second time: that
    alone is asked again, without it.

    Args:
        base_url: What comes before `/chat/completions`, such as `http://127.0.0.1:8080/v1`.
        api_key: Sent as a bearer token to this address only; empty for a server that asks for none.
        model: Asked for if a prompt names none.
        name: Tells two such providers of one installation apart.
        connect_s: Longest wait for a connection.
        first_token_s: Longest wait for the first piece of text, the connection included.
        between_chunks_s: Longest silence after that.
        total_s: Longest reply.
        extra: Put into every request besides, for servers with options of their own.
        uses_proxies: Go through the proxies that the environment names.
        keeps_connections: Use a connection for one reply after the other.
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
        extra: Mapping[str, object] | None = None,
        uses_proxies: bool = True,
        keeps_connections: bool = True,
    ) -> None:
        import aiohttp  # noqa: F401

        self.name: Final = name
        self.slots: Final = slots
        self.context_tokens: Final = context_tokens
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._key = api_key
        self._model = model
        self._connect_s = connect_s
        self._patience = (first_token_s, between_chunks_s, total_s)
        self._extra = extra or {}
        self._uses_proxies = uses_proxies
        self._keeps_connections = keeps_connections
        self._distasteful: dict[str, frozenset[str]] = {}
        self._turns = cycle(turn * TURN_S / TURNS for turn in range(TURNS))
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def reply(self, prompt: Prompt) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        """See `ReplyProvider.reply`. An end without a reason is a reply cut short."""
        patience = _Patience(*self._patience, turn_s=next(self._turns))
        response = await self._open(prompt, patience)
        try:
            async with aclosing(self._pieces(response, patience)) as pieces:
                yield pieces
        finally:
            # Hangs up, unless all of it was read. Whoever generates for nobody stops then.
            response.close()

    async def close(self) -> None:
        """See `ReplyProvider.close`."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _http(self) -> aiohttp.ClientSession:
        """Get what asks; made where an event loop runs."""
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=not self._keeps_connections),
                timeout=aiohttp.ClientTimeout(sock_connect=self._connect_s),
                headers={
                    "Authorization": f"Bearer {self._key or 'none'}",
                    "Content-Type": "application/json",
                    "User-Agent": f"gator-chat/{__version__}",
                    # Compression would let a small answer grow past the bound after it was counted.
                    "Accept-Encoding": "identity",
                },
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                # aiohttp's own look at the environment takes two threads for each request, and
                # takes offence at a key where ~/.netrc has another one.
                proxy=_proxy_for(self._url) if self._uses_proxies else None,
            )
        return self._session

    async def _open(self, prompt: Prompt, patience: _Patience) -> aiohttp.ClientResponse:
        while True:
            body = self._body(prompt)
            response = await self._post(body, patience)
            if response.status == 200:
                return response
            try:
                error = await self._refused(response, patience)
            finally:
                response.close()
            if not self._has_learnt(str(body["model"]), body, error):
                raise self._refusal(response.status, error, _retry_after(response.headers))

    async def _post(self, body: Mapping[str, object], patience: _Patience) -> aiohttp.ClientResponse:
        try:
            async with patience.wait():
                # A prompt goes where it was said, and not to where that place points.
                return await self._http().post(self._url, data=msgspec.json.encode(body), allow_redirects=False)
        except Exception as error:
            raise _failure(error) from None

    async def _refused(self, response: aiohttp.ClientResponse, patience: _Patience) -> object:
        """Read why a request was refused; None if that is not said in JSON."""
        try:
            async with patience.wait():
                said = b""
                while len(said) < MAX_REFUSAL_BYTES and (piece := await response.content.readany()):
                    said += piece
            body = json.loads(said)
        except ValueError:
            return None
        except Exception as error:
            raise _failure(error) from None
        return body.get("error", body) if isinstance(body, dict) else body

    def _has_learnt(self, model: str, body: Mapping[str, object], error: object) -> bool:
        """Note what a model does not take; true if it can be asked without it."""
        if not isinstance(error, Mapping):
            return False
        param = str(error.get("param"))
        if not str(error.get("code")).startswith("unsupported_") or param not in _OPTIONAL or param not in body:
            return False
        if len(self._distasteful) >= MAX_TASTES:
            self._distasteful.clear()
        self._distasteful[model] = self._distasteful.get(model, frozenset()) | {param}
        return True

    def _body(self, prompt: Prompt) -> dict[str, object]:
        model = prompt.model or self._model
        wanted: dict[str, object] = {
            "model": model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in prompt.turns],
            "max_tokens": prompt.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if prompt.temperature is not None:
            wanted["temperature"] = prompt.temperature
        if prompt.stop:
            wanted["stop"] = prompt.stop[:MAX_STOPS]
        distasteful = self._distasteful.get(model, frozenset())
        if "max_tokens" in distasteful:
            # Models that think before they speak count both, and by another name.
            wanted["max_completion_tokens"] = prompt.max_tokens
        return {name: value for name, value in wanted.items() if name not in distasteful} | dict(self._extra)

    async def _pieces(
        self, response: aiohttp.ClientResponse, patience: _Patience
    ) -> AsyncGenerator[Said | Finished, None]:
        """Read up to the stream's end, or to a fault once the reply is whole.

        What came together is one piece, also if a fault came with it.
        """
        stream = EventStream(MAX_RESPONSE_BYTES)
        heard = _Heard(patience)
        fault: ProviderError | None = None
        while fault is None:
            try:
                events = await _receive(response, stream, patience)
                if events is None:
                    break
                for event in events:
                    self._hear(event, heard)
            except ProviderError as error:
                fault = error
            if text := heard.take_text():
                yield Said(text)
        if fault is not None and not patience.has_finished:
            raise fault
        if rest := heard.take_text(is_all=True):
            yield Said(rest)
        if heard.reason is None and not patience.has_spoken:
            raise ProviderError("provider_broke_off", "ended before it had said anything")
        is_cut_short = heard.reason not in ("stop", "tool_calls", "function_call")
        yield Finished(heard.usage, truncated=is_cut_short, model=heard.model)

    def _hear(self, event: bytes, heard: _Heard) -> None:
        if event == _END:
            heard.patience.finished(GOODBYE_S)
            return
        chunk = _read(event)
        if chunk.error:
            raise self._refusal(_status_in_band(chunk.error), chunk.error, None)
        heard.add(chunk)

    def _refusal(self, status: int, error: object, retry_after_s: float | None) -> ProviderError:
        """Word a refusal, without a word of what the provider sent: that may repeat the key or the prompt."""
        names = [str(error.get(key)) for key in ("code", "type")] if isinstance(error, Mapping) else []
        known = [name for name in names if _NAME_OF_AN_ERROR.fullmatch(name) and name != self._key]
        detail = " ".join([f"HTTP {status}", *known[:1]])
        if status == 413 or (status in (400, 422) and _TOO_LONG.search(str(error))):
            return ProviderError("provider_refused", detail, retryable=False, too_long=True)
        code = _code_of(status)
        return ProviderError(code, detail, retryable=code != "provider_refused", retry_after_s=retry_after_s)


async def _receive(
    response: aiohttp.ClientResponse, stream: EventStream, patience: _Patience
) -> list[bytes] | None:
    """Wait for what comes next, and return the events that it completes; None at the end."""
    try:
        try:
            async with patience.wait():
                received = await response.content.readany()
        except Exception:
            received = _left_in(response.content)
            if not received:
                raise
        if received and patience.has_spoken and not patience.has_finished:
            await asyncio.sleep(patience.turn_in_s())
            received += _left_in(response.content)
        return stream.feed(received) if received else None
    except Exception as error:
        raise _failure(error) from None


def _left_in(content: aiohttp.StreamReader) -> bytes:
    """Take what has come and was not read, without waiting.

    Also what came before a fault, which aiohttp's own methods keep back.
    """
    return content._read_nowait(-1)


def _read(event: bytes) -> _Chunk:
    try:
        return _CHUNK.decode(event)
    except msgspec.DecodeError:
        pass
    try:
        # Halves of surrogate pairs, which JSON may hold and msgspec does not read.
        return msgspec.convert(json.loads(event), _Chunk)
    except (ValueError, RecursionError) as error:
        raise _failure(error) from None


class _Patience:
    """How long the next chunk of a reply may be waited for."""

    def __init__(self, first_token_s: float, between_chunks_s: float, total_s: float, *, turn_s: float) -> None:
        self._now = asyncio.get_running_loop().time
        self._end = self._now() + total_s
        self._first = min(self._now() + first_token_s, self._end)
        self._between_s = between_chunks_s
        self._turn_s = turn_s
        self.has_spoken = False
        self.has_finished = False

    def spoken(self) -> None:
        """Note that there was text."""
        self.has_spoken = True

    def finished(self, within_s: float | None = None) -> None:
        """Note that the reply is whole; only the count of its tokens may still come."""
        if within_s is None and self.has_finished:
            return
        self.has_finished = True
        self._end = min(self._now() + (AFTERMATH_S if within_s is None else within_s), self._end)

    def turn_in_s(self) -> float:
        """Tell how long to gather what comes, until the reply's turn."""
        return GATHER_S + (self._turn_s - self._now() - GATHER_S) % TURN_S

    def wait(self) -> asyncio.Timeout:
        """Bound one wait."""
        if self.has_spoken or self.has_finished:
            return asyncio.timeout_at(min(self._now() + self._between_s, self._end))
        return asyncio.timeout_at(self._first)


class _Heard:
    """What a provider has said of a reply."""

    def __init__(self, patience: _Patience) -> None:
        self.patience = patience
        self.reason: str | None = None
        self.usage: Usage | None = None
        self.model: str | None = None
        self._pieces: list[str] = []
        self._text = _Text()

    def add(self, chunk: _Chunk) -> None:
        """Add a chunk. Of several choices the first one counts."""
        self.model = chunk.model or self.model
        if chunk.usage is not None:
            self.usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices[:1]:
            if choice.finish_reason is not None:
                self.reason = choice.finish_reason
                self.patience.finished()
            if choice.delta is not None and choice.delta.content:
                self._pieces.append(choice.delta.content)

    def take_text(self, *, is_all: bool = False) -> str:
        """Return what was said and not taken before. Half a sign waits for the rest, unless that is all."""
        text = self._text.read("".join(self._pieces), is_all=is_all)
        self._pieces.clear()
        if text:
            self.patience.spoken()
        return text


class _Text:
    """Joins UTF-16 surrogates, also those that come in two pieces, and replaces lone ones.

    Servers that count in UTF-16 cut a text in the middle of an emoji. JSON can carry the
    halves; nothing that encodes them as UTF-8 can.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    def read(self, piece: str, *, is_all: bool) -> str:
        """Take a piece, and return what is whole of it and those before it, and at the end what is not."""
        return self._decoder.decode(piece.encode("utf-16-le", "surrogatepass"), final=is_all)


def _proxy_for(url: str) -> str | None:
    """Name the proxy that the environment wants used for an address."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def _failure(error: Exception) -> ProviderError:
    """Word a fault."""
    import aiohttp

    what = type(error).__name__
    match error:
        # A proxy answers instead of the provider, or nobody does.
        case (
            aiohttp.ClientConnectorError()
            | aiohttp.ConnectionTimeoutError()
            | aiohttp.ClientHttpProxyError()
            | aiohttp.InvalidURL()
            | aiohttp.NonHttpUrlClientError()
        ):
            return ProviderError("provider_unreachable", what)
        case TimeoutError():
            return ProviderError("provider_timeout", "was silent for too long")
        case _:
            return ProviderError("provider_broke_off", f"cannot be understood: {what}")


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


def _status_in_band(error: object) -> int:
    """Find the status that an error in the middle of a stream would have had."""
    names = {str(error.get("code")), str(error.get("type"))} if isinstance(error, Mapping) else set()
    for name in names:
        if re.fullmatch(r"[45]\d\d", name):
            return int(name)
    if not _OVERLOADED.isdisjoint(names):
        return 503
    return 400 if _TOO_LONG.search(str(error)) else 500


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read RFC 9110 §10.2.3, a number of seconds or a date; a date is compared to the server's own."""
    value = headers.get("retry-after", "")
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        until, now = (parsedate_to_datetime(text) for text in (value, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
