"""A device that reads replies as docs/protocol.md tells clients to, and can lose its connection."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Final, Self

import httpx2
from tests.support.client import TIMEOUT_S, Client, Frame
from tests.support.server import Server

ENDS: Final = frozenset({"reply_stopped", "reply_failed", "reply_rejected"})


class Reading:
    """What a device has of one reply.

    Attributes:
        text: The deltas, put together; as far as they came.
        deltas: How many were heard, of any epoch.
        message: What the reply became.
        ends: What ended it without a message, or says why that is short.
        heard: How often anything was said of it.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.epoch = 0
        self.text = ""
        self.deltas = 0
        self.provider: str | None = None
        self.position: int | None = None
        self.message: Frame | None = None
        self.ends: list[Frame] = []
        self.heard = 0

    @property
    def is_over(self) -> bool:
        """True once it became a message, or never will."""
        return self.message is not None or bool(self.ends)

    def take(self, frame: Frame) -> bool:
        """Take what is said of the run; true if something is missing before it."""
        self.heard += 1
        kind = frame["type"]
        if kind in ENDS:
            self.ends.append(frame)
        if self.is_over:
            return False
        match kind:
            case "reply_queued":
                self.position = frame["position"]
            case "reply_started":
                self.provider = frame["provider"]
                self._begin(frame["epoch"])
            case "reply_reset":
                self._begin(frame["epoch"])
            case "reply_delta":
                return self._append(frame)
        return False

    def _begin(self, epoch: int) -> None:
        if epoch > self.epoch:
            self.epoch, self.text = epoch, ""

    def _append(self, frame: Frame) -> bool:
        self.deltas += 1
        self._begin(frame["epoch"])
        if frame["epoch"] < self.epoch:
            return False
        offset, text = frame["offset"], frame["text"]
        if offset > len(self.text):
            return True
        overlap = self.text[offset : offset + len(text)]
        assert text.startswith(overlap), f"first it was {overlap!r}, then {text!r}"
        self.text += text[len(overlap) :]
        return False


