"""Which provider speaks for which persona."""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Callable, Container, Sequence
from contextlib import AbstractAsyncContextManager

from msgspec.structs import replace

from gator.domain.persona import Persona
from gator.personas.breaker import Breaker
from gator.personas.fallback import Asked, Fallback
from gator.ports import Clock, Finished, Prompt, ReplyProvider, Said


class Voices:
    """The providers of this installation.

    Args:
        providers: The default first; at least one.
        falls_back: Whether another one answers when the first one fails before it has
            said anything. Whoever reads is told who answers.
        roll: See `Fallback`.
    """

    def __init__(
        self, providers: Sequence[ReplyProvider], *, falls_back: bool, clock: Clock, roll: Callable[[], float]
    ) -> None:
        assert providers
        self._providers = {provider.name: provider for provider in providers}
        self._default = providers[0]
        self._falls_back = falls_back
        self._clock = clock
        self._roll = roll
        self.breakers = {provider.name: Breaker() for provider in providers}
        # Whoever comes from another provider that has failed takes a slot as well.
        self._slots = {provider.name: Semaphore(provider.slots) for provider in providers}

    def first_of(self, persona: Persona) -> ReplyProvider:
        """Name the provider that is asked first: the persona's own if there is one of that name."""
        return self._providers.get(persona.provider or "", self._default)

    def slots_of(self, provider: str) -> int:
        """Count the replies that a provider makes at once."""
        return self._providers[provider].slots

    def reply(
        self, persona: Persona, prompt: Prompt, asked: Asked, *, passing_over: Container[str] = ()
    ) -> AbstractAsyncContextManager[AsyncIterator[Said | Finished]]:
        """Begin a reply; see `ReplyProvider.reply`.

        Args:
            asked: Told the name and model of each provider that is asked.
            passing_over: Providers that are not asked; at least one is left.
        """
        fallback = Fallback(
            self._order(persona, passing_over), self.breakers, self._slots, clock=self._clock, roll=self._roll
        )
        own = prompt if self.first_of(persona).name not in passing_over else replace(prompt, model=None)
        return fallback.reply(own, asked)

    def has_another(self, persona: Persona, passing_over: Container[str]) -> bool:
        """Tell whether somebody else may speak for a persona."""
        return bool(self._order(persona, passing_over))

    def _order(self, persona: Persona, passing_over: Container[str]) -> list[ReplyProvider]:
        first = self.first_of(persona)
        others = [each for each in self._providers.values() if each is not first] if self._falls_back else []
        return [each for each in (first, *others) if each.name not in passing_over]

    def left_alone(self) -> dict[str, bool]:
        """Tell of each provider whether it is left alone after too many failures."""
        now = self._clock.monotonic()
        return {name: breaker.state(now) == "open" for name, breaker in self.breakers.items()}

    async def close(self) -> None:
        """Let go of all of them."""
        for provider in self._providers.values():
            await provider.close()
