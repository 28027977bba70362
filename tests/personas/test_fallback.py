import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import FakeClock
from tests.support.fault_server import CHUNKED_HEAD, HEAD, FaultServer, chunked, piece, refusal, whole

from gator.domain.reply import Usage
from gator.personas import fallback
from gator.personas.breaker import Breaker
from gator.personas.fallback import BACKOFF_S, Fallback
from gator.personas.providers.openai_compatible import OpenAiCompatible
from gator.personas.providers.scripted import Scripted
from gator.ports import Finished, Prompt, ProviderError, ReplyProvider, Said, Turn

PROMPT = Prompt(turns=(Turn("user", "Hi"),), max_tokens=50, model="the-model-of-the-first")
DONE = Finished(Usage(1, 1))

Step = Said | Finished | ProviderError


def fault(code: str = "provider_broke_off", **more: object) -> ProviderError:
    return ProviderError(code, "as planned", **more)  # type: ignore[arg-type]


class FakeProvider:
    """Does what is planned, one plan a call; the last one serves for all that follow.

    Attributes:
        asked: The prompts that it was asked.
        open: How many of its replies are being made.
    """

    slots = 1
    context_tokens = None

    def __init__(self, name: str, *plans: Sequence[Step]) -> None:
        self.name = name
        self._plans = list(plans)
        self.asked: list[Prompt] = []
        self.open = 0

    @asynccontextmanager
    async def reply(self, prompt: Prompt) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        self.asked.append(prompt)
        self.open += 1
        try:
            async with aclosing(self._pieces()) as pieces:
                yield pieces
        finally:
            self.open -= 1

    async def close(self) -> None:
        pass

    async def _pieces(self) -> AsyncGenerator[Said | Finished, None]:
        for step in self._plans.pop(0) if len(self._plans) > 1 else self._plans[0]:
            if isinstance(step, ProviderError):
                raise step
            yield step


def slots_of(providers: Sequence[ReplyProvider]) -> dict[str, asyncio.Semaphore]:
    return {provider.name: asyncio.Semaphore(provider.slots) for provider in providers}


class Round:
    """Providers in an order, their breakers, and what was done about them."""

    def __init__(self, *providers: FakeProvider, roll: float = 0.5, failures: int = 100) -> None:
        self.providers = providers
        self.breakers = {provider.name: Breaker(failures=failures) for provider in providers}
        self.slots = slots_of(providers)
        self.clock = FakeClock()
        self.asked: list[tuple[str, str | None]] = []
        self.pauses: list[float] = []
        self.fallback = Fallback(
            providers, self.breakers, self.slots, clock=self.clock, roll=lambda: roll, pause=self._pause
        )

    async def listen(self) -> list[Said | Finished]:
        """Hear a reply."""
        async with self.fallback.reply(PROMPT, lambda *who: self.asked.append(who)) as pieces:
            return [piece async for piece in pieces]

    async def fail(self) -> ProviderError:
        """Hear no reply."""
        with pytest.raises(ProviderError) as caught:
            await self.listen()
        return caught.value

    def names(self) -> str:
        """Join the names of who was asked."""
        return "".join(name for name, _ in self.asked)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)


def well(name: str) -> FakeProvider:
    return FakeProvider(name, [Said("Hi from "), Said(name), DONE])


def ill(name: str, error: ProviderError | None = None) -> FakeProvider:
    return FakeProvider(name, [error or fault()])


SPOKEN_BY_B = [Said("Hi from "), Said("b"), DONE]


async def test_the_first_that_speaks_is_listened_to_and_no_other_is_asked() -> None:
    play = Round(well("a"), well("b"))
    assert await play.listen() == [Said("Hi from "), Said("a"), DONE]
    assert play.asked == [("a", "the-model-of-the-first")]
    assert play.providers[0].asked == [PROMPT]


async def test_another_is_asked_for_a_model_of_its_own() -> None:
    play = Round(ill("a", fault("provider_timeout")), well("b"))
    assert await play.listen() == SPOKEN_BY_B
    assert play.asked == [("a", "the-model-of-the-first"), ("b", None)]
    assert play.providers[1].asked[0].model is None
    assert play.providers[1].asked[0].turns == PROMPT.turns


async def test_a_provider_is_asked_twice_before_the_next_one_is() -> None:
    play = Round(ill("a"), well("b"))
    assert await play.listen() == SPOKEN_BY_B
    assert play.names() == "aab"
    assert play.pauses == [0.5 * BACKOFF_S]


async def test_the_second_try_may_do() -> None:
    play = Round(FakeProvider("a", [fault("provider_busy")], [Said("now"), DONE]), well("b"))
    assert await play.listen() == [Said("now"), DONE]
    assert play.names() == "aa"


