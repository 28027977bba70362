"""Asking one provider after the other, until one of them speaks."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

from msgspec.structs import replace

from gator.personas.breaker import Breaker
from gator.ports import Clock, Finished, Prompt, ProviderError, ReplyProvider, Said

MAX_HOPS: Final = 2
"""Other providers that are asked after the first one. Those that are left alone do not count."""

RETRIES: Final = 1
"""How often the same provider is asked again."""

SLOT_S: Final = 10.0
"""Longest wait for a slot. Who is asked first has one free, unless others came from elsewhere."""

BACKOFF_S: Final = 0.5
"""Longest pause before that, drawn at random so that many replies do not come back at once."""

MAX_RETRY_AFTER_S: Final = 2.0
"""Longest that a provider may ask to be left alone and still be asked again: people are waiting."""

Asked = Callable[[str, str | None], None]
"""Told a provider's name, each time it is asked, and the model; None for its own choice."""


def _nobody(_provider: str, _model: str | None) -> None:
    pass


class Fallback:
    """Replies of the first provider that speaks. Cheap, so that every persona may have its own order.

    After the first word there is no other provider: whoever listens has to decide what
    becomes of what was said.

    Args:
        providers: In the order in which they are asked, at least one.
        breakers: One for each name, shared by all that ask this provider.
        slots: The same of the replies that it makes at once. Queue: whoever finds none free
            waits `SLOT_S` at most, and then asks the next provider.
        roll: A number from 0 up to 1, at random.
        pause: Waits for so many seconds.
    """

    def __init__(
        self,
        providers: Sequence[ReplyProvider],
        breakers: Mapping[str, Breaker],
        slots: Mapping[str, asyncio.Semaphore],
        *,
        clock: Clock,
        roll: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        assert providers
        self._providers = providers
        self._breakers = breakers
        self._slots = slots
        self._clock = clock
        self._roll = roll
        self._pause = pause

    @asynccontextmanager
    async def reply(self, prompt: Prompt, asked: Asked = _nobody) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        """Begin a reply; see `ReplyProvider.reply`.

        The prompt's model is asked for of the first provider only: others do not know it.

        Raises:
            ProviderError: Of the provider that was asked last, once it is of no use to ask
                another; `provider_unreachable` if all are left alone.
        """
        async with aclosing(self._pieces(prompt, asked)) as pieces:
            yield pieces

    async def _pieces(self, prompt: Prompt, asked: Asked) -> AsyncGenerator[Said | Finished, None]:
        failure: ProviderError | None = None
        to_ask = deque(self._providers)
        times: Counter[str] = Counter()
        while to_ask:
            provider = to_ask.popleft()
            if provider.name not in times and len(times) > MAX_HOPS:
                break
            call = _Call(self._breakers[provider.name], self._clock)
            if not call.is_admitted:
                continue
            times[provider.name] += 1
            own = prompt if provider is self._providers[0] else replace(prompt, model=None)
            asked(provider.name, own.model)
            try:
                with call:
                    async with self._slot(provider.name, call), provider.reply(own) as pieces:
                        async for piece in pieces:
                            call.has_spoken = True
                            yield piece
                return
            except ProviderError as error:
                if call.has_spoken or not error.retryable:
                    raise
                failure = error
            if times[provider.name] <= RETRIES and _is_worth_a_retry(failure):
                to_ask.appendleft(provider)
                await self._pause((failure.retry_after_s or 0.0) + self._roll() * BACKOFF_S)
        raise failure or self._left_alone()

    @asynccontextmanager
    async def _slot(self, name: str, call: "_Call") -> AsyncIterator[None]:
        slot = self._slots[name]
        try:
            async with asyncio.timeout(SLOT_S):
                await slot.acquire()
        except TimeoutError:
            raise ProviderError("provider_busy", "all its slots are taken", retry_after_s=SLOT_S) from None
        call.is_asked = True
        try:
            yield
        finally:
            slot.release()

    def _left_alone(self) -> ProviderError:
        now = self._clock.monotonic()
        wait_s = min(self._breakers[provider.name].opens_in_s(now) for provider in self._providers)
        return ProviderError("provider_unreachable", "all have failed too often just now", retry_after_s=wait_s)


class _Call:
    """One call of a provider. What its breaker learns from it is told on leaving.

    Attributes:
        is_asked: Set once there is a slot for it.
        has_spoken: Set by whoever listens, with the first piece.
    """

    def __init__(self, breaker: Breaker, clock: Clock) -> None:
        self._breaker = breaker
        self._clock = clock
        self._ticket = breaker.admit(clock.monotonic())
        self.is_asked = False
        self.has_spoken = False

    @property
    def is_admitted(self) -> bool:
        """False if the provider is to be left alone."""
        return self._ticket is not None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        assert self._ticket is not None
        if not self.is_asked:
            self._breaker.let_go(self._ticket)
        elif isinstance(error, ProviderError) and error.code != "provider_refused":
            self._breaker.failed(self._ticket, self._clock.monotonic())
        elif isinstance(error, ProviderError) or self.has_spoken:
            # Who refuses, or was hushed in the middle, is there.
            self._breaker.succeeded(self._ticket)
        else:
            self._breaker.let_go(self._ticket)


def _is_worth_a_retry(failure: ProviderError) -> bool:
    """Tell whether the same provider may be asked again while somebody waits."""
    return failure.code != "provider_timeout" and (failure.retry_after_s or 0.0) <= MAX_RETRY_AFTER_S
