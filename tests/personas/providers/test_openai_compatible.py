import asyncio
import json
import logging
import socket
import sys
import traceback
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.fault_server import (
    CHUNKED_HEAD,
    DONE,
    HEAD,
    Answer,
    FaultServer,
    chunked,
    event,
    piece,
    refusal,
    usage,
    whole,
)

from gator.domain.reply import Usage
from gator.personas.providers import openai_compatible
from gator.personas.providers.openai_compatible import GATHER_S, TURN_S, TURNS, OpenAiCompatible
from gator.ports import Finished, Prompt, ProviderError, Said, Turn
from gator.protocol.events import ReplyFailure

KEY = "sk-the-very-secret-key"
SECRET_QUESTION = "What I would tell nobody else"
PROMPT = Prompt(turns=(Turn("system", "Be brief."), Turn("user", SECRET_QUESTION)), max_tokens=50)


@asynccontextmanager
async def provider(server: FaultServer, **options: Any) -> AsyncIterator[OpenAiCompatible]:
    """Talk to a server."""
    it = OpenAiCompatible(server.url, options.pop("api_key", KEY), "default-model", **options)
    try:
        yield it
    finally:
        await it.close()


async def listen(to: OpenAiCompatible, prompt: Prompt = PROMPT) -> list[Said | Finished]:
    """Hear a whole reply."""
    async with to.reply(prompt) as pieces:
        return [piece async for piece in pieces]


async def heard(answer: Answer, **options: Any) -> list[Said | Finished]:
    """Hear what comes of an answer."""
    async with FaultServer(answer) as server, provider(server, **options) as it:
        return await listen(it)


async def fault(answer: Answer, **options: Any) -> tuple[str, ProviderError]:
    """Hear an answer up to its fault; returns what was said before, and the fault."""
    said = ""
    async with FaultServer(answer) as server, provider(server, **options) as it:
        try:
            async with it.reply(PROMPT) as pieces:
                async for one in pieces:
                    assert isinstance(one, Said), f"finished: {one}"
                    said += one.text
        except ProviderError as error:
            return said, error
    raise AssertionError(f"no fault after {said!r}")