async def test_who_has_been_waited_for_is_not_waited_for_again() -> None:
    play = Round(ill("a", fault("provider_timeout")), well("b"))
    await play.listen()
    assert (play.names(), play.pauses) == ("ab", [])


async def test_a_short_retry_after_is_honoured_and_a_long_one_is_not_waited_for() -> None:
    play = Round(
        ill("a", fault("provider_busy", retry_after_s=1.5)),
        ill("b", fault("provider_busy", retry_after_s=60.0)),
        well("c"),
    )
    await play.listen()
    assert play.names() == "aabc"
    assert play.pauses == [1.5 + 0.5 * BACKOFF_S]


@given(st.floats(0, 1, exclude_max=True))
async def test_a_pause_is_drawn_at_random_up_to_its_bound(roll: float) -> None:
    play = Round(FakeProvider("a", [fault()], [DONE]), roll=roll)
    await play.listen()
    assert play.pauses == [roll * BACKOFF_S]
    assert 0 <= play.pauses[0] <= BACKOFF_S


async def test_a_refusal_is_told_at_once() -> None:
    refused = fault("provider_refused", retryable=False, too_long=True)
    play = Round(ill("a", refused), well("b"))
    assert await play.fail() is refused
    assert play.names() == "a"


async def test_no_more_than_three_are_asked_and_the_last_one_s_failure_is_told() -> None:
    last = fault("provider_busy", retry_after_s=9.0)
    play = Round(ill("a"), ill("b"), ill("c", last), well("d"))
    assert await play.fail() is last
    assert play.names() == "aabbc"


async def test_who_is_left_alone_is_not_asked_and_does_not_count() -> None:
    play = Round(ill("a"), ill("b"), ill("c"), well("d"), failures=2)
    for name in "abc":
        for _ in range(2):
            ticket = play.breakers[name].admit(play.clock.monotonic())
            assert ticket is not None
            play.breakers[name].failed(ticket, play.clock.monotonic())
    assert await play.listen() == [Said("Hi from "), Said("d"), DONE]
    assert play.names() == "d"


async def test_failures_open_the_breaker_also_between_two_tries() -> None:
    play = Round(ill("a"), well("b"), failures=1)
    await play.listen()
    assert play.names() == "ab", "it is not asked again"
    await play.listen()
    assert play.names() == "abb"


async def test_if_all_are_left_alone_the_caller_hears_for_how_long() -> None:
    play = Round(ill("a"), failures=1)
    await play.fail()
    play.clock.advance(5.0)
    error = await play.fail()
    assert (error.code, error.retryable) == ("provider_unreachable", True)
    assert error.retry_after_s == pytest.approx(10.0 - sum(play.pauses))
    assert play.names() == "a"


async def test_a_probe_that_speaks_closes_the_breaker() -> None:
    play = Round(FakeProvider("a", [fault()], [Said("again"), DONE]), failures=1)
    await play.fail()
    play.clock.advance(20.0)
    assert await play.listen() == [Said("again"), DONE]
    assert play.breakers["a"].state(play.clock.monotonic()) == "closed"


async def test_who_refuses_is_there() -> None:
    play = Round(FakeProvider("a", [fault()], [fault("provider_refused", retryable=False)]), failures=2)
    assert (await play.fail()).code == "provider_refused"
    await play.fail()
    assert play.breakers["a"].state(play.clock.monotonic()) == "closed"


async def test_a_fault_after_a_word_counts_against_the_provider() -> None:
    play = Round(FakeProvider("a", [Said("So"), fault()]), failures=1)
    await play.fail()
    assert play.breakers["a"].state(play.clock.monotonic()) == "open"


@pytest.mark.parametrize("after", [0, 1])
async def test_who_leaves_in_the_middle_leaves_the_provider_too(after: int) -> None:
    play = Round(well("a"), failures=1)
    async with play.fallback.reply(PROMPT) as pieces:
        for _ in range(after):
            await anext(pieces)
        assert play.providers[0].open == after
    assert play.providers[0].open == 0
    assert play.breakers["a"].state(play.clock.monotonic()) == "closed"


