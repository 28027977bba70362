"""The provider that needs nobody: a small model in a sidecar process of this server."""

import asyncio
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gator.personas import embedded_server
from gator.personas.embedded_server import CannotServe, Listening, Order
from gator.personas.providers.openai_compatible import OpenAiCompatible
from gator.ports import Finished, Prompt, ProviderError, Said
from gator.telemetry.logs import Log, logger

STEADY_S: Final = 60.0
"""A sidecar that lived this long had not fallen with the ones before it."""


MISSED_PULSES: Final = 2
"""Signs of life that a sidecar may owe before it is taken for hung, and ended."""

FALL_S: Final = 1.0
"""Longest time between a sidecar's end and the kernel's word of it."""


_OF_THE_DEAD: Final = frozenset({"provider_unreachable", "provider_broke_off"})
"""What a request meets that comes just after a sidecar's end, or in the middle of it."""


class _CannotStart(Exception):
    """A sidecar does not serve."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Sidecar:
    """A process that serves the model."""

    process: Process
    url: str
    api_key: str = field(repr=False)
    gone: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set once nobody is sent to it any more."""


@dataclass(frozen=True)
class _Absent:
    """There is no sidecar, and for a while there will be none."""

    why: str
    until: float


class Embedded:
    """A `ReplyProvider` that runs a GGUF model with llama.cpp, beside this process.

    The sidecar starts with `start` or the first reply. If it dies, the replies that it was making
    break off and it is started again, after `back_off_s`; one that hangs is ended first. Once that
    is used up, or if it cannot start at all, nothing is tried for `cool_down_s` and replies fail at
    once. It dies with this process, however that ends.

    Queue: replies beyond `slots` wait, first come, first served. Its bound and their patience
    are for whoever asks.

    Args:
        slots: Replies made at once; they share the cores.
        context_tokens: Longest prompt and reply together. A slow core reads a hundred tokens
            a second: a long prompt is a long wait.
        threads: Cores that it may keep busy.
        niceness: How far it stands back for others on a busy machine, 0 to 19: people who chat go
            before the model that thinks, but a slot is freed the later, too.
        start_s: How long loading the model may take.
        pulse_s: How often the sidecar is asked for a sign of life, and how long that may take.
    """

    name: Final = "embedded"

    def __init__(
        self,
        model_path: Path,
        *,
        slots: int = 2,
        context_tokens: int = 1024,
        threads: int = 1,
        niceness: int = 5,
        start_s: float = 30.0,
        first_token_s: float = 60.0,
        between_chunks_s: float = 15.0,
        total_s: float = 120.0,
        back_off_s: Sequence[float] = (0.0, 1.0, 5.0),
        cool_down_s: float = 60.0,
        pulse_s: float = 5.0,
        log: Log | None = None,
    ) -> None:
        self.slots = slots
        self.context_tokens = context_tokens
        self.sidecar: Sidecar | None = None
        # A tenth of a second, which is better spent now than when a reply waits.
        import_module("aiohttp")
        self._model_path = model_path.absolute()
        self._threads = threads
        self._niceness = niceness
        self._start_s = start_s
        self._first_token_s = first_token_s
        self._between_chunks_s = between_chunks_s
        self._total_s = total_s
        self._back_off_s = tuple(back_off_s)
        self._cool_down_s = cool_down_s
        self._pulse_s = pulse_s
        self._log = log or logger()
        self._keeper: asyncio.Task[None] | None = None
        self._at_hand: asyncio.Future[OpenAiCompatible | _Absent] = asyncio.Future()
        self._is_closed = False
        # Whom llama.cpp lets wait while others speak, it does not see leave. Here they may.
        self._free_slots = asyncio.Semaphore(slots)
        # It reads one prompt after the other as well, whatever the number of slots.
        self._prompts = asyncio.Lock()

    async def start(self) -> None:
        """Start the sidecar and wait until it can answer; harmless if it does already.

        Raises:
            ProviderError: `provider_unreachable`; it is tried again in the background.
        """
        await self._server()

    @asynccontextmanager
    async def reply(self, prompt: Prompt) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        """See `ReplyProvider.reply`. There is one model, whatever the prompt asks for."""
        prompt = msgspec.structs.replace(prompt, model=None)
        # Without a sidecar nobody is to wait in line first.
        await self._server()
        async with AsyncExitStack() as stack, AsyncExitStack() as reading:
            await stack.enter_async_context(self._free_slots)
            await reading.enter_async_context(self._prompts)
            pieces = await self._ask(prompt, stack)
            yield await stack.enter_async_context(aclosing(_heard(pieces, reading.aclose)))

    async def close(self) -> None:
        """End the sidecar. Idempotent."""
        self._is_closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if not self._at_hand.done():
            self._at_hand.set_result(_Absent("it was closed", _now()))

    async def _ask(self, prompt: Prompt, stack: AsyncExitStack) -> AsyncIterator[Said | Finished]:
        """Begin a reply that ends with the stack; once more if the sidecar had just died."""
        server = await self._server()
        try:
            return await stack.enter_async_context(server.reply(prompt))
        except ProviderError as error:
            if error.code not in _OF_THE_DEAD or not await self._has_just_fallen():
                raise
        return await stack.enter_async_context((await self._server()).reply(prompt))

    async def _server(self) -> OpenAiCompatible:
        """Wait for the sidecar, at most `start_s`."""
        if self._is_closed:
            raise _unreachable("it was closed")
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_running(), name="embedded model")
        try:
            async with asyncio.timeout(self._start_s):
                found = await asyncio.shield(self._at_hand)
        except TimeoutError:
            raise _unreachable("it is being started") from None
        if isinstance(found, _Absent):
            raise _unreachable(found.why, retry_after_s=max(0.0, found.until - _now()))
        return found

    async def _has_just_fallen(self) -> bool:
        """Tell whether the sidecar is dead, which is seen at its port before it is told by the kernel."""
        fallen = self.sidecar
        if fallen is None:
            return True
        try:
            async with asyncio.timeout(FALL_S):
                # Not its process: whoever hears of that before the keeper would ask the dead again.
                await fallen.gone.wait()
        except TimeoutError:
            return False
        return True

    async def _keep_running(self) -> None:
        falls = 0
        while True:
            began = _now()
            try:
                why = await self._run_once()
                falls = 1 if _now() - began > STEADY_S else falls + 1
            except _CannotStart as error:
                # Nor could the next one.
                why, falls = error.why, len(self._back_off_s) + 1
            self._log.warning("embedded_model_fell", why=why)
            if falls <= len(self._back_off_s):
                await asyncio.sleep(self._back_off_s[falls - 1])
            else:
                self._at_hand.set_result(_Absent(why, _now() + self._cool_down_s))
                await asyncio.sleep(self._cool_down_s)
                self._at_hand = asyncio.Future()
                falls = 0

    async def _run_once(self) -> str:
        """Keep one sidecar until it ends, and tell why it did.

        Raises:
            _CannotStart: It never served.
        """
        async with (
            _running(self._order(), self._start_s) as sidecar,
            self._client(sidecar) as client,
        ):
            self._log.info("embedded_model_listens", pid=sidecar.process.pid, model=self._model_path.name)
            self.sidecar = sidecar
            self._at_hand.set_result(client)
            watching = asyncio.create_task(self._watch(sidecar), name="pulse of the embedded model")
            try:
                return _ending(await sidecar.process.wait())
            finally:
                watching.cancel()
                self.sidecar = None
                self._at_hand = asyncio.Future()
                sidecar.gone.set()

    async def _watch(self, sidecar: Sidecar) -> None:
        """End a sidecar that gives no sign of life."""
        missed = 0
        while missed < MISSED_PULSES:
            await asyncio.sleep(self._pulse_s)
            missed = 0 if await _is_alive(sidecar.url, self._pulse_s) else missed + 1
        self._log.warning("embedded_model_hangs", pid=sidecar.process.pid)
        with suppress(ProcessLookupError):
            sidecar.process.kill()

    def _order(self) -> Order:
        return Order(
            model_path=str(self._model_path),
            api_key=secrets.token_urlsafe(32),
            slots=self.slots,
            context_tokens=self.context_tokens,
            threads=self._threads,
            niceness=self._niceness,
        )

    @asynccontextmanager
    async def _client(self, sidecar: Sidecar) -> AsyncIterator[OpenAiCompatible]:
        client = OpenAiCompatible(
            f"{sidecar.url}/v1",
            sidecar.api_key,
            self._model_path.stem,
            name=self.name,
            slots=self.slots,
            first_token_s=self._first_token_s,
            between_chunks_s=self._between_chunks_s,
            total_s=self._total_s,
            context_tokens=self.context_tokens,
            # llama.cpp looks once a second at most whether its client is still there, but notices
            # at once if it has something to say. So a reply that is given up frees its slot within
            # a few batches of its prompt.
            extra={"return_progress": True},
            # It is beside us: no proxy is to hear what people say.
            uses_proxies=False,
            # llama.cpp hangs up after a stream and does not say so.
            keeps_connections=False,
        )
        try:
            yield client
        finally:
            await client.close()