@asynccontextmanager
async def dictated(head: bytes) -> AsyncIterator[tuple[OpenAiCompatible, asyncio.Queue[bytes]]]:
    """Have a server say what is put into a queue, when it is put there."""
    words = asyncio.Queue[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while word := await words.get():
            writer.write(word)
            await writer.drain()
            words.task_done()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    it = OpenAiCompatible(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", KEY, "default-model")
    try:
        async with server:
            yield it, words
            words.put_nowait(b"")
    finally:
        await it.close()


# A reply


async def test_a_reply_is_its_pieces_and_then_its_end_with_what_the_provider_counted() -> None:
    assert await heard(whole("Hello", " you", "!")) == [
        Said("Hello you!"),  # what comes together is one piece
        Finished(Usage(7, 3), truncated=False, model="the-model"),
    ]


async def test_the_request_says_what_the_prompt_does() -> None:
    prompt = Prompt(
        turns=PROMPT.turns,
        max_tokens=9,
        model="a-model",
        temperature=0.0,
        stop=("\nAda:", "\nBob:", "3", "4", "5"),
    )
    async with FaultServer(whole("Hi")) as server, provider(server) as it:
        await listen(it, prompt)
        await listen(it)
    full, plain = server.requests
    assert full.line == "POST /v1/chat/completions HTTP/1.1"
    assert full.headers["authorization"] == f"Bearer {KEY}"
    assert full.body == {
        "model": "a-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": SECRET_QUESTION},
        ],
        "max_tokens": 9,
        "temperature": 0.0,
        "stop": ["\nAda:", "\nBob:", "3", "4"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert plain.body["model"] == "default-model"
    assert plain.body.keys().isdisjoint({"temperature", "stop"})


async def test_a_proxy_of_the_environment_is_used_with_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultServer(whole("Hi")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1").replace("//", "//ada:pass@"))
        monkeypatch.setenv("no_proxy", "near.example")
        far, near = (OpenAiCompatible(f"http://{where}.example/v1", KEY, "m") for where in ("far", "near"))
        await listen(far)
        with pytest.raises(ProviderError, match="provider_unreachable"):
            await listen(near)
        await far.close()
        await near.close()
    [asked] = proxy.requests
    assert asked.line == "POST http://far.example/v1/chat/completions HTTP/1.1"
    assert asked.headers["proxy-authorization"] == f"Basic {b64encode(b'ada:pass').decode()}"
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_passwords_that_somebody_keeps_for_other_programs_are_not_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with FaultServer(whole("Hi")) as server, provider(server) as it:
        await listen(it)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_who_has_no_key_may_ask_and_the_environment_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "from-the-environment")
    async with FaultServer(whole("Hi")) as server, provider(server, api_key="") as it:
        await listen(it)
    assert "from-the-environment" not in str(server.requests[0].headers)


@pytest.mark.parametrize(
    "answer",
    [
        [HEAD, piece("Hi").replace(b"\n", b"\r\n"), piece(finish="stop").replace(b"\n", b"\r\n")],
        [HEAD, piece("Hi").replace(b"\n", b"\r"), piece(finish="stop").replace(b"\n", b"\r")],
        [HEAD, piece("Hi").replace(b"data: ", b"data:"), piece(finish="stop").replace(b"data: ", b"data:")],
        [HEAD, b": still thinking\n\n", piece("Hi"), b"event: x\nid: 1\n" + piece(finish="stop")],
        [HEAD, *(bytes([byte]) for byte in piece("Hi")), piece(finish="stop")],
        [HEAD, piece("Hi", finish="stop")],
    ],
    ids=["CRLF", "CR", "no space", "comments", "byte by byte", "all in one"],
)
async def test_a_stream_may_be_written_in_many_ways(answer: Answer) -> None:
    assert await heard([*answer, DONE]) == [Said("Hi"), Finished(None, model="the-model")]


async def test_pieces_that_say_nothing_are_skipped() -> None:
    empty = [event({"choices": []}), event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})]
    nothing = [piece(""), piece(None), event({"choices": [{"delta": {"content": None}}]}), event({})]
    assert await heard([HEAD, *empty, piece("Hi"), *nothing, piece(finish="stop"), DONE]) == [
        Said("Hi"),
        Finished(None, model="the-model"),
    ]


async def test_an_emoji_that_was_cut_in_two_is_made_whole_and_half_of_one_is_replaced() -> None:
    first, second = json.loads(r'"so \ud83d"'), json.loads(r'"\ude00!"')
    got = await heard([HEAD, piece(first), piece(second), piece(first), piece(finish="stop"), DONE])
    assert "".join(one.text for one in got if isinstance(one, Said)) == "so 😀!so \ufffd"
    assert isinstance(got[-1], Finished)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_reply_that_the_provider_cut_is_truncated(reason: str) -> None:
    got = await heard([HEAD, piece("So"), piece(finish=reason), usage(3, 1), DONE])
    assert got == [Said("So"), Finished(Usage(3, 1), truncated=True, model="the-model")]


@pytest.mark.parametrize("end", [[], [DONE]], ids=["end of file", "[DONE]"])
async def test_a_clean_end_without_a_reason_is_a_truncated_reply(end: Answer) -> None:
    assert await heard([HEAD, piece("So"), *end]) == [
        Said("So"),
        Finished(None, truncated=True, model="the-model"),
    ]


@pytest.mark.parametrize("aftermath", ["stall", "cut", b"d\r\ndata: {oops\n\n\r\n", b""])
async def test_a_fault_after_the_last_word_takes_nothing_away(
    aftermath: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_compatible, "AFTERMATH_S", 0.05)
    got = await heard([CHUNKED_HEAD, chunked(piece("So")), chunked(piece(finish="stop")), aftermath])
    assert got == [Said("So"), Finished(None, model="the-model")]


# Faults in the stream