class Device:
    """A user's device in one conversation. When it comes back, it goes on from where it was.

    Attributes:
        events: What it has of the conversation's log, by number.
        readings: The replies that it has heard of, by run.
        answers: What its commands were answered with, by their id.
        states: What personas were said to do, in order.
    """

    def __init__(self, url: str, conversation_id: str) -> None:
        self.url = url
        self.conversation_id = conversation_id
        self.events: dict[int, Frame] = {}
        self.readings: dict[str, Reading] = {}
        self.answers: dict[str, Frame] = {}
        self.states: list[str] = []
        self.client: Client | None = None
        self._moved = asyncio.Event()
        self._ids = count(1)
        self._asking: set[asyncio.Task[None]] = set()

    @classmethod
    async def enter(cls, url: str, conversation_id: str) -> Self:
        """Connect and join."""
        device = cls(url, conversation_id)
        await device.come()
        return device

    @property
    def here(self) -> Client:
        """Its connection."""
        assert self.client is not None
        return self.client

    @property
    def position(self) -> int:
        """Up to where it has the log without a hole."""
        return next(seq for seq in count(1) if seq not in self.events) - 1

    @property
    def reading(self) -> Reading:
        """The only reply."""
        [reading] = self.readings.values()
        return reading

    @property
    def messages(self) -> list[Frame]:
        """The messages that it has, in order."""
        told = [self.events[seq] for seq in sorted(self.events)]
        return [event["message"] for event in told if event["type"] == "new_message"]

    @property
    def replies(self) -> list[Frame]:
        """Those of them that personas said."""
        return [message for message in self.messages if message["is_ai"]]

    # Coming and going

    async def come(self) -> None:
        """Connect, join at the position that it has, and hear all that was missed.

        Until then what is ephemeral is not told.
        """
        self.client = await Client.open(self.url, on_frame=self._take, on_end=self._moved.set)
        joined = await self.ask("join_conversation", conversation_id=self.conversation_id, after_seq=self.position)
        assert joined["type"] == "conversation_joined", joined
        await self.until(lambda: self.position >= joined["seq"])

    async def cut(self) -> None:
        """Lose the connection as a lost network does. What had not come will not."""
        client, self.client = self.here, None
        client.abort()
        await client.gone()

    async def leave(self) -> None:
        """Close the connection."""
        client, self.client = self.here, None
        await client.close()

    async def resume(self, reading: Reading, **instead: Any) -> None:
        """Ask for what is missing of a reply, and await that something is said of it."""
        before = reading.heard
        known = {"epoch": reading.epoch, "offset": len(reading.text)} | instead
        await self.say("resume_reply", run_id=reading.run_id, **known)
        await self.until(lambda: reading.heard > before)

    # Speaking and hearing

    async def say(self, kind: str, **fields: Any) -> str:
        """Send a command; returns its id."""
        number = f"say-{next(self._ids)}"
        await self.here.say(kind, id=number, **fields)
        return number

    async def ask(self, kind: str, **fields: Any) -> Frame:
        """Send a command and await its answer."""
        number = await self.say(kind, **fields)
        await self.until(lambda: number in self.answers)
        return self.answers[number]

    async def send(self, content: str, **fields: Any) -> Frame:
        """Say something, and await that it is on disk."""
        answer = await self.ask("send_message", conversation_id=self.conversation_id, content=content, **fields)
        assert answer["type"] == "ack", answer
        return answer

    async def settle(self) -> None:
        """Await everything that the server has said so far."""
        await self.ask("heartbeat")

    async def until(self, is_so: Callable[[], object], timeout_s: float = TIMEOUT_S) -> None:
        """Wait until something is so after what was heard.

        Raises:
            TimeoutError: It does not become so.
            AssertionError: The connection ended, and it is not so.
        """
        async with asyncio.timeout(timeout_s):
            while not is_so():
                assert self.client is not None, "it is away"
                if self.client.is_over:
                    await self.client.gone()
                    raise AssertionError("the connection ended first")
                self._moved.clear()
                await self._moved.wait()

    async def begins(self) -> Reading:
        """Await the first word of a run."""
        await self.until(lambda: self.readings)
        return self.reading

    async def hears(self, text: str) -> None:
        """Await that the only reply says so much."""
        await self.until(lambda: self.readings and len(self.reading.text) >= len(text))
        assert self.reading.text == text

    def _take(self, frame: Frame) -> None:
        if answered := frame.get("reply_to"):
            self.answers[answered] = frame
        if (run_id := frame.get("run_id")) is not None and frame["type"].startswith("reply_"):
            self._take_of_run(self.readings.setdefault(run_id, Reading(run_id)), frame)
        elif frame["type"] == "persona_state":
            self.states.append(frame["state"])
        elif "seq" in frame and frame["type"] in ("new_message", "conversation_created", "members_added"):
            self._take_event(frame)
        self._moved.set()

    def _take_of_run(self, reading: Reading, frame: Frame) -> None:
        if reading.take(frame):
            task = asyncio.create_task(self._fill(reading))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _fill(self, reading: Reading) -> None:
        await self.resume(reading)

    def _take_event(self, frame: Frame) -> None:
        event = {name: value for name, value in frame.items() if name != "reply_to"}
        assert self.events.setdefault(frame["seq"], event) == event, "the log has changed"
        reply = frame.get("message", {}).get("reply")
        if reply is not None:
            reading = self.readings.setdefault(reply["run_id"], Reading(reply["run_id"]))
            reading.message = frame["message"]
            reading.heard += 1


async def new_persona(server: Server, owner: str = "ann", **card: Any) -> str:
    """Make a persona that everybody may ask; returns its id."""
    body = {"name": "Nia", "visibility": "public"} | card
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, verify=False) as http:
        made = await http.post("/api/v1/personas", json=body, headers={"X-Gator-User": owner})
    return str(made.raise_for_status().json()["id"])