async def _heard(
    pieces: AsyncIterator[Said | Finished], was_read: Callable[[], Awaitable[None]]
) -> AsyncGenerator[Said | Finished, None]:
    """Pass a reply on, and tell at its first piece that the prompt was read."""
    async for piece in pieces:
        await was_read()
        yield piece


@asynccontextmanager
async def _running(order: Order, start_s: float) -> AsyncIterator[Sidecar]:
    """Run a sidecar that serves; it is gone when the context is left.

    Raises:
        _CannotStart: It does not serve within `start_s`.
    """
    process = await _spawn()
    try:
        yield Sidecar(process, await _address(process, order, start_s), order.api_key)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _spawn() -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            # Safe path: what lies in the working directory is nobody's module.
            *(sys.executable, "-P", "-m", embedded_server.__name__),
            stdin=PIPE,
            stdout=PIPE,
            # It would keep the server's own standard error open for those who wait for its end.
            stderr=DEVNULL,
            # Ctrl-C ends the server, which lets replies end first.
            start_new_session=True,
            env=_without_secrets(),
        )
    except OSError as error:
        raise _CannotStart(f"no process: {error.strerror}") from None


async def _address(process: Process, order: Order, start_s: float) -> str:
    """Hand a process its order, and read where it listens."""
    assert process.stdin is not None
    assert process.stdout is not None
    # Less than a pipe holds: this never waits.
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    try:
        async with asyncio.timeout(start_s):
            answer = await process.stdout.readline()
    except TimeoutError:
        raise _CannotStart(f"was not loaded within {start_s:g} s") from None
    if not answer:
        raise _CannotStart(_ending(await process.wait()))
    said: Listening | CannotServe = msgspec.json.decode(answer, type=Listening | CannotServe)
    if isinstance(said, CannotServe):
        raise _CannotStart(said.why)
    return said.url


async def _is_alive(url: str, patience_s: float) -> bool:
    """Tell whether a sidecar answers, be it that it is busy."""
    where = urlsplit(url)
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            try:
                writer.write(b"GET /health HTTP/1.0\r\n\r\n")
                return (await reader.readline()).startswith(b"HTTP/")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _without_secrets() -> dict[str, str]:
    """Copy the environment without our settings, some of which are keys."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("GATOR_")}


def _unreachable(why: str, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError("provider_unreachable", f"the embedded model: {why}", retry_after_s=retry_after_s)


def _now() -> float:
    return asyncio.get_running_loop().time()