async def test_a_stream_that_ends_with_its_connection_may_end_with_a_reset() -> None:
    got = await heard([HEAD, piece("So"), "cut"])
    assert got == [Said("So"), Finished(None, truncated=True, model="the-model")]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ([CHUNKED_HEAD, chunked(piece("So")), "cut"], "provider_broke_off"),
        ([CHUNKED_HEAD, chunked(piece("So")), b"ff\r\ndata: {"], "provider_broke_off"),
        ([HEAD, piece("So"), b"data: {oops\n\n", DONE], "provider_broke_off"),
        ([HEAD, piece("So"), b"data: \xff\xfe\n\n", DONE], "provider_broke_off"),
        ([HEAD, piece("So"), event(5), DONE], "provider_broke_off"),
        ([HEAD, piece("So"), event(None), DONE], "provider_broke_off"),
        ([HEAD, piece("So"), event({"choices": "none"}), DONE], "provider_broke_off"),
        ([HEAD, piece("So"), event({"choices": [{"delta": {"content": ["a"]}}]})], "provider_broke_off"),
        ([HEAD, piece("So"), event({"error": {"message": "no"}}), DONE], "provider_broke_off"),
        ([HEAD, piece("So"), event({"error": "no"}), DONE], "provider_broke_off"),
        ([HEAD, piece("So"), event({"error": {"code": 503}}), DONE], "provider_busy"),
        ([HEAD, piece("So"), event({"error": {"type": "overloaded_error"}}), DONE], "provider_busy"),
        ([HEAD, piece("So"), event({"error": {"code": "rate_limit_exceeded"}}), DONE], "provider_busy"),
        ([HEAD, piece("So"), "stall"], "provider_timeout"),
    ],
)
async def test_what_was_said_before_a_fault_counts_and_the_fault_has_a_code(
    answer: Answer, code: ReplyFailure
) -> None:
    said, error = await fault(answer, between_chunks_s=0.1)
    assert (said, error.code, error.retryable) == ("So", code, True)


async def test_what_came_along_with_a_fault_counts_too() -> None:
    async with dictated(CHUNKED_HEAD) as (it, words), it.reply(PROMPT) as pieces:
        words.put_nowait(chunked(piece("So")))
        assert await anext(pieces) == Said("So")
        words.put_nowait(chunked(piece(" far")) + b"this is no length\r\n")
        assert await anext(pieces) == Said(" far")
        with pytest.raises(ProviderError, match="provider_broke_off"):
            await anext(pieces)


@pytest.mark.parametrize("head", [HEAD, CHUNKED_HEAD])
async def test_a_line_without_an_end_is_given_up(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "MAX_RESPONSE_BYTES", 1_000_000)
    start = piece("So") + b"data: "
    begin = start if head is HEAD else chunked(start) + b"fffffff\r\n"
    async with FaultServer([head, begin, "flood"]) as server, provider(server) as it:
        with pytest.raises(ProviderError) as caught:
            await listen(it)
        await server.left.wait()
    assert (caught.value.code, caught.value.detail) == (
        "provider_broke_off",
        "cannot be understood: OverflowError",
    )


@pytest.mark.parametrize("answer", [[HEAD], [HEAD, DONE], [HEAD, piece("")], [HEAD, b"<html>\n\n</html>\n"]])
async def test_who_ends_without_a_word_and_without_a_reason_has_broken_off(answer: Answer) -> None:
    said, error = await fault(answer)
    assert (said, error.code, error.retryable) == ("", "provider_broke_off", True)