async def test_a_probe_that_nobody_waited_for_is_no_verdict() -> None:
    play = Round(ill("a"), failures=1)
    await play.fail()
    play.clock.advance(20.0)
    ready = asyncio.Event()

    class Silent(FakeProvider):
        async def _pieces(self) -> AsyncGenerator[Said | Finished, None]:
            ready.set()
            await asyncio.Event().wait()
            yield DONE

    fallback = Fallback([Silent("a")], play.breakers, play.slots, clock=play.clock, roll=lambda: 0.0)

    async def listen() -> None:
        async with fallback.reply(PROMPT) as pieces:
            await anext(pieces)

    listening = asyncio.create_task(listen())
    await ready.wait()
    assert play.breakers["a"].admit(play.clock.monotonic()) is None
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert play.breakers["a"].admit(play.clock.monotonic()) is not None


errors = st.builds(
    lambda code, retryable, after_s: fault(code, retryable=retryable, retry_after_s=after_s),
    st.sampled_from(["provider_unreachable", "provider_timeout", "provider_busy", "provider_broke_off"]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([None, 0.5, 60.0]),
)
ends = st.one_of(st.just(DONE), errors)
plans = st.builds(lambda said, end: [*map(Said, said), end], st.lists(st.sampled_from("xyz"), max_size=2), ends)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(plans, min_size=1, max_size=3), min_size=1, max_size=5), st.integers(1, 4))
async def test_law_once_a_word_was_said_no_provider_is_ever_asked_again(
    doings: list[list[list[Step]]], failures: int
) -> None:
    play = Round(
        *(FakeProvider(name, *plan) for name, plan in zip("abcde", doings, strict=False)), failures=failures
    )
    said = ""
    asked_before = -1
    try:
        async with play.fallback.reply(PROMPT, lambda *who: play.asked.append(who)) as pieces:
            async for one in pieces:
                if asked_before < 0:
                    asked_before = len(play.asked)
                assert len(play.asked) == asked_before
                said += one.text if isinstance(one, Said) else "."
    except ProviderError:
        assert not said.endswith(".")
    else:
        assert said.endswith(".")
    if asked_before >= 0:
        assert len(play.asked) == asked_before
    assert len(set(play.names())) <= 3
    assert all(play.names().count(provider.name) <= 2 for provider in play.providers)
    assert all(provider.open == 0 for provider in play.providers)


async def test_a_real_provider_that_is_ill_is_followed_by_a_real_one_that_is_well() -> None:
    clock = FakeClock()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with FaultServer(refusal(503, Retry_After="1"), [HEAD]) as sick, FaultServer(whole("Hi")) as sound:
        first = OpenAiCompatible(sick.url, "k", "m", name="first")
        second = OpenAiCompatible(sound.url, "k", "m", name="second")
        everybody = [first, second, Scripted()]
        breakers = {one.name: Breaker() for one in everybody}
        fallback = Fallback(everybody, breakers, slots_of(everybody), clock=clock, roll=lambda: 0.0, pause=pause)
        asked: list[str] = []
        async with fallback.reply(PROMPT, lambda name, _: asked.append(name)) as pieces:
            got = [one async for one in pieces]
        await asyncio.gather(first.close(), second.close())
    assert got[0] == Said("Hi")
    assert asked == ["first", "first", "second"]
    assert pauses == [1.0]
    assert sound.requests[0].body["model"] == "m"


async def test_who_comes_from_elsewhere_takes_a_slot_and_gives_it_back() -> None:
    play = Round(ill("a"), well("b"))
    async with play.fallback.reply(PROMPT) as pieces:
        assert await anext(pieces) == Said("Hi from ")
        assert play.slots["b"].locked()
        assert not play.slots["a"].locked()
    assert not play.slots["b"].locked()


async def test_a_provider_whose_slots_are_taken_is_passed_over_and_not_thought_ill_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fallback, "SLOT_S", 0.01)
    play = Round(ill("a"), well("b"), well("c"), failures=1)
    await play.slots["b"].acquire()
    assert (await play.listen())[1] == Said("c")
    assert play.providers[1].asked == []
    assert play.breakers["b"].state(play.clock.monotonic()) == "closed"


async def test_a_real_provider_that_is_cut_in_the_middle_is_not_followed_by_another() -> None:
    async with FaultServer([CHUNKED_HEAD, chunked(piece("So")), "cut"]) as server:
        first = OpenAiCompatible(server.url, "k", "m")
        everybody = [first, Scripted()]
        breakers = {one.name: Breaker() for one in everybody}
        fallback = Fallback(everybody, breakers, slots_of(everybody), clock=FakeClock(), roll=lambda: 0.0)
        said: list[object] = []
        try:
            async with fallback.reply(PROMPT) as pieces:
                async for one in pieces:
                    said.append(one)  # noqa: PERF401 - what was said before the fault is kept
        except ProviderError as error:
            said.append(error.code)
        await first.close()
    assert said == [Said("So"), "provider_broke_off"]
    assert len(server.requests) == 1
