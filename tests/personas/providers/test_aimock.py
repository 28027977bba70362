"""The provider against a server that others wrote."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.aimock import Aimock, Relay, installed, running

from gator.domain.reply import Usage
from gator.personas.providers.openai_compatible import OpenAiCompatible
from gator.ports import Finished, Prompt, ProviderError, Said, Turn
from gator.protocol.events import ReplyFailure

KEY = "the-key"
SEA = "The sea was wide 😀, and the boat was small."
TOO_LONG = {"code": "context_length_exceeded", "message": "Too long.", "type": "invalid_request_error"}
REPLIES = [
    {
        "match": {"userMessage": "the sea"},
        "response": {"content": SEA, "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}},
    },
    {"match": {"userMessage": "for ever"}, "response": {"content": SEA * 1000}, "latency": 20},
    {"match": {"userMessage": "too much"}, "response": {"content": "So far", "finishReason": "length"}},
    {
        "match": {"userMessage": "half of it"},
        "response": {"content": SEA},
        "truncateAfterChunks": 4,
        "latency": 20,
    },
    {"match": {"userMessage": "all I know"}, "response": {"error": TOO_LONG, "status": 400}},
]


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    program = installed(request.config.cache.mkdir("aimock"))
    with running(program, tmp_path_factory.mktemp("aimock"), REPLIES, KEY) as it:
        yield it


@pytest.fixture
async def provider(server: Aimock) -> AsyncIterator[OpenAiCompatible]:
    it = OpenAiCompatible(server.url, KEY, "a-model")
    yield it
    await it.close()


def about(what: str) -> Prompt:
    return Prompt(turns=(Turn("system", "Be brief."), Turn("user", f"Tell me of {what}.")), max_tokens=500)


async def listen(to: OpenAiCompatible, what: str) -> tuple[str, Finished]:
    """Hear a whole reply."""
    async with to.reply(about(what)) as pieces:
        *said, end = [piece async for piece in pieces]
    assert isinstance(end, Finished)
    return "".join(piece.text for piece in said if isinstance(piece, Said)), end


async def fault(of: OpenAiCompatible, what: str = "the sea") -> tuple[str, ProviderError]:
    """Hear a reply up to its fault."""
    said = ""
    try:
        async with of.reply(about(what)) as pieces:
            async for piece in pieces:
                said += piece.text if isinstance(piece, Said) else "."
    except ProviderError as error:
        return said, error
    raise AssertionError(f"no fault after {said!r}")


async def test_a_reply_is_streamed_and_counted(provider: OpenAiCompatible) -> None:
    text, end = await listen(provider, "the sea")
    assert text == SEA, "also the emoji, which was sent in two halves"
    assert end == Finished(Usage(12, 34), truncated=False, model="a-model")


async def test_many_are_streamed_at_once(provider: OpenAiCompatible) -> None:
    replies = await asyncio.gather(*(listen(provider, "the sea") for _ in range(20)))
    assert {text for text, _ in replies} == {SEA}


async def test_the_longest_reply_is_truncated(provider: OpenAiCompatible) -> None:
    text, end = await listen(provider, "too much")
    assert (text, end.truncated) == ("So far", True)


async def test_what_was_cut_off_was_said_up_to_there(provider: OpenAiCompatible) -> None:
    said, error = await fault(provider, "half of it")
    assert said
    assert SEA.startswith(said)
    assert error.code == "provider_broke_off"


async def test_a_prompt_may_be_too_long(provider: OpenAiCompatible) -> None:
    _, error = await fault(provider, "all I know")
    assert (error.code, error.retryable, error.too_long) == ("provider_refused", False, True)


async def test_a_wrong_key_is_refused(server: Aimock) -> None:
    stranger = OpenAiCompatible(server.url, "another-key", "a-model")
    _, error = await fault(stranger)
    await stranger.close()
    assert (error.code, error.retryable, error.detail) == ("provider_refused", False, "HTTP 401 invalid_api_key")


@pytest.mark.parametrize(
    ("chaos", "code", "retry_after_s"),
    [
        ("disconnectRate", "provider_broke_off", None),
        ("malformedRate", "provider_broke_off", None),
        ("dropRate", "provider_broke_off", None),
        ("rateLimitRate", "provider_busy", 1.0),
    ],
)
async def test_its_chaos_is_understood_and_passes(
    server: Aimock, provider: OpenAiCompatible, chaos: str, code: ReplyFailure, retry_after_s: float | None
) -> None:
    with server.chaos(**{chaos: 1}):
        said, error = await fault(provider)
    assert (said, error.code, error.retryable, error.retry_after_s) == ("", code, True, retry_after_s)
    assert (await listen(provider, "the sea"))[0] == SEA


@pytest.mark.parametrize("how", ["cancelled", "left"])
async def test_a_reply_that_nobody_wants_any_more_lets_go_of_the_server(server: Aimock, how: str) -> None:
    begun = asyncio.Event()

    async def hear_a_word(it: OpenAiCompatible) -> None:
        async with it.reply(about("for ever")) as pieces:
            assert await anext(pieces) == Said("The")
            begun.set()
            if how == "cancelled":
                async for _ in pieces:
                    pass

    async with Relay(server.url) as relay:
        it = OpenAiCompatible(relay.url, KEY, "a-model")
        hearing = asyncio.create_task(hear_a_word(it))
        await begun.wait()
        if how == "cancelled":
            assert not relay.empty.is_set()
            hearing.cancel()
        async with asyncio.timeout(1.0):
            await relay.empty.wait()
        await asyncio.gather(hearing, return_exceptions=True)
        await it.close()