async def test_what_follows_the_first_words_is_gathered_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[float] = []

    async def a_moment(seconds: float) -> None:
        moments.append(seconds)
        for word in ("far", ",", " so good"):
            words.put_nowait(piece(word))
        words.put_nowait(piece(finish="stop") + DONE)
        await words.join()
        for _ in range(3):  # rounds of the event loop, in which it reads what has come
            await rest(0)

    rest = asyncio.sleep
    monkeypatch.setattr(openai_compatible, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": a_moment}))
    async with dictated(HEAD) as (it, words), it.reply(PROMPT) as pieces:
        words.put_nowait(piece("So"))
        assert await anext(pieces) == Said("So")
        assert moments == []
        words.put_nowait(piece(" "))
        assert await anext(pieces) == Said(" far, so good")
        assert isinstance(await anext(pieces), Finished)
    [moment] = moments
    assert 0.025 <= GATHER_S <= moment < GATHER_S + TURN_S <= 0.050


async def test_replies_are_taken_up_at_different_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[float] = []

    async def a_moment(seconds: float) -> None:
        moments.append(seconds)

    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 100.0)
    monkeypatch.setattr(openai_compatible, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": a_moment}))
    async with dictated(HEAD) as (it, words):
        for reply in range(TURNS):
            async with it.reply(PROMPT) as pieces:
                for said, word in enumerate(("So", " far")):
                    words.put_nowait(piece(word))
                    assert await anext(pieces) == Said(word)
                    assert len(moments) == reply + said
                words.put_nowait(b"")
    apart = TURN_S / TURNS
    assert {round(moment / apart) % TURNS for moment in moments} == set(range(TURNS))


@pytest.mark.parametrize(
    "answer",
    [
        ["stall"],
        [HEAD, "stall"],
        [HEAD, piece(""), "stall"],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n", "stall"],
    ],
    ids=["no headers", "no event", "no text", "half an error"],
)
async def test_a_first_word_that_does_not_come_is_waited_for_so_long(answer: Answer) -> None:
    async with FaultServer(answer) as server, provider(server, first_token_s=0.1) as it:
        with pytest.raises(ProviderError) as caught:
            await listen(it)
        if server.has_been_reached:  # on a busy machine patience may end before
            await server.left.wait()
    assert (caught.value.code, caught.value.retryable) == ("provider_timeout", True)


async def test_signs_of_life_are_no_words() -> None:
    async with (
        FaultServer([HEAD, *([piece("")] * 50), "stall"]) as server,
        provider(server, first_token_s=0.1) as it,
    ):
        with pytest.raises(ProviderError, match="provider_timeout"):
            await listen(it)


async def test_a_whole_reply_may_take_so_long_and_no_longer() -> None:
    answer = [HEAD, piece("So"), "stall"]
    said, error = await fault(answer, between_chunks_s=60.0, total_s=0.1)
    assert (said, error.code) == ("So", "provider_timeout")


async def test_between_two_words_the_first_word_s_patience_does_not_count() -> None:
    said, error = await fault([HEAD, piece("So"), "stall"], first_token_s=60.0, between_chunks_s=0.1)
    assert (said, error.code) == ("So", "provider_timeout")


# Refusals


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (301, "provider_refused", False),
        (400, "provider_refused", False),
        (401, "provider_refused", False),
        (403, "provider_refused", False),
        (404, "provider_refused", False),
        (408, "provider_timeout", True),
        (422, "provider_refused", False),
        (429, "provider_busy", True),
        (500, "provider_broke_off", True),
        (502, "provider_unreachable", True),
        (503, "provider_busy", True),
        (504, "provider_timeout", True),
        (529, "provider_busy", True),
    ],
)
async def test_each_status_has_a_code(status: int, code: ReplyFailure, retryable: bool) -> None:
    answer = refusal(status, {"message": "No.", "code": "some_reason"}, Location="http://127.0.0.1:1/v1")
    async with FaultServer(answer) as server, provider(server) as it:
        with pytest.raises(ProviderError) as caught:
            await listen(it)
    error = caught.value
    assert (error.code, error.retryable, error.too_long) == (code, retryable, False)
    assert error.detail == f"HTTP {status} some_reason"
    assert len(server.requests) == 1, "who tries again is not the provider"


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "0.5"}, 0.5),
        ({"Retry_After": "Wed, 15 Jan 2025 10:30:20 GMT", "Date": "Wed, 15 Jan 2025 10:30:00 GMT"}, 20.0),
        ({"Retry_After": "Wed, 15 Jan 2025 10:29:00 GMT", "Date": "Wed, 15 Jan 2025 10:30:00 GMT"}, 0.0),
        ({"Retry_After": "Wed, 15 Jan 2025 10:30:20 GMT"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "-1"}, None),
        ({}, None),
    ],
)
async def test_how_long_a_busy_provider_wants_to_be_left_alone(
    headers: dict[str, str], after_s: float | None
) -> None:
    _, error = await fault(refusal(429, **headers))
    assert (error.code, error.retry_after_s) == ("provider_busy", after_s)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(413),
        refusal(400, {"code": "context_length_exceeded", "message": "Too many."}),
        refusal(400, {"message": "This model's maximum context length is 4096 tokens."}),
        refusal(
            400, {"code": 400, "message": "the request exceeds the available context size, try increasing it"}
        ),
        refusal(400, {"type": "exceed_context_size_error", "message": "no"}),
        refusal(400, {"message": "prompt is too long: 9 tokens > 8 maximum"}),
        refusal(400, {"message": "Please reduce the length of the messages or completion."}),
        [HEAD, event({"error": {"code": 400, "message": "request exceeds the available context size"}})],
        [HEAD, event({"error": {"message": "maximum context length is 4096 tokens"}})],
    ],
)
async def test_a_prompt_that_is_too_long_is_told_from_other_refusals(answer: Answer) -> None:
    _, error = await fault(answer)
    assert (error.code, error.retryable, error.too_long) == ("provider_refused", False, True)


