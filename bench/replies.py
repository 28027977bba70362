"""What 64 replies at once cost: how late their first words are, and what ordinary chat notices.

    python -m bench.replies [--rounds 3] [--seconds 8] [--streams 64] [--tokens 300]

The model is a process of its own that speaks OpenAI's chat completions and a token every 35 ms. It
writes into its first token when it was asked and when it answered, so that what the server adds is
known on both ways: from `send_message` to the model, and from the model's first token to the first
`reply_delta`. Meanwhile the load generator measures chat between pairs, who write at random moments
as people do, and not in step: with nothing beside it, with as many people who read the model's replies
from the model itself, and with those who read them through the server. The second is what the machine
has to bear either way; the third shows what the server adds. All processes share one machine: see
README.md on ratios and times.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from time import monotonic_ns
from typing import Any, Final, Literal

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench.harness.gator import GATOR, Gator, Houses, read_metrics
from bench.harness.generator import Figures, put_under_load
from bench.harness.places import BUILD, ROOT
from bench.harness.processes import Process, free_port
from bench.harness.server import Crowd

FIRST_TOKEN_S: Final = 0.2
TOKEN_S: Final = 0.035
TOKENS: Final = 300
"""Length of a reply by default: a few paragraphs, eleven seconds."""

THINKS_S: Final = 0.3
"""Longest pause of a person between a reply and the next question."""

PAIRS: Final = Crowd(200, 2)
RATE: Final = 200
"""Messages a second of all pairs together."""

WARM_UP_S: Final = 2.0
FIRST_TALKER: Final = 100_000
"""Number of the first user who talks with a persona."""

Beside = Literal["nothing", "readers of the model", "replies"]

Times = list[tuple[float, float]]
"""Of each reply, in ms: until the model was asked, and from its first token to the first delta."""


# The model


async def serve_model(port: int, tokens: int) -> None:
    """Answer whoever asks with so many tokens, until this process is ended."""
    server = await asyncio.start_server(partial(_answer_all, tokens), "127.0.0.1", port)
    await server.serve_forever()


async def _answer_all(tokens: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await _answer(reader, writer, tokens)
    except (ConnectionError, asyncio.IncompleteReadError):
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tokens: int) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
    asked = monotonic_ns()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(FIRST_TOKEN_S)
    writer.write(_piece({"content": f"{asked} {monotonic_ns()} "}))
    for _ in range(1, tokens):
        await asyncio.sleep(TOKEN_S)
        writer.write(WORD)
        await writer.drain()
    writer.write(_piece({}, "stop") + _chunk(b"data: [DONE]\n\n") + _chunk(b""))
    await writer.drain()


def _piece(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"object": "chat.completion.chunk", "model": "bench", "choices": [choice]}
    return _chunk(b"data: " + json.dumps(event).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


WORD: Final = _piece({"content": "another word "})


# Those who talk with the persona


class Talkers:
    """People who each have a conversation with the persona, and always another question."""

    def __init__(self, port: int, reply_s: float, tokens: Sequence[str], conversations: Sequence[str]) -> None:
        self._port = port
        self._reply_s = reply_s
        self._who = list(zip(tokens, conversations, strict=True))
        self._times: Times = []
        self._is_counting = False

    async def talk(self, *, with_the_model: bool = False) -> None:
        """Tell on standard output when all of them are talking; count until standard input ends.

        Args:
            with_the_model: Without the server: the port is that of the model.
        """
        talk = self._talk_with_the_model if with_the_model else self._talk
        talking = [asyncio.create_task(talk(*who)) for who in self._who]
        await asyncio.sleep(self._reply_s)
        self._is_counting = True
        print("talking", flush=True)
        over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait([over, *talking], return_when=asyncio.FIRST_COMPLETED)
        for task in talking:
            if task.done():
                task.result()
            task.cancel()
        print(json.dumps(self._times), flush=True)

    async def _talk_with_the_model(self, _token: str, _conversation: str) -> None:
        await asyncio.sleep(random.uniform(0, self._reply_s))
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while True:
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            while await reader.readline() != b"0\r\n":
                pass
            await reader.readline()
            await asyncio.sleep(random.uniform(0, THINKS_S))

    async def burst(self, times: int) -> None:
        """Have all of them ask at the same moment, again and again."""
        sockets = [await self._enter(*who) for who in self._who]
        self._is_counting = True
        for _ in range(times):
            asked = (self._ask(socket, where) for socket, (_, where) in zip(sockets, self._who, strict=True))
            await asyncio.gather(*asked)
        for socket in sockets:
            await socket.close()
        print(json.dumps(self._times), flush=True)

    async def _talk(self, token: str, conversation: str) -> None:
        await asyncio.sleep(random.uniform(0, self._reply_s))
        socket = await self._enter(token, conversation)
        while True:
            await self._ask(socket, conversation)
            await asyncio.sleep(random.uniform(0, THINKS_S))

    async def _enter(self, token: str, conversation: str) -> ClientConnection:
        socket = await connect(
            f"ws://127.0.0.1:{self._port}/ws/auth",
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            ping_interval=None,
            proxy=None,
        )
        await socket.send(json.dumps({"type": "join_conversation", "conversation_id": conversation}))
        while json.loads(await socket.recv())["type"] != "conversation_joined":
            pass
        return socket

    async def _ask(self, socket: ClientConnection, conversation: str) -> None:
        question = {"type": "send_message", "conversation_id": conversation, "content": "What grows in the shade?"}
        sent = monotonic_ns()
        await socket.send(json.dumps(question))
        while True:
            text = await socket.recv(decode=False)
            now = monotonic_ns()
            if b'"reply_delta"' in text and b'"offset":0,' not in text:
                continue  # most frames: taking them apart would keep a core busy
            frame = json.loads(text)
            if frame["type"] == "reply_delta" and frame["offset"] == 0 and self._is_counting:
                asked, answered = map(int, frame["text"].split()[:2])
                self._times.append(((asked - sent) / 1e6, (now - answered) / 1e6))
            if frame["type"] == "new_message" and frame["message"]["is_ai"]:
                return
            if frame["type"] in ("reply_failed", "reply_rejected", "error"):
                raise RuntimeError(frame)


# All together


class Bench:
    """A server, a model, pairs who chat, and people who talk with a persona."""

    def __init__(self, streams: int, tokens: int, seconds: float) -> None:
        self._streams = streams
        self._length = tokens
        self._seconds = seconds
        self._houses = Houses()
        self._gator = Gator("native", self._houses)
        self._tokens = [self._houses.token(FIRST_TALKER + number) for number in range(streams)]

    def chat(self, beside: Beside) -> tuple[Figures, Times]:
        """Measure chat between pairs, and the replies beside it."""
        with ExitStack() as stack:
            home, port, model_port, server = stack.enter_context(self._serving())
            talkers = None
            if beside == "replies":
                talkers = self._talkers(port, "talk")
            elif beside == "readers of the model":
                talkers = self._talkers(port, "read", to=model_port)
            if talkers is not None:
                assert talkers.stdout is not None
                talkers.stdout.readline()
            chat = put_under_load(
                self._gator.dialect(PAIRS, home),
                [
                    *("--connections", str(PAIRS.connections), "--group", str(PAIRS.group)),
                    *("--publishers", str(PAIRS.groups), "--rate", str(RATE), "--random"),
                    *("--seconds", str(self._seconds), "--warm-up", str(WARM_UP_S)),
                ],
                port=port,
                pid=server.pid,
                home=home,
                joins=True,
                seconds=self._seconds + WARM_UP_S,
            )
            chat["live"] = read_metrics(port).get("gator_replies_live", 0)
            return chat, [] if talkers is None else _heard(talkers)

    def burst(self, times: int) -> Times:
        """Measure replies that are all asked for at the same moment."""
        with self._serving() as (_, port, _, _):
            return _heard(self._talkers(port, "burst", str(times)))

    @contextmanager
    def _serving(self) -> Iterator[tuple[Path, int, int, Process]]:
        home = BUILD / "run"
        shutil.rmtree(home, ignore_errors=True)
        (home / "model").mkdir(parents=True)
        self._houses.copy_to(home, PAIRS)
        model_port, port = free_port(), free_port()
        model = [sys.executable, "-m", "bench.replies", "model", str(model_port), str(self._length)]
        environment = self._houses.environment(home / "data", port) | {
            "GATOR_REPLY_PROVIDER": "openai-compatible",
            "GATOR_OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
            "GATOR_OPENAI_SLOTS": str(self._streams),
        }
        with (
            Process(model, port=model_port, home=home / "model", environment={"PYTHONPATH": str(ROOT)}),
            Process([GATOR, "serve"], port=port, home=home, environment=environment) as server,
        ):
            yield home, port, model_port, server

    def _talkers(self, port: int, *what: str, to: int | None = None) -> "Popen[str]":
        persona = _post(port, self._tokens[0], "/personas", {"name": "Nia", "visibility": "public"})["id"]
        conversations = [
            _post(port, token, f"/personas/{persona}/conversations", {})["id"] for token in self._tokens
        ]
        reply_s = FIRST_TOKEN_S + self._length * TOKEN_S
        command = [sys.executable, "-m", "bench.replies", *what, str(to or port), str(reply_s)]
        process = Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT)
        assert process.stdin is not None
        process.stdin.write(json.dumps([self._tokens, conversations]) + "\n")
        process.stdin.flush()
        return process


def _heard(talkers: "Popen[str]") -> Times:
    """End the talkers, and read what they measured."""
    try:
        out, _ = talkers.communicate(timeout=60)
    finally:
        talkers.kill()
    return [(there, back) for there, back in json.loads(out)]


def _post(port: int, token: str, path: str, body: object) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    connection.close()
    if response.status >= 300:
        raise RuntimeError(f"{path}: {response.status} {answer}")
    return answer


def main() -> int:
    """Measure, and print what came of it."""
    if len(sys.argv) > 1 and sys.argv[1] in ("model", "talk", "read", "burst"):
        return _play_a_part(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="python -m bench.replies", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is repeated (3)")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long a run is measured (8)")
    parser.add_argument("--streams", type=int, default=64, help="replies at once (64)")
    parser.add_argument("--tokens", type=int, default=TOKENS, help=f"length of a reply ({TOKENS})")
    options = parser.parse_args()

    bench = Bench(options.streams, options.tokens, options.seconds)
    ratios: list[tuple[float, float]] = []
    all_times: Times = []
    try:
        for _ in range(options.rounds):
            alone, _ = bench.chat("nothing")
            loaded, _ = bench.chat("readers of the model")
            beside, times = bench.chat("replies")
            all_times += times
            p99 = beside["latency_ms"]["p99"]
            ratios.append((p99 / loaded["latency_ms"]["p99"], p99 / alone["latency_ms"]["p99"]))
            _show_chat("alone", alone)
            _show_chat(f"{options.streams} readers of the model", loaded)
            _show_chat(f"{beside['live']:.0f} replies", beside)
        burst = bench.burst(options.rounds)
    finally:
        shutil.rmtree(BUILD / "run", ignore_errors=True)
        shutil.rmtree(BUILD / "houses", ignore_errors=True)
    through, all_in_all = (median(way) for way in zip(*ratios, strict=True))
    print(
        f"chat beside {options.streams} replies: p99 x {through:.2f} of that beside the same replies without the "
        f"server, x {all_in_all:.2f} of that on a quiet machine (medians of {len(ratios)} rounds)"
    )
    _show_times(f"first words, {options.streams} replies going on", all_times)
    _show_times(f"first words, {options.streams} asked for at the same moment", burst)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0


def _play_a_part(arguments: Sequence[str]) -> int:
    part, *rest = arguments
    if part == "model":
        uvloop.run(serve_model(*map(int, rest)))
        return 0
    tokens, conversations = json.loads(sys.stdin.readline())
    talkers = Talkers(int(rest[-2]), float(rest[-1]), tokens, conversations)
    match part:
        case "talk":
            uvloop.run(talkers.talk())
        case "read":
            uvloop.run(talkers.talk(with_the_model=True))
        case _:
            uvloop.run(talkers.burst(int(rest[0])))
    return 0


def _show_chat(title: str, chat: Figures) -> None:
    latency = chat["latency_ms"]
    print(
        f"chat, {title:24}: p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms, "
        f"server {chat['server_cores']:.2f} cores, {chat['missing']} missing",
        flush=True,
    )


def _show_times(title: str, times: Times) -> None:
    added = sorted(there + back for there, back in times)
    there, back = (median(way) for way in zip(*times, strict=True))
    p95 = added[len(added) * 95 // 100]
    print(
        f"{title}: added {median(added):.1f} ms at the median, {p95:.1f} at p95 "
        f"(to the model {there:.1f}, back {back:.1f}; {len(added)} replies)"
    )


if __name__ == "__main__":
    sys.exit(main())
