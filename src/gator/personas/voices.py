"""Which provider speaks for which persona."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

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

    def first_of(self, persona: Persona) -> ReplyProvider:
        """Name the provider that is asked first: the persona's own if there is one of that name."""
        return self._providers.get(persona.provider or "", self._default)

    def slots_of(self, provider: str) -> int:
        """Count the replies that a provider makes at once."""
        return self._providers[provider].slots

    def reply(
        self, persona: Persona, prompt: Prompt, asked: Asked
    ) -> AbstractAsyncContextManager[AsyncIterator[Said | Finished]]:
        """Begin a reply; see `ReplyProvider.reply`.

        Args:
            asked: Told the name and model of each provider that is asked.
        """
        first = self.first_of(persona)
        others = [each for each in self._providers.values() if each is not first] if self._falls_back else []
        fallback = Fallback([first, *others], self.breakers, clock=self._clock, roll=self._roll)
        return fallback.reply(prompt, asked)

    def left_alone(self) -> dict[str, bool]:
        """Tell of each provider whether it is left alone after too many failures."""
        now = self._clock.monotonic()
        return {name: breaker.state(now) == "open" for name, breaker in self.breakers.items()}

    async def close(self) -> None:
        """Let go of all of them."""
        for provider in self._providers.values():
            await provider.close()