async def test_a_refusal_that_comes_in_pieces_is_read_whole() -> None:
    [answer] = refusal(400, {"message": "x" * 60_000, "code": "context_length_exceeded"})
    assert isinstance(answer, bytes)
    _, error = await fault([answer[at : at + 500] for at in range(0, len(answer), 500)])
    assert error.too_long


async def test_a_limit_of_tokens_a_minute_is_no_limit_of_the_context() -> None:
    _, error = await fault(refusal(429, {"message": "Request too large: please reduce the length."}))
    assert (error.code, error.too_long) == ("provider_busy", False)


async def test_where_nobody_listens_nobody_is_reached() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        it = OpenAiCompatible(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", KEY, "m")
        with pytest.raises(ProviderError) as caught:
            await listen(it)
    await it.close()
    assert (caught.value.code, caught.value.retryable) == ("provider_unreachable", True)


async def test_who_does_not_accept_a_connection_is_not_reached() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            it = OpenAiCompatible(f"http://127.0.0.1:{full.getsockname()[1]}/v1", KEY, "m", connect_s=0.1)
            with pytest.raises(ProviderError) as caught:
                await listen(it)
            await it.close()
    assert caught.value.code == "provider_unreachable"


async def test_who_hangs_up_instead_of_answering_has_broken_off() -> None:
    _, error = await fault(["cut"])
    assert (error.code, error.retryable) == ("provider_broke_off", True)


UNSUPPORTED = {"message": "no", "type": "invalid_request_error", "code": "unsupported_parameter"}


async def test_what_a_model_does_not_take_it_is_asked_without_and_never_sent_again() -> None:
    """As models that think before they speak do."""
    answers: list[Answer] = [
        refusal(400, {**UNSUPPORTED, "param": "max_tokens"}),
        refusal(400, {**UNSUPPORTED, "param": "temperature", "code": "unsupported_value"}),
        whole("Hi"),
    ]
    prompt = replace(PROMPT, temperature=0.5)
    async with FaultServer(*answers) as server, provider(server) as it:
        for model in ("thinker", "thinker", "another"):
            assert (await listen(it, replace(prompt, model=model)))[0] == Said("Hi")
    first, second, third, again, another = (request.body for request in server.requests)
    assert first["max_tokens"] == 50
    assert "max_tokens" not in second
    assert (second["max_completion_tokens"], second["temperature"]) == (50, 0.5)
    assert third == {name: value for name, value in second.items() if name != "temperature"}
    assert again == third
    assert (another["max_tokens"], another["temperature"]) == (50, 0.5)


@pytest.mark.parametrize("param", ["messages", "model", "seed", None])
async def test_what_cannot_be_left_out_is_a_refusal(param: str | None) -> None:
    _, error = await fault(refusal(400, {**UNSUPPORTED, "param": param}))
    assert (error.code, error.retryable) == ("provider_refused", False)


async def test_a_model_that_takes_nothing_is_not_asked_for_ever() -> None:
    async with FaultServer(refusal(400, {**UNSUPPORTED, "param": "max_tokens"})) as server, provider(server) as it:
        with pytest.raises(ProviderError):
            await listen(it)
    assert len(server.requests) == 2


# Freeing the provider


@pytest.mark.parametrize(
    "answer", [["stall"], [HEAD, "stall"], [HEAD, piece("So"), "stall"]], ids=["headers", "first", "next"]
)
async def test_a_cancelled_reply_hangs_up_at_once(answer: Answer) -> None:
    async with FaultServer(answer) as server, provider(server) as it:
        listening = asyncio.create_task(listen(it))
        await server.stalled.wait()
        listening.cancel()
        async with asyncio.timeout(1.0):
            await server.left.wait()
        with pytest.raises(asyncio.CancelledError):
            await listening


async def test_leaving_in_the_middle_hangs_up_at_once() -> None:
    async with FaultServer([HEAD, piece("So"), "stall"]) as server, provider(server) as it:
        async with it.reply(PROMPT) as pieces:
            assert await anext(pieces) == Said("So")
        async with asyncio.timeout(1.0):
            await server.left.wait()


async def test_an_exception_of_the_listener_hangs_up_and_stays_what_it_is() -> None:
    async with FaultServer([HEAD, piece("So"), "stall"]) as server, provider(server) as it:
        with pytest.raises(ZeroDivisionError):
            await stumble(it)
        await server.left.wait()


async def stumble(over: OpenAiCompatible) -> None:
    """Fail with the first word in the ear."""
    async with over.reply(PROMPT) as pieces:
        async for _ in pieces:
            raise ZeroDivisionError


async def test_many_replies_are_made_at_once_whatever_the_slots_are() -> None:
    async with FaultServer(whole("a", "b")) as server, provider(server, slots=2) as it:
        replies = await asyncio.gather(*(listen(it) for _ in range(32)))
    assert all(reply == replies[0] and len(reply) == 2 for reply in replies)


async def test_closing_twice_is_closing_once() -> None:
    async with FaultServer(whole("a")) as server, provider(server) as it:
        await listen(it)
        await it.close()


# Secrets


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, {"message": f"Wrong key {KEY}, was asked: {SECRET_QUESTION}", "code": KEY, "type": KEY}),
        refusal(500, {"message": SECRET_QUESTION, "code": SECRET_QUESTION}),
        [HEAD, event({"error": {"message": KEY, "code": KEY, "type": SECRET_QUESTION}})],
        [HEAD, f"data: {{{KEY} {SECRET_QUESTION}\n\n".encode()],
        [HEAD, event({"choices": SECRET_QUESTION, "model": KEY})],
        whole("Hi"),
    ],
    ids=["401", "500", "in band", "not JSON", "not a chunk", "no fault"],
)
async def test_neither_key_nor_prompt_is_in_a_log_an_error_or_a_repr(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = ""
    async with FaultServer(answer) as server, provider(server) as it:
        try:
            await listen(it)
        except ProviderError as error:
            shown = repr(error) + error.detail + "".join(traceback.format_exception(error))
        shown += repr(it)
    assert KEY in str(server.requests[0].headers)
    for secret in (KEY, SECRET_QUESTION):
        assert secret not in shown
        assert secret not in caplog.text


async def test_a_key_that_looks_like_an_error_s_name_is_not_told_either() -> None:
    _, error = await fault(refusal(401, {"code": "my_secret_key"}), api_key="my_secret_key")
    assert error.detail == "HTTP 401"


async def test_what_asks_is_not_imported_before_it_is_needed() -> None:
    program = "import gator.personas.providers.openai_compatible, sys; print('aiohttp' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.split() == [b"False"]
